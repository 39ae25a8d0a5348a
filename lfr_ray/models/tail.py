"""What a card's false-match tail says: how rare a similarity is among strangers, and which threshold a list needs.

Written for one comparison at a time: with ``N`` entries a passer-by is compared ``N`` times, so a share ``p`` of false
alerts among faces allows ``1 - (1 - p) ** (1 / N)`` a comparison, about ``p / N``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lfr_ray.errors import ConfigError
from lfr_ray.models.cards import TailFit

FACES = 10_000
"""False alerts are stated by so many faces."""

CEILING_PER_10K = 10.0
"""No threshold may allow more false alerts in 10,000 faces than this: one in a thousand, at the actual list size."""

OBSERVED = 10
"""A rate at which fewer comparisons of the fitted data than this would be false matches is extrapolated."""


@dataclass(frozen=True, slots=True)
class AlertThreshold:
    """The threshold for a list, and what it means.

    Attributes:
        similarity: Alert at this similarity and above.
        false_alerts_per_10k_faces: What is to be expected at it, by the fitted tail.
        comparison_rate: The same for one comparison.
        floor: The least similarity that the ceiling allows at this list size.
        at_floor: More was asked for than the ceiling allows, so the floor was taken.
        extrapolated: The rate is rarer than the data could show; it follows from the fit alone.
    """

    similarity: float
    false_alerts_per_10k_faces: float
    comparison_rate: float
    floor: float
    at_floor: bool
    extrapolated: bool


def false_match_rate(tail: TailFit, similarity: float) -> float:
    """Share of impostor comparisons at or above a similarity; at most the rate at the tail's start.

    >>> tail = TailFit(start=0.5, start_rate=0.01, shape=0.0, scale=0.1, comparisons=10**6, p_value=0.5)
    >>> round(false_match_rate(tail, 0.5 + 0.1 * math.log(10)), 9)
    0.001
    """
    if similarity <= tail.start:
        return tail.start_rate
    over = (similarity - tail.start) / tail.scale
    if abs(tail.shape) < 1e-9:
        return tail.start_rate * math.exp(-over)
    base = 1.0 + tail.shape * over
    return tail.start_rate * math.pow(base, -1.0 / tail.shape) if base > 0 else 0.0


def false_match_density(tail: TailFit, similarity: float) -> float:
    """Density of impostor similarities there; the start's density below the start."""
    over = max(0.0, (similarity - tail.start) / tail.scale)
    if abs(tail.shape) < 1e-9:
        return tail.start_rate / tail.scale * math.exp(-over)
    base = 1.0 + tail.shape * over
    if base <= 0:
        return 0.0
    return tail.start_rate / tail.scale * math.pow(base, -1.0 / tail.shape - 1.0)


def similarity_at(tail: TailFit, rate: float) -> float:
    """The similarity that a share ``rate`` of impostor comparisons reaches: the inverse of the rate, at most 1.

    >>> tail = TailFit(start=0.5, start_rate=0.01, shape=-0.1, scale=0.05, comparisons=10**6, p_value=0.5)
    >>> round(false_match_rate(tail, similarity_at(tail, 1e-6)), 9)
    1e-06
    """
    if rate >= tail.start_rate:
        return tail.start
    share = max(rate, 1e-300) / tail.start_rate
    if abs(tail.shape) < 1e-9:
        return min(1.0, tail.start - tail.scale * math.log(share))
    return min(1.0, tail.start + tail.scale / tail.shape * (math.pow(share, -tail.shape) - 1.0))


def is_extrapolated(tail: TailFit, rate: float) -> bool:
    """Whether a rate is rarer than the fitted comparisons could show."""
    return rate * tail.comparisons < OBSERVED


def comparison_rate(list_size: int, false_alerts_per_10k_faces: float) -> float:
    """False match rate of one comparison that gives so many false alerts with a list of that size.

    >>> round(comparison_rate(10_000, 10_000 / 6_000) * 1e8, 2)
    1.67
    """
    if list_size < 1 or not 0 < false_alerts_per_10k_faces < FACES:
        raise ConfigError(
            "the list size or the rate of false alerts is impossible",
            got=f"{list_size} entries, {false_alerts_per_10k_faces:g} in {FACES} faces",
            allowed=f"at least 1 entry, more than 0 and less than {FACES} false alerts",
        )
    return -math.expm1(math.log1p(-false_alerts_per_10k_faces / FACES) / list_size)


def threshold_for(tail: TailFit, list_size: int, false_alerts_per_10k_faces: float) -> AlertThreshold:
    """The threshold for a list: what was asked for, but never below the floor.

    Args:
        tail: Of the comparisons that will be made (one view, or fused views).
        list_size: Entries in force.
        false_alerts_per_10k_faces: What the site accepts.

    Raises:
        ConfigError: No such list or rate.
    """
    allowed = min(false_alerts_per_10k_faces, CEILING_PER_10K)
    rate = comparison_rate(list_size, allowed)
    floor = similarity_at(tail, comparison_rate(list_size, CEILING_PER_10K))
    similarity = max(similarity_at(tail, rate), floor)
    expected = false_match_rate(tail, similarity)
    alerts = -math.expm1(math.log1p(-expected) * list_size) * FACES
    return AlertThreshold(
        similarity,
        alerts,
        expected,
        floor,
        false_alerts_per_10k_faces > CEILING_PER_10K,
        is_extrapolated(tail, rate),
    )
