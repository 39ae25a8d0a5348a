"""A site, as a closed tree of described fields; it is validated before anything starts.

One YAML file is a complete site and at the same time a Ray Serve configuration: the tree below is
what stands under ``applications[0].args``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from lfr_ray.api_config import ApiConfig
from lfr_ray.clock import parse_utc
from lfr_ray.focus_config import CameraFocus
from lfr_ray.ledger_config import LedgerConfig
from lfr_ray.outputs_config import OutputsConfig
from lfr_ray.strict_yaml import Section, form, shown_name

NAME_PATTERN = form(
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    "a name has 1 to 64 letters, digits and signs _ . -, and begins with a letter or digit",
)
"""Names of sites and entries: they become file names, labels and parts of URLs."""

CAMERA_PATTERN = form(
    r"^[^/\\\x00-\x1f\x7f]{1,128}$", "a name may not contain / or \\ or line breaks, and has 1 to 128 letters"
)
"""Names of cameras: a recording's camera bears the name of its file, whatever that is."""

GPSD_PATTERN = form(r"^$|^[^\s:]+:\d{1,5}$", "HOST:PORT, like localhost:2947")

DEMO_WATCHLIST = "demo:"
"""In place of a watchlist folder: the demo's own pictures."""

AUTO = "auto"
"""In place of an embedder's card id: the recommended one where its file is there, see ``models/card_catalogue.py``."""

MAX_FPS = 120.0

DeviceName = Literal["auto", "cpu", "cuda", "mps", "intel_gpu", "intel_npu"]


class CameraConfig(CameraFocus):
    """One camera."""

    SHOWN_BY: ClassVar[str] = "name"

    name: str = Field(pattern=CAMERA_PATTERN, description="Unique in the site; appears in alerts and URLs.")
    url: str = Field(
        min_length=1,
        repr=False,
        description="A file, a folder of pictures, rtsp://, http(s)://, /dev/videoN, demo:NAME, or upload: (handed in "
        "through the console of a test). A password stands elsewhere: {env:NAME} or {file:/run/...} in its place.",
    )
    pace: Literal["live", "full"] = Field(
        default="live",
        description="live: recordings play at their own speed and the newest frame wins; full: every frame, no drops.",
    )
    folder: Literal["read", "watch", "watch-and-remove"] = Field(default="read", description="How pictures are used.")
    on_end: Literal["stop", "loop"] = Field(default="stop", description="What a recording does at its end.")
    max_fps: float = Field(
        default=10.0,
        gt=0,
        le=MAX_FPS,
        description="Frames a second that are looked at; at pace full only where it is written.",
    )
    network: str = Field(default="", description="Runs only on Ray's nodes with the resource `network:` and this name.")
    priority: int = Field(default=1, ge=1, le=4, description="Under overload: so many times as many looks as with 1.")
    motion: bool = Field(
        default=False,
        description="Where nothing has moved since the last look, the detector is not asked again.",
    )
    decode: Literal["auto", "cpu", "cuda", "vaapi"] = Field(
        default="auto", description="What decodes video; where that is not possible the processor does."
    )
    stall_s: float = Field(default=5.0, gt=0, description="Without a picture for so long, a live stream is blind.")
    tls_verify: bool = Field(
        default=True, description="false: any certificate is taken, so that somebody else may answer for the camera."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) that are trusted for https:// and rtsps://; default: the machine's.",
    )
    recorded_at: str = Field(
        default="",
        description="When a recording begins, ISO 8601: what an authority for recorded footage checks.",
    )
    latitude: float | None = Field(default=None, ge=-90, le=90, description="Where the camera stands, degrees.")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="Where the camera stands, degrees.")

    @property
    def recorded_at_s(self) -> float | None:
        """Seconds since 1970 UTC of the recording's first frame, or None."""
        return parse_utc(self.recorded_at) if self.recorded_at else None

    @property
    def least_interval_s(self) -> float:
        """Least time between two frames that are looked at; 0: every frame, and every picture of a watched folder."""
        limited = self.folder == "read" and (self.pace == "live" or "max_fps" in self.model_fields_set)
        return 1.0 / self.max_fps if limited else 0.0

    @field_validator("recorded_at")
    @classmethod
    def _is_moment(cls, text: str) -> str:
        if text:
            try:
                parse_utc(text)
            except ValueError:
                raise ValueError("must be ISO 8601, like 2026-08-22T14:05:00+01:00") from None
        return text

    @model_validator(mode="after")
    def _both_coordinates(self) -> CameraConfig:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude must be given together")
        return self


