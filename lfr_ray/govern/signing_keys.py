"""Ed25519 keys: who may sign what, and a signature that says for what it was given.

Whose a key is, a certificate says (``trust_file.py``). Private keys are PEM files that only their owner can
read; an officer's private key belongs on the officer's own medium, not here.

What is signed is the RFC 8785 text of ``["lfr-ray", purpose, moment, document]``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from lfr_ray.clock import utc_text
from lfr_ray.durable_files import write_durable
from lfr_ray.errors import ConfigError, ConflictError, NotFoundError
from lfr_ray.govern.canonical_json import Form, Moment, canonical_json, form_of, sha256_hex
from lfr_ray.records import same_person
from lfr_ray.strict_yaml import Section

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@:+-]{0,63}$"
"""Staff numbers, logins and nominal ids: no spaces, so that a person's name does not slip in."""

NAME_IT = "name the environment variable that holds the passphrase with {}"

Role = Literal["authoriser", "approver", "operator", "auditor", "site"]


class PublicKey(Section):
    """A key that this site trusts, and whose it is: what its certificate says.

    Attributes:
        id: First 16 hexadecimal digits of the SHA-256 of the key.
        holder: Staff number or login; never a name.
        rank: A rank of the profile; empty for the site's own key.
        person: Which person that is, in digits that only the root's key can make of their name.
    """

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    holder: str = Field(pattern=ID_PATTERN)
    rank: str = ""
    role: Role = "authoriser"
    valid_from: Moment = 0.0
    valid_until: Moment | None = None
    training_until: Moment | None = None
    revoked_at: Moment | None = None
    public: str = Field(pattern=r"^[0-9a-f]{64}$")
    person: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")

    def unusable(self, at: float) -> str:
        """Empty, or why this key could not sign at that moment."""
        if at < self.valid_from:
            return f"key {self.id} is valid only from {utc_text(self.valid_from)}"
        if self.valid_until is not None and at > self.valid_until:
            return f"key {self.id} was valid only until {utc_text(self.valid_until)}"
        if self.revoked_at is not None and at >= self.revoked_at:
            return f"the certificate of {self.holder} (key {self.id}) was revoked at {utc_text(self.revoked_at)}"
        return ""

    def trained(self, at: float) -> bool:
        """The holder's training is recorded and has not run out."""
        return self.training_until is not None and at <= self.training_until


def training_fault(trusted: Iterable[PublicKey], officer: str, at: float) -> str:
    """Empty, or why this officer may not decide on an alert at that moment: the site knows no training in date."""
    own = [key for key in trusted if same_person(key.holder, officer)]
    if not own:
        return f"{officer} is not known to this site"
    if any(key.trained(at) and not key.unusable(at) for key in own):
        return ""
    return f"the training of {officer} is not recorded or has run out"


class Signature(Section):
    """A signature over a document, its purpose and its time."""

    key: str = Field(pattern=r"^[0-9a-f]{16}$")
    at: Moment
    value: str = Field(pattern=r"^[A-Za-z0-9+/]{86}==$")


