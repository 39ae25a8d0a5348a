"""What a site tells of itself, as plain values; the documents over HTTP are derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from lfr_ray.records import CLOSED, Moment, is_none


@dataclass(frozen=True, config=CLOSED)
class CameraState:
    """One camera as it is now."""

    name: str
    state: Annotated[str, Field(description="starting, connecting, live (its frames are looked at), blind or ended")]
    blind_since: Moment | None = Field(default=None, description="Since when nothing is seen, ISO 8601 UTC.")
    problem: str = Field(default="", description="Why it is blind or ended.")
    refusal: str = Field(default="", description="Why nothing of it is compared; empty when it is.")
    warning: str = Field(default="", description="What makes its alerts late or rare; empty when nothing does.")
    width_px: int | None = None
    height_px: int | None = None
    frames: int | None = Field(default=None, description="Frames handed over.")
    frames_dropped: int | None = Field(default=None, description="Replaced by a newer one before anybody looked.")
    frames_still: int | None = Field(default=None, description="Nothing had moved: the detector was not asked.")
    frames_damaged: int | None = Field(default=None, description="Not decoded, or only with gaps.")
    frames_expected: int | None = Field(default=None, description="How many there should be; null when unknown.")
    missing_s: float | None = Field(default=None, description="Seconds without a picture that should have been one.")
    problems: tuple[str, ...] = Field(default=(), description="What was wrong with the footage, by name.")
    fps: float | None = Field(default=None, description="Frames a second looked at lately.")
    fps_wanted: float | None = Field(default=None, description="Frames a second handed over to be looked at.")
    detected_age_s: float | None = Field(default=None, description="Since a frame was looked at last.")
    compared_age_s: float | None = Field(default=None, description="Since the matcher answered last.")
    alerted_age_s: float | None = Field(default=None, description="Since the desk acknowledged an alert last.")
    faces_seen: int = Field(default=0, description="Passages of a face that ended.")
    faces_compared: int = Field(default=0, description="Of those, with a view of enough quality.")


@dataclass(frozen=True, config=CLOSED)
class CameraList:
    """All cameras."""

    cameras: tuple[CameraState, ...]


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


@dataclass(frozen=True, config=CLOSED)
class StopState:
    """The emergency stop."""

    by: str
    reason: str
    at: Annotated[str, Field(description="ISO 8601 UTC.")]


@dataclass(frozen=True, config=CLOSED)
class DeploymentState:
    """One deployment."""

    id: str
    kind: str = ""
    state: str = ""
    model: str = Field(default="", description="Card id of the embedder that compares.")
    configuration: str = Field(default="", description="Digest of the site's fields in force, without credentials.")


@dataclass(frozen=True, config=CLOSED)
class DeploymentList:
    """Deployments and what stands in their way."""

    deployments: tuple[DeploymentState, ...]
    stop: StopState | None = Field(default=None, description="Null unless the emergency stop is set.")
    paused: str = Field(default="", description="Why alerts are paused; empty when they are not.")


@dataclass(frozen=True, config=CLOSED)
class Switched:
    """Matching was stopped or resumed."""

    stopped: bool
    by: str
    reason: str
    at: str | None = Field(default=None, exclude_if=is_none, description="Of a stop, ISO 8601 UTC.")


@dataclass(frozen=True, config=CLOSED)
class Readiness:
    """What is ready."""

    ready: bool
    parts: Annotated[Mapping[str, str], Field(description="Of each part: empty when ready, otherwise why not.")]


@dataclass(frozen=True, config=CLOSED)
class Health:
    """The process answers."""

    status: str
