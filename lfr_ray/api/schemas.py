"""Every document that goes over HTTP, as OpenAPI describes it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lfr_ray.adjudicate.case import MAX_NOTE
from lfr_ray.adjudicate.outcome import MAX_MINUTES, OFFENCE_CLASS_PATTERN
from lfr_ray.adjudicate.vocabulary import AgeBand, Decision, Ethnicity, Feature, Finding, Outcome, Sex
from lfr_ray.alert.service import MAX_REASON
from lfr_ray.alert.webhook_store import DEFAULT_KINDS, MAX_URL
from lfr_ray.api.auth import OFFICER_PATTERN

LARGEST_ID = 2**63 - 1

Officer = Annotated[str, Field(pattern=OFFICER_PATTERN, description="Id of the officer who acts.")]
Note = Annotated[
    str, Field(max_length=MAX_NOTE, pattern=r"^[^\x00]*$", description="In the officer's own words; never logged.")
]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON, pattern=r"^[^\x00]*\S[^\x00]*$")]
Corrects = Annotated[
    int | None,
    Field(ge=1, le=LARGEST_ID, description="Number of the standing record that this one replaces; needs a note."),
]


class Request(BaseModel):
    """Base of what comes in: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """Base of what goes out: a site may tell more than is described."""

    model_config = ConfigDict(extra="allow")


class Problem(Answer):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What went wrong.")
    got: str = Field(description="What was received; never a name or a secret.")
    allowed: str = Field(description="What would have been accepted.")
    next_step: str = Field(description="What to do now.")


# --- alerts ---


class DecisionRequest(Request):
    """An officer's verdict. Nothing follows from it by itself."""

    officer: Officer
    decision: Decision
    note: Note = ""
    comparison: dict[Feature, Finding] | None = Field(
        default=None, description="What the officer found by eye, feature by feature, before seeing any number."
    )
    corrects: Corrects = None


class OutcomeRequest(Request):
    """What came of an alert, after its decision. What was perceived of the person is optional."""

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


class HoldRequest(Request):
    """Keep an alert beyond its retention time."""

    officer: Officer
    reason: Reason


class Sightings(Answer):
    """How often and when the person was seen at this camera since."""

    count: int
    first: str
    last: str


class CaseState(Answer):
    """How far the decision is. Under the two-person rule nothing of the first verdict is told before the second."""

    state: str = Field(description="open, awaiting_second, decided or concluded")
    two_person: bool
    verdicts_given: int


class AlertDocument(Answer):
    """A possible match. A person decides what it is."""

    id: str
    key: str = Field(description="Idempotency key of the sighting that raised it.")
    status: str = Field(description="new or decided")
    entry_id: str
    name: str
    category: str
    action: str = Field(description="What is asked for if a person confirms the match.")
    camera: str
    deployment: str
    model: str
    captured_at: str = Field(description="Wall time of the deciding view, ISO 8601 UTC.")
    raised_at: str
    time_s: float = Field(description="Position on the camera's own timeline, seconds.")
    similarity: float
    threshold: float
    probability: float | None = Field(
        description="That it is this person, at this list size and the site's base rate; null without a calibration."
    )
    regions_visible: list[str] = Field(
        description="Halves of the face that are visible: upper, lower. The comparison rests on them."
    )
    margin: float = Field(description="Lead over the nearest other entry.")
    runner_up: str
    views_agreeing: int
    views_compared: int
    list_size: int
    relatives: list[str] = Field(description="Entries whose enrolled faces are close to this one's.")
    cautions: list[str] = Field(description="possible_relative, small_margin, single_entry_list, partly_covered")
    box: list[float] = Field(description="x1, y1, x2, y2 in pixels of the frame.")
    quality: dict[str, float]
    sightings: Sightings
    hold: dict[str, Any] | None
    images: dict[str, str]
    case: CaseState
    decision: dict[str, Any] | None
    outcome: dict[str, Any] | None
    history: list[dict[str, Any]] = Field(description="Every record, oldest first, once the case is decided.")


class AlertPageDocument(Answer):
    """One page of alerts."""

    alerts: list[AlertDocument]
    next_cursor: str | None
    event_id: int = Field(description="Open the stream with this Last-Event-ID, and nothing after this page is missed.")


# --- site ---


class CameraDocument(Answer):
    """One camera as it is now."""

    name: str
    state: str = Field(description="connecting, live, blind or ended")
    blind_since: str | None = Field(default=None, description="Since when nothing is seen, ISO 8601 UTC.")
    problem: str = Field(default="", description="Why it is blind or ended.")
    refusal: str = Field(default="", description="Why the matcher compares nothing of it; empty when it does.")
    width_px: int | None = None
    height_px: int | None = None
    frames: int | None = None
    frames_dropped: int | None = None
    fps: float | None = None
    faces_seen: int | None = None
    faces_compared: int | None = None


class CamerasDocument(Answer):
    """All cameras."""

    cameras: list[CameraDocument]


class WatchlistDocument(Answer):
    """The list in force, without pictures."""

    entries: int
    images: int | None = None
    hash: str = ""
    model: str = ""


class StopState(Answer):
    """The emergency stop."""

    by: str
    reason: str
    at: str


class DeploymentDocument(Answer):
    """One deployment."""

    id: str
    kind: str = ""
    state: str = ""
    model: str = Field(default="", description="Card id of the embedder that compares.")


class DeploymentsDocument(Answer):
    """Deployments and what stands in their way."""

    deployments: list[DeploymentDocument]
    stop: StopState | None = Field(default=None, description="Null unless the emergency stop is set.")
    paused: str = Field(default="", description="Why the desk takes no alerts; empty when it does.")


class StopRequest(Request):
    """Stop or resume all matching."""

    officer: Officer
    reason: Reason


class ReadyDocument(Answer):
    """What is ready."""

    ready: bool
    parts: dict[str, str] = Field(description="Of each part: empty when ready, otherwise why not.")


# --- webhooks ---


class WebhookRequest(Request):
    """Tell an address of alerts."""

    url: str = Field(min_length=1, max_length=MAX_URL, description="https, or http on loopback.")
    kinds: list[str] = Field(default=list(DEFAULT_KINDS), min_length=1, max_length=16)
    officer: Officer


class WebhookDocument(Answer):
    """A webhook; its secret is told once, when it is made."""

    id: str
    url: str = Field(description="Without its query, which may hold a token.")
    kinds: list[str]
    active: bool
    attempts: int
    failing_since: str | None
    last_error: str


class WebhookCreated(WebhookDocument):
    """A new webhook."""

    secret: str = Field(description="Key of LFR-Signature. It is never shown again.")


class WebhooksDocument(Answer):
    """All webhooks."""

    webhooks: list[WebhookDocument]
