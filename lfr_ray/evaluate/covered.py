"""Partly covered faces: compared as they are, and by views that match what is visible.

The searches are the pictures in which one half of the face is judged covered; what they are compared with are
all pictures of uncovered faces. Both ways see the same pictures, so their rates can be laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lfr_ray.evaluate.pairs import compare_across
from lfr_ray.evaluate.samples import Samples
from lfr_ray.evaluate.verification import OperatingPoint, tar_at_far
from lfr_ray.records import Floats

COVERED = "covered"
AS_THEY_ARE, VIEWS = "as_they_are", "matching_views"

LEAST_PICTURES = 10
"""Fewer covered pictures say nothing."""


@dataclass(frozen=True, slots=True)
class CoveredFigures:
    """What is recognised of faces of which one half is covered.

    Attributes:
        region: The covered half.
        pictures: Pictures in which it is judged covered.
        people: Whose they are.
        genuine: Pairs with an uncovered picture of the same person.
        impostor: Pairs with uncovered pictures of others.
        rows: By the way of comparison, TAR at false accept rates.
    """

    region: str
    pictures: int
    people: int
    genuine: int
    impostor: int
    rows: tuple[tuple[str, tuple[OperatingPoint, ...]], ...]


def uncovered(samples: Samples) -> Samples:
    """The same pictures without those of covered faces, which the chain compares in another way."""
    return _only(samples, samples.vectors, ("",)) if samples.seen else samples


def of_region(samples: Samples, region: str) -> Samples:
    """The same pictures, every face seen as if this half of it were covered; without those that cover the other."""
    return _only(samples, samples.covered[region], ("", region))


def _only(samples: Samples, vectors: Floats, kinds: tuple[str, ...]) -> Samples:
    """Pictures of other kinds count as not acquired."""
    reasons = tuple(
        reason or ("" if seen in kinds else COVERED) for reason, seen in zip(samples.reasons, samples.seen, strict=True)
    )
    lost = np.array([bool(reason) for reason in reasons], bool)
    return replace(samples, vectors=np.where(lost[:, None], np.float32(0), vectors), reasons=reasons)


def measure_covered(samples: Samples, fars: tuple[float, ...], *, replicates: int = 300) -> tuple[CoveredFigures, ...]:
    """Both ways for every region of which there are enough pictures and views.

    Args:
        samples: Pictures with the views that :attr:`Samples.covered` names.
        fars: False accept rates.
        replicates: Of the bootstrap over people.
    """
    if not samples.covered:
        return ()
    open_faced = samples.acquired & np.array([seen == "" for seen in samples.seen], bool)
    found = []
    for region in sorted(samples.covered):
        hidden = samples.acquired & np.array([seen == region for seen in samples.seen], bool)
        if hidden.sum() < LEAST_PICTURES or not open_faced.any():
            continue
        ways = ((AS_THEY_ARE, samples.vectors), (VIEWS, samples.covered[region]))
        pairs = [
            compare_across(
                vectors[hidden],
                samples.identity[hidden],
                vectors[open_faced],
                samples.identity[open_faced],
                samples.size,
            )
            for _, vectors in ways
        ]
        found.append(
            CoveredFigures(
                region,
                int(hidden.sum()),
                len(np.unique(samples.identity[hidden])),
                len(pairs[0].genuine),
                pairs[0].impostor_count,
                tuple(
                    (name, tuple(tar_at_far(one, fars, replicates=replicates)))
                    for (name, _), one in zip(ways, pairs, strict=True)
                ),
            )
        )
    return tuple(found)
