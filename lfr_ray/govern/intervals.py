"""Exact intervals: a rate is never shown without how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.special import betaincinv

CONFIDENCE = 0.95


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
