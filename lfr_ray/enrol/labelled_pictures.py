"""A folder of labelled pictures, turned into vectors for an evaluation: the stages joined.

folder -> read -> detect -> subject -> chip -> quality -> vector -> :class:`~lfr_ray.evaluate.labelled_samples.Samples`

A picture that gives no vector stays in the evaluation, with the reason: failures to acquire are figures too. What the
live quality check would have said of a face is noted beside its vector, so that one run measures both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfr_ray.camera.still_pictures import is_picture_name, read_picture
from lfr_ray.config import QualityConfig
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.covered_regions import mean_view, paint_over
from lfr_ray.embed.occlusion import Occlusion
from lfr_ray.embed.view_quality import assess
from lfr_ray.enrol.still_faces import detect_stills
from lfr_ray.enrol.subject_face import choose_subject
from lfr_ray.errors import InputError, PictureError
from lfr_ray.evaluate.all_pairs import Normaliser
from lfr_ray.evaluate.figures_by_group import GroupTable, read_groups
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.models.card_calibration import ScoreNorm
from lfr_ray.models.cards import Detector, Embedder, ModelCard, chip_spec
from lfr_ray.records import Faces, Floats, Picture, box_sizes_px

CHUNK = 32
"""Pictures that are in memory at once."""

GROUPS_FILE = "groups.csv"
LAYOUT = "DIR/<identity>/<image>"

UNREADABLE, NO_FACE = "unreadable", "no_face"

COMPARABLE_SIZE = 0.5
"""Where no face leads clearly, those at least this share of the largest one's size may be the subject."""


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """Pictures by identity, both in name order.

    Attributes:
        names: Identity folders that hold a picture.
        identity: For each picture the row of its identity.
    """

    names: tuple[str, ...] = field(repr=False)
    identity: tuple[int, ...] = field(repr=False)
    paths: tuple[Path, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Acquired:
    """What one picture gave: a chip with its quality, or a reason."""

    reason: str
    quality_fault: str = ""
    quality: float = float("nan")
    chip: Picture | None = field(default=None, repr=False)


def read_labelled(folder: Path) -> LabelledFolder:
    """List the pictures of an evaluation folder.

    Raises:
        InputError: There is no such folder, it cannot be read, or no picture stands in a folder of its own.
    """
    if not folder.is_dir():
        raise InputError("the evaluation folder does not exist", got=folder, allowed=LAYOUT, next_step="check the path")
    names: list[str] = []
    identity: list[int] = []
    paths: list[Path] = []
    try:
        people = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
        for person in people:
            pictures = sorted(one for one in person.iterdir() if is_picture_name(one) and one.is_file())
            if pictures:
                identity.extend([len(names)] * len(pictures))
                names.append(person.name)
                paths.extend(pictures)
    except OSError as error:
        raise InputError(
            "the evaluation folder cannot be read", got=error.strerror, allowed=LAYOUT, next_step="check permissions"
        ) from None
    if not names:
        loose = sum(1 for one in folder.iterdir() if is_picture_name(one))
        raise InputError(
            "the evaluation folder holds no pictures of people",
            got=f"{loose} pictures beside each other and {len(people)} folders, none with a picture in it",
            allowed=LAYOUT,
            next_step="put each person's pictures into a folder of their own",
        )
    return LabelledFolder(tuple(names), tuple(identity), tuple(paths))


def read_group_table(folder: Path, names: Sequence[str]) -> GroupTable | None:
    """The folder's ``groups.csv``, where there is one.

    Raises:
        InputError: It is there and cannot be used.
    """
    path = folder / GROUPS_FILE
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{GROUPS_FILE} cannot be read",
            got=type(error).__name__,
            allowed="a CSV file in UTF-8",
            next_step=f"save it as UTF-8, or take {GROUPS_FILE} out of the folder",
        ) from None
    return read_groups(text, names)


