"""What people may record, and what stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lfr_ray.adjudicate.decision_vocabulary import DECISIONS, OUTCOMES, OUTCOMES_AFTER
from lfr_ray.adjudicate.decisions import MOVES, CaseRules, fold
from lfr_ray.errors import ConflictError, InputError, LfrError, RefusedError
from lfr_ray.records import CaseRecord, CaseState, Details

RULES = CaseRules()
COMPARED = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}


class Story:
    """Admits records one after another, as the desk does."""

    def __init__(self, *, two_person: bool = False) -> None:
        self.rules = CaseRules(two_person)
        self.needed = self.rules.verdicts_needed
        self.records: tuple[CaseRecord, ...] = ()

    def add(
        self, kind: str, value: str, officer: str = "PC1", note: str = "", corrects: int = 0, **details: Any
    ) -> int:
        made_at = 100.0 + len(self.records)
        if (kind, value) == ("decision", "engage"):
            details = {"comparison": COMPARED} | details
        draft = CaseRecord(kind, officer, value, note, made_at, corrects=corrects, details=Details(**details))
        self.rules.admit(self.needed, self.records, draft)
        self.records = (*self.records, replace(draft, record_id=len(self.records) + 1))
        return len(self.records)

    @property
    def state(self) -> str:
        return fold(self.needed, self.records).state

    def summary(self) -> CaseState:
        return self.rules.summary(self.needed, 90.0, self.records)


def test_one_officer_decides_then_records_what_came_of_it() -> None:
    story = Story()
    assert story.state == "open"
    story.add("decision", "engage", note="same scar", comparison=COMPARED)
    assert story.state == "decided"
    story.add("outcome", "arrest", offence_class="theft", minutes=12)
    assert story.state == "concluded"
    summary = story.summary()
    assert summary.decision is not None
    assert summary.decision.time_to_decision_s == 10.0
    assert summary.outcome is not None
    assert summary.outcome.offence_class == "theft"
    assert [record.kind for record in summary.history] == ["decision", "outcome"]


@pytest.mark.parametrize("first", DECISIONS)
@pytest.mark.parametrize("second", DECISIONS)
def test_two_verifiers_must_agree_to_engage(first: str, second: str) -> None:
    story = Story(two_person=True)
    story.add("decision", first, officer="PC1")
    assert story.summary().status == "new"
    story.add("decision", second, officer="PC2")
    decision = story.summary().decision
    assert decision is not None
    assert decision.agreed == (first == second)
    assert (decision.decision == "engage") == (first == second == "engage")
    assert decision.decision == min(first, second, key=DECISIONS.index)


def test_the_second_verifier_is_another_officer_and_blind() -> None:
    story = Story(two_person=True)
    story.add("decision", "engage", officer="PC-FIRST", note="a scar")
    told = repr(story.summary())
    assert "PC-FIRST" not in told
    assert "engage" not in told
    assert "scar" not in told
    with pytest.raises(ConflictError, match="another officer") as caught:
        story.add("decision", "engage", officer="PC-FIRST")
    assert "PC-FIRST" not in str(caught.value)


def test_a_verdict_under_the_two_person_rule_is_corrected_by_its_officer_only() -> None:
    story = Story(two_person=True)
    first = story.add("decision", "engage", officer="PC1")
    with pytest.raises(ConflictError, match="only by the officer"):
        story.add("decision", "not_a_match", officer="PC2", corrects=first, note="no")
    story.add("decision", "not_a_match", officer="PC1", corrects=first, note="misread")
    assert story.state == "awaiting_second"
    story.add("decision", "not_a_match", officer="PC2")
    assert story.summary().decision.decision == "not_a_match"


def test_a_correction_keeps_what_it_replaces_and_the_time_of_the_decision() -> None:
    story = Story()
    first = story.add("decision", "engage")
    story.add("decision", "not_a_match", officer="SGT2", corrects=first, note="wrong person")
    summary = story.summary()
    assert summary.decision.decision == "not_a_match"
    assert summary.decision.time_to_decision_s == 10.0
    assert [record.decision for record in summary.history] == ["engage", "not_a_match"]
    assert summary.history[1].corrects == first


def test_a_record_that_was_replaced_cannot_be_corrected_again() -> None:
    story = Story()
    first = story.add("decision", "engage")
    story.add("decision", "not_a_match", corrects=first, note="wrong person")
    with pytest.raises(ConflictError, match="no standing record"):
        story.add("decision", "possible_match", corrects=first, note="again")


def test_an_outcome_cannot_be_corrected_into_a_decision() -> None:
    story = Story()
    story.add("decision", "engage")
    outcome = story.add("outcome", "not_stopped")
    with pytest.raises(ConflictError, match="no standing record"):
        story.add("decision", "engage", corrects=outcome, note="mixed up")


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nobody_is_stopped_without_a_decision_to_engage(decision: str, outcome: str) -> None:
    needed: dict[str, Any] = {
        "stopped": {"minutes": 3},
        "arrest": {"offence_class": "theft"},
        "false_alert": {"confirmed": False},
    }
    story = Story()
    with pytest.raises(ConflictError, match="after the decision"):
        story.add("outcome", outcome, **needed.get(outcome, {}))
    story.add("decision", decision)
    if outcome in OUTCOMES_AFTER[decision]:
        story.add("outcome", outcome, **needed.get(outcome, {}))
        assert story.state == "concluded"
    else:
        with pytest.raises(ConflictError, match="cannot follow"):
            story.add("outcome", outcome, **needed.get(outcome, {}))


def test_a_decision_cannot_be_corrected_away_from_under_its_outcome() -> None:
    story = Story()
    first = story.add("decision", "engage")
    outcome = story.add("outcome", "stopped", minutes=5)
    with pytest.raises(ConflictError, match="outcome cannot stand"):
        story.add("decision", "not_a_match", corrects=first, note="wrong person")
    story.add("outcome", "false_alert", confirmed=True, minutes=5, corrects=outcome, note="papers checked")
    story.add("decision", "not_a_match", corrects=first, note="wrong person")
    assert story.summary().outcome.outcome == "false_alert"


def test_a_second_outcome_is_a_correction_or_nothing() -> None:
    story = Story()
    story.add("decision", "engage")
    story.add("outcome", "not_stopped")
    with pytest.raises(ConflictError, match="recorded already"):
        story.add("outcome", "not_stopped")


@pytest.mark.parametrize(
    ("kind", "value", "fields", "says"),
    [
        ("decision", "arrest", {}, "no such decision"),
        ("decision", "engage", {"officer": ""}, "officer"),
        ("decision", "engage", {"note": "x" * 2001}, "too long"),
        ("decision", "engage", {"comparison": {"hair": "agrees"}}, "unknown feature"),
        ("decision", "engage", {"comparison": {"nose": "yes"}}, "unknown finding"),
        ("decision", "engage", {"minutes": 4}, "does not belong"),
        ("decision", "engage", {"corrects": 9, "note": " "}, "needs its reason"),
        ("hearsay", "engage", {}, "no such kind"),
    ],
)
def test_words_are_a_closed_list(kind: str, value: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Story().add(kind, value, **fields)


@pytest.mark.parametrize(
    "wrong", [{"minutes": True}, {"minutes": "4"}, {"confirmed": "yes"}, {"comparison": ["nose"]}, {"age": 4}]
)
def test_a_value_of_another_type_is_no_detail(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Details(**wrong)


@pytest.mark.parametrize(
    ("outcome", "details", "says"),
    [
        ("searched", {}, "no such outcome"),
        ("stopped", {}, "lacks"),
        ("arrest", {"minutes": 4}, "lacks"),
        ("false_alert", {}, "lacks"),
        ("not_stopped", {"minutes": 4}, "does not belong"),
        ("stopped", {"minutes": 4, "offence_class": "theft"}, "does not belong"),
        ("stopped", {"minutes": -1}, "out of range"),
        ("stopped", {"minutes": 1441}, "out of range"),
        ("stopped", {"minutes": float("nan")}, "out of range"),
        ("arrest", {"offence_class": ""}, "plain name"),
        ("arrest", {"offence_class": "<b>theft"}, "plain name"),
        ("stopped", {"minutes": 4, "perceived_sex": "f"}, "no such perceived_sex"),
    ],
)
def test_an_outcome_has_its_own_fields(outcome: str, details: dict[str, Any], says: str) -> None:
    story = Story()
    story.add("decision", "engage")
    with pytest.raises(InputError, match=says):
        story.add("outcome", outcome, **details)


def test_what_was_perceived_is_optional_and_only_after_the_event() -> None:
    story = Story()
    story.add("decision", "engage")
    perceived = {"perceived_ethnicity": "mixed", "perceived_sex": "male", "perceived_age_band": "25_to_34"}
    story.add("outcome", "identity_confirmed", **perceived)
    assert {name: getattr(story.summary().outcome, name) for name in perceived} == perceived


def test_nothing_else_can_be_said_of_a_person() -> None:
    with pytest.raises(ValidationError):
        Details(emotion="calm")  # type: ignore[call-arg]


def test_facts_for_the_ledger_hold_no_words() -> None:
    story = Story()
    story.add("decision", "engage", note="private words")
    facts = story.rules.facts(1, 90.0, story.records)
    assert facts["seconds_after_alert"] == 10.0
    assert facts["decided"] == "engage"
    assert "private" not in repr(facts)


words = st.sampled_from([*DECISIONS, *OUTCOMES])
steps = st.tuples(
    st.sampled_from(["decision", "outcome"]), words, st.sampled_from(["PC1", "PC2", "PC3"]), st.integers(0, 6)
)


@given(st.booleans(), st.lists(steps, max_size=14))
def test_whatever_is_tried_the_case_stays_lawful(two_person: bool, tried: list[tuple[str, str, str, int]]) -> None:
    story = Story(two_person=two_person)
    fields: dict[str, Any] = {
        "stopped": {"minutes": 1},
        "arrest": {"offence_class": "x"},
        "false_alert": {"confirmed": True},
    }
    for kind, value, officer, corrects in tried:
        before = story.records
        try:
            story.add(kind, value, officer, "why" if corrects else "", corrects, **fields.get(value, {}))
        except LfrError:
            assert story.records == before
        case = fold(story.needed, story.records)
        assert case.state in MOVES
        assert len(case.verdicts) <= story.needed
        assert len({verdict.officer for verdict in case.verdicts}) == len(case.verdicts)
        if case.decision == "engage":
            assert all(verdict.value == "engage" for verdict in case.verdicts)
        if case.outcome is not None:
            assert case.outcome.value in OUTCOMES_AFTER[case.decision]


def test_who_may_not_decide_is_refused_and_may_still_record_what_came_of_it() -> None:
    story = Story()
    story.rules = CaseRules(unfit=lambda officer, at: "" if officer == "PC1" else f"{officer} is not trained")
    with pytest.raises(RefusedError, match="may not decide") as caught:
        story.add("decision", "engage", officer="PC2")
    assert caught.value.got == "PC2 is not trained"
    assert story.state == "open"
    story.add("decision", "engage", officer="PC1")
    story.add("outcome", "stopped", officer="PC2", minutes=4)
    assert story.state == "concluded"
