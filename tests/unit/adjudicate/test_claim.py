"""Who has an alert, and who may take it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lfr_ray.adjudicate.claim import LAPSE_S
from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.errors import ConflictError, InputError, RefusedError
from lfr_ray.records import CaseRecord, Claim, Details

FOUND = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})


class Story:
    """Admits records one after another at moments of their own."""

    def __init__(self, *, two_person: bool = False, unfit: str = "") -> None:
        self.rules = CaseRules(two_person, lambda officer, _at: "no training" if officer == unfit else "")
        self.records: tuple[CaseRecord, ...] = ()

    def add(self, kind: str, value: str, officer: str, at: float, **more: object) -> None:
        draft = replace(CaseRecord(kind, officer, value, made_at=at), **more)  # type: ignore[arg-type]
        self.rules.admit(self.rules.verdicts_needed, self.records, draft)
        self.records = (*self.records, replace(draft, record_id=len(self.records) + 1))

    @property
    def claim(self) -> Claim | None:
        return self.rules.summary(self.rules.verdicts_needed, 90.0, self.records).claim


def test_one_officer_has_it_until_they_give_it_back() -> None:
    story = Story()
    assert story.claim is None
    story.add("claim", "taken", "PC1", 100.0)
    assert story.claim == Claim("PC1", 100.0, 100.0 + LAPSE_S)
    with pytest.raises(ConflictError, match="another officer has this alert") as caught:
        story.add("claim", "taken", "PC2", 101.0)
    assert "PC1" in caught.value.got
    with pytest.raises(ConflictError, match="only who has an alert can release it") as caught:
        story.add("claim", "released", "PC2", 102.0)
    assert "PC1" in caught.value.got
    story.add("claim", "released", "pc1", 103.0)  # another spelling of the same person
    assert story.claim is None
    story.add("claim", "taken", "PC2", 104.0)
    assert story.claim is not None
    assert story.claim.officer == "PC2"


def test_each_step_of_its_officer_keeps_it_and_without_one_it_lapses() -> None:
    story = Story()
    story.add("claim", "taken", "PC1", 100.0)
    story.add("comparison", "", "PC1", 300.0, details=FOUND)
    story.add("comparison", "", "PC3", 500.0, details=FOUND)  # of somebody else: it keeps nothing
    story.add("claim", "taken", "PC1", 550.0)
    assert story.claim == Claim("PC1", 100.0, 550.0 + LAPSE_S)
    with pytest.raises(ConflictError):
        story.add("claim", "taken", "PC2", 549.9 + LAPSE_S)
    story.add("claim", "taken", "PC2", 550.0 + LAPSE_S)
    assert story.claim is not None
    assert story.claim.officer == "PC2"


def test_a_supervisor_takes_it_over_at_any_time() -> None:
    story = Story()
    story.add("claim", "taken", "PC1", 100.0)
    story.add("claim", "taken_over", "SGT1", 101.0)
    assert story.claim == Claim("SGT1", 101.0, 101.0 + LAPSE_S)


def test_it_hinders_no_verdict_and_every_verdict_ends_it() -> None:
    story = Story(two_person=True)
    story.add("claim", "taken", "PC1", 100.0)
    story.add("decision", "not_a_match", "PC2", 101.0)
    assert story.claim is None, "whose verdict it was is not told"
    with pytest.raises(ConflictError, match="another officer"):
        story.add("claim", "taken", "PC2", 102.0)  # it would keep the second officer away
    story.add("claim", "taken", "PC1", 103.0)
    story.add("decision", "not_a_match", "PC2", 104.0, corrects=2, note="sure")  # a correction is no new task
    assert story.claim is not None
    story.add("decision", "not_a_match", "PC3", 105.0)
    assert story.claim is None
    story.add("claim", "taken", "PC9", 106.0)
    story.add("outcome", "not_stopped", "PC1", 107.0)
    assert story.claim is None
    with pytest.raises(ConflictError, match="nothing is left"):
        story.add("claim", "taken", "PC1", 108.0)


def test_a_claim_is_nothing_else() -> None:
    story = Story(unfit="PC8")
    for value, more in (
        ("mine", {}),
        ("taken", {"details": FOUND}),
        ("taken", {"note": "x"}),
        ("taken", {"corrects": 1}),
    ):
        with pytest.raises(InputError, match="nothing else"):
            story.add("claim", value, "PC1", 100.0, **more)
    with pytest.raises(RefusedError, match="may not decide"):
        story.add("claim", "taken", "PC8", 100.0)
    story.add("claim", "taken", "PC1", 100.0)
    with pytest.raises(RefusedError, match="engage"):
        story.add("decision", "engage", "PC1", 101.0)


def test_it_stands_in_the_history_of_a_decided_case() -> None:
    story = Story()
    story.add("claim", "taken", "PC1", 100.0)
    story.add("decision", "not_a_match", "PC1", 101.0)
    summary = story.rules.summary(1, 90.0, story.records)
    assert [(one.kind, one.claim) for one in summary.history] == [("claim", "taken"), ("decision", None)]
    facts = story.rules.facts(1, 90.0, story.records[:1])
    assert (facts["officer"], facts["claim"], facts["state"]) == ("PC1", "taken", "open")
