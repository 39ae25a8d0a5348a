"""Who is asking: bearer tokens, and the identity that an officer gives.

With one shared token everyone who has it is believed about the officer's id. With one token per officer
(``PC123:token,PC456:token``) the id is proven: nobody can decide in another's name, which is what the
two-person rule stands on.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from lfr_ray.errors import ConfigError, InputError, RefusedError

OFFICER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$"
SHARED = "api"
MIN_TOKEN = 16
MAX_REASON = 200

_OFFICER = re.compile(OFFICER_PATTERN)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent a request.

    Attributes:
        name: Token's name; empty where no token is needed.
        proven: The token belongs to this officer alone.
    """

    name: str = ""
    proven: bool = False


class Access:
    """The tokens that let a request in; only their hashes are kept.

    Args:
        tokens: Name to token. The name :data:`SHARED` is nobody's; any other is an officer's id.

    Raises:
        ConfigError: A token is too short to be a secret, or a name is no id.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        for name, token in tokens.items():
            if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
                raise ConfigError(
                    "the API token cannot be used",
                    got=f"{len(token)} characters",
                    allowed=f"{MIN_TOKEN} or more printable ASCII characters without spaces",
                    next_step="make one with: openssl rand -hex 32",
                )
            if not _OFFICER.match(name):
                raise ConfigError("the name of an API token is no officer's id", allowed=OFFICER_PATTERN)
        self._hashes = {name: _hash(token) for name, token in tokens.items()}

    @staticmethod
    def from_text(text: str) -> Access:
        """Tokens as an environment variable holds them: one, or ``id:token`` for each officer with commas between.

        An empty text means that no token is needed.
        """
        text = text.strip()
        if not text:
            return Access({})
        if ":" not in text:
            return Access({SHARED: text})
        pairs = [part.strip().partition(":")[::2] for part in text.split(",") if part.strip()]
        return Access(dict(pairs))

    @property
    def needed(self) -> bool:
        """A token is needed."""
        return bool(self._hashes)

    def identify(self, authorization: str) -> Identity | None:
        """Who sends this Authorization header; None when nobody who may.

        Every token is compared, and each in constant time, so that the time taken tells nothing.
        """
        if not self._hashes:
            return Identity()
        scheme, _, token = authorization.partition(" ")
        given = _hash(token.strip())
        found = ""
        for name, expected in self._hashes.items():
            if hmac.compare_digest(given, expected):
                found = name
        if not found or scheme.lower() != "bearer":
            return None
        return Identity(found, proven=found != SHARED)


def identity_of(request: Request) -> Identity:
    """Who sent the request, as the middleware found out."""
    identity = request.scope.get("lfr_identity")
    return identity if isinstance(identity, Identity) else Identity()


def acting_officer(request: Request, claimed: str) -> str:
    """The officer who acts: the one that is claimed, unless the token proves another.

    Raises:
        RefusedError: The token belongs to another officer.
    """
    identity = identity_of(request)
    if identity.proven and identity.name != claimed:
        raise RefusedError(
            "the token belongs to another officer",
            got=f"officer {claimed}",
            allowed=identity.name,
            next_step="sign in with your own token",
        )
    return claimed


def looking_person(request: Request) -> str:
    """Who looks at alerts, for the ledger: the proven officer, the X-Officer header, or the token's name.

    Raises:
        InputError: The header holds no id.
    """
    identity = identity_of(request)
    claimed = request.headers.get("x-officer", "").strip()
    if claimed and not _OFFICER.match(claimed):
        raise InputError("X-Officer is no officer's id", allowed=OFFICER_PATTERN)
    if identity.proven:
        return acting_officer(request, claimed) if claimed else identity.name
    return claimed or identity.name or "unnamed"


def looking_reason(request: Request) -> str:
    """Why they look, when the X-Reason header says so.

    Raises:
        InputError: It is too long.
    """
    reason = request.headers.get("x-reason", "").strip()
    if len(reason) > MAX_REASON:
        raise InputError("X-Reason is too long", got=f"{len(reason)} characters", allowed=f"{MAX_REASON}")
    return reason


def _hash(token: str) -> bytes:
    # Equal lengths for the comparison, and the token itself is not kept in memory.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
