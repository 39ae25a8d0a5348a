"""Enrolment pictures into biometric references: the subject's face, its quality, its chip, its vectors.

picture -> detect -> subject -> chip -> quality -> vector; a failure to enrol comes back with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lfr_ray.camera.redact import crop_face
from lfr_ray.camera.stills import encode_jpeg, shrunk
from lfr_ray.config import QualityConfig
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.quality import assess
from lfr_ray.embed.regions import mean_view, paint_over
from lfr_ray.enrol.still_faces import detect_stills, turn_needed_deg, turned
from lfr_ray.enrol.subject import choose_subject
from lfr_ray.match.entries import EnrolledImage, Entry, Note, Rejected
from lfr_ray.models.cards import Detector, Embedder, chip_spec
from lfr_ray.records import Faces, Picture

STORED_PX = 512
"""The stored portrait is scaled down to this longer side: what an officer compares with."""

ENROLMENT_QUALITY = QualityConfig(
    min_size_px=32.0,
    min_sharpness=3.0,
    min_exposure=15.0,
    max_exposure=245.0,
    max_yaw=0.6,
    max_pitch=0.9,
    min_score=0.5,
)
"""Least quality for enrolment. It is laxer than for passers-by: of many people there is no second picture."""


WAYS = {90: "by 90 degrees clockwise", 180: "by 180 degrees", 270: "by 90 degrees counter-clockwise"}


@dataclass(frozen=True, slots=True, eq=False)
class EnrolmentPicture:
    """One readable picture of an entry, decoded.

    Attributes:
        name: File name with the entry's folder.
        face: The number of the face that was chosen, counted from 1, left to right; None: nobody chose.
        face_of_file: The choice is for this picture alone, so that it must have such a face. A choice for a whole
            entry or list is about pictures with several faces.
    """

    entry: Entry
    name: str
    sha256: str
    pixels: Picture = field(repr=False)
    face: int | None = None
    face_of_file: bool = False


OnFaces = Callable[[EnrolmentPicture, Faces, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class SubjectFace:
    """The face of one picture's subject; the picture itself is forgotten.

    Attributes:
        chip: The aligned face, ``uint8 (h, w, 3)``.
        jpeg: The portrait that is stored.
        quality: 0..1.
        size_px: Square root of the face's area in the picture.
    """

    entry: Entry
    name: str
    sha256: str
    chip: Picture = field(repr=False)
    jpeg: bytes = field(repr=False)
    quality: float
    size_px: float


class ReferenceMaker:
    """Makes biometric references of enrolment pictures.

    Args:
        detector: Finds the faces.
        embedder: Makes the vectors; its card's id is stored with each.
        rotate: Turn pictures that lie on their side or upside down.
        on_faces: Is told of every picture its faces and the row of the chosen one.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        *,
        rotate: bool = False,
        on_faces: OnFaces | None = None,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._rotate = rotate
        self._on_faces = on_faces
        self._chip = chip_spec(embedder.card)
        calibration = embedder.card.calibration
        self.regions: tuple[str, ...] = () if calibration is None else tuple(calibration.covered)
        """Parts of the face for which a vector with that part painted over is stored as well."""

    def subjects(
        self, pictures: Sequence[EnrolmentPicture], rejected: list[Rejected], notes: list[Note]
    ) -> list[SubjectFace]:
        """The subjects of the pictures that have one of sufficient quality.

        Args:
            pictures: The pictures.
            rejected: Takes the others, with the reason.
            notes: Takes what should be looked at of those that are taken.
        """
        taken = []
        detected = detect_stills([one.pixels for one in pictures], self._detector)
        for picture, faces in zip(pictures, detected, strict=True):
            subject, said = self._upright(picture, faces)
            if subject is None:
                rejected.append(Rejected(picture.name, said))
                continue
            taken.append(subject)
            if said:
                notes.append(Note(picture.name, said))
        return taken

    def references(self, subjects: Sequence[SubjectFace], imported_by: str, now_s: float) -> list[EnrolledImage]:
        """The subjects with their vectors, as they are stored."""
        if not subjects:
            return []
        chips = np.stack([one.chip for one in subjects])
        vectors = self._embedder.embed(chips)
        covered = {
            region: mean_view(vectors, self._embedder.embed(paint_over(chips, region, self._chip)))
            for region in self.regions
        }
        return [
            EnrolledImage(
                entry=one.entry,
                file_sha256=one.sha256,
                model=self._embedder.card.enrolled_as,
                vector=vector,
                quality=round(one.quality, 4),
                size_px=round(one.size_px, 1),
                jpeg=one.jpeg,
                imported_by=imported_by,
                imported_at=now_s,
                covered={region: views[row] for region, views in covered.items()},
            )
            for row, (one, vector) in enumerate(zip(subjects, vectors, strict=True))
        ]

    def _upright(self, picture: EnrolmentPicture, faces: Faces) -> tuple[SubjectFace | None, str]:
        """The subject, and what should be said of it; or None and why there is none."""
        turn_deg = turn_needed_deg(picture.pixels, faces, self._detector)
        if not turn_deg:
            return self._subject(picture, faces)
        way = WAYS[turn_deg]
        if not self._rotate:
            self._look(picture, faces, None)
            return None, (
                f"no face stands upright: the picture is perhaps rotated by {180 if turn_deg == 180 else 90} degrees; "
                f"turn it {way}, or give --rotate"
            )
        upright = replace(picture, pixels=turned(picture.pixels, turn_deg))
        subject, said = self._subject(upright, detect_stills([upright.pixels], self._detector)[0])
        return subject, "; ".join(one for one in (f"turned {way}", said) if one)

    def _subject(self, picture: EnrolmentPicture, faces: Faces) -> tuple[SubjectFace | None, str]:
        pixels = picture.pixels
        wanted = picture.face if picture.face_of_file or len(faces) > 1 else None
        chosen = choose_subject(faces, pixels.shape[1], pixels.shape[0], wanted)
        self._look(picture, faces, chosen.row)
        if chosen.row is None:
            return None, chosen.reason
        box, points = faces.boxes[chosen.row], faces.points[chosen.row]
        chip = cut_chips(pixels, points[np.newaxis], self._chip)[0]
        quality = assess(box, points, float(faces.scores[chosen.row]), chip, ENROLMENT_QUALITY)
        if not quality.accepted:
            return None, "; ".join(one for one in (_too_poor(quality.reason, quality.size_px), chosen.note) if one)
        jpeg = encode_jpeg(shrunk(crop_face(pixels, box), STORED_PX))
        return (
            SubjectFace(picture.entry, picture.name, picture.sha256, chip, jpeg, quality.value, quality.size_px),
            chosen.note,
        )

    def _look(self, picture: EnrolmentPicture, faces: Faces, row: int | None) -> None:
        if self._on_faces is not None:
            self._on_faces(picture, faces, row)


def _too_poor(reason: str, size_px: float) -> str:
    if reason == "too_small":
        least_px = ENROLMENT_QUALITY.min_size_px
        return f"the face is too small: {size_px:.0f} px, at least {least_px:.0f} px are needed"
    return f"the face is below the enrolment floor: {reason.replace('_', ' ')}"
