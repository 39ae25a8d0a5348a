"""The published list of pairs of a collection (LFW's ``pairs.txt``), for the one figure that all papers state.

The accuracy is that of ten folds: the threshold that is best for nine decides the tenth. It says whether a model is
read and its faces are cut out as its makers did: nothing about false match rates that a watchlist needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.labelled_samples import Bools, Samples
from lfr_ray.records import Floats, Ints

LAYOUT = (
    "first FOLDS and PAIRS, then in each fold PAIRS lines NAME NUMBER NUMBER and PAIRS lines NAME NUMBER NAME NUMBER"
)


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs of pictures as ``Name_0001``; ``same``, one person, is ``bool (P,)``, ``fold`` is ``int64 (P,)``."""

    pictures: tuple[tuple[str, str], ...] = field(repr=False)
    same: Bools = field(repr=False)
    fold: Ints = field(repr=False)


@dataclass(frozen=True, slots=True)
class PairAccuracy:
    """Of ten folds; pairs of which a picture is not there or gave no vector are ``left_out``."""

    accuracy: float
    standard_error: float
    pairs: int
    left_out: int


def parse_pairs(text: str) -> PairList:
    """Read a list of pairs in LFW's layout.

    Raises:
        InputError: It has another one.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        folds, each = (int(one) for one in lines[0])
        pairs = [_pair(line) for line in lines[1:]]
        if folds < 2 or each < 1 or len(pairs) != 2 * folds * each:
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(
            "the list of pairs cannot be read",
            got=f"{len(lines)} lines",
            allowed=LAYOUT,
            next_step="give LFW's own pairs.txt as it is downloaded",
        ) from None
    same = np.array([len(line) == 3 for line in lines[1:]], bool)
    return PairList(tuple(pairs), same, np.arange(len(pairs)) // (2 * each))


def pair_accuracy(samples: Samples, rows: Mapping[str, int], listed: PairList) -> PairAccuracy:
    """The accuracy of ten folds.

    ``rows`` has the row of each picture by its name without ending.

    Raises:
        InputError: A fold of which no pair is there.
    """
    acquired = samples.acquired
    found = [tuple(rows.get(name, -1) for name in pair) for pair in listed.pictures]
    there = np.array([min(pair) >= 0 and all(acquired[list(pair)]) for pair in found], bool)
    taken = np.array(found, np.int64)[there]
    similarities: Floats = np.einsum("pd,pd->p", samples.vectors[taken[:, 0]], samples.vectors[taken[:, 1]])
    same, fold = listed.same[there], listed.fold[there]
    folds = np.unique(listed.fold)
    if not np.array_equal(folds, np.unique(fold)):
        raise InputError(
            "the pictures of the list of pairs are not there",
            got=f"{len(taken)} of {len(found)} pairs",
            allowed="the collection that the list belongs to, its files named as in the list: Name_0001.jpg",
            next_step="give both as they are downloaded, or leave --pairs out",
        )
    right = []
    for one in folds:
        threshold = _best(similarities[fold != one], same[fold != one])
        right.append(float(((similarities >= threshold) == same)[fold == one].mean()))
    error = float(np.std(right, ddof=1) / np.sqrt(len(right)))
    return PairAccuracy(float(np.mean(right)), error, len(taken), len(found) - len(taken))


def _pair(line: list[str]) -> tuple[str, str]:
    if len(line) == 3:
        return f"{line[0]}_{int(line[1]):04}", f"{line[0]}_{int(line[2]):04}"
    name, number, other, other_number = line
    return f"{name}_{int(number):04}", f"{other}_{int(other_number):04}"


def _best(similarities: Floats, same: Bools) -> float:
    """The threshold at which most pairs are decided rightly: accepted and of one person, or neither."""
    order = np.argsort(-similarities, kind="stable")
    right = np.cumsum(np.where(same[order], 1, -1))
    return float(similarities[order][int(right.argmax())])
