"""What an actor opens: a failure is told, and tried again with back-off."""

from __future__ import annotations

import pytest

from lfr_ray.actors.open_with_backoff import FIRST_S, Opening
from lfr_ray.clock import FakeClock
from lfr_ray.errors import LfrError, ResourceError, StoreError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("lfr_ray.actors.open_with_backoff.time.monotonic", clock.steady_s)
    return clock


def test_it_is_opened_once_and_anew_after_it_was_dropped() -> None:
    made = iter(("first", "second"))
    one = Opening("the list", lambda: next(made))
    assert one.fault == "the list is being opened"
    assert (one.get(), one.get(), one.fault) == ("first", "first", "")
    one.drop()
    assert one.get() == "second"


def test_a_failure_is_told_and_tried_again_later(clock: FakeClock) -> None:
    tries = []

    def fail_twice() -> str:
        tries.append(clock.steady_s())
        if len(tries) < 3:
            raise StoreError("the database cannot be opened")
        return "open"

    one = Opening("the database", fail_twice)
    for pause_s in (FIRST_S, 2 * FIRST_S):
        for _ in range(3):
            with pytest.raises(StoreError):
                one.get()
        assert one.fault == "the database cannot be opened"
        clock.advance(pause_s + 0.01)
    assert (one.get(), one.fault, len(tries)) == ("open", "", 3)


def test_the_text_of_somebody_elses_error_is_not_told() -> None:
    def fail() -> str:
        raise ValueError("hunter22")

    one = Opening("the database", fail)
    with pytest.raises(ValueError, match="hunter22"):
        one.get()
    assert one.fault == "ValueError"
    with pytest.raises(ResourceError) as error:
        one.now()
    assert isinstance(error.value, LfrError)
    assert "ValueError" in str(error.value)
