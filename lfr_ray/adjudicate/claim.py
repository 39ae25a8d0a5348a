"""Who has an alert: an officer takes it and others see it. It orders work, and hinders nobody's decision."""

from __future__ import annotations

from dataclasses import replace

from lfr_ray.adjudicate.decision_vocabulary import CLAIMS
from lfr_ray.clock import utc_text
from lfr_ray.errors import ConflictError, InputError
from lfr_ray.records import CaseRecord, Claim, Details, folded

LAPSE_S = 300.0
"""Whoever does nothing with an alert for so long has it no more when another officer takes it."""


def claim_of(records: tuple[CaseRecord, ...]) -> Claim | None:
    """The claim that stands after these records, oldest first.

    A verdict or an outcome ends it, whoever gave it: what is to be done next is another task. That a claim ended so
    tells nothing of whose verdict it was.

    >>> taken = CaseRecord("claim", "PC1", "taken", made_at=100.0)
    >>> claim_of((taken, CaseRecord("comparison", "PC1", "", made_at=130.0)))
    Claim(officer='PC1', at=100.0, until=430.0)
    >>> claim_of((taken, CaseRecord("decision", "PC2", "not_a_match", made_at=130.0))) is None
    True
    """
    claim: Claim | None = None
    for record in records:
        until = record.made_at + LAPSE_S
        if record.kind == "claim":
            renewed = claim is not None and record.value == "taken" and _same(claim, record)
            since = claim.at if renewed and claim is not None else record.made_at
            claim = None if record.value == "released" else Claim(record.officer, since, until)
        elif record.kind == "outcome" or (record.kind == "decision" and not record.corrects):
            claim = None
        elif claim is not None and _same(claim, record):
            claim = replace(claim, until=until)
    return claim


def check_claim(draft: CaseRecord) -> None:
    """Refuse a claim that holds anything else.

    Raises:
        InputError: It does.
    """
    if draft.value not in CLAIMS or draft.note or draft.corrects or draft.details != Details():
        raise InputError("a claim says who has the alert, and nothing else", allowed=", ".join(CLAIMS))


def admit_claim(records: tuple[CaseRecord, ...], draft: CaseRecord) -> None:
    """Allow an alert to be taken, taken over or released, or say who has it.

    Raises:
        ConflictError: Another officer has it; of a release: this one has not.
    """
    claim = claim_of(records)
    mine = claim is not None and _same(claim, draft)
    if draft.value == "released" and not mine:
        raise ConflictError(
            "only who has an alert can release it",
            got="nobody has it" if claim is None else f"{claim.officer} has it since {utc_text(claim.at)}",
            next_step="read the alert again; somebody may have taken it over",
        )
    if draft.value == "taken" and claim is not None and not mine and draft.made_at < claim.until:
        raise ConflictError(
            "another officer has this alert",
            got=f"{claim.officer}, since {utc_text(claim.at)}",
            allowed=f"after {utc_text(claim.until)}, if they do nothing until then",
            next_step="turn to another one, or let a supervisor take it over; you may decide it all the same",
        )


def _same(claim: Claim, record: CaseRecord) -> bool:
    return folded(claim.officer) == folded(record.officer)