class ModelConfig(Section):
    """What a detector and an embedder have in common."""

    replicas: int = Field(default=1, ge=1, description="Replicas, unless the Serve part of the file autoscales.")
    max_batch: int = Field(default=8, ge=1, le=256, description="Largest batch on a GPU, padded to a bucket below it.")
    batch_wait_ms: float = Field(
        default=2.0, ge=0, le=1000, description="How long a GPU that is idle waits for more than one, ms."
    )
    cpus: float = Field(default=1.0, ge=0, description="CPUs that a replica reserves.")
    streams: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="On a CPU: pictures that a replica works on at the same time, each on one core; default: as many "
        "as it reserves.",
    )
    gpus: float = Field(default=0.0, ge=0, description="GPU share that a replica reserves.")
    weights: Path | None = Field(default=None, description="Weight file; default: where the card finds it.")


class DetectorConfig(ModelConfig):
    """Face detection."""

    model: str = Field(default="centerface", description="Card id, see `lfr models list`.")
    min_score: float = Field(default=0.5, gt=0, lt=1, description="Detections below are dropped.")
    width_px: int = Field(default=640, ge=64, le=4096, description="Canvas width; a multiple of 32.")
    height_px: int = Field(default=384, ge=64, le=4096, description="Canvas height; a multiple of 32.")

    @model_validator(mode="after")
    def _multiples(self) -> DetectorConfig:
        if self.width_px % 32 or self.height_px % 32:
            raise ValueError(f"width_px and height_px must be multiples of 32, got {self.width_px}x{self.height_px}")
        return self


class EmbedderConfig(ModelConfig):
    """Face embedding."""

    model: str = Field(
        default=AUTO,
        description="Card id, see `lfr models list`; auto: the recommended one where it is here, else dlib's.",
    )
    max_batch: int = Field(default=32, ge=1, le=1024, description="Largest batch of chips, on a GPU.")
    mirror: bool = Field(default=True, description="Average each chip with its mirror image.")
    covered_views: bool = Field(
        default=True,
        description="Compare half covered faces by their visible half, where the model card has fits for that.",
    )


class TrackConfig(Section):
    """Following a face from frame to frame (ByteTrack)."""

    high_score: float = Field(default=0.6, gt=0, lt=1, description="First association: scores at least this.")
    low_score: float = Field(default=0.5, gt=0, lt=1, description="Second association: scores at least this.")
    new_score: float = Field(default=0.6, gt=0, lt=1, description="A new track starts at this score.")
    match_cost: float = Field(default=0.8, gt=0, le=1, description="Largest 1 - IoU that still joins.")
    lost_s: float = Field(default=0.8, gt=0, le=10, description="A track without detection for so long has ended.")


class QualityConfig(Section):
    """The quality check before comparison. A view that fails is never compared; the reason is counted."""

    min_size_px: float = Field(default=28.0, gt=0, description="Smallest face: square root of the box's area.")
    min_sharpness: float = Field(default=7.0, ge=0, description="Smallest variance of the chip's Laplacian.")
    min_exposure: float = Field(default=18.0, ge=0, le=255, description="Smallest mean grey value.")
    max_exposure: float = Field(default=185.0, ge=0, le=255, description="Largest mean grey value.")
    max_yaw: float = Field(default=0.4, gt=0, description="Largest turn, as a share of a right angle.")
    max_pitch: float = Field(default=0.6, gt=0, description="Largest nod: 0 level, 1 up or down.")
    max_roll_deg: float = Field(default=40.0, gt=0, le=180, description="Largest tilt of the eyes' line.")
    min_score: float = Field(default=0.6, gt=0, lt=1, description="Smallest detector score.")
    min_stability: float | None = Field(
        default=None,
        gt=-1,
        lt=1,
        description="Smallest similarity of a view's vector to its mirror image's; default: from the model card.",
    )


