"""The circuit breaker on a real site: paused everywhere, across restarts, until somebody resumes."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.errors import IntegrityError
from lfr_ray.govern.alert_ledger_events import AlertFact
from lfr_ray.govern.circuit_breaker import CircuitBreaker, confirmed_false
from lfr_ray.govern.country_profile import BreakerRules
from lfr_ray.govern.emergency_stop import Halts, breaker_pause
from lfr_ray.govern.ledger_event import RESUMED, Event
from lfr_ray.govern.ledger_verify import read_records


def watch(site: Any) -> CircuitBreaker:
    return CircuitBreaker(site.files, "d1", BreakerRules(ceiling=0.001), site.ledger(), clock=site.clock)


def test_it_pauses_every_node_and_says_so(site: Any) -> None:
    breaker = watch(site)
    assert breaker.update(500, 0) == ""
    why = breaker.update(900, 1)
    assert "1 confirmed false alerts in 900 faces" in why
    assert "1 confirmed false alerts" in Halts(site.files).refusal()
    (record,) = [one for one in read_records(site.files) if one["kind"] == "stop"]
    assert record["reason"] == why
    assert record["deployment"] == "d1"
    breaker.update(950, 1)
    assert len([one for one in read_records(site.files) if one["kind"] == "stop"]) == 1


def test_it_remembers_across_a_restart_what_was_accepted(site: Any) -> None:
    watch(site).update(900, 1)
    breaker_pause(site.files).clear()
    assert watch(site).update(950, 1), "that the file was removed lifts nothing"
    assert "circuit breaker" in Halts(site.files).refusal()
    site.ledger().append(Event("alteration", RESUMED, actor="op-1", reason="looked into"))
    breaker = watch(site)
    assert breaker.state.paused, "it does not know yet that somebody resumed"
    assert breaker.update(950, 1) == ""
    again = watch(site)
    assert again.update(960, 1) == ""
    assert again.update(970, 2)


def test_what_somebody_wrote_into_its_file_is_not_accepted(site: Any) -> None:
    watch(site).update(900, 0)
    path = site.files.breaker("d1")
    path.write_bytes(path.read_bytes().replace(b'"accepted":0', b'"accepted":99'))
    assert watch(site).update(950, 1), "nobody who may has accepted any"


def test_a_pause_that_nobody_lifted_stays(site: Any) -> None:
    watch(site).update(900, 1)
    assert watch(site).update(10_000, 1)


def test_damaged_state_is_an_error(site: Any) -> None:
    path = site.files.breaker("d1")
    path.parent.mkdir(parents=True)
    for content in ("{", '{"surprise": 1}'):
        path.write_text(content)
        with pytest.raises(IntegrityError, match="remove the file"):
            watch(site)


def test_what_counts_as_a_false_alert() -> None:
    def alert(**fields: Any) -> AlertFact:
        return AlertFact("a", "e", fields.pop("category", "suspect"), "pier", "d1", 0.0, 0.0, **fields)

    alerts = [
        alert(outcome="false_alert", confirmed=True),
        alert(outcome="false_alert", confirmed=False),
        alert(outcome="false_alert", confirmed=True, category="blue-list"),
        alert(outcome="arrest"),
    ]
    assert confirmed_false(alerts) == 1
