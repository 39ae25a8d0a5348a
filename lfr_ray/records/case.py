"""A case: what people recorded about an alert, and what stands of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat
from pydantic.dataclasses import dataclass

from lfr_ray.records.document_fields import CLOSED, Fact, Moment, is_none


@dataclass(frozen=True, config=CLOSED)
class Details:
    """What belongs to a decision (``comparison``) or to an outcome (the rest); None: not said."""

    comparison: Mapping[str, str] | None = Field(
        default=None, exclude_if=is_none, description="What the officer found by eye, feature by feature."
    )
    minutes: StrictFloat | None = Field(default=None, exclude_if=is_none, description="How long they were stopped.")
    offence_class: str | None = Field(default=None, exclude_if=is_none, description="With arrest.")
    confirmed: StrictBool | None = Field(
        default=None,
        exclude_if=is_none,
        description="With false_alert: the person was engaged and is somebody else.",
    )
    perceived_ethnicity: str | None = Field(
        default=None, exclude_if=is_none, description="As the officer perceived it."
    )
    perceived_sex: str | None = Field(default=None, exclude_if=is_none, description="As the officer perceived it.")
    perceived_age_band: str | None = Field(default=None, exclude_if=is_none, description="As the officer perceived it.")

    def of_outcome(self) -> dict[str, Fact]:
        """What was said of an outcome."""
        return {name: value for name, value in vars(self).items() if name != "comparison" and value is not None}


@dataclasses.dataclass(frozen=True, slots=True)
class CaseRecord:
    """One thing that a person recorded about an alert; never changed, only corrected by a later record.

    Attributes:
        kind: "comparison", "decision", "outcome" or "claim".
        value: The decision, outcome or claim (empty of a comparison): ``adjudicate.decision_vocabulary``.
        note: The officer's own words; personal data, so never shown in a log.
        made_at: Wall time; 0 before it is recorded.
        record_id: Increasing number; 0 before it is stored.
        corrects: The record that this one replaces, or 0.
    """

    kind: str
    officer: str
    value: str
    note: str = dataclasses.field(default="", repr=False)
    made_at: float = 0.0
    record_id: int = 0
    corrects: int = 0
    details: Details = dataclasses.field(repr=False, default=Details())


@dataclass(frozen=True, config=CLOSED, kw_only=True)
class ShownRecord(Details):
    """One record of a case, as it is shown."""

    record_id: int
    kind: Annotated[str, Field(description="comparison, decision, outcome or claim")]
    officer: str
    note: str = Field(repr=False)
    made_at: Moment
    corrects: Annotated[int | None, Field(description="The record that this one replaces.")]
    decision: str | None = Field(default=None, exclude_if=is_none, description="Of a decision.")
    outcome: str | None = Field(default=None, exclude_if=is_none, description="Of an outcome.")
    claim: str | None = Field(default=None, exclude_if=is_none, description="Of a claim: taken, taken_over, released.")


@dataclass(frozen=True, config=CLOSED)
class Decision:
    """What was decided; where two officers decide and disagree, the lesser stands."""

    decision: str
    officer: Annotated[str, Field(description="Who gave the last verdict.")]
    note: str = dataclasses.field(repr=False)
    decided_at: Moment
    time_to_decision_s: Annotated[float, Field(description="Seconds after the alert.")]
    agreed: Annotated[bool, Field(description="All verdicts say the same.")]
    record_id: int
    verdicts: tuple[ShownRecord, ...]


@dataclass(frozen=True, config=CLOSED)
class CaseProgress:
    """How far the decision is. Under the two-person rule nothing of the first verdict is told before the second."""

    state: Annotated[str, Field(description="open, awaiting_second, decided or concluded")]
    two_person: bool
    verdicts_given: int


@dataclass(frozen=True, config=CLOSED)
class Claim:
    """Who has taken an alert, so that others can turn to another one. It hinders nobody's decision."""

    officer: str
    at: Annotated[Moment, Field(description="When they took it.")]
    until: Annotated[Moment, Field(description="From then on any officer may take it: nothing of it was done.")]


@dataclass(frozen=True, config=CLOSED)
class CaseState:
    """What people made of an alert so far."""

    status: str = Field(default="new", kw_only=True, description="new or decided")
    case: CaseProgress = Field(default=CaseProgress("open", False, 0), kw_only=True)
    decision: Decision | None = Field(default=None, kw_only=True)
    outcome: ShownRecord | None = Field(default=None, kw_only=True, description="What came of it.")
    history: tuple[ShownRecord, ...] = Field(
        default=(), kw_only=True, description="Every record, oldest first, once the case is decided."
    )
    claim: Claim | None = Field(default=None, kw_only=True, description="Who has it; null while nobody has.")