def embed_labelled(
    labelled: LabelledFolder,
    detector: Detector,
    embedder: Embedder,
    *,
    limits: QualityConfig | None = None,
    regions: Sequence[str] = (),
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Samples:
    """Vectors of every picture of the folder.

    What the live quality check says of each is noted; default: the limits of a new site. For every one of ``regions``,
    halves of the face, each picture gets a view as if that half were covered. ``on_progress`` takes the pictures done
    and all of them.

    Raises:
        ModelError: The embedder's card does not say how faces are cut out, or its output is unusable.
    """
    spec = chip_spec(embedder.card)
    limits = limits or QualityConfig()
    occlusion = Occlusion(spec) if regions else None
    acquired: list[_Acquired] = []
    vectors: list[Floats] = []
    covered: dict[str, list[Floats]] = {region: [] for region in regions}
    seen: list[str | None] = []
    length = embedder.card.vector_length
    for start in range(0, len(labelled.paths), CHUNK):
        chunk = _acquire(labelled.paths[start : start + CHUNK], detector, embedder.card, limits)
        chips = [one.chip for one in chunk if one.chip is not None]
        found = embedder.embed(np.stack(chips)) if chips else np.zeros((0, length), np.float32)
        with_face = [number for number, one in enumerate(chunk) if one.chip is not None]
        vectors.append(_at_rows(found, with_face, len(chunk)))
        for region, views in covered.items():
            painted = embedder.embed(paint_over(np.stack(chips), region, spec)) if chips else found
            views.append(_at_rows(mean_view(found, painted), with_face, len(chunk)))
        if occlusion is not None:
            seen += ["" if one.chip is None else occlusion.kind(one.chip) for one in chunk]
        acquired.extend(_Acquired(one.reason, one.quality_fault, one.quality) for one in chunk)
        on_progress(len(acquired), len(labelled.paths))
    return Samples(
        labelled.names,
        np.array(labelled.identity, np.int64),
        np.concatenate(vectors),
        tuple(one.reason for one in acquired),
        tuple(one.quality_fault for one in acquired),
        np.array([one.quality for one in acquired], np.float32),
        {region: np.concatenate(views) for region, views in covered.items()},
        tuple(seen),
    )


def most_central(faces: Faces, width_px: int, height_px: int) -> int:
    """The face in the middle, for pictures in which none leads clearly.

    An enrolment would ask for another picture; here the label says that the person is shown, and labelled
    pictures have their person in the middle.
    """
    sizes = box_sizes_px(faces.boxes)
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    off = np.linalg.norm(centres / np.array([width_px, height_px], np.float32) - 0.5, axis=1)
    return int(np.where(sizes >= COMPARABLE_SIZE * sizes.max(), off, np.inf).argmin())


def matcher_normaliser(card: ModelCard) -> Normaliser | None:
    """The score normalisation that the matcher applies with this card's model to whole faces; None: none."""
    rule = None if card.calibration is None else card.calibration.score_norm
    return None if rule is None else normaliser_of(rule)


def normaliser_of(rule: ScoreNorm) -> Normaliser:
    """The matcher's score normalisation by a rule."""
    return lambda entries: ScoreNormaliser(entries, rule).normalised


def _at_rows(vectors: Floats, rows: Sequence[int], count: int) -> Floats:
    """Vectors at their pictures' places; zeros where a picture gave none."""
    placed = np.zeros((count, vectors.shape[1]), np.float32)
    placed[rows] = vectors
    return placed


def _acquire(paths: Sequence[Path], detector: Detector, card: ModelCard, limits: QualityConfig) -> list[_Acquired]:
    pictures = [_read(path) for path in paths]
    readable = [picture for picture in pictures if picture is not None]
    found = iter(detect_stills(readable, detector))
    return [
        _Acquired(UNREADABLE) if picture is None else _subject(picture, next(found), card, limits)
        for picture in pictures
    ]


def _read(path: Path) -> Picture | None:
    try:
        return read_picture(path)
    except PictureError:
        return None


def _subject(picture: Picture, faces: Faces, card: ModelCard, limits: QualityConfig) -> _Acquired:
    height_px, width_px = picture.shape[:2]
    if not len(faces):
        return _Acquired(NO_FACE)
    row = choose_subject(faces, width_px, height_px).row
    if row is None:
        row = most_central(faces, width_px, height_px)
    chip = cut_chips(picture, faces.points[row : row + 1], chip_spec(card))[0]
    quality = assess(faces.boxes[row], faces.points[row], float(faces.scores[row]), chip, limits)
    return _Acquired("", quality.reason, quality.value, chip)
