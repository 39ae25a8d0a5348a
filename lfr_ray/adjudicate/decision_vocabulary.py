"""The words that people record about an alert: closed lists, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Decision = Literal["not_a_match", "possible_match", "engage"]
"""not_a_match: another person. possible_match: may be, but nobody is approached. engage: an officer approaches."""

Outcome = Literal["not_stopped", "stopped", "identity_confirmed", "arrest", "other_disposal", "false_alert"]
"""What came of the alert. false_alert is confirmed when the person was engaged and is somebody else,
unconfirmed when the person was not engaged, so that the truth is unknown."""

Claiming = Literal["taken", "taken_over", "released"]
"""Who has an alert. taken_over: by a supervisor, whoever has it."""

Feature = Literal["face_outline", "forehead", "eyes_brows", "nose", "mouth_chin", "ears", "marks"]
"""What is compared by eye before any number is shown. Hair, glasses and clothes change, so they are no features."""

Finding = Literal["agrees", "differs", "unclear"]

Ethnicity = Literal["asian", "black", "mixed", "white", "other", "not_stated"]
Sex = Literal["female", "male", "other", "not_stated"]
AgeBand = Literal["under_18", "18_to_24", "25_to_34", "35_to_44", "45_to_54", "55_to_64", "65_and_over", "not_stated"]
"""As the officer perceived them, after the event, for equality monitoring; each is optional."""

DECISIONS: tuple[str, ...] = get_args(Decision)
"""From the least to the most intrusive: where two verifiers disagree, the lesser stands."""
OUTCOMES: tuple[str, ...] = get_args(Outcome)
CLAIMS: tuple[str, ...] = get_args(Claiming)
FEATURES: tuple[str, ...] = get_args(Feature)
FINDINGS: tuple[str, ...] = get_args(Finding)

OUTCOMES_AFTER: Mapping[str, frozenset[str]] = {
    "not_a_match": frozenset({"not_stopped", "false_alert"}),
    "possible_match": frozenset({"not_stopped", "false_alert"}),
    "engage": frozenset(OUTCOMES),
}
"""Nobody is stopped on an alert unless a person decided to engage."""

OUTCOME_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "not_stopped": (frozenset(), frozenset()),
    "stopped": (frozenset({"minutes"}), frozenset({"minutes"})),
    "identity_confirmed": (frozenset(), frozenset({"minutes"})),
    "arrest": (frozenset({"offence_class"}), frozenset({"offence_class", "minutes"})),
    "other_disposal": (frozenset(), frozenset({"minutes"})),
    "false_alert": (frozenset({"confirmed"}), frozenset({"confirmed", "minutes"})),
}
"""Of each outcome: the fields that it must have, and those that it may have."""

MONITORING_FIELDS: Mapping[str, tuple[str, ...]] = {
    "perceived_ethnicity": get_args(Ethnicity),
    "perceived_sex": get_args(Sex),
    "perceived_age_band": get_args(AgeBand),
}
