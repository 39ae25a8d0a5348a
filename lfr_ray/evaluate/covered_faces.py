"""Partly covered faces: compared as they are, and by views that match what is visible.

The searches are the pictures in which one half of the face is judged covered; what they are compared with are
all pictures of uncovered faces. Both ways see the same pictures, so their rates can be laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lfr_ray.evaluate.all_pairs import compare_across
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.verification import OperatingPoint, tar_at_far

COVERED = "covered"
AS_THEY_ARE, VIEWS = "as_they_are", "matching_views"

LEAST_PICTURES = 10
"""Fewer covered pictures say nothing."""


@dataclass(frozen=True, slots=True)
class CoveredFigures:
    """What is recognised of faces of which one half is covered.

    Pictures in which it is judged covered are paired with uncovered ones; ``rows`` has, by the way of comparison, TAR
    at false accept rates.
    """

    region: str
    pictures: int
    people: int
    genuine: int
    impostor: int
    rows: tuple[tuple[str, tuple[OperatingPoint, ...]], ...]


def uncovered(samples: Samples) -> Samples:
    """The same pictures without those of covered faces, which the chain compares in another way."""
    return samples.without([COVERED if seen != "" else "" for seen in samples.seen]) if samples.seen else samples


def of_region(samples: Samples, region: str) -> Samples:
    """The same pictures, every face seen as if this half of it were covered; without those that cover the other."""
    alike = replace(samples, vectors=samples.covered[region])
    return alike.without(["" if seen in ("", region) else COVERED for seen in samples.seen])


def measure_covered(samples: Samples, fars: tuple[float, ...], *, replicates: int = 300) -> tuple[CoveredFigures, ...]:
    """Both ways for every region of which there are enough pictures and views."""
    if not samples.covered:
        return ()
    open_faced = samples.acquired & np.array([seen == "" for seen in samples.seen], bool)
    found = []
    for region in sorted(samples.covered):
        hidden = samples.acquired & np.array([seen == region for seen in samples.seen], bool)
        if hidden.sum() < LEAST_PICTURES or not open_faced.any():
            continue
        ways = ((AS_THEY_ARE, samples.vectors), (VIEWS, samples.covered[region]))
        theirs, others = samples.identity[hidden], samples.identity[open_faced]
        pairs = [
            compare_across(vectors[hidden], theirs, vectors[open_faced], others, samples.size) for _, vectors in ways
        ]
        found.append(
            CoveredFigures(
                region,
                int(hidden.sum()),
                len(np.unique(theirs)),
                len(pairs[0].genuine),
                pairs[0].impostor_count,
                tuple(
                    (name, tuple(tar_at_far(one, fars, replicates=replicates)))
                    for (name, _), one in zip(ways, pairs, strict=True)
                ),
            )
        )
    return tuple(found)
