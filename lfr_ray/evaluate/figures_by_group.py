"""Figures by group of people, with how far groups differ (ISO/IEC 19795-10).

Groups come from ``groups.csv`` in the evaluation folder and from nowhere else: a column ``identity`` and one column a
property, such as ``sex`` or ``age_band``, as the people themselves or their records state it. Nothing here
guesses a group from a picture. An empty cell means not stated; such people count in no group of that column.

All groups are measured at the *same* thresholds, those of the whole evaluation: that is what happens at an event.

* FNMR of a group: genuine pairs of its people. FMR: impostor pairs of two of its people.
* TPIR and FPIR of a group: searches of its people in the whole list.
* The differential of a figure is the largest group's divided by the smallest's, with its interval; 1 is equal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Pairs
from lfr_ray.evaluate.identification import Searches
from lfr_ray.evaluate.labelled_samples import Bools, Samples
from lfr_ray.evaluate.verification import count_at
from lfr_ray.records import Ints
from lfr_ray.stats import (
    REPLICATES,
    UNKNOWN,
    Doubles,
    Interval,
    clopper_pearson,
    identity_weights,
    percentile_interval,
    share,
)

IDENTITY = "identity"
MOST_GROUPS = 30
FIGURES = ("fnmr", "fmr", "tpir", "fpir")


GroupTable = Mapping[str, Mapping[str, str]]
"""Who belongs where: for each property, in the file's order, the group of each identity that states one."""


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """One group at the evaluation's thresholds."""

    group: str
    identities: int
    pictures: int
    failure_to_acquire: Interval
    fnmr: Interval
    fmr: Interval
    tpir: Interval
    fpir: Interval


@dataclass(frozen=True, slots=True)
class Differential:
    """How far apart the groups of one column are in one figure; unknown where a group's figure is zero."""

    figure: str
    highest: str
    lowest: str
    ratio: Interval


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """Everything about one property."""

    column: str
    groups: tuple[GroupFigures, ...]
    differentials: tuple[Differential, ...]
    not_stated: int


