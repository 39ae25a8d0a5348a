"""Time is an argument, and its text is UTC."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.clock import FakeClock, SlowClock, SystemClock, parse_utc, sleep_by, utc_text, wait_by
from tests.unit.pipeline.conftest import VirtualLoop


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


def test_what_waits_by_a_slow_clock_waits_so_much_longer_and_its_limit_is_as_much_later() -> None:
    machine = FakeClock(wall_s=100.0, steady_s=50.0)
    clock = SlowClock(machine, 10.0)
    assert (clock.wall_s(), clock.steady_s()) == (100.0, 5.0)

    async def scenario() -> None:
        await sleep_by(clock, 2.0)
        assert (clock.wall_s(), clock.steady_s()) == pytest.approx((120.0, 7.0))
        assert await wait_by(clock, asyncio.sleep(40.0, "done"), 4.1) == "done"
        with pytest.raises(asyncio.TimeoutError):
            await wait_by(clock, asyncio.sleep(40.0), 3.9)
        assert clock.steady_s() == pytest.approx(14.9)
        assert await wait_by(clock, asyncio.sleep(4000.0, "done"), None) == "done"

    loop = VirtualLoop(machine)
    loop.run_until_complete(asyncio.wait_for(scenario(), 1e6))
    loop.close()


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