class EvidenceConfig(Section):
    """How many looks at a face there must be, and how far apart."""

    min_views: int = Field(default=3, ge=1, description="Views that must have been compared before an alert (n).")
    min_agreeing: int = Field(default=3, ge=1, description="Of those, views that point to the entry by themselves (k).")
    max_views: int = Field(default=10, ge=1, le=64, description="Best views kept and compared for one tracklet.")
    spacing_s: float = Field(default=0.1, ge=0, description="Least time between two compared views of a tracklet.")

    @model_validator(mode="after")
    def _possible(self) -> EvidenceConfig:
        if not self.min_agreeing <= self.max_views or not self.min_views <= self.max_views:
            raise ValueError("min_views and min_agreeing must not exceed max_views")
        return self


class MatchConfig(Section):
    """From similarity to a possible match."""

    false_alerts_per_10k_faces: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="False alerts in 10,000 faces that are accepted; the threshold follows from the list's size.",
    )
    threshold: float | None = Field(
        default=None, gt=-1, lt=1, description="Similarity of fused views that alerts; default: from the model card."
    )
    view_threshold: float | None = Field(
        default=None, gt=-1, lt=1, description="Similarity at which one view agrees; default: from the model card."
    )
    min_margin: float = Field(default=0.0, ge=0, description="Least lead over the nearest other entry.")
    base_rate: float = Field(
        default=1e-4,
        gt=0,
        lt=1,
        description="Share of passers-by who are on the list, as expected: for the probability that officers see.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> MatchConfig:
        if self.threshold is not None and self.false_alerts_per_10k_faces is not None:
            raise ValueError("give threshold or false_alerts_per_10k_faces, not both")
        return self


class AlertConfig(Section):
    """The alert desk."""

    cooldown_s: float = Field(default=60.0, ge=0, description="One alert per entry and camera in so many seconds.")
    caution_margin: float = Field(
        default=0.05, ge=0, le=2, description="A lead over the nearest other entry below this is shown as a caution."
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="SQLAlchemy URL; empty: SQLite in data_dir. Its password is named: {env:NAME}.",
    )


class AuthorityConfig(Section):
    """Under which authority the site compares faces."""

    kind: Literal["live", "retrospective", "test", "trial"] = Field(
        default="live", description="Kind of deployment; trial: live cameras for a day, volunteers alone."
    )
    deployment: str = Field(
        default="", description="Id of the opened deployment in data_dir; a test site may leave it empty."
    )
    profile: str = Field(
        default="",
        description="Rules: the name of a profile or a YAML file; empty: test for tests and trials, "
        "otherwise uk-police.",
    )


class PositionConfig(Section):
    """Where a site that moves is. A camera with latitude and longitude of its own does not move."""

    gpsd: str = Field(default="", pattern=GPSD_PATTERN, description="HOST:PORT; empty: cameras have coordinates.")
    max_age_s: float = Field(default=10.0, gt=0, le=600, description="An older position counts as none.")


class SiteConfig(Section):
    """A complete site."""

    RENAMED_KEYS: ClassVar[Mapping[str, str]] = {"in_flight": "frames_in_flight"}
    REMOVED_KEYS: ClassVar[Mapping[str, str]] = {
        "attack": "presentation attack detection was removed, because it withheld too many real people; a poster or a "
        "telephone that shows a listed face alerts, so officers look at the person first",
        "api -> token_env": "a token that many share proves nobody; give each person and each service its own: "
        "`lfr people add ID --role ROLE`",
    }

    site: str = Field(pattern=NAME_PATTERN, description="Name of the site.")
    data_dir: Path = Field(default=Path("lfr-data"), description="Where the watchlist, alerts and ledger live.")
    watchlist: str = Field(
        default="",
        description="A watchlist folder that is imported at the start, or demo:; empty: what was imported before.",
    )
    watchlist_store: str = Field(
        default="",
        pattern=form(
            r"^$|^s3://(\{(env|file):[^{}]+\}:\{(env|file):[^{}]+\}@)?[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_.=-]+)+$",
            "is s3://BUCKET/PREFIX, or s3://{env:NAME}:{file:/run/...}@BUCKET/PREFIX with the places of key and secret",
        ),
        description="Where the imported watchlist is kept: s3://BUCKET/PREFIX, or s3://{env:NAME}:{file:/run/...}@... "
        "with the places of key and secret; otherwise they come from the environment; empty: in data_dir.",
    )
    recordings: tuple[Path, ...] = Field(
        default=(), description="Folders of a separate recorder: a file goes when its time by the rules is over."
    )
    device: DeviceName = Field(default="auto", description="Where models run.")
    declared_use: Literal["", "operational", "research", "test"] = Field(
        default="",
        description="What the models are used for; a card whose licence forbids it is refused. Empty: operational, "
        "except on a test site.",
    )
    resources_wait_s: float = Field(
        default=30.0, ge=0, le=3600, description="How long to wait for nodes before naming what the cluster lacks."
    )
    camera_cpus: float = Field(default=0.1, ge=0, description="CPUs that each camera reserves.")
    encrypted_network: str = Field(
        default="",
        max_length=200,
        description="Who states, and why, that the network between nodes is encrypted by itself; empty: Ray's TLS is "
        "demanded between nodes.",
    )
    frames_in_flight: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Frames of one camera at the detector at once, times its priority; default: 4 at full pace, "
        "otherwise 1, and 2 where the detector works on both at the same time.",
    )
    authority: AuthorityConfig = AuthorityConfig()
    ledger: LedgerConfig = LedgerConfig()
    position: PositionConfig = PositionConfig()
    cameras: tuple[CameraConfig, ...] = Field(default=(), description="The cameras.")
    detector: DetectorConfig = DetectorConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    second_embedder: EmbedderConfig | None = Field(
        default=None,
        description="Another model beside the first: an alert then needs both. It looks only at possible matches.",
    )
    track: TrackConfig = TrackConfig()
    quality: QualityConfig = QualityConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    match: MatchConfig = MatchConfig()
    alert: AlertConfig = AlertConfig()
    api: ApiConfig = ApiConfig()
    outputs: OutputsConfig = OutputsConfig()

    def frames_in_flight_of(self, camera: CameraConfig, *, detectors_full: bool = False) -> int:
        """Frames of this camera at the detector at once, at most: a second one of a live camera only where it helps."""
        return camera.priority * (self.frames_in_flight or (4 if camera.pace == "full" else 2 - detectors_full))

    @property
    def use(self) -> Literal["operational", "research", "test"]:
        """What the models are used for."""
        return self.declared_use or ("test" if self.authority.kind in ("test", "trial") else "operational")

    @model_validator(mode="after")
    def _coherent(self) -> SiteConfig:
        if self.authority.kind not in ("test", "trial") and self.declared_use not in ("", "operational"):
            raise ValueError(f"declared_use {self.declared_use} does not go with a {self.authority.kind} deployment")
        if self.api.demo_officer and (self.authority.kind != "test" or self.api.oidc):
            raise ValueError("api -> demo_officer is for test sites without sign-in: elsewhere officers sign in")
        if self.second_embedder is not None and self.second_embedder.model == self.embedder.model:
            raise ValueError("second_embedder -> model must be another model than that of embedder")
        if fault := same_names([camera.name for camera in self.cameras]):
            raise ValueError(fault)
        return self


def same_names(names: Sequence[str]) -> str:
    """What is wrong with the names of a site's cameras together, or empty.

    >>> same_names(["gate", "pier", "gate"])
    'cameras 1 and 3 (gate): the name must be unique'
    """
    places: dict[str, list[str]] = {}
    for number, name in enumerate(names, start=1):
        places.setdefault(name, []).append(str(number))
    return "; ".join(
        f"cameras {', '.join(numbers[:-1])} and {numbers[-1]}{shown_name(name)}: the name must be unique"
        for name, numbers in places.items()
        if len(numbers) > 1
    )
