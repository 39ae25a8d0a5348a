r"""What may happen to an alert once it is raised, and what stands: a person decides, and nothing is overwritten.

A case is the fold of its records. Which step may follow in which state is the table :data:`MOVES`:

    open --decision--> decided --outcome--> concluded
      \--decision--> awaiting_second --decision--> decided      (two-person rule)

Before each of them an officer may take the alert, so that others see it (:mod:`lfr_ray.adjudicate.claim`).
An officer compares the faces by eye first: only then are the machine's figures shown to them, and ``engage`` taken.

A correction is a new record that names the one it replaces; both stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lfr_ray.adjudicate.claim import admit_claim, check_claim, claim_of
from lfr_ray.adjudicate.decision_vocabulary import DECISIONS, FEATURES, OUTCOMES_AFTER
from lfr_ray.adjudicate.outcome_checks import check_comparison, check_outcome
from lfr_ray.errors import ConflictError, InputError, RefusedError
from lfr_ray.records import EVERYTHING, CaseProgress, CaseRecord, CaseState, Decision, Fact, Facts, ShownRecord, folded

State = Literal["open", "awaiting_second", "decided", "concluded"]
Step = Literal["claim", "comparison", "decision", "outcome", "decision_correction", "outcome_correction"]

MOVES: Mapping[State, frozenset[Step]] = {
    "open": frozenset({"claim", "comparison", "decision"}),
    "awaiting_second": frozenset({"claim", "comparison", "decision", "decision_correction"}),
    "decided": frozenset({"claim", "comparison", "outcome", "decision_correction"}),
    "concluded": frozenset({"comparison", "decision_correction", "outcome_correction"}),
}

KINDS = ("claim", "comparison", "decision", "outcome")

LEAST_FINDINGS = 3
"""Features of a face that an officer must have judged by eye."""

MAX_NOTE = 2000
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class Case:
    """What stands of a case, folded from its records.

    Attributes:
        verdicts: Decisions that no later record replaced, oldest first.
        outcome: The outcome that no later record replaced.
        decision: What was decided; empty while it is not.
        decided_at: When the decision was first complete; a correction does not move it.
    """

    state: State
    verdicts: tuple[CaseRecord, ...] = ()
    outcome: CaseRecord | None = None
    decision: str = ""
    decided_at: float | None = None

    @property
    def agreed(self) -> bool:
        """All verdicts say the same."""
        return len({verdict.value for verdict in self.verdicts}) <= 1


def fold(verdicts_needed: int, records: tuple[CaseRecord, ...]) -> Case:
    """The case that these records, oldest first, make."""
    replaced = {record.corrects for record in records if record.corrects}
    standing = [record for record in records if record.record_id not in replaced]
    verdicts = tuple(record for record in standing if record.kind == "decision")
    firsts = [record for record in records if record.kind == "decision" and not record.corrects]
    outcomes = [record for record in standing if record.kind == "outcome"]
    if not verdicts:
        return Case("open")
    if len(verdicts) < verdicts_needed:
        return Case("awaiting_second", verdicts)
    return Case(
        "concluded" if outcomes else "decided",
        verdicts,
        outcomes[-1] if outcomes else None,
        min((verdict.value for verdict in verdicts), key=DECISIONS.index),
        firsts[verdicts_needed - 1].made_at,
    )


@dataclass(frozen=True, slots=True)
class CaseRules:
    """The rules of a deployment's profile.

    Attributes:
        two_person: An alert is decided only when two different officers gave their verdicts, the
            second without knowing the first; where they disagree, nobody is engaged.
        unfit: Why an officer may not decide at a moment; empty when they may.
    """

    two_person: bool = False
    unfit: Callable[[str, float], str] = lambda _officer, _at: ""

    @property
    def verdicts_needed(self) -> int:
        """Kept with each alert when it is raised, so that a later change of rules leaves old cases as they were."""
        return 2 if self.two_person else 1

    def admit(self, verdicts_needed: int, records: tuple[CaseRecord, ...], draft: CaseRecord) -> None:
        """Allow a record to be added, or say why not.

        Raises:
            InputError: A word or field that does not exist.
            RefusedError: The officer may not decide.
            ConflictError: It may not follow what is recorded.
        """
        _check_words(draft)
        if draft.kind != "outcome" and draft.value != "released":
            _check_fit(self.unfit(draft.officer, draft.made_at))
        case = fold(verdicts_needed, records)
        step = _step(draft)
        if step not in MOVES[case.state]:
            raise _refused(step, case)
        if step == "claim":
            _admit_claim(case, records, draft)
        elif step == "decision":
            _admit_decision(case, draft)
        elif step == "outcome":
            _admit_outcome(case.decision, draft)
        elif step == "decision_correction":
            _admit_decision_correction(verdicts_needed, case, records, draft)
        elif step == "outcome_correction":
            _admit_outcome_correction(case, draft)
        if draft.value == "engage" and not has_compared((*records, draft), draft.officer):
            raise RefusedError(
                "engage is decided after your own comparison of the faces",
                got="no comparison of yours is recorded",
                allowed=f"findings for {LEAST_FINDINGS} or more of {', '.join(FEATURES)}",
                next_step="record what you find by eye, then decide",
            )

    def may_see_figures(self, verdicts_needed: int, records: tuple[CaseRecord, ...], reader: str) -> bool:
        """The machine's figures may be shown to this person: they compared the faces, or the case is decided."""
        decided = fold(verdicts_needed, records).decided_at is not None
        return decided or reader == EVERYTHING or has_compared(records, reader)

    def summary(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> CaseState:
        """What is told of the case.

        While the second verdict is awaited nothing of the first is told, not even by whom it is, so
        that the second verifier is blind to it.
        """
        case = fold(verdicts_needed, records)
        decided = case.decided_at is not None
        return CaseState(
            status="decided" if decided else "new",
            case=CaseProgress(case.state, verdicts_needed > 1, len(case.verdicts)),
            decision=_decision(case, raised_at) if decided else None,
            outcome=None if case.outcome is None else _shown(case.outcome),
            history=tuple(_shown(record) for record in records) if decided else (),
            claim=claim_of(records),
        )

    def own(self, records: tuple[CaseRecord, ...], officer: str) -> tuple[ShownRecord, ...]:
        """What an officer recorded themselves: that much they may see, and correct, before the second verdict."""
        return tuple(_shown(record) for record in records if record.officer == officer)

    def facts(self, verdicts_needed: int, raised_at: float, records: tuple[CaseRecord, ...]) -> Facts:
        """What the audit ledger keeps of the newest record: no note, no name, no picture."""
        case = fold(verdicts_needed, records)
        newest = records[-1]
        facts: dict[str, Fact] = {
            "officer": newest.officer,
            **({newest.kind: newest.value} if newest.value else {}),
            "corrects": newest.corrects,
            "state": case.state,
            "decided": case.decision,
        }
        if newest.kind == "outcome":
            facts.update(newest.details.of_outcome())
        else:
            facts["seconds_after_alert"] = round(newest.made_at - raised_at, 3)
            facts["agreed"] = case.agreed if case.decision else None
        return facts


def has_compared(records: tuple[CaseRecord, ...], officer: str) -> bool:
    """This officer recorded what they found by eye, feature by feature, before or with a decision."""
    return any(
        folded(record.officer) == folded(officer) and len(record.details.comparison or {}) >= LEAST_FINDINGS
        for record in records
    )


def _step(draft: CaseRecord) -> Step:
    if draft.kind in ("claim", "comparison"):
        return draft.kind  # type: ignore[return-value]  # the same word
    if draft.kind == "decision":
        return "decision_correction" if draft.corrects else "decision"
    return "outcome_correction" if draft.corrects else "outcome"


def _check_words(draft: CaseRecord) -> None:
    if draft.kind not in KINDS:
        raise InputError("no such kind of record", got=draft.kind[:40], allowed=", ".join(KINDS))
    if not draft.officer:
        raise InputError("the officer's id is missing", allowed="the id of the officer who decides")
    if len(draft.note) > MAX_NOTE:
        raise InputError("the note is too long", got=f"{len(draft.note)} characters", allowed=f"{MAX_NOTE}")
    if draft.kind == "claim":
        check_claim(draft)
        return
    if draft.corrects and not draft.note.strip():
        raise InputError("a correction needs its reason", allowed="a note that says why")
    if draft.kind == "outcome":
        check_outcome(draft.value, draft.details)
        return
    if draft.kind == "comparison":
        if draft.value or draft.corrects or len(draft.details.comparison or {}) < LEAST_FINDINGS:
            raise InputError(
                "a comparison is what you find by eye, and nothing else",
                got=f"{len(draft.details.comparison or {})} findings",
                allowed=f"findings for {LEAST_FINDINGS} or more of {', '.join(FEATURES)}",
            )
    elif draft.value not in DECISIONS:
        raise InputError("no such decision", got=draft.value[:40], allowed=", ".join(DECISIONS))
    check_comparison(draft.details)


def _check_fit(why: str) -> None:
    if why:
        raise RefusedError(
            "this officer may not decide on alerts",
            got=why,
            allowed="officers whose training is recorded and in date",
            next_step="record it: `lfr trust issue ID --role operator --training-until DATE`",
        )


def _refused(step: Step, case: Case) -> ConflictError:
    recorded = {"decision": case.verdicts, "outcome": (case.outcome,) if case.outcome else ()}.get(step, ())
    if recorded:
        standing = ", ".join(str(record.record_id) for record in recorded)
        return ConflictError(
            "the alert is decided already" if step == "decision" else "the outcome is recorded already",
            got=f"standing record {standing}",
            next_step="to change it, send a correction: corrects with the record's number, and a note with the reason",
        )
    what, next_step = {
        "claim": ("nothing is left to be done with this alert", "turn to another one"),
        "outcome": ("an outcome is recorded after the decision", "record the decision first"),
    }.get(step, ("there is nothing to correct", "record it without corrects"))
    return ConflictError(what, got=f"case {case.state}", next_step=next_step)


def _corrected(standing: tuple[CaseRecord, ...], draft: CaseRecord) -> CaseRecord:
    for record in standing:
        if record.record_id == draft.corrects:
            return record
    raise ConflictError(
        "corrects names no standing record of that kind",
        got=draft.corrects,
        next_step="read the alert again; someone may have corrected it meanwhile",
    )


def _admit_claim(case: Case, records: tuple[CaseRecord, ...], draft: CaseRecord) -> None:
    if case.state == "awaiting_second" and draft.value != "released":
        _admit_decision(case, draft)  # whoever gave the first verdict would keep the second officer away
    admit_claim(records, draft)


def _admit_decision(case: Case, draft: CaseRecord) -> None:
    if any(folded(verdict.officer) == folded(draft.officer) for verdict in case.verdicts):
        raise ConflictError(
            "the second verdict must come from another officer",
            got="the officer who gave the first",
            next_step="let a different officer compare the faces, or correct your own verdict",
        )


def _admit_decision_correction(
    verdicts_needed: int, case: Case, records: tuple[CaseRecord, ...], draft: CaseRecord
) -> None:
    old = _corrected(case.verdicts, draft)
    if verdicts_needed > 1 and folded(old.officer) != folded(draft.officer):
        raise ConflictError(
            "a verdict under the two-person rule may be corrected only by the officer who gave it",
            next_step="let that officer correct it",
        )
    after = fold(verdicts_needed, (*records, draft))
    if case.outcome is not None and case.outcome.value not in OUTCOMES_AFTER[after.decision]:
        raise ConflictError(
            "the recorded outcome cannot stand with this decision",
            got=f"outcome {case.outcome.value}, decision {after.decision}",
            allowed=f"outcomes {', '.join(sorted(OUTCOMES_AFTER[after.decision]))}",
            next_step="correct the outcome first",
        )


def _admit_outcome(decision: str, draft: CaseRecord) -> None:
    if draft.value not in OUTCOMES_AFTER[decision]:
        raise ConflictError(
            "this outcome cannot follow the decision",
            got=f"{draft.value} after {decision}",
            allowed=", ".join(sorted(OUTCOMES_AFTER[decision])),
            next_step="if an officer did engage, correct the decision first and say why",
        )


def _admit_outcome_correction(case: Case, draft: CaseRecord) -> None:
    _corrected((case.outcome,) if case.outcome is not None else (), draft)
    _admit_outcome(case.decision, draft)


def _decision(case: Case, raised_at: float) -> Decision:
    assert case.decided_at is not None
    last = case.verdicts[-1]
    return Decision(
        decision=case.decision,
        officer=last.officer,
        note=last.note,
        decided_at=case.decided_at,
        time_to_decision_s=round(case.decided_at - raised_at, 3),
        agreed=case.agreed,
        record_id=last.record_id,
        verdicts=tuple(_shown(verdict) for verdict in case.verdicts),
    )


def _shown(record: CaseRecord) -> ShownRecord:
    return ShownRecord(
        record_id=record.record_id,
        kind=record.kind,
        officer=record.officer,
        note=record.note,
        made_at=record.made_at,
        corrects=record.corrects or None,
        decision=record.value if record.kind == "decision" else None,
        outcome=record.value if record.kind == "outcome" else None,
        claim=record.value if record.kind == "claim" else None,
        **vars(record.details),
    )
