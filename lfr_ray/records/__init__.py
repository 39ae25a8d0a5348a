"""The values that travel along the arrows: camera -> detect -> track -> embed -> match -> alert.

Conventions, said once:

* Pictures are ``uint8 (height, width, 3)`` in **RGB**, 0..255.
* Boxes are ``float32 (N, 4)``: x1, y1, x2, y2 in pixels of the frame they belong to.
* Points are ``float32 (N, 5, 2)``: x, y of the *subject's* right eye, left eye, nose tip, right and
  left mouth corner (so the first eye is the one on the left of the picture).
* Vectors are ``float32 (N, D)`` of unit length; similarity is their inner product, higher is nearer.
* ``*_s`` is seconds. ``captured_s`` runs on the camera's own timeline (the position in a recording,
  the time since a live camera's first picture); ``captured_at`` is wall time, seconds since 1970 UTC.

Arrays in records are read-only by agreement: objects from Ray's store are shared between processes.
Records that hold pixels or vectors print their shapes only, so that no log can show a face.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lfr_ray.records.alert import ENROLLED_KINDS as ENROLLED_KINDS
from lfr_ray.records.alert import IMAGE_KINDS as IMAGE_KINDS
from lfr_ray.records.alert import LOWER as LOWER
from lfr_ray.records.alert import REGIONS as REGIONS
from lfr_ray.records.alert import UPPER as UPPER
from lfr_ray.records.alert import VIEW_KINDS as VIEW_KINDS
from lfr_ray.records.alert import Alert as Alert
from lfr_ray.records.alert import AlertPage as AlertPage
from lfr_ray.records.alert import AlertReceipt as AlertReceipt
from lfr_ray.records.alert import Evidence as Evidence
from lfr_ray.records.alert import FeedEvent as FeedEvent
from lfr_ray.records.alert import Hold as Hold
from lfr_ray.records.alert import ImageKind as ImageKind
from lfr_ray.records.alert import Images as Images
from lfr_ray.records.alert import Match as Match
from lfr_ray.records.alert import Place as Place
from lfr_ray.records.alert import Sighting as Sighting
from lfr_ray.records.alert import Sightings as Sightings
from lfr_ray.records.alert import StoredEvent as StoredEvent
from lfr_ray.records.alert import ViewQuality as ViewQuality
from lfr_ray.records.alert import WebhookEvent as WebhookEvent
from lfr_ray.records.alert import picture_address as picture_address
from lfr_ray.records.case import CaseProgress as CaseProgress
from lfr_ray.records.case import CaseRecord as CaseRecord
from lfr_ray.records.case import CaseState as CaseState
from lfr_ray.records.case import Claim as Claim
from lfr_ray.records.case import Decision as Decision
from lfr_ray.records.case import Details as Details
from lfr_ray.records.case import ShownRecord as ShownRecord
from lfr_ray.records.document_fields import CLOSED as CLOSED
from lfr_ray.records.document_fields import Fact as Fact
from lfr_ray.records.document_fields import Facts as Facts
from lfr_ray.records.document_fields import Moment as Moment
from lfr_ray.records.document_fields import is_none as is_none
from lfr_ray.records.person import EVERYTHING as EVERYTHING
from lfr_ray.records.person import PEOPLE as PEOPLE
from lfr_ray.records.person import ROLES as ROLES
from lfr_ray.records.person import SERVICES as SERVICES
from lfr_ray.records.person import UNPROVEN as UNPROVEN
from lfr_ray.records.person import Person as Person
from lfr_ray.records.person import Role as Role
from lfr_ray.records.person import folded as folded
from lfr_ray.records.person import same_person as same_person
from lfr_ray.records.quality_measures import Quality as Quality

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

POINTS = 5
"""Points of a face: two eyes, nose tip, two mouth corners."""


class Image(Protocol):
    """A decoded picture that is made RGB only as far as somebody wants it. Used by one thread at a time.

    Attributes:
        size_px: Width and height, upright.
    """

    size_px: tuple[int, int]

    def whole(self) -> Picture:
        """All of it, ``uint8 (height, width, 3)``."""

    def halved(self, times: int) -> Picture:
        """All of it, every square of two by two pixels averaged so many times."""

    def part(self, left_px: int, top_px: int, right_px: int, bottom_px: int) -> Picture:
        """What lies between these sides, which are inside the picture."""

    def luma(self) -> Picture:
        """Brightness, ``uint8 (h, w)``, not turned."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture of one camera."""

    camera: str
    index: int
    captured_s: float
    captured_at: float
    image: Picture | Image = field(repr=False)
    seen_s: float = 0.0
    """Steady clock of the process that decoded it: what latency is measured from."""
    single: bool = False
    """It has no order in time with the camera's other pictures: its faces are judged by this picture alone."""

    @property
    def pixels(self) -> Picture:
        """All of it in RGB."""
        return self.image if isinstance(self.image, np.ndarray) else self.image.whole()

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.image.shape[0] if isinstance(self.image, np.ndarray) else self.image.size_px[1])

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.image.shape[1] if isinstance(self.image, np.ndarray) else self.image.size_px[0])

    def part(self, left_px: int, top_px: int, right_px: int, bottom_px: int) -> Picture:
        """What lies between these sides, in RGB; they are inside the picture."""
        if isinstance(self.image, np.ndarray):
            return self.image[top_px:bottom_px, left_px:right_px]
        return self.image.part(left_px, top_px, right_px, bottom_px)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What a detector found in one picture, best first.

    Attributes:
        worked: Wall times between which the detector's process worked on it; empty where that is this process.
        waited_s: For how long it waited there before, for its turn.
    """

    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    points: Floats = field(repr=False)
    worked: tuple[float, ...] = ()
    waited_s: float = 0.0

    def __len__(self) -> int:
        return int(self.boxes.shape[0])

    @staticmethod
    def none() -> Faces:
        """No face at all."""
        return Faces(
            np.zeros((0, 4), np.float32),
            np.zeros((0,), np.float32),
            np.zeros((0, POINTS, 2), np.float32),
        )

    def take(self, rows: npt.NDArray[Any]) -> Faces:
        """The faces at ``rows`` (indices or a mask), in that order."""
        return Faces(self.boxes[rows], self.scores[rows], self.points[rows])

    def mapped(self, scale: float, shift_x_px: float = 0.0, shift_y_px: float = 0.0) -> Faces:
        """The same faces in another picture's pixels: ``value * scale + shift``."""
        shift = np.array([shift_x_px, shift_y_px], np.float32)
        return Faces(
            self.boxes * np.float32(scale) + np.tile(shift, 2),
            self.scores,
            self.points * np.float32(scale) + shift,
        )


