"""How sure a figure is: 95 % intervals for counts and for figures over people.

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
from scipy import stats
from scipy.special import betaincinv

from lfr_ray.records import Ints

Doubles = npt.NDArray[np.float64]

REPLICATES = 1000
SEED = 20241
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds between which it lies with 95 % confidence; None where nothing was measured."""

    value: float | None
    low: float | None
    high: float | None

    def document(self) -> dict[str, float | None]:
        """As JSON holds it: six significant digits."""
        return {"value": rounded(self.value), "low": rounded(self.low), "high": rounded(self.high)}


UNKNOWN = Interval(None, None, None)
"""Nothing was measured."""


def rounded(value: float | None) -> float | None:
    """Six significant digits: more would only pretend.

    >>> rounded(0.123456789)
    0.123457
    """
    return None if value is None else float(f"{value:.6g}")


def clopper_pearson(count: int, of: int) -> Interval:
    """Exact binomial interval of a share.

    >>> clopper_pearson(0, 3000).high < 1 / 800
    True
    """
    if of <= 0:
        return UNKNOWN
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if count == 0 else float(stats.beta.ppf(tail, count, of - count + 1))
    high = 1.0 if count == of else float(stats.beta.ppf(1 - tail, count + 1, of - count))
    return Interval(count / of, low, high)


def identity_weights(identities: int, replicates: int = REPLICATES, seed: int = SEED) -> Ints:
    """How often each identity was drawn in each replicate.

    Returns:
        ``int64 (replicates, identities)``, every row adds up to ``identities``.
    """
    drawn = np.random.default_rng(seed)
    return drawn.multinomial(identities, np.full(identities, 1 / identities), size=replicates).astype(np.int64)


def percentile_interval(value: float | None, replicates: Doubles, trials: int) -> Interval:
    """The interval of a figure from its bootstrap replicates.

    Args:
        value: The figure itself; None where nothing was measured.
        replicates: The figure in every replicate; NaN where a replicate drew nobody it needs.
        trials: Identities that the figure rests on; from a single one nothing follows about others.
    """
    if value is None:
        return UNKNOWN
    if trials < 2:
        return Interval(value, None, None)
    known = replicates[np.isfinite(replicates)]
    tail = (1 - CONFIDENCE) / 2
    low, high = map(float, np.quantile(known, [tail, 1 - tail])) if len(known) else (value, value)
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


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` of ``of``, with its exact (Clopper-Pearson) interval.

    Attributes:
        value: None when nothing was counted.
    """

    count: int
    of: int
    value: float | None
    low: float
    high: float
    confidence: float = CONFIDENCE

    def document(self) -> dict[str, Any]:
        """Plain JSON values, from which anybody can compute it again."""
        return {
            "count": self.count,
            "of": self.of,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "method": "Clopper-Pearson",
        }


def rate(count: int, of: int, confidence: float = CONFIDENCE) -> Rate:
    """A rate with its two-sided exact interval.

    >>> one = rate(10, 3_147_436)
    >>> f"{one.value:.1e} ({one.low:.1e} to {one.high:.1e})"
    '3.2e-06 (1.5e-06 to 5.8e-06)'
    """
    _check(count, of)
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, of - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 1 - tail)) if count < of else 1.0
    return Rate(count, of, count / of if of else None, low, high, confidence)


def upper_bound(count: int, of: int, confidence: float = CONFIDENCE) -> float:
    """One-sided exact upper bound: with this confidence the true rate is not above it.

    >>> round(upper_bound(0, 2995), 6)
    0.001
    """
    _check(count, of)
    return float(betaincinv(count + 1, of - count, confidence)) if count < of else 1.0


def difference_p(count: int, of: int, other_count: int, other_of: int) -> float:
    """Fisher's exact test, two-sided: how likely such a difference is when there is none."""
    from scipy.stats import fisher_exact  # a second to load, and only reports ask

    _check(count, of)
    _check(other_count, other_of)
    table = [[count, of - count], [other_count, other_of - other_count]]
    return float(fisher_exact(table).pvalue)


def _check(count: int, of: int) -> None:
    if not 0 <= count <= of:
        raise ValueError(f"a rate needs 0 <= count <= of, got {count} of {of}")
