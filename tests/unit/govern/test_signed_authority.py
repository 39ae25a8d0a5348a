"""Who may sign an authority, and the urgent route."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.signed_authority import (
    Grant,
    closed,
    closing_fault,
    grant_fault,
    must_erase,
    ratification_fault,
    ratified,
    ratify_by_s,
    signed,
)
from lfr_ray.govern.signing_keys import SigningKey

START_S = 1_787_904_000.0
DAY_S = 86400.0


def test_a_superintendent_may(office: Any) -> None:
    assert grant_fault(office.grant(), office.trusted, office.profile) == ""


def test_an_unsigned_authority_is_worth_nothing(office: Any) -> None:
    grant = Grant(authority=office.authority())
    assert "not signed" in grant_fault(grant, office.trusted, office.profile)


def test_an_unknown_key_is_worth_nothing(office: Any) -> None:
    grant = signed(office.authority(), SigningKey.create(), START_S)
    assert "unknown key" in grant_fault(grant, office.trusted, office.profile)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "something else"},
        {"ends_at": START_S + 9 * 3600},
        {"cameras": ("pier", "gate", "car-park")},
        {"watchlist_sha256": "b" * 64},
        {"who": ("wanted-by-court", "missing-or-at-risk", "suspect")},
        {"threshold": 0.55},
        {"applicant": {"id": "insp-8", "rank": "inspector"}},
    ],
)
def test_altered_content_is_seen(office: Any, change: dict[str, Any]) -> None:
    grant = office.grant()
    altered = Grant(authority=office.authority(**change), signature=grant.signature)
    assert "altered" in grant_fault(altered, office.trusted, office.profile)


def test_a_signature_of_another_time_or_purpose_does_not_count(office: Any) -> None:
    grant = office.grant()
    moved = grant.signature.model_copy(update={"at": grant.signature.at + 1})
    assert "altered" in grant_fault(grant.model_copy(update={"signature": moved}), office.trusted, office.profile)
    other = office.keys["supt-1"].sign("ratification", grant.authority.content(), START_S)
    assert "altered" in grant_fault(grant.model_copy(update={"signature": other}), office.trusted, office.profile)


def test_an_inspector_may_not_unless_it_is_urgent(office: Any) -> None:
    officer = {"id": "insp-7", "rank": "inspector"}
    applicant = {"id": "sgt-3", "rank": "sergeant"}
    grant = office.grant("insp-7", authorising_officer=officer, applicant=applicant)
    assert "rank inspector may not authorise" in grant_fault(grant, office.trusted, office.profile)
    urgent = office.grant(
        "insp-7", authorising_officer=officer, applicant=applicant, urgent=True, urgent_reason="threat to life"
    )
    assert grant_fault(urgent, office.trusted, office.profile) == ""


def test_the_signature_is_of_the_officer_who_is_named_with_their_rank(office: Any) -> None:
    assert "but supt-2 signed" in grant_fault(office.grant("supt-2"), office.trusted, office.profile)
    inflated = office.grant(authorising_officer={"id": "supt-1", "rank": "chief-constable"})
    assert "is of rank superintendent" in grant_fault(inflated, office.trusted, office.profile)


def test_a_key_counts_while_it_is_valid_and_its_holder_trained(office: Any) -> None:
    office.enlist("supt-1", "superintendent", valid_until=START_S - 3600)
    assert "valid only until" in grant_fault(office.grant(), office.trusted, office.profile)
    office.enlist("supt-1", "superintendent", training_until=START_S - 3600)
    assert "training" in grant_fault(office.grant(), office.trusted, office.profile)
    office.enlist("supt-1", "superintendent", role="operator")
    assert "role operator" in grant_fault(office.grant(), office.trusted, office.profile)


def urgent_grant(office: Any) -> Grant:
    made: Grant = office.grant(
        "insp-7",
        at=START_S,
        authorising_officer={"id": "insp-7", "rank": "inspector"},
        applicant={"id": "sgt-3", "rank": "sergeant"},
        urgent=True,
        urgent_reason="threat to life",
    )
    return made


def test_an_urgent_authority_ends_unless_ratified_in_time(office: Any) -> None:
    grant = urgent_grant(office)
    check = (office.trusted, office.profile)
    assert ratify_by_s(grant, office.profile) == START_S + DAY_S
    assert ratification_fault(grant, *check, START_S + DAY_S) == ""
    assert "was not ratified" in ratification_fault(grant, *check, START_S + DAY_S + 1)
    in_time = ratified(grant, office.keys["supt-1"], START_S + DAY_S)
    assert ratification_fault(in_time, *check, START_S + 5 * DAY_S) == ""
    late = ratified(grant, office.keys["supt-1"], START_S + DAY_S + 1)
    assert "came after" in ratification_fault(late, *check, START_S + DAY_S + 2)


def test_who_may_ratify(office: Any) -> None:
    grant = urgent_grant(office)
    office.enlist("insp-8", "inspector")
    by_rank = ratified(grant, office.keys["insp-8"], START_S + 5)
    assert "may not ratify" in ratification_fault(by_rank, office.trusted, office.profile, START_S + 9)
    stranger = ratified(grant, SigningKey.create(), START_S + 5)
    assert "unknown key" in ratification_fault(stranger, office.trusted, office.profile, START_S + 9)
    office.enlist("insp-7", "superintendent")
    own = ratified(grant, office.keys["insp-7"], START_S + 5)
    assert "of their own" in ratification_fault(own, office.trusted, office.profile, START_S + 9)


def test_an_authority_that_is_not_urgent_needs_no_ratification(office: Any) -> None:
    assert ratification_fault(office.grant(), office.trusted, office.profile, START_S + 99 * DAY_S) == ""


def test_in_europe_an_unratified_use_is_erased_and_in_britain_it_ends(office: Any) -> None:
    assert not must_erase(urgent_grant(office), office.trusted, office.profile, START_S + 2 * DAY_S)
    office.profile = load_profile("eu-ai-act")
    office.enlist("head-1", "head-of-unit")
    grant = office.grant(
        "head-1",
        at=START_S,
        authorising_officer={"id": "head-1", "rank": "head-of-unit"},
        documents={**office.authority().documents, "registration": "EU 1"},
        urgent=True,
        urgent_reason="imminent threat",
    )
    assert grant_fault(grant, office.trusted, office.profile) == ""
    assert not must_erase(grant, office.trusted, office.profile, START_S + DAY_S)
    assert must_erase(grant, office.trusted, office.profile, START_S + DAY_S + 1)


def test_a_closed_deployment_stays_closed(office: Any) -> None:
    site = SigningKey.create()
    office.trusted[site.id] = site.described("site", role="site")
    grant = closed(office.grant(), site, "insp-7", START_S + 9)
    assert closing_fault(office.grant(), office.trusted) == ""
    assert "was closed" in closing_fault(grant, office.trusted)
    forged = closed(office.grant(), SigningKey.create(), "x", START_S + 9)
    assert "unknown key" in closing_fault(forged, office.trusted)
    assert Grant.model_validate(grant.model_dump(mode="json")) == grant
