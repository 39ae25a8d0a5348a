"""A root's key on a PKCS#11 token: made there, it signs there, and never leaves it.

The only file that knows python-pkcs11. A key is named as RFC 7512 says:
``pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/...so``; the token's PIN comes separately.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lfr_ray.errors import ConfigError, ConflictError, not_installed
from lfr_ray.govern.signing_keys import SigningKey

SCHEME = "pkcs11:"
NEEDED = ("token", "object", "module-path")
ED25519 = "1.3.101.112"
FORM = f"{SCHEME}token=LABEL;object=LABEL?module-path=LIBRARY"


class _TokenKey(Ed25519PrivateKey):
    """What the issuing of certificates takes for a private key."""

    def __init__(self, log_in: Callable[..., Any], which: Mapping[str, Any], public: bytes) -> None:
        self._log_in, self._which, self._public = log_in, which, Ed25519PublicKey.from_public_bytes(public)

    def public_key(self) -> Ed25519PublicKey:
        return self._public

    def sign(self, data: Any) -> bytes:
        with self._log_in() as session:
            return bytes(session.get_key(**self._which).sign(bytes(data)))

    def private_bytes(self, *_: Any) -> bytes:
        raise ConfigError("a key on a token is not given out", got="private_bytes")

    private_bytes_raw = private_bytes

    def __copy__(self) -> Ed25519PrivateKey:
        return self

    def __deepcopy__(self, memo: Any) -> Ed25519PrivateKey:
        return self


def token_key(uri: str, pin: str, *, make: bool = False) -> SigningKey:
    """A key on a token, which takes the user's PIN; with ``make`` it is made there first.

    Raises:
        ConfigError: The package is missing, the address is incomplete, or the token refuses or lacks the key.
        ConflictError: The key that is to be made is there.
    """
    said = {name: unquote(value) for name, value in re.findall(r"([a-z-]+)=([^;?&]+)", uri)}
    if missing := [name for name in NEEDED if name not in said]:
        raise ConfigError("the address of a key on a token is incomplete", got=f"no {missing[0]}", allowed=FORM)
    try:
        import pkcs11
    except ImportError:
        raise not_installed("a token needs a package that is not installed", "python-pkcs11", "token") from None
    label, kinds = said["object"], pkcs11.ObjectClass
    try:
        log_in = partial(pkcs11.lib(said["module-path"]).get_token(token_label=said["token"]).open, user_pin=pin)
        with log_in(rw=make) as session:
            if make:
                _make(pkcs11, session, label)
            session.get_key(object_class=kinds.PRIVATE_KEY, label=label)
            public = session.get_key(object_class=kinds.PUBLIC_KEY, label=label)[pkcs11.Attribute.EC_POINT]
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise ConfigError(
            "the token does not give the key",
            got=f"{type(error).__name__} at {said['token']}",
            allowed=FORM,
            next_step="plug it in, check the PIN, and see with `pkcs11-tool --list-objects` what is on it",
        ) from None
    return SigningKey(_TokenKey(log_in, {"object_class": kinds.PRIVATE_KEY, "label": label}, public[-32:]))


def _make(pkcs11: Any, session: Any, label: str) -> None:
    from pkcs11.util.ec import encode_named_curve_parameters

    if list(session.get_objects({pkcs11.Attribute.LABEL: label})):
        raise ConflictError("a key is never overwritten", got=label, next_step="choose another object=LABEL")
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(ED25519)}
    made = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True)
    made.generate_keypair(mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label)
