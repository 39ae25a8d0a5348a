"""What an evaluation is made of: one row a picture, vectors, and which pictures gave none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lfr_ray.array_checks import check_array
from lfr_ray.errors import InputError, ModelError, ShapeError
from lfr_ray.records import Floats, Ints
from lfr_ray.stats import SEED

Bools = npt.NDArray[np.bool_]
MeasuredT = TypeVar("MeasuredT")

UNIT_TOLERANCE = 1e-3
"""How far a vector's length may be from one."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The pictures of an evaluation, identities in name order, pictures of an identity in name order.

    Attributes:
        names: Identity names in code-point order; never printed.
        identity: ``int64 (n,)``, index into ``names``, non-decreasing.
        vectors: ``float32 (n, D)`` of unit length; zeros where ``reasons`` is not empty.
        reasons: Why a picture gave no vector (failure to acquire); empty where it gave one.
        quality_faults: Why the live quality check would refuse the picture; empty where it would not.
        quality: ``float32 (n,)``, the view's quality value, 0..1; NaN without a vector.
        covered: By region, vectors like ``vectors`` of the faces as if that half of them were covered; may be empty.
        seen: For each picture the half that is judged covered, empty for none, None for both; may be empty.
    """

    names: tuple[str, ...] = field(repr=False)
    identity: Ints = field(repr=False)
    vectors: Floats = field(repr=False)
    reasons: tuple[str, ...] = field(repr=False)
    quality_faults: tuple[str, ...] = field(repr=False)
    quality: Floats = field(repr=False)
    covered: Mapping[str, Floats] = field(repr=False, default_factory=dict)
    seen: tuple[str | None, ...] = field(repr=False, default=())

    def __post_init__(self) -> None:
        check_array("identity", self.identity, ("n",), np.int64)
        count = len(self.identity)
        check_array("vectors", self.vectors, (count, "D"), np.float32, finite=True)
        check_array("quality", self.quality, (count,), np.float32)
        if len(self.reasons) != count or len(self.quality_faults) != count:
            raise ShapeError("reasons or faults have the wrong length", got=len(self.reasons), allowed=str(count))
        for vectors in self.covered.values():
            check_array("covered", vectors, self.vectors.shape, np.float32, finite=True)
        if len(self.seen) not in (0, count) or (self.covered and not self.seen):
            raise ShapeError("seen has the wrong length", got=len(self.seen), allowed=str(count))
        if list(self.names) != sorted(set(self.names)):
            raise ShapeError("names are not unique and in order", got=f"{len(self.names)} names")
        if count and (np.any(np.diff(self.identity) < 0) or not 0 <= self.identity[0] <= self.identity[-1] < self.size):
            raise ShapeError("identity does not index names in order", got=f"{count} pictures, {self.size} names")
        lengths = np.linalg.norm(self.vectors[self.acquired], axis=1)
        if np.any(np.abs(lengths - 1) > UNIT_TOLERANCE):
            raise ShapeError("vectors are not of unit length", got=f"{lengths.min():.3g} to {lengths.max():.3g}")

    @property
    def size(self) -> int:
        """Identities."""
        return len(self.names)

    @property
    def acquired(self) -> Bools:
        """``bool (n,)``: the picture gave a vector."""
        return np.array([not reason for reason in self.reasons], bool)

    @property
    def pictures(self) -> Ints:
        """``int64 (identities,)``: pictures of each identity, usable or not."""
        return np.bincount(self.identity, minlength=self.size).astype(np.int64)

    @property
    def usable(self) -> Ints:
        """``int64 (identities,)``: pictures of each identity that gave a vector."""
        return np.bincount(self.identity[self.acquired], minlength=self.size).astype(np.int64)

    def without(self, lost: Sequence[str]) -> Samples:
        """The same pictures, of which those with a text here count as not acquired, for that reason."""
        reasons = tuple(reason or why for reason, why in zip(self.reasons, lost, strict=True))
        kept = np.array([not reason for reason in reasons], bool)
        return replace(self, vectors=np.where(kept[:, None], self.vectors, np.float32(0)), reasons=reasons)

    def halves(self, repeats: int) -> Iterator[tuple[Samples, Samples]]:
        """The identities split at random, ``repeats // 2`` times: every half is to be judged by the other."""
        generator = np.random.default_rng(SEED)
        for _ in range(max(1, repeats // 2)):
            half = np.zeros(self.size, bool)
            half[generator.permutation(self.size)[: self.size // 2]] = True
            yield self.only(half), self.only(~half)

    def only(self, identities: Bools) -> Samples:
        """The pictures of the identities that the mask ``bool (identities,)`` keeps."""
        rows = np.flatnonzero(identities[self.identity])
        renumbered = np.cumsum(identities).astype(np.int64) - 1
        return Samples(
            tuple(name for name, kept in zip(self.names, identities, strict=True) if kept),
            renumbered[self.identity[rows]],
            self.vectors[rows],
            tuple(self.reasons[row] for row in rows),
            tuple(self.quality_faults[row] for row in rows),
            self.quality[rows],
            {region: vectors[rows] for region, vectors in self.covered.items()},
            tuple(self.seen[row] for row in rows) if self.seen else (),
        )


LAYOUT = "DIR/<identity>/<image>, two identities or more, one of them with two pictures or more"


def check_counts(identities: int, identity: Sequence[int] | Ints) -> None:
    """Refuse a folder from which no error rate can be told, before any picture is read.

    ``identities`` counts the folders with pictures; ``identity`` has for each picture the row of its identity.

    Raises:
        InputError: Fewer than two identities, or one picture each.
    """
    if identities < 2:
        raise InputError(
            "an evaluation needs several identities",
            got=f"{identities} identity folder(s) with pictures",
            allowed=LAYOUT,
            next_step="add pictures of other people, each person in a folder of their own",
        )
    if np.bincount(np.asarray(identity, np.int64)).max(initial=0) < 2:
        raise InputError(
            "every identity has a single picture, so nothing can be recognised again",
            got=f"{identities} identities, {len(identity)} pictures",
            allowed=LAYOUT,
            next_step="add a second picture to some of the folders",
        )


def if_enough(measure: Callable[[], MeasuredT]) -> MeasuredT | None:
    """What was measured; None where the people or pictures are too few for it."""
    try:
        return measure()
    except InputError:
        return None


def check_enough(samples: Samples) -> None:
    """Refuse pictures from which no error rate can be told.

    Raises:
        InputError: Fewer than two identities, one picture each, or too few pictures with a face.
        ModelError: Every vector is the same.
    """
    check_counts(samples.size, samples.identity)
    if samples.usable.max() < 2 or np.count_nonzero(samples.usable) < 2:
        raise InputError(
            "too few pictures with a usable face",
            got=f"{int(samples.acquired.sum())} of {len(samples.identity)} pictures",
            allowed="two identities with a face, one of them in two pictures",
            next_step="look at the failure reasons; use pictures in which the face is large and not cut off",
        )
    usable = samples.vectors[samples.acquired]
    if float(np.ptp(usable, axis=0).max()) < 1e-6:
        raise ModelError(
            "the model gives every face the same vector",
            got=f"{len(usable)} equal vectors",
            next_step="verify the weight file with `lfr models verify`",
        )
