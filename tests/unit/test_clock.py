"""Time is an argument, and its text is UTC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.clock import FakeClock, SystemClock, parse_utc, utc_text


def test_the_machines_clocks_run() -> None:
    clock = SystemClock()
    wall_s, steady_s = clock.wall_s(), clock.steady_s()
    assert wall_s > 1_700_000_000
    assert clock.wall_s() >= wall_s
    assert clock.steady_s() >= steady_s


def test_the_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(wall_s=100.0, steady_s=5.0)
    assert (clock.wall_s(), clock.steady_s()) == (100.0, 5.0)
    clock.advance(2.5)
    assert (clock.wall_s(), clock.steady_s()) == (102.5, 7.5)


def test_the_wall_clock_can_be_set_back_while_steady_time_goes_on() -> None:
    clock = FakeClock(wall_s=100.0, steady_s=5.0)
    clock.set_wall_s(40.0)
    assert (clock.wall_s(), clock.steady_s()) == (40.0, 5.0)


@given(milliseconds=st.integers(0, 4_000_000_000_000))
def test_text_and_seconds_agree_to_the_millisecond(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    text = utc_text(seconds)
    assert text.endswith("Z")
    assert len(text) == len("1970-01-01T00:00:00.000Z")
    assert parse_utc(text) == pytest.approx(seconds, abs=0.0011)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01", 1767225600.0),
        ("2026-01-01T00:00:00", 1767225600.0),
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("2026-01-01T01:00:00+01:00", 1767225600.0),
        (" 2026-01-01T00:00:00Z ", 1767225600.0),
    ],
)
def test_the_forms_of_a_moment(text: str, seconds: float) -> None:
    assert parse_utc(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-02-30", "01.02.2026", "2026-01-01T25:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_utc(text)
