"""Every document that comes in over HTTP, and the models of those that go out.

What goes out is a record; its model is derived from it, and forbids what is not described.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from lfr_ray.adjudicate.decision_vocabulary import (
    OUTCOME_FIELDS,
    AgeBand,
    Decision,
    Ethnicity,
    Feature,
    Finding,
    Outcome,
    Sex,
)
from lfr_ray.adjudicate.decisions import LEAST_FINDINGS, MAX_NOTE
from lfr_ray.adjudicate.outcome_checks import MAX_MINUTES, OFFENCE_CLASS_PATTERN
from lfr_ray.alert.alert_service import MAX_REASON
from lfr_ray.alert.event_kinds import CHOSEN_KINDS, DEFAULT_KINDS
from lfr_ray.alert.webhook_address import MAX_URL
from lfr_ray.alert.webhook_store import Format
from lfr_ray.api.auth import OFFICER_PATTERN
from lfr_ray.focus_config import CameraFocus
from lfr_ray.people.tokens_and_sessions import ID_PATTERN, MAX_DAYS
from lfr_ray.records import Role
from lfr_ray.strict_yaml import Section

LARGEST_ID = 2**63 - 1
BINARY = {"schema": {"type": "string", "format": "binary"}}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": BINARY}}}
"""Of a route that answers with a picture."""

Officer = Annotated[
    str | None,
    Field(
        default=None, pattern=OFFICER_PATTERN, description="The officer who acts; whoever is proven, and nobody else."
    ),
]
Note = Annotated[
    str, Field(max_length=MAX_NOTE, pattern=r"^[^\x00]*$", description="In the officer's own words; never logged.")
]
WORDS = r"^[^\x00-\x08\x0e-\x1f]*[^\s\x00-\x1f\x85][^\x00-\x08\x0e-\x1f]*$"
"""Something to read is in it."""
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON, pattern=WORDS)]
Corrects = Annotated[
    int | None,
    Field(ge=1, le=LARGEST_ID, description="Number of the standing record that this one replaces; needs a note."),
]


Kind = Annotated[str, Field(json_schema_extra={"enum": list(CHOSEN_KINDS)})]
A_URL = (
    r"^(https://[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?){0,8}"
    r"|http://(localhost|127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,3})?(/[A-Za-z0-9/._~%?&=+-]*)?$"
)
"""Of the addresses that are taken, those that a program may choose from."""


class Problem(Section):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What went wrong.")
    got: str = Field(description="What was received; never a name or a secret.")
    allowed: str = Field(description="What would have been accepted.")
    next_step: str = Field(description="What to do now.")


WITH_NOTE: dict[str, Any] = {
    "if": {"properties": {"corrects": {"type": "integer"}}, "required": ["corrects"]},
    "then": {"properties": {"note": {"minLength": 1, "pattern": WORDS}}, "required": ["note"]},
}
"""A correction needs its reason."""


def _fields_of(outcome: str) -> dict[str, Any]:
    """Which fields an outcome must and may have, as ``adjudicate.outcome_checks`` checks them."""
    must, may = OUTCOME_FIELDS[outcome]
    never = set().union(*(one for pair in OUTCOME_FIELDS.values() for one in pair)) - may
    given = {name: {"not": {"type": "null"}} for name in sorted(must)}
    return {
        "if": {"properties": {"outcome": {"const": outcome}}},
        "then": {
            "properties": {**given, **{name: {"type": "null"} for name in sorted(never)}},
            "required": sorted(must),
        },
    }


class ComparisonRequest(Section):
    """What an officer found by eye, before seeing any number."""

    officer: Officer
    comparison: dict[Feature, Finding] = Field(min_length=LEAST_FINDINGS, description="Feature by feature.")


class ClaimRequest(Section):
    """Take an alert, so that others see it."""

    officer: Officer
    take_over: bool = Field(default=False, description="Also from another officer who has it; a supervisor may.")


class DecisionRequest(Section):
    """An officer's verdict. Nothing follows from it by itself."""

    model_config = ConfigDict(json_schema_extra={"allOf": [WITH_NOTE]})

    officer: Officer
    decision: Decision
    note: Note = ""
    comparison: dict[Feature, Finding] | None = Field(
        default=None, description="What the officer found by eye, feature by feature, before seeing any number."
    )
    corrects: Corrects = None


class OutcomeRequest(Section):
    """What came of an alert, after its decision. What was perceived of the person is optional."""

    model_config = ConfigDict(json_schema_extra={"allOf": [WITH_NOTE, *map(_fields_of, OUTCOME_FIELDS)]})

    officer: Officer
    outcome: Outcome
    note: Note = ""
    minutes: float | None = Field(default=None, ge=0, le=MAX_MINUTES, description="How long the person was stopped.")
    offence_class: str | None = Field(default=None, pattern=OFFENCE_CLASS_PATTERN, description="With arrest.")
    confirmed: bool | None = Field(
        default=None, description="With false_alert: the person was engaged and is somebody else."
    )
    perceived_ethnicity: Ethnicity | None = None
    perceived_sex: Sex | None = None
    perceived_age_band: AgeBand | None = None
    corrects: Corrects = None


class PersonRequest(Section):
    """Give a person or a service a token."""

    person: str = Field(pattern=ID_PATTERN, description="Staff number, login or name of a service; never a name.")
    role: Role
    days: float = Field(default=90.0, gt=0, le=MAX_DAYS, description="How long the token is valid.")


class PushKeys(Section):
    """A browser's keys for messages to it, base64url."""

    p256dh: str = Field(pattern=r"^[A-Za-z0-9_-]{87}=?$")
    auth: str = Field(pattern=r"^[A-Za-z0-9_-]{22}(==)?$")


class PushRequest(Section):
    """A browser's subscription, as `PushSubscription.toJSON` gives it."""

    endpoint: str = Field(max_length=1000, pattern=r"^https?://[!-~]+$", description="At one of the site's services.")
    keys: PushKeys
    expirationTime: float | None = Field(default=None, description="When it ends; not used.")


class HoldRequest(Section):
    """Keep an alert beyond its retention time, or take somebody off the list: with a reason."""

    officer: Officer
    reason: Reason


class FocusRequest(CameraFocus):
    """Set where a camera looks for faces, and how small: with a reason."""

    officer: Officer
    reason: Reason


class StopRequest(Section):
    """Stop or resume all matching."""

    officer: Officer
    reason: Reason


class WebhookRequest(Section):
    """Tell an address of alerts."""

    url: str = Field(
        min_length=1,
        max_length=MAX_URL,
        description="https, or http on loopback; no user, password or fragment.",
        json_schema_extra={"pattern": A_URL},
    )
    kinds: list[Kind] = Field(default=list(DEFAULT_KINDS), min_length=1, max_length=len(CHOSEN_KINDS))
    format: Format = Field(
        default="standard", description="Of the body: the event, or CloudEvents 1.0 around it (structured mode)."
    )
    officer: Officer
