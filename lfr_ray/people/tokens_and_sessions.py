"""Personal tokens and the console's sessions: shown once, kept as hashes in one file, each with an end."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import FileState, exclusive, read_json, state_of, write_durable
from lfr_ray.errors import ConflictError, InputError, IntegrityError, NotFoundError
from lfr_ray.records import ROLES, Person, Role, folded

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$"
DAY_S = 86_400.0
MAX_DAYS = 366
SESSION_S = 12 * 3600.0
"""A console is signed in for a shift at most."""
SEEING: tuple[Role, ...] = ("viewer", "officer", "supervisor", "auditor")
"""Who sees alerts in the console."""


@dataclass(frozen=True, slots=True)
class Handset:
    """Where a session's browser is told of alerts: its address at a push service, and its keys, as base64url."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Held:
    """One token as it is kept.

    Attributes:
        person: Whose it is.
        kind: Given out by an administrator, or a console's session.
        sha256: Of the token, hex.
        handset: Of a session that asked to be told of alerts; it goes with the session.
    """

    person: str
    role: Role
    kind: Literal["token", "session"]
    sha256: str
    made_at: float
    expires_at: float
    handset: Handset | None = None

    @property
    def proven(self) -> Person:
        """Who is proven by it."""
        return Person(self.person, frozenset({self.role}))

    @property
    def session_id(self) -> str:
        """What an administrator names it by: nothing of the token can be worked out from it."""
        return _sha256(f"session {self.sha256}")[:16]


class People:
    """The file of all tokens. Several processes may read and write it.

    Args:
        data_dir: The site's; the file need not exist.
    """

    def __init__(self, data_dir: DataDir) -> None:
        self.data_dir = data_dir
        self._path, self._lock = data_dir.people, data_dir.people_lock
        self._stamp: FileState | None = None
        self._held: tuple[Held, ...] = ()

    def all(self) -> tuple[Held, ...]:
        """Every token, expired ones too. The file is read again only when it was replaced.

        Raises:
            IntegrityError: The file is damaged. StoreError: It cannot be read.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._held = None, ()
            return ()
        if self._stamp != state_of(found):
            try:
                self._held = tuple(map(_held, read_json(self._path, "the file of people")["people"]))
            except (KeyError, TypeError):
                raise IntegrityError(
                    "the file of people is damaged", got=self._path, next_step="restore it from its backup"
                ) from None
            self._stamp = state_of(found)
        return self._held

    def find(self, token: str, now_s: float) -> Held | None:
        """The token as it is kept; None when there is none, or when its time is over.

        Every token is compared, and each in constant time, so that the time taken tells nothing.
        """
        given, found = _sha256(token), None
        for one in self.all():
            if hmac.compare_digest(given, one.sha256) and one.made_at <= now_s + 60 and now_s < one.expires_at:
                found = one
        return found

    def add(self, person: str, role: str, *, days: float, now_s: float) -> str:
        """A new token of a person, which is shown this once.

        Raises:
            InputError: The id, role or number of days is not allowed.
            ConflictError: The person has another role, or is written differently.
        """
        if not re.match(ID_PATTERN, person):
            raise InputError(
                "this is no id of a person or service",
                got=person[:64],
                allowed="1 to 64 of letters, digits and _ . @ -",
            )
        if role not in ROLES:
            raise InputError("no such role", got=role[:40], allowed=", ".join(ROLES))
        if not 0 < days <= MAX_DAYS:
            raise InputError("a token ends", got=f"{days:g} days", allowed=f"more than 0, at most {MAX_DAYS} days")
        return self._made(person, ROLES[ROLES.index(role)], "token", now_s, now_s + days * DAY_S)

    def sign_in(self, person: Person, *, now_s: float, until_s: float | None = None) -> str:
        """The token of a new session of somebody who is proven; it ends at ``until_s`` at the latest."""
        (role,) = person.roles
        longest = now_s + SESSION_S
        return self._made(person.id, role, "session", now_s, min(longest, until_s or longest))

    def revoke(self, person: str) -> int:
        """End every token and session of a person.

        Raises:
            NotFoundError: There is none.
        """
        with self._writing():
            kept = [one for one in self.all() if folded(one.person) != folded(person)]
            gone = len(self.all()) - len(kept)
            if not gone:
                raise NotFoundError("nobody of this id has a token", got=person[:64], next_step="see `lfr people list`")
            self._write(kept)
        return gone

    def end_session(self, person: str, session_id: str) -> None:
        """End one session of a person.

        Raises:
            NotFoundError: There is none.
        """
        with self._writing():
            kept = [
                one
                for one in self.all()
                if (folded(one.person), one.kind, one.session_id) != (folded(person), "session", session_id)
            ]
            if len(kept) == len(self.all()):
                raise NotFoundError("no such session", got=session_id[:16], next_step="see the list of people")
            self._write(kept)

    def handsets(self, now_s: float) -> list[Held]:
        """Sessions of those who may see alerts, and asked to be told of them."""
        return [one for one in self.all() if one.handset and now_s < one.expires_at and one.role in SEEING]

    def set_handset(self, sha256: str, handset: Handset | None) -> None:
        """Tell a session's browser of alerts, or no longer."""
        with self._writing():
            self._write([replace(one, handset=handset) if one.sha256 == sha256 else one for one in self.all()])

    def end(self, token: str, kind: Literal["token", "session"]) -> None:
        """End one token or session."""
        with self._writing():
            self._write([one for one in self.all() if one.sha256 != _sha256(token) or one.kind != kind])

    def _made(self, person: str, role: Role, kind: Literal["token", "session"], now_s: float, until_s: float) -> str:
        token = f"lfr_{secrets.token_urlsafe(32)}"
        with self._writing():
            standing = []
            for one in self.all():
                same = folded(one.person) != folded(person) or (one.person, one.role) == (person, role)
                if one.expires_at <= now_s or (not same and one.kind == kind == "session"):
                    continue  # over; or a session from before the person's role was changed where they are known
                if not same:
                    raise ConflictError(
                        "this person has tokens under another role or spelling",
                        got=f"{person}, {role}",
                        allowed=f"{one.person}, {one.role}",
                        next_step=f"use those, or first: lfr people revoke {one.person}",
                    )
                standing.append(one)
            made = Held(person, role, kind, _sha256(token), now_s, until_s)
            self._write([*standing, made])
        return token

    def _writing(self) -> AbstractContextManager[None]:
        return exclusive(self._lock, "a change of the file of people", wait=True)

    def _write(self, held: list[Held]) -> None:
        write_durable(self._path, json.dumps({"people": [asdict(one) for one in held]}).encode(), mode=0o600)


def _held(kept: dict[str, Any]) -> Held:
    handset = kept.pop("handset", None)
    return Held(**kept, handset=Handset(**handset) if handset else None)


def csrf_of(token: str) -> str:
    """What the console must send besides its cookie: another site's page cannot read it."""
    return _sha256(f"csrf {token}")


def _sha256(text: str) -> str:
    # Tokens have 256 random bits, so that no slow hash is needed.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