@dataclass(frozen=True)
class SigningKey:
    """A private key in memory. It prints its id only."""

    private: Ed25519PrivateKey

    @staticmethod
    def create() -> SigningKey:
        """A new key."""
        return SigningKey(Ed25519PrivateKey.generate())

    @staticmethod
    def load(
        path: Path,
        passphrase: str = "",
        *,
        encrypted: bool = False,
        next_step: str = NAME_IT.format("--passphrase-env"),
    ) -> SigningKey:
        """Read a private key file; ``encrypted`` refuses one without a passphrase.

        ``next_step`` says where another passphrase is given.

        Raises:
            NotFoundError: There is no such file.
            ConfigError: Others can read it, it is no Ed25519 key, or the passphrase is missing or wrong.
        """
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError("the private key file does not exist", got=path.name) from None
        except OSError as error:
            raise ConfigError("the private key file cannot be read", got=f"{path.name}: {error.strerror}") from None
        if mode & 0o077:
            raise ConfigError(
                "the private key file can be read by others",
                got=f"{path.name}: mode {mode & 0o777:o}",
                allowed="mode 600",
                next_step=f"chmod 600 {path.name}",
            )
        if encrypted and b"ENCRYPTED" not in data:
            raise ConfigError(
                "the private key is not encrypted",
                got=path.name,
                next_step=f"encrypt it: `openssl pkcs8 -topk8 -v2 aes256 -in {path.name}`",
            )
        try:
            key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            raise ConfigError(
                "the private key cannot be opened",
                got=path.name,
                allowed="an Ed25519 key in PEM, with its passphrase if it has one",
                next_step=next_step,
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError("the private key is of another kind", got=path.name, allowed="Ed25519")
        return SigningKey(key)

    def save(self, path: Path, passphrase: str = "") -> None:
        """Write the private key so that only its owner can read it.

        Raises:
            ConflictError: The file is there already: a key is never overwritten.
        """
        secret = passphrase.encode()
        pem = self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption(),
        )
        if path.exists():
            raise ConflictError("a key file is never overwritten", got=path.name, next_step="choose another file")
        write_durable(path, pem, 0o600)

    @property
    def public(self) -> str:
        """The public half, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def id(self) -> str:
        """The key's id."""
        return key_id(self.public)

    def sign(self, purpose: str, document: Any, at: float) -> Signature:
        """Sign a document for one purpose: the signature of a receipt is never one of an authority."""
        at = round(at, 3)
        value = self.private.sign(canonical_json(_signed(purpose, document, at)))
        return Signature(key=self.id, at=at, value=base64.b64encode(value).decode())

    def described(self, holder: str, rank: str = "", role: Role = "authoriser", **fields: Any) -> PublicKey:
        """The public half with whose it is."""
        return PublicKey(id=self.id, holder=holder, rank=rank, role=role, public=self.public, **fields)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"


def key_id(public: str) -> str:
    """Id of a public key given as hexadecimal digits."""
    return sha256_hex(bytes.fromhex(public))[:16]


def public_half(path: Path) -> str:
    """A public key file in PEM, as hexadecimal digits.

    Raises:
        ConfigError: It is no Ed25519 public key.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("this is no public key", got=path.name, allowed="Ed25519 in PEM")
    return key.public_bytes_raw().hex()


def signature_fault(
    purpose: str, document: Any, signature: Signature | None, trusted: Mapping[str, PublicKey], role: Role | None = None
) -> str:
    """Empty, or why a signature over plain JSON values does not hold for this purpose, by a key of this role if any."""
    if signature is None:
        return "it is not signed"
    key = trusted.get(signature.key)
    if key is None:
        return f"it is signed by the unknown key {signature.key}"
    if role is not None and key.role != role:
        return f"key {key.id} has the role {key.role}, needed: {role}"
    return key.unusable(signature.at) or (
        "" if signature_form(purpose, document, signature, key) else "its content was altered after it was signed"
    )


def signature_form(purpose: str, document: Any, signature: Signature, key: PublicKey) -> Form:
    """In which form of the document a signature holds; empty when in none. See :func:`signature_fault`."""
    try:
        value = base64.b64decode(signature.value, validate=True)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    except (binascii.Error, ValueError):
        return ""

    def verifies(text: bytes) -> bool:
        with contextlib.suppress(InvalidSignature):
            public.verify(value, text)
            return True
        return False

    return form_of(_signed(purpose, document, signature.at), verifies)


def passphrase_from(variable: str) -> str:
    """A passphrase from the environment; the variable is named, the value never shown.

    Raises:
        ConfigError: The variable is named but not set.
    """
    if not variable:
        return ""
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError("the environment variable with the passphrase is not set", got=variable)
    return value


def _signed(purpose: str, document: Any, at: float) -> list[Any]:
    return ["lfr-ray", purpose, utc_text(at), document]
