"""One way to write a value down, so that a hash or a signature of it means something to other programs too."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import BeforeValidator, PlainSerializer

from lfr_ray.clock import parse_utc, utc_text

MAX_NUMBER = 2**53 - 1
"""RFC 8785 knows no larger whole number: other programs could not read it exactly."""

Form = Literal["", "RFC 8785", "older form"]


def canonical_json(value: Any) -> bytes:
    """The only JSON text of a value, after RFC 8785.

    >>> canonical_json({"b": [1.0, None], "a": "x"})
    b'{"a":"x","b":[1,null]}'

    Raises:
        ValueError: It holds something that JSON cannot say, or a whole number beyond :data:`MAX_NUMBER`.
    """
    return rfc8785.dumps(value)


def _older_json(value: Any) -> bytes:
    """What was signed and hashed before RFC 8785: numbers stand as Python writes them, 1.0 and not 1."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def form_of(value: Any, matches: Callable[[bytes], bool]) -> Form:
    """In which form plain JSON values were signed or hashed; empty when in none. Only RFC 8785 is written any more.

    ``matches`` says whether the signature or hash is one of a text.
    """
    forms: tuple[tuple[Form, Callable[[Any], bytes]], ...] = (("RFC 8785", canonical_json), ("older form", _older_json))
    for form, text_of in forms:
        with contextlib.suppress(ValueError):
            if matches(text_of(value)):
                return form
    return ""


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def moment(value: Any) -> float:
    """Seconds since 1970 UTC, to the millisecond, from a number, a text or what YAML makes of a date.

    Raises:
        ValueError: It is no moment.
    """
    if isinstance(value, bool):
        raise ValueError("a moment must be ISO 8601 text or seconds since 1970")
    if isinstance(value, str):
        value = parse_utc(value)
    elif isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    elif isinstance(value, date):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    elif not isinstance(value, (int, float)):
        raise ValueError("a moment must be ISO 8601 text or seconds since 1970")
    if not 0 <= value < 253_402_300_800:  # the year 10000, where ISO 8601 text ends
        raise ValueError("a moment must lie between the years 1970 and 9999")
    return round(float(value), 3)


Moment = Annotated[float, BeforeValidator(moment), PlainSerializer(utc_text, return_type=str, when_used="json")]
"""Seconds since 1970 UTC in memory, ISO 8601 text in every document."""
