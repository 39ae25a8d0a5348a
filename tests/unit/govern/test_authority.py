"""When an authority permits a comparison: the rules as properties."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lfr_ray.govern.authority import Authority, clock_fault, distance_m, profile_fault
from lfr_ray.govern.country_profile import Profile, load_profile

START_S = 1_787_904_000.0
END_S = START_S + 8 * 3600
LIST_HASH = "a" * 64
HERE = (51.789, 1.153)

shared_office = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def permitted(authority: Authority, **changes: Any) -> bool:
    return not refusal(authority, **changes)


def refusal(authority: Authority, **changes: Any) -> str:
    asked: dict[str, Any] = {
        "camera": "pier",
        "captured_at": START_S + 60,
        "watchlist_hash": LIST_HASH,
        "model": "dlib_resnet",
        "position": HERE,
    }
    asked.update(changes)
    captured_at, now_s = asked.pop("captured_at"), asked.pop("now_s", None)
    in_time = authority.time_refusal(captured_at, captured_at if now_s is None else now_s)
    return in_time or authority.scope_refusal(**{"threshold": None} | asked)


def test_the_right_time_camera_place_list_and_model_are_permitted(office: Any) -> None:
    assert refusal(office.authority()) == ""


@shared_office
@given(
    captured_at=st.floats(min_value=START_S - 10**6, max_value=END_S + 10**6),
    delay_s=st.floats(min_value=0, max_value=10**5),
)
def test_nothing_outside_the_hours_is_permitted(office: Any, captured_at: float, delay_s: float) -> None:
    now_s = captured_at + delay_s
    inside = START_S <= captured_at <= END_S and START_S <= now_s <= END_S
    assert permitted(office.authority(), captured_at=captured_at, now_s=now_s) == inside


@shared_office
@given(camera=st.text(max_size=20))
def test_no_other_camera_is_permitted(office: Any, camera: str) -> None:
    assert permitted(office.authority(), camera=camera) == (camera in ("pier", "gate"))


@shared_office
@given(watchlist_hash=st.text(alphabet="abcdef0123456789", max_size=64))
def test_no_other_list_is_permitted(office: Any, watchlist_hash: str) -> None:
    assert permitted(office.authority(), watchlist_hash=watchlist_hash) == (watchlist_hash == LIST_HASH)


@shared_office
@given(
    north_m=st.floats(min_value=-2000, max_value=2000),
    east_m=st.floats(min_value=-2000, max_value=2000),
)
def test_the_fence_is_a_circle_on_the_ground(office: Any, north_m: float, east_m: float) -> None:
    latitude = HERE[0] + math.degrees(north_m / 6_371_008.8)
    longitude = HERE[1] + math.degrees(east_m / (6_371_008.8 * math.cos(math.radians(HERE[0]))))
    away_m = math.hypot(north_m, east_m)
    if abs(away_m - 500) > 1:
        assert permitted(office.authority(), position=(latitude, longitude)) == (away_m < 500)


def test_without_a_position_nothing_live_is_compared(office: Any) -> None:
    assert "gpsd" in refusal(office.authority(), position=None)
    assert "position" in refusal(office.authority(), position=(math.nan, 1.0))


def test_another_model_or_a_lower_threshold_is_refused(office: Any) -> None:
    authority = office.authority()
    assert "model" in refusal(authority, model="arcface")
    assert "threshold" in refusal(authority, threshold=0.59)
    assert permitted(authority, threshold=0.6)


def test_a_refusal_reads_the_same_whenever_it_is_given(office: Any) -> None:
    authority = office.authority()
    assert refusal(authority, captured_at=END_S + 1) == refusal(authority, captured_at=END_S + 77)


def test_a_picture_from_the_future_is_refused(office: Any) -> None:
    assert "later than" in refusal(office.authority(), captured_at=START_S + 600, now_s=START_S + 60)


def test_footage_counts_by_its_span_and_the_authority_by_its_expiry(office: Any) -> None:
    authority = office.authority(
        kind="retrospective",
        where=None,
        footage_from=START_S - 90 * 86400,
        footage_to=START_S - 89 * 86400,
        cameras=("clip",),
    )
    inside_s = START_S - 89.5 * 86400
    assert permitted(authority, camera="clip", captured_at=inside_s, now_s=START_S + 5, position=None)
    assert "ended" in refusal(authority, camera="clip", captured_at=inside_s, now_s=END_S + 5)
    assert "starts at" in refusal(authority, camera="clip", captured_at=inside_s, now_s=START_S - 5)
    assert "span" in refusal(authority, camera="clip", captured_at=START_S + 5, now_s=START_S + 5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ends_at": START_S}, "must come after"),
        ({"ends_at": START_S - 1}, "must come after"),
        ({"kind": "retrospective"}, "span of the footage"),
        ({"footage_from": 1, "footage_to": 2}, "span of the footage"),
        ({"kind": "retrospective", "footage_from": 5, "footage_to": 2}, "must not come before"),
        ({"urgent": True}, "belong together"),
        ({"urgent_reason": "threat"}, "belong together"),
        ({"surprise": 1}, "Extra inputs"),
        ({"starts_at": True}, "a moment must be"),
        ({"starts_at": -5}, "between the years"),
        ({"applicant": {"id": "John Smith", "rank": "inspector"}}, "pattern"),
    ],
)
def test_an_incoherent_authority_cannot_be_made(office: Any, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        office.authority(**changes)


def test_moments_survive_the_document(office: Any) -> None:
    authority = office.authority(starts_at="2026-08-28T10:00:00+01:00")
    assert authority.content()["starts_at"] == "2026-08-28T09:00:00.000Z"
    assert Authority.model_validate(authority.content()) == authority


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"profile": "test"}, "made under the profile"),
        ({"profile_sha256": "0" * 64}, "rules of the profile"),
        ({"ends_at": START_S + 90000}, "at most 24 hours"),
        ({"applicant": {"id": "supt-1", "rank": "superintendent"}}, "may not be the authorising officer"),
        ({"who": ("suspect", "intelligence")}, "intelligence"),
        ({"who": ("test",)}, "categories test"),
        ({"documents": {"policy": "v1"}}, "impact_assessment, equality_assessment, appropriate_policy"),
        ({"where": None}, "place is missing"),
        ({"cameras": ("*",)}, "one by one"),
        ({"model": ""}, "model card is missing"),
        ({"watchlist_sha256": ""}, "hash is missing"),
        ({"watchlist_entries": 20001}, "allowed are 20000"),
        ({"watchlist_approved_by": ""}, "second person"),
        ({"watchlist_approved_at": START_S - 86401}, "older than 24 hours"),
        ({"threshold": None}, "missing"),
        ({"false_alerts_per_face": None}, "missing"),
        ({"false_alerts_per_face": 0.0011}, "above the floor"),
        ({"false_alerts_per_face": 0.0009}, "above the target"),
        ({"false_alerts_per_face": 0.0009, "threshold_reason": "missing child"}, ""),
    ],
)
def test_the_profile_is_enforced(office: Any, changes: dict[str, Any], reason: str) -> None:
    fault = profile_fault(office.authority(**changes), office.profile)
    assert (reason in fault) if reason else (fault == "")


@shared_office
@given(expected=st.floats(min_value=0, max_value=1), reason=st.sampled_from(["", " ", "missing child"]))
def test_the_threshold_never_passes_the_floor(office: Any, expected: float, reason: str) -> None:
    authority = office.authority(false_alerts_per_face=expected, threshold_reason=reason)
    rules = office.profile.threshold
    allowed = expected <= rules.target or (expected <= rules.floor and bool(reason.strip()))
    assert (profile_fault(authority, office.profile) == "") == allowed


def test_a_kind_that_the_profile_does_not_know_is_not_permitted(office: Any) -> None:
    trial = load_profile("test")
    authority = office.authority(profile="test", profile_sha256=trial.sha256)
    assert "does not permit deployments of kind live" in profile_fault(authority, trial)


def test_the_european_profile_has_no_hotspots(office: Any) -> None:
    rules: Profile = load_profile("eu-ai-act")
    place = office.authority().where.model_copy(update={"case": "crime-hotspot"})
    authority = office.authority(
        profile=rules.name,
        profile_sha256=rules.sha256,
        where=place,
        documents={**office.authority().documents, "registration": "EU 1"},
    )
    assert "crime-hotspot" in profile_fault(authority, rules)


@given(
    now_s=st.floats(min_value=0, max_value=10**10),
    latest_s=st.floats(min_value=0, max_value=10**10),
    tolerance_s=st.floats(min_value=0, max_value=60),
)
def test_a_clock_behind_the_record_is_seen(now_s: float, latest_s: float, tolerance_s: float) -> None:
    assert bool(clock_fault(now_s, latest_s, tolerance_s)) == (now_s < latest_s - tolerance_s)


@given(
    one=st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    other=st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)
def test_distance_is_a_distance(one: tuple[float, float], other: tuple[float, float]) -> None:
    away_m = distance_m(one, other)
    assert 0 <= away_m <= math.pi * 6_371_008.8 + 1
    assert away_m == pytest.approx(distance_m(other, one))
    assert distance_m(one, one) == 0


def test_distance_of_known_places() -> None:
    london, paris = (51.5074, -0.1278), (48.8566, 2.3522)
    assert distance_m(london, paris) == pytest.approx(343_500, rel=0.005)


@pytest.mark.parametrize("length_s", [0.0, -1.0, -8 * 3600.0])
def test_an_end_that_is_not_after_the_start_is_refused(office: Any, length_s: float) -> None:
    with pytest.raises(ValueError, match=r"ends_at \(.+\) must come after starts_at \("):
        office.authority(ends_at=START_S + length_s)
