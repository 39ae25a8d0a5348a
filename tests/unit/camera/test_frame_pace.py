"""Which frames are looked at, when, and how far a stream lags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.camera.frame_pace import CATCH_UP_S, LAG_START_S, RELAPSE_S, Lag, Pace, PaceConfig, decide, measure_lag

RECORDING = PaceConfig(live=False, every=False, period_s=0.1)
STREAM = PaceConfig(live=True, every=False, period_s=0.1)


def kept(config: PaceConfig, times_s: list[float]) -> list[float]:
    pace, result = Pace(), []
    for media_s in times_s:
        wait_s, pace = decide(config, pace, media_s, media_s)
        if wait_s is not None:
            result.append(media_s)
    return result


@pytest.mark.parametrize("config", [RECORDING, STREAM], ids=["recording", "stream"])
@pytest.mark.parametrize(("fps", "expected"), [(5, 50), (10, 100), (12.5, 100), (25, 100), (29.97, 100), (60, 100)])
def test_max_fps_is_kept_on_the_long_run(config: PaceConfig, fps: float, expected: int) -> None:
    times_s = [index / fps for index in range(round(10 * fps))]
    assert abs(len(kept(config, times_s)) - expected) <= 1


def test_times_rounded_to_milliseconds_lose_nothing() -> None:
    config = PaceConfig(live=False, every=False, period_s=1 / 30)
    assert len(kept(config, [round(index / 30, 3) for index in range(300)])) == 300


def test_pace_full_keeps_everything_at_once() -> None:
    wait_s, pace = decide(PaceConfig(live=False, every=True, period_s=0.1), Pace(), 0.0, 50.0)
    for media_s in (0.01, 0.02, 99.0):
        wait_s, pace = decide(PaceConfig(live=False, every=True, period_s=0.1), pace, media_s, 50.0)
        assert wait_s == 0.0


def test_a_recording_waits_for_each_frames_time() -> None:
    wait_s, pace = decide(RECORDING, Pace(), 0.0, 100.0)
    assert wait_s == 0
    wait_s, pace = decide(RECORDING, pace, 0.5, 100.2)
    assert wait_s == pytest.approx(0.3)
    wait_s, pace = decide(RECORDING, pace, 1.0, 101.4)
    assert wait_s == 0.0


def test_a_late_recording_plays_on_instead_of_rushing() -> None:
    _, pace = decide(RECORDING, Pace(), 0.0, 100.0)
    wait_s, pace = decide(RECORDING, pace, 0.1, 103.0)
    assert wait_s == 0
    wait_s, pace = decide(RECORDING, pace, 0.2, 103.0)
    assert wait_s == pytest.approx(0.1)


def test_a_gap_in_a_recording_is_not_waited_for() -> None:
    _, pace = decide(RECORDING, Pace(), 0.0, 100.0)
    wait_s, pace = decide(RECORDING, pace, 3_600.0, 100.1)
    assert wait_s == 0
    wait_s, _ = decide(RECORDING, pace, 3_600.5, 100.1)
    assert wait_s == pytest.approx(0.5)


def test_a_live_stream_never_waits_and_survives_time_stamps_that_start_anew() -> None:
    times_s = [*(index / 20 for index in range(40)), *(50_000 + index / 20 for index in range(40)), 0.0, 0.05, 0.1]
    chosen = kept(STREAM, times_s)
    assert 0.0 in chosen[20:]
    assert len([one for one in chosen if one >= 50_000]) == 20


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.booleans())
def test_no_time_stamp_stops_a_source_for_long(times_s: list[float], live: bool) -> None:
    pace = Pace()
    config = PaceConfig(live=live, every=False, period_s=0.1)
    for media_s in times_s:
        wait_s, pace = decide(config, pace, media_s, 7.0)
        assert 0 <= (wait_s or 0.0) <= 5.0
    if live and times_s:
        rulings = []
        for step in range(40):
            wait_s, pace = decide(config, pace, times_s[-1] + step / 20, 7.0)
            rulings.append(wait_s is not None)
        assert sum(rulings) >= 15


def followed(differences_s: list[float], fps: float = 10.0) -> list[Lag]:
    lag, result = Lag(), []
    for index, difference_s in enumerate(differences_s):
        lag = measure_lag(lag, index / fps, 500.0 + index / fps + difference_s)
        result.append(lag)
    return result


def test_a_stream_that_keeps_up_has_no_lag() -> None:
    assert max(lag.behind_s for lag in followed([0.05 * (index % 3) for index in range(300)])) <= 0.1


def test_a_growing_backlog_switches_to_key_frames_and_back() -> None:
    growing = followed([index * 0.02 for index in range(76)])
    assert growing[40].keys_since_s is None
    assert growing[-1].behind_s == pytest.approx(1.5, abs=0.05)
    assert growing[-1].keys_since_s is not None
    caught_up = measure_lag(growing[-1], 9.0, 509.2)
    assert (caught_up.keys_since_s, caught_up.behind_s) == (None, pytest.approx(0.2, abs=0.05))


def test_a_stream_that_is_soon_behind_again_gets_key_frames_alone_for_longer() -> None:
    """Decoding takes twice the time that there is; key frames, one a second, take none."""
    lag, behind_s, keys_s = Lag(), 0.0, 0.0
    for index in range(1200):
        only_keys = lag.keys_since_s is not None
        keys_s += 0.1 * only_keys
        behind_s = 0.0 if only_keys else behind_s + 0.1
        if not only_keys or index % 10 == 0:
            lag = measure_lag(lag, index / 10, 500.0 + index / 10 + behind_s)
    assert keys_s > 120 * 0.85
    assert lag.least_s == pytest.approx(500.0, abs=0.2)


def test_a_stream_that_is_seldom_behind_is_decoded_whole_as_soon_as_it_has_caught_up() -> None:
    lag = followed([index * 0.02 for index in range(60)])[-1]
    assert lag.keys_since_s is not None
    lag = measure_lag(lag, 7.0, 507.0)
    for index in range(1, int(RELAPSE_S) * 10 + 10):
        lag = measure_lag(lag, 7.0 + index / 10, 507.0 + index / 10)
    lag = measure_lag(lag, 20.0, 521.5)
    assert lag.keys_since_s is not None
    assert measure_lag(lag, 21.5, 521.6).keys_since_s is None


def test_clocks_that_run_apart_are_not_lag() -> None:
    drifting = followed([index * 0.0001 * 0.5 for index in range(36_000)])
    assert max(lag.behind_s for lag in drifting) < 0.1


def test_time_stamps_that_jump_are_taken_for_lag_only_for_a_while() -> None:
    jumped = followed([0.0] * 20 + [LAG_START_S + 2] * 200)
    assert jumped[21].keys_since_s is not None
    later = jumped[20 + round(10 * CATCH_UP_S) + 5]
    assert (later.keys_since_s, later.behind_s) == (None, pytest.approx(0, abs=0.01))
