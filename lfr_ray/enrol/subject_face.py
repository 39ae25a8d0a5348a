"""Whose picture is this? The one face of an enrolment picture that is clearly its subject, or that somebody chose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lfr_ray.records import Faces, Floats, box_sizes_px

COMPARABLE = 0.6
"""Faces of at least this share of the largest one's size could be the subject too."""

SMALLER = 0.33
"""So could one of this share that is clearly nearer to the middle: a person beside somebody in the foreground."""

NEAR_CENTRE = 0.2
"""Largest distance of the subject from the middle, in shares of the picture's sides, where others compare with it."""

CLEARLY_NEARER = 0.12
"""So much nearer to the middle than every comparable face the subject must be."""

LEAST_SHARE = 0.3
"""Among comparable faces, the subject's size is at least this share of the picture's shorter side."""

LARGER, CENTRAL = 0.75, 0.1
"""A face this near to the middle, with all others at most this share of its size, is the subject all the same."""

CUT_OFF = 0.05
"""A face that ends this near to the picture's edge belongs to somebody beside the subject."""

SIZES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """The choice among the faces of one picture.

    Attributes:
        row: Of the subject, or None.
        reason: Why there is no subject, or empty.
        note: Which face was taken, where there were several; or empty.
    """

    row: int | None
    reason: str = ""
    note: str = ""


def choose_subject(faces: Faces, width_px: int, height_px: int, wanted: int | None = None) -> Subject:
    """Pick the subject among the faces of one picture.

    A face that is largest by far is the subject, unless one that is clearly nearer to the middle is not tiny beside
    it. Otherwise it is the one in the middle, if it fills a good part of the picture and the comparable faces are
    clearly further out and cut off by the edge or smaller: portraits often show a part of somebody else there. Whole
    faces of its size beside it, or on both sides, make a group photograph, in which nobody is the subject, unless one
    stands before the others: in the middle, and a third larger. Whichever of several is taken, it is said.

    ``faces`` are in pixels of the picture; ``wanted`` is the number of the face that somebody chose, counted from 1,
    left to right.

    >>> choose_subject(Faces.none(), 100, 100)
    Subject(row=None, reason='no face was found', note='')
    """
    if not len(faces):
        return Subject(None, "no face was found")
    sizes = box_sizes_px(faces.boxes)
    if wanted is not None:
        if wanted > len(faces):
            found = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
            return Subject(None, f"face {wanted} was chosen, but {found} found")
        row = int(left_to_right(faces)[wanted - 1])
        return Subject(row, "", _note(sizes, row, f"number {wanted} from the left, as chosen"))
    found_row, which = _clear_subject(faces, sizes, width_px, height_px)
    if found_row is not None:
        return Subject(found_row, "", _note(sizes, found_row, which))
    told = ", ".join(
        f"{number}: {sizes[row]:.0f} px" for number, row in enumerate(left_to_right(faces)[:SIZES_TOLD], start=1)
    )
    more = f", and {len(faces) - SIZES_TOLD} more" if len(faces) > SIZES_TOLD else ""
    return Subject(
        None,
        f"{len(faces)} faces were found and none is clearly the subject (left to right {told}{more}); "
        "crop the picture, or choose with --face N or the CSV's column face or crop",
    )


def left_to_right(faces: Faces) -> npt.NDArray[np.intp]:
    """Rows of the faces in the order in which people count them: by their middles, left to right, then from the top."""
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    return np.lexsort((centres[:, 1], centres[:, 0]))


def _clear_subject(faces: Faces, sizes: Floats, width_px: int, height_px: int) -> tuple[int | None, str]:
    """The row of the face that is clearly the subject, and what it is among the others; None: there is none."""
    sides = np.array([width_px, height_px] * 2, np.float32)
    everywhere: Floats = (faces.boxes / sides).astype(np.float32)
    from_middle: Floats = ((everywhere[:, :2] + everywhere[:, 2:]) / 2 - 0.5).astype(np.float32)
    out = np.hypot(from_middle[:, 0], from_middle[:, 1])
    largest = int(sizes.argmax())
    nearer = (out <= NEAR_CENTRE) & (out <= out[largest] - CLEARLY_NEARER)
    rivals = np.flatnonzero((sizes >= COMPARABLE * sizes.max()) | ((sizes >= SMALLER * sizes.max()) & nearer))
    if len(rivals) == 1:
        return largest, "the larger" if len(faces) == 2 else "the largest"
    boxes, off, distances = everywhere[rivals], from_middle[rivals], out[rivals]
    order = np.argsort(distances, kind="stable")
    subject = int(order[0])
    size_px, next_px = float(sizes[rivals[subject]]), float(np.delete(sizes[rivals], subject).max())
    whole = np.minimum(boxes[:, :2], 1.0 - boxes[:, 2:]).min(axis=1) >= CUT_OFF
    whole[subject] = False
    beside = off[whole, 0] - off[subject, 0]
    foremost = float(distances[subject]) <= CENTRAL and next_px <= LARGER * size_px
    central = (
        float(distances[subject]) <= NEAR_CENTRE
        and float(distances[order[1]] - distances[subject]) >= CLEARLY_NEARER
        and not bool((sizes[rivals][whole] > LARGER * size_px).any())
        and not ((beside < 0).any() and (beside > 0).any())
    )
    if size_px >= LEAST_SHARE * min(width_px, height_px) and (foremost or central):
        return int(rivals[subject]), "the one in the middle"
    return None, ""


def _note(sizes: Floats, row: int, which: str) -> str:
    """Which of several faces was taken; empty where there is one only."""
    others = sorted((float(size) for size in np.delete(sizes, row)), reverse=True)
    if not others:
        return ""
    told = ", ".join(f"{size:.0f}" for size in others[:SIZES_TOLD])
    more = f" and {len(others) - SIZES_TOLD} smaller" if len(others) > SIZES_TOLD else ""
    rest = f"the other is {told} px" if len(others) == 1 else f"the others are {told} px{more}"
    return f"{len(sizes)} faces: took {which}, {sizes[row]:.0f} px; {rest}"
