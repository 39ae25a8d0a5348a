"""What one line of the audit ledger says, and the guard that keeps faces, vectors and names out of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from lfr_ray.clock import utc_text
from lfr_ray.errors import InputError
from lfr_ray.govern.canonical_json import MAX_NUMBER, canonical_json, sha256_hex

RecordKind = Literal[
    "collection",
    "alteration",
    "consultation",
    "disclosure",
    "decision",
    "erasure",
    "authority",
    "refusal",
    "stop",
    "incident",
    "seal",
]
"""Collection to erasure are the operations that data protection law wants logged; the rest is ours."""
KINDS: tuple[str, ...] = get_args(RecordKind)
NEEDS_REASON = frozenset({"consultation", "disclosure", "stop"})
"""Somebody looked at, passed on or stopped something: the record says why."""
FIRST_PREVIOUS = "0" * 64
"""What the first record follows."""

SEAL_PURPOSE = "ledger seal"
STOPPED, RESUMED = "matching stopped", "matching resumed"
STRANGER = "a call without the site's capability was refused"
RECORD_WRITTEN = "public record written"
TOKEN_GIVEN = "token given out"  # noqa: S105 (a record, not a secret)
TOKENS_REVOKED = "tokens revoked"
CLOCK_ACCEPTED = "clock accepted"
"""What a record says after which earlier moments no longer count as later than now."""
MAX_TEXT = 500
MAX_ITEMS = 64
MAX_NUMBERS = 16
MAX_DEPTH = 3
ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.@:/+-]{0,127}$")
ENCODED = re.compile(r"[A-Za-z0-9+/_=-]{100,}")
"""A run without spaces this long is no sentence: base64 or hexadecimal of something larger than a hash."""
# fmt: off
FORBIDDEN_KEYS = frozenset((
    "name", "names", "surname", "forename", "first_name", "last_name", "born", "birth", "date_of_birth",
    "address", "face", "face_jpeg", "scene_jpeg", "watchlist_jpeg", "jpeg", "jpg", "png", "image", "picture",
    "pixels", "photo", "chip", "crop", "vector", "vectors", "embedding", "embeddings", "template", "templates",
    "landmarks", "points", "ethnicity", "sex", "gender", "emotion", "age",
))
# fmt: on
"""Fields that would carry a person or a face. Counts of such things have other names, ``images_count`` say."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, on its way into the ledger.

    Attributes:
        kind: What sort of operation it was.
        what: What happened, in words that do not vary: ``alert decided``.
        deployment: Id of the deployment, if there was one.
        actor: Who: a staff number, login or part of the system. Never a name.
        subject: What it was done to: an entry, alert or camera id.
        reason: Why, in words. Required for consultation, disclosure and stop.
        facts: Counts, hashes and short values.
    """

    kind: RecordKind
    what: str
    deployment: str = ""
    actor: str = ""
    subject: str = ""
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def recordable(reason: str) -> str:
    r"""A reason as the ledger takes it, whatever somebody typed or pasted: a stop must not fail for its words.

    >>> recordable("crowd\ndisorder"), recordable("\x00 "), len(recordable("A" * 400))
    ('crowd disorder', 'no reason given', 300)
    """
    plain = "".join(one if one.isprintable() else " " for one in reason)
    words = " ".join(word for long in plain.split() for word in re.findall(".{1,60}", long))
    return words[:300].strip().replace("base64,", "base64 ") or "no reason given"


def subject_of(entry_id: str) -> str:
    """An entry as the ledger's ids name it, which know no blanks and no letters beyond ASCII.

    >>> subject_of("E-7"), subject_of("Müller 2")
    ('E-7', 'entry:M_ller_2')
    """
    return entry_id if ID.match(entry_id) else "entry:" + re.sub(r"[^A-Za-z0-9_.@:/+-]", "_", entry_id)[:100]


@dataclass(slots=True)
class Kept:
    """A record that a ledger has taken over.

    Attributes:
        event: What it says.
        at: Wall time of it.
        recorded: It is in the file.
        acknowledged: It is on the disk, and in the copy where there is one.
    """

    event: Event
    at: float
    recorded: bool = False
    acknowledged: bool = False


def check_event(event: Event) -> None:
    """Refuse an event that does not belong into a ledger.

    Raises:
        InputError: It is of an unknown kind, lacks its reason, or carries a picture, a vector or a name.
            The offending value is never shown.
    """
    if event.kind not in KINDS:
        raise InputError("the ledger does not know this kind of record", got=event.kind, allowed=", ".join(KINDS))
    if event.kind in NEEDS_REASON and not event.reason.strip():
        raise InputError(f"a record of kind {event.kind} needs a reason", next_step="say why, in words")
    if not event.what:
        raise InputError("a record must say what happened")
    for label in ("what", "reason"):
        _check_text(getattr(event, label), label)
    for label in ("deployment", "actor", "subject"):
        value = getattr(event, label)
        if value and not ID.match(value):
            raise InputError(
                f"a record's {label} is not an id", allowed="letters, digits and _.@:/+- without spaces, at most 128"
            )
    _check_value(event.facts, "facts", 0)


def _check_value(value: Any, where: str, depth: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError("a record's number is not finite", got=where)
    if isinstance(value, (int, float)) and abs(value) > MAX_NUMBER:
        raise InputError("a record's number is too large for other programs", got=where, allowed=f"{MAX_NUMBER}")
    if value is None or isinstance(value, (bool, int, float)):
        return
    if isinstance(value, str):
        _check_text(value, where)
    elif depth > MAX_DEPTH:
        raise InputError("a record is nested too deeply", got=where, allowed=f"{MAX_DEPTH} levels")
    elif isinstance(value, Mapping):
        _check_mapping(value, where, depth)
    elif isinstance(value, (list, tuple)):
        _check_list(value, where, depth)
    else:
        raise InputError(
            "a record holds something that is no plain value",
            got=f"{where}: {type(value).__name__}",
            allowed="text, numbers, true, false, null, short lists and mappings of them",
        )


def _check_mapping(value: Mapping[Any, Any], where: str, depth: int) -> None:
    if len(value) > MAX_ITEMS:
        raise InputError("a record holds too many fields", got=f"{where}: {len(value)}", allowed=f"{MAX_ITEMS}")
    for key, inner in value.items():
        if not isinstance(key, str) or not ID.match(key):
            raise InputError("a record's field name is not an id", got=where)
        if key.lower() in FORBIDDEN_KEYS:
            raise InputError(
                "a record may hold no person, face or vector", got=f"{where}.{key}", next_step="record an id or a hash"
            )
        _check_value(inner, f"{where}.{key}", depth + 1)


def _check_list(value: list[Any] | tuple[Any, ...], where: str, depth: int) -> None:
    if len(value) > MAX_ITEMS:
        raise InputError("a record holds a list that is too long", got=f"{where}: {len(value)}", allowed=f"{MAX_ITEMS}")
    numbers = sum(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value)
    if numbers > MAX_NUMBERS:
        raise InputError("a record may hold no vector", got=f"{where}: {numbers} numbers", allowed=f"{MAX_NUMBERS}")
    for item in value:
        _check_value(item, where, depth + 1)


def _check_text(text: str, where: str) -> None:
    if len(text) > MAX_TEXT:
        raise InputError("a record's text is too long", got=f"{where}: {len(text)} characters", allowed=f"{MAX_TEXT}")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise InputError("a record's text holds control characters", got=where, allowed="one line of text")
    if ENCODED.search(text) or "base64," in text:
        raise InputError("a record's text looks like encoded data", got=where, next_step="record its SHA-256 instead")


def line_of(event: Event, number: int, at: float, previous: str) -> tuple[bytes, str]:
    """The line of an event and its hash, which covers that of the line before, or :data:`FIRST_PREVIOUS`.

    ``number`` is its position in the ledger, from 1; ``at`` is wall time.
    """
    said = {one.name: getattr(event, one.name) for one in fields(event)}
    body = canonical_json({"n": number, "at": utc_text(at), "previous": previous, **said})
    digest = sha256_hex(body)
    return body[:-1] + b',"sha256":"' + digest.encode() + b'"}\n', digest


def split_line(line: bytes) -> tuple[bytes, str]:
    """The hashed body of a line and the hash that it states; the reverse of :func:`line_of`.

    Raises:
        ValueError: The line does not end as every line does.
    """
    tail = b',"sha256":"'
    cut = len(line) - len(tail) - 64 - 3
    if cut < 1 or line[cut : cut + len(tail)] != tail or line[-3:] != b'"}\n':
        raise ValueError("not a ledger line")
    return line[:cut] + b"}", line[cut + len(tail) : -3].decode("ascii")