def read_groups(text: str, names: Sequence[str]) -> GroupTable:
    """Read ``groups.csv``.

    Raises:
        InputError: No identity column, no group column, an identity twice, or a column of too many groups.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), skipinitialspace=True)
    fields = [field.strip() for field in reader.fieldnames or ()]
    columns = tuple(field for field in fields if field != IDENTITY)
    if IDENTITY not in fields or not columns or len(set(fields)) != len(fields) or not all(fields):
        raise _malformed(f"columns {', '.join(fields) or 'none'}")
    reader.fieldnames = fields
    known, seen = set(names), set()
    groups: dict[str, dict[str, str]] = {column: {} for column in columns}
    for row in reader:
        identity = (row[IDENTITY] or "").strip()
        if identity in seen:
            raise _malformed(f"line {reader.line_num}: the identity stands there a second time")
        seen.add(identity)
        if identity not in known:
            continue
        for column, members in groups.items():
            value = (row[column] or "").strip()
            if value:
                members[identity] = value
    for column, members in groups.items():
        if len(set(members.values())) > MOST_GROUPS:
            raise _malformed(f"column {column} has {len(set(members.values()))} different values")
    return groups


def _malformed(got: str) -> InputError:
    return InputError(
        "groups.csv cannot be used",
        got=got,
        allowed=f"a header with {IDENTITY} and one or more group columns of at most {MOST_GROUPS} values, "
        "one line an identity, empty where not stated",
        next_step="correct groups.csv or take it out of the folder",
    )


def measure_groups(
    samples: Samples,
    pairs: Pairs,
    searches: Searches,
    table: GroupTable,
    *,
    match_threshold: float,
    search_threshold: float,
    replicates: int = REPLICATES,
) -> list[ColumnFigures]:
    """Figures of every group of every column: FMR and FNMR at the one threshold, TPIR and FPIR at the other."""
    weights = identity_weights(samples.size, replicates)
    measure = _GroupCounts(samples, pairs, searches, match_threshold, search_threshold, weights)
    results = []
    for column, members in table.items():
        stated = [members.get(name, "") for name in samples.names]
        labels = sorted(set(stated) - {""})
        masks = [np.array([one == label for one in stated], bool) for label in labels]
        figures = tuple(measure.figures(label, mask) for label, mask in zip(labels, masks, strict=True))
        differentials = tuple(measure.differential(figure, labels, masks) for figure in FIGURES) if labels else ()
        results.append(ColumnFigures(column, figures, differentials, stated.count("")))
    return results


class _GroupCounts:
    """Counts of errors and trials by identity, so that a replicate is a matrix product.

    FMR alone depends on two identities; its counts stay pairs.
    """

    def __init__(
        self, samples: Samples, pairs: Pairs, searches: Searches, match: float, search: float, weights: Ints
    ) -> None:
        self._samples = samples
        # The first row is everybody once: the figure itself.
        self._weights = np.concatenate([np.ones((1, samples.size), np.int64), weights])
        self._usable = pairs.usable
        owners = pairs.genuine_identity.astype(np.int64)
        refused = np.arange(len(owners)) >= count_at(pairs.genuine, match)
        self._false_matches = pairs.impostor_identities[: count_at(pairs.impostor, match)]
        self._by_identity = {
            "fnmr": (self._count(owners[refused]), self._count(owners)),
            "tpir": (
                self._count(searches.mated_identity[searches.rank_one_similarity >= search]),
                self._count(searches.mated_identity),
            ),
            "fpir": (
                self._count(searches.non_mated_identity[searches.non_mated_top >= search]),
                self._count(searches.non_mated_identity),
            ),
        }

    def figures(self, label: str, mask: Bools) -> GroupFigures:
        inside = mask[self._samples.identity]
        lost = int((inside & ~self._samples.acquired).sum())
        return GroupFigures(
            label,
            int(mask.sum()),
            int(inside.sum()),
            clopper_pearson(lost, int(inside.sum())),
            *(percentile_interval(*self._shares(one, mask), self._people(one, mask)) for one in FIGURES),
        )

    def differential(self, figure: str, labels: Sequence[str], masks: Sequence[Bools]) -> Differential:
        found = [self._shares(figure, mask) for mask in masks]
        known = [(value, row) for row, (value, _) in enumerate(found) if value is not None]
        if len(known) < 2:
            return Differential(figure, "", "", UNKNOWN)
        (most, high), (least, low) = max(known), min(known)
        if least <= 0:
            return Differential(figure, labels[high], labels[low], UNKNOWN)
        replicates = share(found[high][1], found[low][1])
        people = min(self._people(figure, masks[high]), self._people(figure, masks[low]))
        return Differential(figure, labels[high], labels[low], percentile_interval(most / least, replicates, people))

    def _count(self, identities: Ints) -> Ints:
        return np.bincount(identities, minlength=self._samples.size).astype(np.int64)

    def _shares(self, figure: str, mask: Bools) -> tuple[float | None, Doubles]:
        """The figure itself, None where nothing was tried, and that of every replicate."""
        shares = share(*self._totals(figure, mask))
        return None if np.isnan(shares[0]) else float(shares[0]), shares[1:]

    def _people(self, figure: str, mask: Bools) -> int:
        counted = self._usable if figure == "fmr" else self._by_identity[figure][1]
        return int((mask & (counted > 0)).sum())

    def _totals(self, figure: str, mask: Bools) -> tuple[Doubles, Doubles]:
        """Errors and trials, by row of the weights."""
        if figure != "fmr":
            errors, trials = self._by_identity[figure]
            drawn = self._weights * mask
            return (drawn @ errors).astype(float), (drawn @ trials).astype(float)
        first, second = self._false_matches[mask[self._false_matches].all(axis=1)].T
        errors_by_row = np.array([float((row[first] * row[second]).sum()) for row in self._weights])
        masses = self._weights * (mask * self._usable)
        return errors_by_row, (masses.sum(axis=1) ** 2 - (masses**2).sum(axis=1)) / 2.0