def box_sizes_px(boxes: Floats) -> Floats:
    """The size of boxes ``(..., 4)``: the square root of each one's area, ``float32 (...)``."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], np.float32(0))
    sizes: Floats = np.sqrt(sides[..., 0] * sides[..., 1], dtype=np.float32)
    return sizes


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One look at one track's face, cut out and aligned, not yet a vector.

    Attributes:
        covered: The half of the face that something covers, one of :data:`REGIONS`; empty: none.
        second_chip: The face as the second model wants it, where there is one.
    """

    track: int
    frame_index: int
    captured_s: float
    captured_at: float
    box: Floats = field(repr=False)
    points: Floats = field(repr=False)
    quality: Quality
    chip: Picture = field(repr=False)
    covered: str = ""
    second_chip: Picture | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What an embedder made of some chips.

    Attributes:
        vectors: ``float32 (N, D)`` of unit length.
        stability: ``float32 (N,)``: similarity of each chip's vector to that of its mirror image; 1 where the embedder
            does not look at mirror images.
        worked: Wall times between which the embedder's process worked on them; empty where that is this process.
    """

    vectors: Floats = field(repr=False)
    stability: Floats = field(repr=False)
    worked: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What is known of one tracklet so far, ready to be compared.

    Attributes:
        vectors: ``float32 (n, D)``, one row a view, unit length.
        weights: ``float32 (n,)``, the views' quality values.
        model: Card id of the embedder that made the vectors.
        captured_at: Wall time of the newest view: the moment whose authority and expiry count.
        covered: The half of the face that is covered in all of these views; empty: none.
        single: One view that is to be judged by itself, with the stricter threshold of single pictures.
    """

    camera: str
    track: int
    captured_at: float
    model: str
    vectors: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    covered: str = ""
    single: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the matcher says of one probe: a match, nothing, or that it may not compare.

    Attributes:
        refused: Empty, or why no comparison was made (no authority in force, and so on).
        deployment: Id of the deployment under whose authority the comparison was made.
        watchlist_jpeg: With a match, the enrolled picture that the probe is nearest to.
        enrolled_jpegs: With a match, the entry's other pictures, the best first.
        worked: With a match, wall times between which the matcher's process worked on it.
    """

    match: Match | None = None
    refused: str = ""
    deployment: str = ""
    watchlist_jpeg: bytes = field(repr=False, default=b"")
    enrolled_jpegs: tuple[bytes, ...] = field(repr=False, default=())
    worked: tuple[float, ...] = ()
