"""When a camera counts as blind, and when it is tried again: a function of values.

connecting -- picture --> live -- failure --> blind -- picture --> live, and so on;
connecting -- failure --> blind; anything -- end or refusal --> ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lfr_ray.clock import backoff_s

State = Literal["connecting", "live", "blind", "ended"]
Event = Literal["opened", "picture", "failure", "end", "refusal"]
"""What happens to a camera.

opened: a connection attempt began. picture: a frame came. failure: the stream cannot be reached, or
broke. end: a recording was read to its end. refusal: the address can never work (no such file).
"""


@dataclass(frozen=True, slots=True)
class ReconnectConfig:
    """When a camera is blind, and when it is tried again.

    Attributes:
        first_s: Upper bound of the first pause before a new attempt; it doubles with each failure.
        longest_s: Upper bound of every pause.
        stall_s: A live camera without a picture for so long is blind.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    stall_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known of one camera.

    Attributes:
        since_s: Steady time at which the present state began.
        started_at: Wall time of the first attempt; a camera that never delivered is blind since then.
        last_picture_s: Steady time of the newest picture; ``last_picture_at`` is its wall time.
        blind_since: Wall time since which nothing is seen, or None.
        failures: Failures in a row to get a picture, which lengthen the pause. A stream that sends pictures for some
            seconds and breaks is opened again at once: otherwise it would be seen for a small part of the time.
        reconnects: Times that it came back after it had been blind.
        problem: Why it is blind or ended; empty when all is well.
    """

    state: State = "connecting"
    since_s: float = 0.0
    started_at: float | None = None
    last_picture_s: float | None = None
    last_picture_at: float | None = None
    blind_since: float | None = None
    failures: int = 0
    reconnects: int = 0
    problem: str = ""


def after_event(connection: Connection, event: Event, *, now_s: float, now_at: float, problem: str = "") -> Connection:
    """The connection after an event, at this steady and wall time.

    ``problem`` says why, for failure and refusal, without credentials.
    """
    if event == "opened":
        first = connection.started_at is None
        return replace(connection, started_at=now_at, since_s=now_s) if first else connection
    if event == "picture":
        return _after_picture(connection, now_s, now_at)
    if event == "failure":
        return _after_failure(connection, now_s, now_at, problem)
    return replace(connection, state="ended", since_s=now_s, blind_since=None, problem=problem)


def pause_s(config: ReconnectConfig, connection: Connection, draw: float) -> float:
    """How long to wait before the next attempt: ``draw``, 0 to 1, is the share of the longest pause that is taken.

    It is drawn at random, so that the cameras of a site do not all come back in the same moment ("full jitter").
    """
    return backoff_s(connection.failures, first_s=config.first_s, longest_s=config.longest_s, draw=draw)


def observed(config: ReconnectConfig, connection: Connection, now_s: float) -> Connection:
    """The connection that an observer should see now.

    A thread that hangs inside a system call cannot report its own stall; the clock can.
    """
    seen_s = connection.last_picture_s if connection.state == "live" else connection.since_s
    seen_at = connection.last_picture_at if connection.state == "live" else connection.started_at
    if connection.state not in {"live", "connecting"} or seen_s is None or seen_at is None:
        return connection
    if now_s - seen_s <= config.stall_s:
        return connection
    return replace(
        connection, state="blind", since_s=seen_s, blind_since=seen_at, problem=f"no picture for {now_s - seen_s:.0f} s"
    )


def _after_picture(connection: Connection, now_s: float, now_at: float) -> Connection:
    return replace(
        connection,
        state="live",
        since_s=connection.since_s if connection.state == "live" else now_s,
        last_picture_s=now_s,
        last_picture_at=now_at,
        blind_since=None,
        failures=0,
        reconnects=connection.reconnects + (1 if connection.state == "blind" else 0),
        problem="",
    )


def _after_failure(connection: Connection, now_s: float, now_at: float, problem: str) -> Connection:
    seen_at = connection.last_picture_at if connection.last_picture_at is not None else connection.started_at
    blind_since = connection.blind_since if connection.state == "blind" else (now_at if seen_at is None else seen_at)
    return replace(
        connection,
        state="blind",
        since_s=connection.since_s if connection.state == "blind" else now_s,
        blind_since=blind_since,
        failures=connection.failures + 1,
        problem=problem,
    )
