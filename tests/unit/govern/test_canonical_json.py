"""RFC 8785: one text of a value, the same in every language; and the form of before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lfr_ray.govern.canonical_json import MAX_NUMBER, canonical_json, form_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (4.50, "4.5"),
        (2e-3, "0.002"),
        (1e-27, "1e-27"),
        (1e21, "1e+21"),
        (333333333.33333329, "333333333.3333333"),
        ([None, True, False], "[null,true,false]"),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
    ],
)
def test_values_are_written_as_the_rfc_says(value: Any, text: str) -> None:
    assert canonical_json(value).decode() == text


def test_keys_are_sorted_as_utf_16() -> None:
    """The RFC's own example: the smiley comes before the Hebrew letter, by code points it would come after it."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical_json(dict.fromkeys(keys, 0)).decode()
    assert list(json.loads(text)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), MAX_NUMBER + 1, {1: 2}, {"a": object()}, "\ud800"])
def test_what_json_cannot_say_everywhere_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_json(value)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b'{"a":1,"b":0.5}', "RFC 8785"),
        (b'{"a":1.0,"b":0.5}', "older form"),
        (b'{"b":0.5,"a":1}', ""),
        (b'{"a":2,"b":0.5}', ""),
    ],
)
def test_the_form_of_a_text_is_told(text: bytes, form: str) -> None:
    assert form_of({"b": 0.5, "a": 1.0}, lambda written: written == text) == form


def test_what_only_the_older_form_could_say_is_still_known() -> None:
    assert form_of({"bytes": 2**60}, lambda written: written == b'{"bytes":1152921504606846976}') == "older form"
