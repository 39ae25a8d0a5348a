"""An alert: a possible match, what it rests on, where it was seen, and what people made of it.

Each field is described here and nowhere else. The columns of the database, the document over HTTP, in webhooks and in
the event stream, and its JSON Schema are derived from it (``alert.rows`` and ``alert.document``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from lfr_ray.records.parts import Moment, Recoded, about
from lfr_ray.records.quality import Quality

LOWER, UPPER = "lower", "upper"
REGIONS = (LOWER, UPPER)
"""Halves of a face that may be covered: by a mask, a scarf, a hand; by sunglasses, a hat, hair."""

IMAGE_KINDS = ("face", "watchlist", "scene")

Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]
"""What the ledger and the event stream keep of a step: no picture, no name, no note."""


def visible_regions(covered: str) -> list[str]:
    """The halves of a face that are not covered.

    >>> visible_regions("lower")
    ['upper']
    """
    return [region for region in REGIONS if region != covered]


def covered_region(visible: list[str]) -> str:
    """The half that is not visible; empty: both are.

    >>> covered_region(["upper"])
    'lower'
    """
    return next((region for region in REGIONS if region not in visible), "")


@dataclass(frozen=True, slots=True)
class Match:
    """The matcher's answer when the evidence says "possibly this person"."""

    entry_id: str = field(metadata=about("Entry of the watchlist.", text=64))
    name: str = field(repr=False, metadata=about("As the watchlist has it."))
    category: str = field(metadata=about("Category of the entry.", text=64))
    action: str = field(metadata=about("What is asked for if a person confirms the match."))
    similarity: float = field(metadata=about("Of the fused views to the entry, -1 to 1."))
    threshold: float = field(metadata=about("What the similarity had to reach at this list size."))
    margin: float = field(metadata=about("Lead over the nearest other entry; 2.0 where the list has one entry."))
    runner_up: str = field(metadata=about("The nearest other entry; empty where there is none.", text=64))
    views_agreeing: int = field(metadata=about("Views that each point to this entry on their own."))
    views_compared: int = field(metadata=about("Views that were compared."))
    list_size: int = field(metadata=about("Entries that were compared."))
    relatives: tuple[str, ...] = field(
        default=(), metadata=about("Entries whose enrolled faces are close to this one's.")
    )
    probability: float | None = field(
        default=None,
        metadata=about(
            "That it is this person, at this list size and the site's base rate; null without a calibration."
        ),
    )
    covered: str = field(
        default="",
        metadata=about(
            "Halves of the face that are visible: upper, lower. The comparison rests on them.",
            json="regions_visible",
            text=16,
            recoded=Recoded(list[str], visible_regions, covered_region),
        ),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when the deciding view was taken."""

    camera: str = field(metadata=about("Name of the camera.", text=64))
    deployment: str = field(metadata=about("Under whose authority the comparison was made.", text=64))
    captured_at: Moment = field(metadata=about("Wall time of the deciding view, ISO 8601 UTC."))
    captured_s: float = field(metadata=about("Position on the camera's own timeline, seconds.", json="time_s"))


@dataclass(frozen=True, slots=True)
class ViewQuality:
    """Of the deciding view."""

    value: float = field(metadata=about("0 to 1; views are ranked and weighted by it."))
    size_px: float = field(metadata=about("Square root of the box's area, pixels."))


@dataclass(frozen=True, slots=True)
class Images:
    """Addresses of the pictures."""

    face: str = ""
    watchlist: str = ""
    scene: str = ""

    @staticmethod
    def of(alert_id: str) -> Images:
        """The addresses of an alert's pictures."""
        return Images(*(f"/v1/alerts/{alert_id}/images/{kind}" for kind in IMAGE_KINDS))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the match rests on."""

    model: str = field(metadata=about("Card id of the embedder.", text=64))
    box: tuple[float, float, float, float] = field(metadata=about("x1, y1, x2, y2 in pixels of the frame."))
    quality: ViewQuality
    images: Images = field(repr=False, default=Images(), metadata=about("face, watchlist and scene.", stored=False))


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A possible match on its way to becoming an alert; its fields are taken over by name.

    Attributes:
        key: Idempotency key: the same tracklet and entry always carry the same key, so a retry
            after a lost answer never makes a second alert.
        face_jpeg: The probe's best view with some margin.
        scene_jpeg: The whole frame with every other face made unrecognisable.
        watchlist_jpeg: The enrolled picture that the probe is nearest to.
    """

    key: str
    camera: str
    track: int
    captured_s: float
    captured_at: float
    match: Match
    model: str
    deployment: str
    box: tuple[float, float, float, float]
    quality: Quality
    face_jpeg: bytes = field(repr=False)
    scene_jpeg: bytes = field(repr=False)
    watchlist_jpeg: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Details:
    """What belongs to a decision (``comparison``) or to an outcome (the rest); None: not said."""

    comparison: Mapping[str, str] | None = field(
        default=None, metadata=about("What the officer found by eye, feature by feature.", omit=True)
    )
    minutes: float | None = field(default=None, metadata=about("How long the person was stopped.", omit=True))
    offence_class: str | None = field(default=None, metadata=about("With arrest.", omit=True))
    confirmed: bool | None = field(
        default=None, metadata=about("With false_alert: the person was engaged and is somebody else.", omit=True)
    )
    perceived_ethnicity: str | None = field(default=None, metadata=about("As the officer perceived it.", omit=True))
    perceived_sex: str | None = field(default=None, metadata=about("As the officer perceived it.", omit=True))
    perceived_age_band: str | None = field(default=None, metadata=about("As the officer perceived it.", omit=True))

    def of_outcome(self) -> dict[str, Fact]:
        """What was said of an outcome."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "comparison"}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One thing that a person recorded about an alert; never changed, only corrected by a later record.

    Attributes:
        kind: "decision" or "outcome".
        value: The decision or the outcome, from the vocabularies of ``adjudicate.case``.
        note: The officer's own words; personal data, so never shown in a log.
        made_at: Wall time.
        record_id: Increasing number; 0 before it is stored.
        corrects: The record that this one replaces, or 0.
    """

    kind: str
    officer: str
    value: str
    note: str = field(repr=False)
    made_at: Moment
    record_id: int = 0
    corrects: int = 0
    details: Details = field(repr=False, default=Details())


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """One record of a case, as it is shown."""

    record_id: int
    kind: str = field(metadata=about("decision or outcome"))
    officer: str
    note: str = field(repr=False)
    made_at: Moment
    corrects: int | None = field(metadata=about("The record that this one replaces."))
    decision: str | None = field(metadata=about("Of a decision.", omit=True))
    outcome: str | None = field(metadata=about("Of an outcome.", omit=True))
    details: Details = field(repr=False, metadata=about(part=True))


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided; where two officers decide and disagree, the lesser stands."""

    decision: str
    officer: str = field(metadata=about("Who gave the last verdict."))
    note: str = field(repr=False)
    decided_at: Moment
    time_to_decision_s: float = field(metadata=about("Seconds after the alert."))
    agreed: bool = field(metadata=about("All verdicts say the same."))
    record_id: int
    verdicts: tuple[ShownRecord, ...]


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """How far the decision is. Under the two-person rule nothing of the first verdict is told before the second."""

    state: str = field(metadata=about("open, awaiting_second, decided or concluded"))
    two_person: bool
    verdicts_given: int


@dataclass(frozen=True, slots=True)
class CaseState:
    """What people made of an alert so far."""

    status: str = field(default="new", metadata=about("new or decided", text=16))
    progress: CaseProgress = field(default=CaseProgress("open", False, 0), metadata=about(json="case", stored=False))
    decision: Decision | None = field(default=None, metadata=about(stored=False))
    outcome: ShownRecord | None = field(default=None, metadata=about("What came of it.", stored=False))
    history: tuple[ShownRecord, ...] = field(
        default=(), metadata=about("Every record, oldest first, once the case is decided.", stored=False)
    )


@dataclass(frozen=True, slots=True)
class Sightings:
    """How often and when the person was seen at this camera since."""

    count: int = field(metadata=about(column="sightings"))
    first: Moment = field(metadata=about(column="first_seen_at"))
    last: Moment = field(metadata=about(column="last_seen_at"))


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an alert is kept beyond its retention time."""

    reason: str = field(default="", metadata=about(column="hold_reason"))
    by: str = field(default="", metadata=about(column="held_by", text=64))
    at: Moment | None = field(default=None, metadata=about(column="held_at"))


@dataclass(frozen=True, slots=True)
class Alert:
    """A possible match. A person decides what it is."""

    id: str = field(metadata=about(column="alert_id", text=32, unique=True))
    key: str = field(metadata=about("Idempotency key of the sighting that raised it.", text=200, unique=True))
    raised_at: Moment
    match: Match = field(metadata=about(part=True))
    place: Place = field(metadata=about(part=True))
    evidence: Evidence = field(metadata=about(part=True))
    sightings: Sightings = field(metadata=about(columns=True))
    hold: Hold | None = field(default=None, metadata=about(columns=True))
    case: CaseState = field(default=CaseState(), metadata=about(part=True))
    cautions: tuple[str, ...] = field(
        default=(),
        metadata=about("possible_relative, small_margin, single_entry_list, partly_covered", stored=False),
    )


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One page of alerts."""

    alerts: tuple[Alert, ...]
    next_cursor: str | None = field(metadata=about("For the page after it; null after the last."))
    event_id: int = field(
        metadata=about("Open the stream with this Last-Event-ID, and nothing after this page is missed.")
    )


@dataclass(frozen=True, slots=True)
class AlertReceipt:
    """The alert that a sighting went to, and whether it was raised by it just now."""

    alert_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One step of the event stream and of webhooks."""

    id: int = field(metadata=about("Increasing number."))
    kind: str = field(metadata=about("alert_raised, sighting_attached, decision, outcome, erasure, pause, resume, ..."))
    at: Moment
    alert_id: str | None
    reason: str = field(metadata=about("Of a pause or its end."))
    alert: Alert | None = field(metadata=about("As it stands now; null when it is destroyed."))
