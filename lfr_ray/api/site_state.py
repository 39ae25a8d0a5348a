"""What a site tells of itself, as plain values; the documents over HTTP are derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from lfr_ray.focus_config import Region
from lfr_ray.records import CLOSED, Moment, Role, is_none


@dataclass(frozen=True, config=CLOSED)
class CameraState:
    """One camera as it is now."""

    name: str
    state: Annotated[str, Field(description="starting, connecting, live (its frames are looked at), blind or ended")]
    blind_since: Moment | None = Field(default=None, description="Since when nothing is seen, ISO 8601 UTC.")
    problem: str = Field(default="", description="Why it is blind or ended.")
    refusal: str = Field(default="", description="Why nothing of it is compared; empty when it is.")
    warning: str = Field(default="", description="What makes its alerts late or rare; empty when nothing does.")
    takes_recording: bool = Field(default=False, description="Of a test: it shows what is handed in to it.")
    width_px: int | None = None
    height_px: int | None = None
    frames: int | None = Field(default=None, description="Handed over, or passed over to catch up.")
    frames_dropped: int | None = Field(default=None, description="Replaced by a newer one, or passed over to catch up.")
    frames_still: int | None = Field(default=None, description="Nothing had moved: the detector was not asked.")
    frames_damaged: int | None = Field(default=None, description="Not decoded, or only with gaps.")
    frames_expected: int | None = Field(default=None, description="How many there should be; null when unknown.")
    missing_s: float | None = Field(default=None, description="Seconds without a picture that should have been one.")
    problems: tuple[str, ...] = Field(default=(), description="What was wrong with the footage, by name.")
    fps: float | None = Field(default=None, description="Frames a second looked at lately.")
    fps_wanted: float | None = Field(default=None, description="Frames a second handed over to be looked at.")
    detected_age_s: float | None = Field(default=None, description="Since a frame was looked at last.")
    compared_age_s: float | None = Field(default=None, description="Since the matcher answered last.")
    answer_ms: float | None = Field(default=None, description="Lately, from a view's capture to the matcher's answer.")
    alerted_age_s: float | None = Field(default=None, description="Since the desk acknowledged an alert last.")
    faces_seen: int = Field(default=0, description="Passages of a face that ended.")
    faces_compared: int = Field(default=0, description="Of those, with a view of enough quality.")


@dataclass(frozen=True, config=CLOSED)
class CameraList:
    """All cameras."""

    cameras: tuple[CameraState, ...]


@dataclass(frozen=True, config=CLOSED)
class Placed:
    """Where one camera is, and what it compares there."""

    on_plan: Annotated[
        tuple[float, float] | None, Field(description="Shares of the plan's width and height, from left and top.")
    ] = None
    latitude: float | None = None
    longitude: float | None = None
    min_face_px: float | None = Field(default=None, description="Of its picture: smaller faces are not compared.")
    regions: Annotated[tuple[Region, ...], Field(description="Only faces in these parts of it are compared.")] = ()


@dataclass(frozen=True, config=CLOSED)
class SitePlan:
    """Where the cameras are."""

    picture: Annotated[bool, Field(description="There is a plan to put them on.")]
    cameras: Mapping[str, Placed]


@dataclass(frozen=True, config=CLOSED)
class WatchlistState:
    """The list in force, without pictures and names."""

    entries: int
    images: int | None = None
    hash: str = Field(default="", description="Of its content, SHA-256.")
    model: str = Field(default="", description="Card id of the embedder that made its vectors.")
    expired: int | None = Field(default=None, exclude_if=is_none, description="Entries not compared any more.")
    approved: bool | None = Field(default=None, exclude_if=is_none, description="A second person approved it.")
    threshold: float | None = Field(default=None, exclude_if=is_none, description="What a similarity must reach.")
    fault: str | None = Field(default=None, exclude_if=is_none, description="Why it cannot be used; empty when it can.")
    categories: Mapping[str, int] | None = Field(default=None, exclude_if=is_none, description="Entries by category.")
    false_alerts_per_10k_faces: float | None = Field(
        default=None, exclude_if=is_none, description="To be expected at this threshold and size, by the model's card."
    )


@dataclass(frozen=True, config=CLOSED)
class StopState:
    """The emergency stop."""

    by: str
    reason: str
    at: Annotated[str, Field(description="ISO 8601 UTC.")]


@dataclass(frozen=True, config=CLOSED)
class AuthorityState:
    """What was authorised, as anybody who works under it should know it."""

    starts_at: Moment
    ends_at: Moment
    purpose: str
    legal_basis: str
    why: str
    who: Annotated[tuple[str, ...], Field(description="Categories of the list that may be compared with.")]
    cameras: tuple[str, ...]
    authorised_by: Annotated[str, Field(description="Staff number and rank.")]
    place: str = Field(default="", description="Where.")
    place_case: str = Field(default="", description="Which of the permitted cases the place is.")
    place_rationale: str = Field(default="", description="Why the place falls under it.")
    threshold: float | None = Field(default=None, description="Least similarity that may alert; null: the card's.")
    false_alerts_per_face: float | None = Field(default=None, description="As it was expected when it was signed.")
    urgent: bool = False
    configuration_signed: bool = Field(default=False, description="It holds for the cameras as they are set now.")


@dataclass(frozen=True, config=CLOSED)
class DeploymentState:
    """One deployment."""

    id: str
    kind: str = ""
    state: str = ""
    model: str = Field(default="", description="Card id of the embedder that compares.")
    configuration: str = Field(default="", description="Digest of the site's fields in force, without credentials.")
    authority: AuthorityState | None = Field(default=None, description="Null in a test without an authority.")
    due: Annotated[
        Literal["", "opening", "closing"], Field(description="What can be done next with it; empty: nothing here.")
    ] = ""


@dataclass(frozen=True, config=CLOSED)
class DeploymentList:
    """Deployments and what stands in their way."""

    deployments: tuple[DeploymentState, ...]
    stop: StopState | None = Field(default=None, description="Null unless the emergency stop is set.")
    paused: str = Field(default="", description="Why alerts are paused; empty when they are not.")
    site: str = Field(default="", description="The site's name.")


@dataclass(frozen=True, config=CLOSED)
class ProposedAuthority:
    """What an officer signs, with everything that the site itself knows."""

    authority: Annotated[Mapping[str, Any], Field(description="As `lfr deployment sign` takes it.")]


@dataclass(frozen=True, config=CLOSED)
class OpenedDeployment:
    """A deployment is open."""

    id: str
    kind: str
    starts_at: Moment
    ends_at: Moment


@dataclass(frozen=True, config=CLOSED)
class ClosedDeployment:
    """A deployment is closed, and what it held destroyed: out of the signed receipt."""

    id: str
    receipt_sha256: str
    destroyed: Annotated[Mapping[str, Mapping[str, int]], Field(description="Of each store, how many of what.")]
    found_after: Annotated[int, Field(description="Of everything destroyed, what a search still found.")]
    scanned_files: int
    held: Annotated[int, Field(description="Alerts that are kept, with a reason.")]
    notes: tuple[str, ...]


@dataclass(frozen=True, config=CLOSED)
class Switched:
    """Matching was stopped or resumed."""

    stopped: bool
    by: str
    reason: str
    at: str | None = Field(default=None, exclude_if=is_none, description="Of a stop, ISO 8601 UTC.")


@dataclass(frozen=True, config=CLOSED)
class Counts:
    """What one camera counted since it was started."""

    frames: Annotated[int, Field(description="Frames that were looked at.")]
    faces_seen: Annotated[int, Field(description="Tracklets, an estimate of people.")]
    faces_compared: Annotated[int, Field(description="Of those, with a view that was good enough.")]
    rejected: Annotated[Mapping[str, int], Field(description="Views that were not good enough, by reason.")]
    latency_ms: Annotated[Mapping[str, float], Field(description="From capture to the durable alert: p50, p95.")]


@dataclass(frozen=True, config=CLOSED)
class CountsList:
    """What all cameras counted, by name."""

    cameras: Mapping[str, Counts]


@dataclass(frozen=True, config=CLOSED)
class Hour:
    """What happened in one hour."""

    begins_at: Moment
    faces_seen: int
    alerts: int


@dataclass(frozen=True, config=CLOSED)
class RecordSoFar:
    """The account of the deployment as it would be published now, unsigned, and the same by the hour."""

    record: Annotated[Mapping[str, Any], Field(description="As `lfr deployment record` publishes it.")]
    hours: tuple[Hour, ...]


@dataclass(frozen=True, config=CLOSED)
class LedgerVerdict:
    """Whether the ledger holds: every line, every seal, the signed head."""

    holds: bool
    faults: tuple[str, ...]
    records: int
    sealed: Annotated[int, Field(description="Number of the last record that a signature covers.")]
    head: str


@dataclass(frozen=True, config=CLOSED)
class LedgerPage:
    """Records of the ledger, newest first."""

    records: Annotated[tuple[Mapping[str, Any], ...], Field(description="As they stand in the ledger.")]
    before: Annotated[int | None, Field(description="Ask for those before this number; null after the last.")]


@dataclass(frozen=True, config=CLOSED)
class Readiness:
    """What is ready."""

    ready: bool
    parts: Annotated[Mapping[str, str], Field(description="Of each part: empty when ready, otherwise why not.")]


@dataclass(frozen=True, config=CLOSED)
class Health:
    """The process answers."""

    status: str


@dataclass(frozen=True, config=CLOSED)
class SessionState:
    """One console that is signed in."""

    id: str
    since: Moment
    until: Moment


@dataclass(frozen=True, config=CLOSED)
class PersonState:
    """Somebody who has a token or a session."""

    person: str
    role: Role
    token_until: Annotated[Moment | None, Field(description="End of the newest token; null for an issuer's people.")]
    training_until: Annotated[Moment | None, Field(description="Of the person's certificate; null without one.")]
    sessions: tuple[SessionState, ...]


@dataclass(frozen=True, config=CLOSED)
class PeopleList:
    """Everybody who may use the site by its own tokens and sessions."""

    people: tuple[PersonState, ...]


@dataclass(frozen=True, config=CLOSED)
class GivenToken:
    """A new token. It is in this answer and never again."""

    person: str
    role: Role
    expires_at: Moment
    token: str = Field(repr=False)
