"""What a site tells of itself, as plain values; the documents over HTTP are derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lfr_ray.records import Moment
from lfr_ray.records.parts import about


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera as it is now."""

    name: str
    state: str = field(metadata=about("connecting, live, blind or ended"))
    blind_since: Moment | None = field(default=None, metadata=about("Since when nothing is seen, ISO 8601 UTC."))
    problem: str = field(default="", metadata=about("Why it is blind or ended."))
    refusal: str = field(default="", metadata=about("Why the matcher compares nothing of it; empty when it does."))
    width_px: int | None = None
    height_px: int | None = None
    frames: int | None = field(default=None, metadata=about("Frames handed over."))
    frames_dropped: int | None = field(default=None, metadata=about("Replaced by a newer one before anybody looked."))
    fps: float | None = field(default=None, metadata=about("Frames a second lately."))
    faces_seen: int | None = None
    faces_compared: int | None = None


@dataclass(frozen=True, slots=True)
class CameraList:
    """All cameras."""

    cameras: tuple[CameraState, ...]


@dataclass(frozen=True, slots=True)
class WatchlistState:
    """The list in force, without pictures and names."""

    entries: int
    images: int | None = None
    hash: str = field(default="", metadata=about("Of its content, SHA-256."))
    model: str = field(default="", metadata=about("Card id of the embedder that made its vectors."))
    expired: int | None = field(default=None, metadata=about("Entries that are not compared any more.", omit=True))
    approved: bool | None = field(default=None, metadata=about("A second person approved this content.", omit=True))
    threshold: float | None = field(default=None, metadata=about("What a similarity must reach.", omit=True))
    fault: str | None = field(default=None, metadata=about("Why it cannot be used; empty when it can.", omit=True))


@dataclass(frozen=True, slots=True)
class StopState:
    """The emergency stop."""

    by: str
    reason: str
    at: str = field(metadata=about("ISO 8601 UTC."))


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """One deployment."""

    id: str
    kind: str = ""
    state: str = ""
    model: str = field(default="", metadata=about("Card id of the embedder that compares."))


@dataclass(frozen=True, slots=True)
class DeploymentList:
    """Deployments and what stands in their way."""

    deployments: tuple[DeploymentState, ...]
    stop: StopState | None = field(default=None, metadata=about("Null unless the emergency stop is set."))
    paused: str = field(default="", metadata=about("Why alerts are paused; empty when they are not."))


@dataclass(frozen=True, slots=True)
class Switched:
    """Matching was stopped or resumed."""

    stopped: bool
    by: str
    reason: str
    at: str | None = field(default=None, metadata=about("Of a stop, ISO 8601 UTC.", omit=True))


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is ready."""

    ready: bool
    parts: Mapping[str, str] = field(metadata=about("Of each part: empty when ready, otherwise why not."))


@dataclass(frozen=True, slots=True)
class Health:
    """The process answers."""

    status: str
