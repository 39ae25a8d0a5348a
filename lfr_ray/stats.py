"""How sure a figure is: exact intervals of counts, and bootstrap intervals of figures over people.

Pictures of one person are not independent, and a pair depends on two persons. So the bootstrap
draws *identities*: a replicate gives each identity a weight (how often it was drawn), a genuine pair
counts with its identity's weight and an impostor pair with the product of both weights (the two-way,
or pigeonhole, bootstrap). Pairs between two copies of one identity are left out, as they would compare a
picture with itself. Intervals are the 2.5 % and 97.5 % quantiles of the replicates.

Where nearly every replicate gives the same 0 or 1 the bootstrap cannot speak; then the exact binomial
(Clopper-Pearson) bound is used with one trial an identity, which is wide on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lfr_ray.records import Ints

Doubles = npt.NDArray[np.float64]

REPLICATES = 1000
SEED = 20241
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds between which it lies with 95 % confidence; None where nothing was measured."""

    value: float | None
    low: float | None
    high: float | None

    def document(self) -> dict[str, Any]:
        """As JSON holds it: six significant digits."""
        return {"value": rounded(self.value), "low": rounded(self.low), "high": rounded(self.high)}

    def complement(self) -> Interval:
        """The same of one minus the figure: a miss rate of a hit rate."""
        return Interval(*(None if one is None else 1 - one for one in (self.value, self.high, self.low)))

    def times(self, factor: float) -> Interval:
        """The same figure in another unit."""
        return Interval(*(None if one is None else one * factor for one in (self.value, self.low, self.high)))


UNKNOWN = Interval(None, None, None)
"""Nothing was measured."""


@dataclass(frozen=True, slots=True)
class Rate(Interval):
    """``count`` of ``of`` with its exact interval; of nothing counted there is no value, and it may be anything."""

    count: int
    of: int

    def document(self) -> dict[str, Any]:
        """Plain JSON values, from which anybody can compute it again."""
        counted = {"count": self.count, "of": self.of, "value": self.value, "low": self.low, "high": self.high}
        return counted | {"confidence": CONFIDENCE, "method": "Clopper-Pearson"}


def rounded(value: float | None) -> float | None:
    """Six significant digits: more would claim more than was measured.

    >>> rounded(0.123456789)
    0.123457
    """
    return None if value is None else float(f"{value:.6g}")


def rate(count: int, of: int) -> Rate:
    """A rate with its two-sided exact interval (Clopper and Pearson 1934).

    >>> one = rate(10, 3_147_436)
    >>> f"{one.value:.1e} ({one.low:.1e} to {one.high:.1e})"
    '3.2e-06 (1.5e-06 to 5.8e-06)'
    """
    from scipy.special import betaincinv  # as below: whoever starts a process must not wait for it

    _check(count, of)
    low = float(betaincinv(count, of - count + 1, TAIL)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 1 - TAIL)) if count < of else 1.0
    return Rate(count / of if of else None, low, high, count, of)


def clopper_pearson(count: int, of: int) -> Interval:
    """The interval of a rate; of nothing counted it is unknown.

    >>> clopper_pearson(0, 3000).high < 1 / 800
    True
    """
    if not of:
        return UNKNOWN
    found = rate(count, of)
    return Interval(found.value, found.low, found.high)


def upper_bound(count: int, of: int, confidence: float = CONFIDENCE) -> float:
    """One-sided exact upper bound: with this confidence the true rate is not above it.

    >>> round(upper_bound(0, 2995), 6)
    0.001
    """
    from scipy.special import betaincinv

    _check(count, of)
    return float(betaincinv(count + 1, of - count, confidence)) if count < of else 1.0


def poisson_rate(count: int, exposure: float) -> Interval:
    """Events by exposure, with the exact interval (Garwood 1936).

    >>> none = poisson_rate(0, 1.0)
    >>> none.value, none.low, round(none.high, 3)
    (0.0, 0.0, 3.689)
    """
    from scipy.special import gammaincinv

    if exposure <= 0:
        return UNKNOWN
    low = float(gammaincinv(count, TAIL)) if count else 0.0
    return Interval(count, low, float(gammaincinv(count + 1, 1 - TAIL))).times(1 / exposure)


def difference_p(count: int, of: int, other_count: int, other_of: int) -> float:
    """Fisher's exact test, two-sided: how likely such a difference is when there is none."""
    from scipy.stats import fisher_exact  # a second to load, and only reports ask

    _check(count, of)
    _check(other_count, other_of)
    return float(fisher_exact([[count, of - count], [other_count, other_of - other_count]]).pvalue)


def identity_weights(identities: int, replicates: int = REPLICATES, seed: int = SEED) -> Ints:
    """How often each identity was drawn in each replicate: ``int64 (replicates, identities)``."""
    drawn = np.random.default_rng(seed)
    return drawn.multinomial(identities, np.full(identities, 1 / identities), size=replicates).astype(np.int64)


def percentile_interval(value: float | None, replicates: Doubles, trials: int) -> Interval:
    """The interval of a figure from its bootstrap replicates, of which NaN drew nobody that it needs.

    ``trials`` are the identities that the figure rests on; from a single one nothing follows about others.
    """
    known = replicates[np.isfinite(replicates)]
    if value is None:
        return UNKNOWN
    if trials < 2:
        return Interval(value, None, None)
    low, high = map(float, np.quantile(known, [TAIL, 1 - TAIL])) if len(known) else (value, value)
    if value in (0.0, 1.0) and low == high == value:
        exact = clopper_pearson(round(value * trials), trials)
        return Interval(value, exact.low, exact.high)
    if len(known) == 0:
        return Interval(value, None, None)
    return Interval(value, min(low, value), max(high, value))


def share(part: Doubles, whole: Doubles) -> Doubles:
    """``part / whole``, NaN where the whole is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _check(count: int, of: int) -> None:
    if not 0 <= count <= of:
        raise ValueError(f"a rate needs 0 <= count <= of, got {count} of {of}")
