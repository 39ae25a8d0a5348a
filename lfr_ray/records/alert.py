"""An alert: a possible match, what it rests on, where it was seen, and what people made of it.

Each field is described here and nowhere else. The document over HTTP, in webhooks and in the event stream, its JSON
Schema and the columns of the database are derived from it (``alert.json_document``, ``alert.alert_rows``). An alert has
the fields of its parts beside its own, so document and row are flat.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic.dataclasses import dataclass

from lfr_ray.records.case import CaseState
from lfr_ray.records.document_fields import CLOSED, Fact, Facts, Moment
from lfr_ray.records.quality_measures import Quality

LOWER, UPPER = "lower", "upper"
REGIONS = (LOWER, UPPER)
"""Halves of a face that may be covered: by a mask, a scarf, a hand; by sunglasses, a hat, hair."""

ImageKind = Literal["face", "watchlist", "scene", "view1", "view2", "view3", "enrolled1", "enrolled2"]
IMAGE_KINDS: tuple[ImageKind, ...] = get_args(ImageKind)
VIEW_KINDS, ENROLLED_KINDS = IMAGE_KINDS[3:6], IMAGE_KINDS[6:]
"""Other views of the face than the best one; other pictures of the entry than the nearest one."""


def picture_address(alert_id: str, kind: ImageKind) -> str:
    """Where a picture of an alert is."""
    return f"/v1/alerts/{alert_id}/images/{kind}"


def visible_regions(covered: str) -> list[str]:
    """The halves of a face that are not covered.

    >>> visible_regions("lower")
    ['upper']
    """
    return [region for region in REGIONS if region != covered]


def covered_region(told: str | list[str]) -> str:
    """The half that is covered, from itself or from the visible ones; empty: none.

    >>> covered_region(["upper"]), covered_region("upper")
    ('lower', 'upper')
    """
    return told if isinstance(told, str) else next((region for region in REGIONS if region not in told), "")


Figure = Annotated[
    float,
    BeforeValidator(lambda told: math.nan if told is None else told),
    PlainSerializer(lambda value: None if math.isnan(value) else value, float | None, when_used="json"),
]
"""What the machine measured; not a number, and null in documents, while it is withheld."""

Count = Annotated[
    int,
    BeforeValidator(lambda told: -1 if told is None else told),
    PlainSerializer(lambda value: None if value < 0 else value, int | None, when_used="json"),
]
"""The same for numbers of things: -1 while it is withheld."""


@dataclass(frozen=True, config=CLOSED)
class Match:
    """The matcher's answer when the evidence says "possibly this person"."""

    entry_id: Annotated[str, Field(description="Entry of the watchlist.")]
    name: Annotated[str, Field(description="As the watchlist has it.")] = dataclasses.field(repr=False)
    category: Annotated[str, Field(description="Category of the entry.")]
    action: Annotated[str, Field(description="What is asked for if a person confirms the match.")]
    similarity: Annotated[Figure, Field(description="Of the fused views to the entry, -1 to 1.")]
    threshold: Annotated[float, Field(description="What the similarity had to reach at this list size.")]
    margin: Annotated[Figure, Field(description="Lead over the nearest other entry; 2.0 where the list has one entry.")]
    runner_up: Annotated[str, Field(description="The nearest other entry; empty where there is none.")]
    views_agreeing: Annotated[Count, Field(description="Views that each point to this entry on their own.")]
    views_compared: Annotated[Count, Field(description="Views that were compared.")]
    list_size: Annotated[int, Field(description="Entries that were compared.")]
    relatives: tuple[str, ...] = Field(
        default=(), kw_only=True, description="Entries whose enrolled faces are close to this one's."
    )
    probability: float | None = Field(
        default=None,
        kw_only=True,
        description="That it is this person, at this list size and the site's base rate; null without a calibration.",
    )
    covered: Annotated[
        str, BeforeValidator(covered_region), PlainSerializer(visible_regions, list[str], when_used="json")
    ] = Field(
        default="",
        kw_only=True,
        validation_alias="regions_visible",
        serialization_alias="regions_visible",
        description="Halves of the face that are visible: upper, lower. The comparison rests on them.",
    )


@dataclass(frozen=True, config=CLOSED)
class Place:
    """Where and when the deciding view was taken."""

    camera: Annotated[str, Field(description="Name of the camera.")]
    deployment: Annotated[str, Field(description="Under whose authority the comparison was made.")]
    captured_at: Annotated[Moment, Field(description="Wall time of the deciding view, ISO 8601 UTC.")]
    captured_s: Annotated[
        float,
        Field(
            validation_alias="time_s",
            serialization_alias="time_s",
            description="Position on the camera's own timeline, seconds: in a recording, or since a live camera began.",
        ),
    ]


@dataclass(frozen=True, config=CLOSED)
class ViewQuality:
    """Of the deciding view."""

    value: Annotated[float, Field(description="0 to 1; views are ranked and weighted by it.")]
    size_px: Annotated[float, Field(description="Square root of the box's area, pixels.")]


