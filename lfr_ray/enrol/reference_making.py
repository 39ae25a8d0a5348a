"""Enrolment pictures into biometric references: the subject's face, its quality, its chip, its vectors.

picture -> detect -> subject -> chip -> quality -> vector; a failure to enrol comes back with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np

from lfr_ray.camera.redact_faces import crop_face
from lfr_ray.camera.still_pictures import encode_jpeg, shrunk
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.covered_regions import mean_view, paint_over
from lfr_ray.embed.view_quality import assess
from lfr_ray.enrol.enrolment_limits import ENROLMENT_QUALITY, too_poor
from lfr_ray.enrol.still_faces import detect_stills, turn_needed_deg, turned
from lfr_ray.enrol.subject_face import choose_subject
from lfr_ray.match.watchlist_entries import Crop, EnrolledImage, Entry, Note, Rejected
from lfr_ray.models.cards import Detector, Embedder, chip_spec
from lfr_ray.records import Faces, Picture

STORED_PX = 512
"""The stored portrait is scaled down to this longer side: what an officer compares with."""

CROP_MARGIN = 0.5
"""Around a crop so much of its longer side is looked at too."""

WAYS = {90: "by 90 degrees clockwise", 180: "by 180 degrees", 270: "by 90 degrees counter-clockwise"}


@dataclass(frozen=True, slots=True, eq=False)
class EnrolmentPicture:
    """One readable picture of an entry, decoded.

    Attributes:
        name: File name with the entry's folder.
        face: The number of the face that was chosen, counted from 1, left to right; None: nobody chose.
        face_of_file: The choice is for this picture alone, so that it must have such a face. A choice for a whole
            entry or list is about pictures with several faces.
        crop: The part that is looked at; None: all of it.
    """

    entry: Entry
    name: str
    sha256: str
    pixels: Picture = field(repr=False)
    face: int | None = None
    face_of_file: bool = False
    crop: Crop | None = None

    @property
    def size(self) -> str:
        """Of the whole picture, in words."""
        return f"{self.pixels.shape[1]} x {self.pixels.shape[0]} pixels"


OnFaces = Callable[[EnrolmentPicture, Faces, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class SubjectFace:
    """The face of one picture's subject, which itself is forgotten: aligned ``uint8 (h, w, 3)``, and as it is stored.

    The quality is 0..1, the size the square root of the face's area in the picture.
    """

    entry: Entry
    name: str
    sha256: str
    chip: Picture = field(repr=False)
    jpeg: bytes = field(repr=False)
    quality: float
    size_px: float


@dataclass(eq=False, repr=False)
class ReferenceMaker:
    """Makes biometric references of enrolment pictures.

    With ``rotate`` it turns pictures that lie on their side or upside down. ``on_faces`` is told of every picture its
    faces and the row of the chosen one.
    """

    detector: Detector
    embedder: Embedder
    _: KW_ONLY
    rotate: bool = False
    on_faces: OnFaces | None = None

    def __post_init__(self) -> None:
        self._chip = chip_spec(self.embedder.card)
        calibration = self.embedder.card.calibration
        self.regions: tuple[str, ...] = () if calibration is None else tuple(calibration.covered)
        """Parts of the face for which a vector with that part painted over is stored as well."""

    def subjects(
        self, pictures: Sequence[EnrolmentPicture], rejected: list[Rejected], notes: list[Note]
    ) -> list[SubjectFace]:
        """The subjects of the pictures that have one of sufficient quality.

        ``rejected`` takes the other pictures, with the reason; ``notes`` what should be looked at of those that are
        taken.
        """
        taken = []
        whole = [one for one in pictures if not _beyond(one)]
        rejected += [
            Rejected(one.name, f"the crop {_in_words(one.crop)} reaches beyond the picture, which has {one.size}")
            for one in pictures
            if _beyond(one)
        ]
        cuts = [_with_margin(one) for one in whole]
        detected = detect_stills([one.pixels for one in cuts], self.detector)
        for picture, cut, faces in zip(whole, cuts, detected, strict=True):
            subject, said = self._upright(cut, _inside(cut.crop, faces))
            if subject is None and picture.crop is not None:
                said = f"in the crop {_in_words(picture.crop)}: {said}"
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
        vectors = self.embedder.embed(chips)
        covered = {
            region: mean_view(vectors, self.embedder.embed(paint_over(chips, region, self._chip)))
            for region in self.regions
        }
        return [
            EnrolledImage(
                entry=one.entry,
                file_sha256=one.sha256,
                model=self.embedder.card.enrolled_as,
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
        turn_deg = turn_needed_deg(picture.pixels, faces, self.detector)
        if not turn_deg:
            return self._subject(picture, faces)
        way = WAYS[turn_deg]
        if not self.rotate:
            self._look(picture, faces, None)
            return None, (
                f"no face stands upright: the picture is perhaps rotated by {180 if turn_deg == 180 else 90} degrees; "
                f"turn it {way}, or give --rotate"
            )
        left, top, right, bottom = picture.crop or (0, 0, picture.pixels.shape[1], picture.pixels.shape[0])
        upright = replace(picture, pixels=turned(picture.pixels[top:bottom, left:right], turn_deg), crop=None)
        subject, said = self._subject(upright, detect_stills([upright.pixels], self.detector)[0])
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
            return None, "; ".join(one for one in (too_poor(quality.reason, quality.size_px), chosen.note) if one)
        jpeg = encode_jpeg(shrunk(crop_face(pixels, box), STORED_PX))
        return (
            SubjectFace(picture.entry, picture.name, picture.sha256, chip, jpeg, quality.value, quality.size_px),
            chosen.note,
        )

    def _look(self, picture: EnrolmentPicture, faces: Faces, row: int | None) -> None:
        if self.on_faces is not None:
            self.on_faces(picture, faces, row)


def _beyond(picture: EnrolmentPicture) -> bool:
    height_px, width_px = picture.pixels.shape[:2]
    return picture.crop is not None and (picture.crop[2] > width_px or picture.crop[3] > height_px)


def _with_margin(picture: EnrolmentPicture) -> EnrolmentPicture:
    """The crop with what is around it: whoever draws it closely round a face must not lose the forehead."""
    if picture.crop is None:
        return picture
    (left, top, right, bottom), (height_px, width_px) = picture.crop, picture.pixels.shape[:2]
    margin_px = round(CROP_MARGIN * max(right - left, bottom - top))
    x, y = max(0, left - margin_px), max(0, top - margin_px)
    pixels = picture.pixels[y : min(height_px, bottom + margin_px), x : min(width_px, right + margin_px)]
    return replace(picture, pixels=np.ascontiguousarray(pixels), crop=(left - x, top - y, right - x, bottom - y))


def _inside(crop: Crop | None, faces: Faces) -> Faces:
    """The faces whose middle is in the crop."""
    if crop is None:
        return faces
    middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    return faces.take(np.flatnonzero(((middles >= crop[:2]) & (middles <= crop[2:])).all(axis=1)))


def _in_words(crop: Crop | None) -> str:
    return " ".join(map(str, crop or ()))
