"""What a site destroys by itself: alerts whose time is over, and deployments that nobody closed."""

from __future__ import annotations

from lfr_ray.govern.authority import Officer
from lfr_ray.govern.country_profile import keep_profile, load_profile
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import signed
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.govern.trial_deployment import trial_authority
from lfr_ray.records import CaseRecord
from lfr_ray.site.close_deployment import close_overdue, overdue, purge_expired
from tests.integration.govern.station import Station


def test_alerts_go_when_their_time_is_over(station: Station) -> None:
    rules = station.profile.retention
    first = station.alert(1)
    held = station.alert(2)
    station.desk.hold(held, by="op-1", reason="evidence")
    station.clock.advance(23 * 3600)
    station.alert(3)
    assert purge_expired(station.storage, rules, clock=station.clock) == 0
    station.clock.advance(2 * 3600)
    assert overdue(station.storage, rules, station.clock.wall_s()) == (first,)
    assert any("past their retention time" in fault for fault in station.verify().faults)
    assert purge_expired(station.storage, rules, clock=station.clock) == 1
    told = [record["what"] for record in read_records(station.site.files)]
    assert told.count("alerts destroyed: their time was over") == 1
    found = station.verify()
    assert found.holds, found.faults
    assert found.items == 4
    station.clock.advance(40 * 86400)
    assert purge_expired(station.storage, rules, clock=station.clock) == 2


def test_an_alert_that_was_used_goes_earlier_where_the_rules_say_so(station: Station) -> None:
    rules = load_profile("uk-police").retention
    used = station.alert(1)
    station.alert(2)
    station.desk.record(used, CaseRecord("decision", "op-1", "not_a_match"))
    station.desk.record(used, CaseRecord("outcome", "op-1", "not_stopped"))
    station.clock.advance(3601)
    assert overdue(station.storage, rules, station.clock.wall_s()) == (used,)


def test_what_nobody_closes_is_closed_by_the_clock(station: Station) -> None:
    station.fill(3)
    station.clock.advance(30 * 86400 + 80_000)
    assert close_overdue(station.storage, clock=station.clock) == [], "the profile leaves a day after the end"
    station.clock.advance(10_000)
    (receipt,) = close_overdue(station.storage, clock=station.clock)
    assert receipt.receipt.reason == "the watchlist's time is over: the deployment is over"
    assert receipt.receipt.by == "system"
    assert station.watchlist.entries() == ()
    assert close_overdue(station.storage, clock=station.clock) == []


def test_in_europe_an_urgent_use_that_nobody_authorised_in_time_is_erased(station: Station) -> None:
    station.close()
    station.fill(3)
    rules = load_profile("eu-ai-act")
    officer, folder, now_s = SigningKey.create(), station.site.files, station.clock.wall_s()
    urgent = trial_authority(station.profile, now_s, deployment="urgent-1", duration_s=5 * 86400).model_copy(
        update={
            "kind": "retrospective",
            "profile": rules.name,
            "profile_sha256": rules.sha256,
            "who": ("suspect",),
            "cameras": ("clip",),
            "footage_from": 1.0,
            "footage_to": 2.0,
            "watchlist_sha256": "a" * 64,
            "watchlist_approved_at": now_s,
            "watchlist_approved_by": "op-9",
            "model": "dlib_resnet",
            "threshold": 0.97,
            "false_alerts_per_face": 0.0001,
            "documents": {"policy": "1", "impact_assessment": "1"},
            "authorising_officer": Officer(id="head-1", rank="head-of-unit"),
            "urgent": True,
            "urgent_reason": "imminent threat",
        }
    )
    signed(urgent, officer, now_s).save(folder)
    keep_profile(folder, rules)
    station.clock.advance(2 * 86400 - 10)
    assert close_overdue(station.storage, clock=station.clock) == []
    station.clock.advance(20)
    (receipt,) = close_overdue(station.storage, clock=station.clock)
    assert receipt.receipt.reason == "the urgent use was not authorised in time"
    assert station.watchlist.entries() == ()
