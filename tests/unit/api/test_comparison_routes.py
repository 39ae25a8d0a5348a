"""What an officer gets beside an alert: what they recorded themselves, and how rare such a likeness is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.records import CaseRecord, Details, Sighting

Make = Callable[..., Sighting]
COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})


def test_an_officer_sees_their_own_verdict_and_no_other(open_house: Callable[..., Any], make_sighting: Make) -> None:
    house = open_house(two_person=True)
    alert_id = house.desk.raise_alert(make_sighting()).alert_id
    house.desk.record(alert_id, CaseRecord("decision", "PC1", "engage", "scar", details=COMPARED))
    path = f"/v1/alerts/{alert_id}/own"
    (mine,) = house.get(path, headers=house.by("PC1")).json()["records"]
    assert (mine["decision"], mine["note"]) == ("engage", "scar")
    assert house.get(path, headers=house.by("PC2")).json() == {"records": []}
    corrected = {"officer": "PC1", "decision": "not_a_match", "note": "wrong button", "corrects": mine["record_id"]}
    assert house.post(f"/v1/alerts/{alert_id}/decision", corrected, headers=house.by("PC1")).status_code == 200
    records = house.get(path, headers=house.by("PC1")).json()["records"]
    assert [one["corrects"] for one in records] == [None, mine["record_id"]]


@pytest.mark.parametrize(
    ("similarity", "list_size", "least", "most"), [(0.9587, 500, 1_000, 1_000_000), (0.93, 500, 1, 100)]
)
def test_a_likeness_is_as_rare_as_the_card_says(
    house: Any, make_sighting: Make, similarity: float, list_size: int, least: int, most: int
) -> None:
    match = {"similarity": similarity, "list_size": list_size}
    alert_id = house.desk.raise_alert(make_sighting(match=match)).alert_id
    path = f"/v1/alerts/{alert_id}/likelihood"
    assert house.get(path, headers=house.by("PC9")).json()["once_in_faces"] is None, "only after the comparison"
    house.desk.record(alert_id, CaseRecord("comparison", "PC9", "", details=COMPARED))
    told = house.get(path, headers=house.by("PC9")).json()
    assert least <= told["once_in_faces"] <= most
    assert told["beyond_measured"] is (similarity > 0.95)


def test_no_fit_says_more_than_a_million(house: Any, make_sighting: Make) -> None:
    alert_id = house.desk.raise_alert(make_sighting(match={"similarity": 0.999})).alert_id
    house.desk.record(alert_id, CaseRecord("comparison", "PC9", "", details=COMPARED))
    answer = house.get(f"/v1/alerts/{alert_id}/likelihood", headers=house.by("PC9"))
    assert answer.json()["once_in_faces"] == 1_000_000
    assert house.consultations == [("PC9", "likelihood", alert_id, "")]
