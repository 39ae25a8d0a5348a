"""CEF and RFC 5424, letter by letter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.alert.event_kinds import KINDS
from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.alert.syslog_output import cef, extension_text, framed, message
from lfr_ray.records import FeedEvent

AT = 1_700_000_000.25


def outgoing(kind: str = "alert_raised", reason: str = "", **changed: str) -> Outgoing:
    return Outgoing(FeedEvent(4, kind, AT, "a1", reason, changed), "d1-4", "Nobody Listed")


def test_a_whole_message() -> None:
    text = message(outgoing(camera="gate"), "harbour", "desk-1").decode()
    header, _, rest = text.partition(" CEF:0|")
    assert header == "<132>1 2023-11-14T22:13:20.250Z desk-1 lfr_ray - alert_raised -"
    vendor, product, _, kind, name, severity, extension = rest.split("|")
    assert (vendor, product, kind, severity) == ("lfr_ray", "lfr_ray", "alert_raised", "8")
    assert name == KINDS["alert_raised"]
    assert extension == (
        "externalId=d1-4 rt=1700000000250 deviceExternalId=harbour cs1Label=alert cs1=a1 cs2Label=camera cs2=gate"
    )


def test_a_name_is_never_told() -> None:
    assert "Nobody" not in cef(outgoing(), "harbour")


@pytest.mark.parametrize(
    ("camera", "written"),
    [
        ("a=b", "a\\=b"),
        ("a|b", "a|b"),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("a\r\nb", "a\\nb"),
        ("Zürich", "Zürich"),
    ],
)
def test_values_are_escaped(camera: str, written: str) -> None:
    assert f" cs2={written}" in cef(outgoing(camera=camera), "harbour")


@given(st.text())
def test_no_value_ends_early(text: str) -> None:
    written = extension_text(text)
    assert not re.search(r"[\r\n]", written)
    assert not re.search(r"(?<!\\)(\\\\)*=", written)
    read = re.sub(r"\\(.)", lambda one: {"n": "\n"}.get(one[1], one[1]), written)
    assert read == text.replace("\r\n", "\n").replace("\r", "\n")


def test_lengths_are_counted_in_bytes() -> None:
    text = message(outgoing(reason="Zürich"), "harbour", "")
    assert framed(text).split(b" ", 1) == [str(len(text)).encode(), text]
    assert len(text) > len(text.decode())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_told(kind: str) -> None:
    assert f"|{kind}|" in cef(outgoing(kind), "harbour")
