"""What belongs to an outcome and to a comparison by eye, checked where it enters."""

from __future__ import annotations

import re

from lfr_ray.adjudicate.decision_vocabulary import FEATURES, FINDINGS, MONITORING_FIELDS, OUTCOME_FIELDS, OUTCOMES
from lfr_ray.errors import InputError
from lfr_ray.records import Details, Fact

OFFENCE_CLASS_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _/,()-]{0,63}$"
MAX_MINUTES = 24 * 60


def check_outcome(outcome: str, details: Details) -> None:
    """Refuse an outcome whose fields are not the ones it must and may have.

    Raises:
        InputError: A word, field or value that does not belong to it.

    >>> check_outcome("stopped", Details(minutes=4.5))
    >>> check_outcome("stopped", Details())
    Traceback (most recent call last):
    ...
    lfr_ray.errors.InputError: the outcome lacks a field; got: stopped; allowed: stopped with minutes
    """
    if outcome not in OUTCOMES:
        raise InputError("no such outcome", got=outcome[:40], allowed=", ".join(OUTCOMES))
    must, may = OUTCOME_FIELDS[outcome]
    said = details.of_outcome()
    given = set(said) | ({"comparison"} if details.comparison is not None else set())
    if must - given:
        raise InputError("the outcome lacks a field", got=outcome, allowed=f"{outcome} with {', '.join(sorted(must))}")
    strange = given - may - set(MONITORING_FIELDS)
    if strange:
        raise InputError(
            "the outcome has a field that does not belong to it",
            got=f"{outcome} with {', '.join(sorted(strange))[:80]}",
            allowed=", ".join(sorted(may | set(MONITORING_FIELDS))),
        )
    for name in given:
        _check_value(name, said[name])


def check_comparison(details: Details) -> None:
    """Refuse a comparison by eye that names features or findings that do not exist.

    Raises:
        InputError: It does.
    """
    if details.of_outcome():
        raise InputError("a decision has a field that does not belong to it", allowed="comparison")
    comparison = details.comparison
    if comparison is None:
        return
    if not set(comparison) <= set(FEATURES):
        raise InputError("the comparison names an unknown feature", allowed=", ".join(FEATURES))
    if not set(comparison.values()) <= set(FINDINGS):
        raise InputError("the comparison holds an unknown finding", allowed=", ".join(FINDINGS))


def _check_value(name: str, value: Fact) -> None:
    if name == "minutes":
        if not 0 <= float(value or 0) <= MAX_MINUTES:
            raise InputError("minutes is out of range", got=str(value)[:40], allowed=f"0 to {MAX_MINUTES}")
    elif name == "offence_class":
        if not re.match(OFFENCE_CLASS_PATTERN, str(value)):
            raise InputError("offence_class is not a short plain name", allowed="1 to 64 letters, digits and spaces")
    elif name in MONITORING_FIELDS and value not in MONITORING_FIELDS[name]:
        raise InputError(f"no such {name}", got=str(value)[:40], allowed=", ".join(MONITORING_FIELDS[name]))