@dataclass(frozen=True, config=CLOSED)
class Images:
    """Addresses of the pictures."""

    face: str = ""
    watchlist: str = ""
    scene: str = ""

    @staticmethod
    def of(alert_id: str) -> Images:
        """The addresses of an alert's pictures."""
        return Images(*(picture_address(alert_id, kind) for kind in IMAGE_KINDS[:3]))


@dataclass(frozen=True, config=CLOSED)
class Evidence:
    """What the match rests on."""

    model: Annotated[str, Field(description="Card id of the embedder.")]
    box: Annotated[tuple[float, float, float, float], Field(description="x1, y1, x2, y2 in pixels of the frame.")]
    quality: ViewQuality
    images: Images = Field(default=Images(), kw_only=True, repr=False)
    views: tuple[str, ...] = Field(
        default=(), kw_only=True, repr=False, description="Addresses of other views of the face, the best first."
    )
    enrolled: tuple[str, ...] = Field(
        default=(), kw_only=True, repr=False, description="Addresses of the entry's other pictures, the best first."
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A possible match on its way to becoming an alert; its fields are taken over by name.

    Attributes:
        key: Idempotency key: the same tracklet and entry always carry the same key, so a retry
            after a lost answer never makes a second alert.
        face_jpeg: The probe's best view with some margin.
        scene_jpeg: The whole frame with every other face made unrecognisable.
        watchlist_jpeg: The enrolled picture that the probe is nearest to.
        view_jpegs: Other views of the face, the best first, as many as :data:`VIEW_KINDS` names.
        enrolled_jpegs: The entry's other pictures, the best first, as many as :data:`ENROLLED_KINDS` names.
        traceparent: W3C trace context of what led to it; empty where nobody traces. No alert keeps it.
        run: Of the camera's process; another one has another timeline.
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
    face_jpeg: bytes = dataclasses.field(repr=False)
    scene_jpeg: bytes = dataclasses.field(repr=False)
    watchlist_jpeg: bytes = dataclasses.field(repr=False, default=b"")
    view_jpegs: tuple[bytes, ...] = dataclasses.field(repr=False, default=())
    enrolled_jpegs: tuple[bytes, ...] = dataclasses.field(repr=False, default=())
    traceparent: str = ""
    run: str = ""


@dataclass(frozen=True, config=CLOSED)
class Sightings:
    """How often and when the person was seen at this camera since."""

    count: int
    first: Moment
    last: Moment


@dataclass(frozen=True, config=CLOSED)
class Hold:
    """Why an alert is kept beyond its retention time."""

    reason: str
    by: str
    at: Moment | None


@dataclass(frozen=True, config=CLOSED, kw_only=True)
class Alert(CaseState, Evidence, Place, Match):
    """A possible match. A person decides what it is."""

    id: str
    key: Annotated[str, Field(description="Idempotency key of the sighting that raised it.")]
    raised_at: Moment
    sightings: Sightings
    hold: Hold | None = None
    cautions: tuple[str, ...] = Field(
        default=(), description="trial, possible_relative, small_margin, single_entry_list, partly_covered"
    )
    figures_given: bool = Field(
        default=True,
        description="False while the reader has not recorded a comparison by eye: what the machine measured is null.",
    )

    def without_figures(self) -> Alert:
        """The alert as an officer sees it before comparing the faces: nothing that the machine measured.

        That it is a trial is no measurement: it is told at once.
        """
        return dataclasses.replace(
            self,
            similarity=math.nan,
            margin=math.nan,
            runner_up="",
            views_agreeing=-1,
            views_compared=-1,
            relatives=(),
            probability=None,
            cautions=tuple(one for one in self.cautions if one == "trial"),
            figures_given=False,
        )


@dataclass(frozen=True, config=CLOSED)
class AlertPage:
    """One page of alerts."""

    alerts: tuple[Alert, ...]
    next_cursor: Annotated[str | None, Field(description="For the page after it; null after the last.")]
    event_id: Annotated[
        int, Field(description="Open the stream with this Last-Event-ID, and nothing after this page is missed.")
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class AlertReceipt:
    """The alert that a sighting went to, and whether it was raised by it just now."""

    alert_id: str
    new: bool


@dataclasses.dataclass(frozen=True, slots=True)
class StoredEvent:
    """One recorded step. ``facts`` hold no picture, no name and no note."""

    event_id: int
    kind: str
    at: float
    alert_id: str
    facts: Facts = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=CLOSED)
class FeedEvent:
    """One step of the event stream. It is small: whoever wants the alert as it stands now asks for it once."""

    id: Annotated[int, Field(description="Increasing number.")]
    kind: Annotated[str, Field(description="alert_raised, decision, erasure, matching_stopped, ...: see the webhooks.")]
    at: Moment
    alert_id: str | None
    reason: Annotated[str, Field(description="Of a stop, a pause or a refusal.")]
    changed: Annotated[
        Mapping[str, Fact],
        Field(description="In few words: camera, category, deployment, state, ... No name, no picture, no verdict."),
    ]


@dataclass(frozen=True, config=CLOSED)
class WebhookEvent(FeedEvent):
    """One step as a webhook is told of it, whose receiver cannot ask back."""

    alert: Annotated[
        Alert | None,
        Field(description="As it stands when it is sent, without its history; null when it is destroyed."),
    ]
