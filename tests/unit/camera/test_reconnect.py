"""Blindness and reconnecting, without a camera and without waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.camera.reconnect import Connection, Event, ReconnectConfig, after_event, observed, pause_s
from lfr_ray.clock import backoff_s

CONFIG = ReconnectConfig(first_s=0.5, longest_s=30.0, stall_s=5.0)
WALL = 1_700_000_000.0


def after(*events: tuple[Event, float], connection: Connection | None = None, problem: str = "gone") -> Connection:
    """The connection after events at steady times, with the wall clock ``WALL`` ahead."""
    connection = connection or Connection()
    for event, at_s in events:
        told = problem if event in {"failure", "refusal"} else ""
        connection = after_event(connection, event, now_s=at_s, now_at=WALL + at_s, problem=told)
    return connection


def test_a_camera_that_answers_is_live() -> None:
    connection = after(("opened", 1), ("picture", 2))
    assert (connection.state, connection.blind_since, connection.reconnects, connection.problem) == (
        "live",
        None,
        0,
        "",
    )


def test_a_camera_that_never_answered_is_blind_since_the_first_attempt() -> None:
    connection = after(("opened", 1), ("failure", 3), ("opened", 4), ("failure", 8))
    assert (connection.state, connection.blind_since, connection.problem) == ("blind", WALL + 1, "gone")
    assert connection.failures == 2


def test_a_camera_that_fails_is_blind_since_its_last_picture() -> None:
    connection = after(("opened", 1), ("picture", 2), ("picture", 3), ("failure", 8), ("opened", 9), ("failure", 10))
    assert (connection.state, connection.blind_since) == ("blind", WALL + 3)


def test_it_comes_back_with_the_next_picture_and_that_is_counted() -> None:
    connection = after(("opened", 1), ("picture", 2), ("failure", 3), ("opened", 4))
    assert connection.state == "blind"
    back = after(("picture", 5), connection=connection)
    assert (back.state, back.blind_since, back.reconnects, back.problem) == ("live", None, 1, "")
    assert after(("failure", 6), ("opened", 7), ("picture", 8), connection=back).reconnects == 2


def test_the_pause_doubles_to_its_limit_and_jitter_is_a_share_of_it() -> None:
    connection, pauses = Connection(), []
    for attempt in range(9):
        connection = after_event(connection, "failure", now_s=attempt, now_at=WALL, problem="x")
        pauses.append(pause_s(CONFIG, connection, 0.5))
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]


def test_a_stream_that_breaks_after_some_pictures_is_opened_again_soon() -> None:
    connection = after(("opened", 0), ("picture", 1), ("failure", 2), ("opened", 3), ("picture", 4), ("failure", 5))
    assert connection.failures == 1
    assert after(("opened", 6), ("failure", 7), ("opened", 8), ("failure", 9), connection=connection).failures == 3


def test_a_recording_ends_without_being_blind() -> None:
    connection = after_event(after(("opened", 0), ("picture", 1)), "end", now_s=2, now_at=WALL)
    assert (connection.state, connection.blind_since, connection.problem) == ("ended", None, "")


def test_what_can_never_work_is_not_tried_again() -> None:
    connection = after_event(Connection(), "refusal", now_s=2, now_at=WALL, problem="no such file")
    assert (connection.state, connection.problem) == ("ended", "no such file")


@pytest.mark.parametrize(
    ("events", "since"), [((("opened", 1.0),), 1.0), ((("opened", 1.0), ("picture", 2.0)), 2.0)], ids=["never", "once"]
)
def test_the_clock_alone_shows_a_hanging_camera(events: tuple[tuple[Event, float], ...], since: float) -> None:
    connection = after(*events)
    assert observed(CONFIG, connection, since + 5) is connection
    seen = observed(CONFIG, connection, since + 5.1)
    assert (seen.state, seen.blind_since, seen.problem) == ("blind", WALL + since, "no picture for 5 s")


def test_an_ended_recording_does_not_become_blind() -> None:
    connection = after(("opened", 1), ("picture", 2), ("end", 3))
    assert observed(CONFIG, connection, 1_000) is connection


@given(
    st.lists(st.tuples(st.sampled_from(["opened", "picture", "failure"]), st.floats(0, 100)), max_size=40),
    st.floats(0, 1),
)
def test_whatever_happens_the_health_makes_sense(events: list[tuple[Event, float]], draw: float) -> None:
    connection, now_s = Connection(), 0.0
    for event, passed_s in events:
        now_s += passed_s
        before = connection
        connection = after_event(connection, event, now_s=now_s, now_at=WALL + now_s, problem="x")
        pause = pause_s(CONFIG, connection, draw)
        assert (connection.blind_since is not None) == (connection.state == "blind")
        assert 0 <= pause <= backoff_s(max(1, connection.failures), first_s=0.5, longest_s=30.0) <= CONFIG.longest_s
        assert connection.reconnects - before.reconnects in {0, 1}
        if before.state == "blind" and connection.state == "blind":
            assert connection.blind_since == before.blind_since
        shown = observed(CONFIG, connection, now_s)
        assert (shown.blind_since is not None) == (shown.state == "blind")
