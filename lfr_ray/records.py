"""The values that travel along the arrows: camera -> detect -> track -> embed -> match -> alert.

Conventions, said once:

* Pictures are ``uint8 (height, width, 3)`` in **RGB**, 0..255.
* Boxes are ``float32 (N, 4)``: x1, y1, x2, y2 in pixels of the frame they belong to.
* Points are ``float32 (N, 5, 2)``: x, y of the *subject's* right eye, left eye, nose tip, right and
  left mouth corner (so the first eye is the one on the left of the picture).
* Vectors are ``float32 (N, D)`` of unit length; similarity is their inner product, higher is nearer.
* ``*_s`` is seconds. ``captured_s`` runs on the camera's own timeline (the position in a recording,
  a monotonic clock for a live stream); ``captured_at`` is wall time, seconds since 1970 UTC.

Arrays in records are read-only by agreement: objects from Ray's store are shared between processes.
Records that hold pixels or vectors print their shapes only, so that no log can show a face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

POINTS = 5
"""Points of a face: two eyes, nose tip, two mouth corners."""

LOWER, UPPER = "lower", "upper"
REGIONS = (LOWER, UPPER)
"""Halves of a face that may be covered: by a mask, a scarf, a hand; by sunglasses, a hat, hair."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture of one camera."""

    camera: str
    index: int
    captured_s: float
    captured_at: float
    pixels: Picture = field(repr=False)
    seen_s: float = 0.0
    """Steady clock of the process that decoded it: what latency is measured from."""

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What a detector found in one picture, best first."""

    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    points: Floats = field(repr=False)

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


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be said of one view of a face before it is compared.

    Attributes:
        size_px: Square root of the box's area.
        sharpness: Variance of the Laplacian of the aligned chip's grey values (0..255 scale).
        exposure: Mean grey value of the chip, 0..255.
        yaw: 0 is frontal, 1 is full profile (a share of a right angle); sign is positive when the subject looks to the
            right of the picture. From the five points.
        pitch: Relative height of the nose between eyes and mouth, 0 when level, -1 up, 1 down.
        roll_deg: Tilt of the line between the eyes.
        detector_score: 0..1.
        value: One number, 0..1, by which views are ranked and weighted.
        reason: Empty when the view may be compared, otherwise why it may not (a closed list:
            ``embed.quality.REASONS``).
    """

    size_px: float
    sharpness: float
    exposure: float
    yaw: float
    pitch: float
    roll_deg: float
    detector_score: float
    value: float
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """The view passed the gate."""
        return not self.reason


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
    """

    vectors: Floats = field(repr=False)
    stability: Floats = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What is known of one tracklet so far, ready to be compared.

    Attributes:
        vectors: ``float32 (n, D)``, one row a view, unit length.
        weights: ``float32 (n,)``, the views' quality values.
        model: Card id of the embedder that made the vectors.
        captured_at: Wall time of the newest view: the moment whose authority and expiry count.
        covered: The half of the face that is covered in all of these views; empty: none.
    """

    camera: str
    track: int
    captured_at: float
    model: str
    vectors: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    covered: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The matcher's answer when the evidence says "possibly this person".

    Attributes:
        similarity: Of the fused views to the entry, -1..1.
        threshold: What the similarity had to reach at this list size.
        margin: Similarity minus that of the nearest other entry (2.0 when the list has one entry).
        views_agreeing: Views that each point to this entry on their own.
        views_compared: Views that were compared.
        relatives: Entry ids whose enrolled faces are close to this one's.
        probability: That it is this person, at this list size and base rate; None where the model's card has no fit.
        covered: The half of the face that was covered; empty: none.
    """

    entry_id: str
    name: str = field(repr=False)
    category: str
    action: str
    similarity: float
    threshold: float
    margin: float
    runner_up: str
    views_agreeing: int
    views_compared: int
    list_size: int
    relatives: tuple[str, ...] = ()
    probability: float | None = None
    covered: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the matcher says of one probe: a match, nothing, or that it may not compare.

    Attributes:
        match: The possible match, or None.
        refused: Empty, or why no comparison was made (no authority in force, and so on).
        deployment: Id of the deployment under whose authority the comparison was made.
        watchlist_jpeg: With a match, the enrolled picture that the probe is nearest to.
    """

    match: Match | None = None
    refused: str = ""
    deployment: str = ""
    watchlist_jpeg: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A possible match on its way to the alert desk.

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
class CaseRecord:
    """One thing that a person recorded about an alert; never changed, only corrected by a later record.

    Attributes:
        kind: "decision" or "outcome".
        value: The decision or the outcome, from the vocabularies of ``adjudicate.case``.
        note: The officer's own words; personal data, so never shown in a log.
        made_at: Wall time.
        record_id: Increasing number; 0 before it is stored.
        corrects: The record that this one replaces, or 0.
        details: More fields by name, JSON values only.
    """

    kind: str
    officer: str
    value: str
    note: str = field(repr=False)
    made_at: float
    record_id: int = 0
    corrects: int = 0
    details: Mapping[str, Any] = field(repr=False, default_factory=dict)
