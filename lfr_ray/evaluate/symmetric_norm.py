"""Adaptive symmetric score normalisation (AS-norm): what it would be worth with a cohort of other people.

Every picture is compared with a cohort of pictures of other people. The mean and the standard deviation of its ``top``
nearest cohort similarities say how much it resembles people in general; a similarity of two pictures is expressed
in both pictures' standard deviations above both means, and the two are averaged. The cohort shares nobody with the list
or the searches, needs no labels and is never searched for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Compare, Pairs, compare_all
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.verification import count_at, threshold_at
from lfr_ray.records import Floats
from lfr_ray.stats import Doubles

TOP = 200
SPAN = (-10.0, 30.0)
"""Histogram range of normalised similarities: they are standard deviations."""
LEAST_COHORT = 20
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean true accept rate without and with normalisation, on people outside the cohort.

    ``difference`` is the mean of the paired differences, ``sd`` their standard deviation.
    """

    far: float
    plain: float
    normalised: float
    difference: float
    sd: float


def cohort_statistics(vectors: Floats, cohort: Floats, top: int = TOP) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each vector's ``top`` largest similarities to the cohort.

    Both are ``float32 (n, D)`` of unit length, the cohort of other people; all count where it is smaller.

    Raises:
        InputError: The cohort is too small.
    """
    if len(cohort) < LEAST_COHORT:
        raise InputError("the cohort is too small", got=f"{len(cohort)} pictures", allowed=f"{LEAST_COHORT} or more")
    taken = min(top, len(cohort))
    similarities = vectors @ cohort.T
    nearest = np.partition(similarities, len(cohort) - taken, axis=1)[:, len(cohort) - taken :]
    mean = nearest.mean(axis=1, dtype=np.float64)
    sd = nearest.std(axis=1, dtype=np.float64)
    return mean.astype(np.float32), np.maximum(sd, LEAST_SPREAD).astype(np.float32)


def symmetric_norm(vectors: Floats, cohort: Floats, top: int = TOP) -> Compare:
    """A comparison for :func:`lfr_ray.evaluate.all_pairs.compare_all` that normalises."""
    mean, sd = cohort_statistics(vectors, cohort, top)

    def compare(rows: slice, columns: slice) -> Floats:
        plain = vectors[rows] @ vectors[columns].T
        ours = (plain - mean[rows, None]) / sd[rows, None]
        theirs = (plain - mean[None, columns]) / sd[None, columns]
        both: Floats = (0.5 * (ours + theirs)).astype(np.float32)
        return both

    return compare


def measure_gain(samples: Samples, fars: tuple[float, ...], *, top: int = TOP, repeats: int = 8) -> list[Gain]:
    """What normalisation is worth: the first pictures of one half of the identities are the cohort for the other half.

    FARs that a half's pairs cannot resolve are left out.
    """
    samples = samples.only(samples.usable > 0)
    rates: list[tuple[Doubles, Doubles]] = []
    for halves in samples.halves(repeats):
        rates += [_one(cohort, judged, fars, top) for cohort, judged in (halves, halves[::-1])]
    plain = np.array([one for one, _ in rates])
    normalised = np.array([one for _, one in rates])
    gained = normalised - plain
    figures = zip(fars, plain.mean(0), normalised.mean(0), gained.mean(0), gained.std(0), strict=True)
    return [Gain(*map(float, one)) for one in figures if np.isfinite(one[1])]


def first_pictures(samples: Samples) -> Floats:
    """The first usable picture of every identity: ``float32 (identities with one, D)``."""
    rows = np.flatnonzero(samples.acquired)
    first = rows[np.unique(samples.identity[rows], return_index=True)[1]]
    return samples.vectors[first]


def _one(cohort: Samples, judged: Samples, fars: tuple[float, ...], top: int) -> tuple[Doubles, Doubles]:
    vectors = judged.vectors[judged.acquired]
    plain = compare_all(judged)
    normalised = compare_all(judged, symmetric_norm(vectors, first_pictures(cohort), top), span=SPAN)
    return _tar(plain, fars), _tar(normalised, fars)


def _tar(pairs: Pairs, fars: tuple[float, ...]) -> Doubles:
    """TAR at each FAR; NaN where the pairs are too few for it."""
    found, count, total = np.full(len(fars), np.nan), len(pairs.genuine), pairs.impostor_count
    for column, far in enumerate(fars):
        if far * total >= 1 and count:
            found[column] = count_at(pairs.genuine, threshold_at(pairs.impostor, total, far)) / count
    return found
