"""Which views of a tracklet are worth comparing: a pure choice over values.

The best few views of a track that pass the quality check are compared, and no others. A view is taken when it
comes at least ``spacing_s`` after the last one that was taken (two neighbouring frames say the same thing
twice), and if the tracklet has room or the view is clearly better than the worst that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from lfr_ray.config import EvidenceConfig
from lfr_ray.records import Quality

CLEARLY_BETTER = 1.15
"""A full tracklet takes a view only when its quality value exceeds the worst one's by this factor."""


@dataclass(frozen=True, slots=True)
class TakenViews:
    """The views of one tracklet that were taken so far: (quality value, key) in order of arrival."""

    kept: tuple[tuple[float, int], ...] = ()
    last_taken_s: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with a view.

    Attributes:
        take: Compare it and keep it.
        drop: Key of a kept view that makes room for it, or None.
    """

    take: bool
    drop: int | None = None


def spaced(config: EvidenceConfig, taken: TakenViews, captured_s: float) -> bool:
    """Whether a view comes late enough after the last one that was taken."""
    return captured_s - taken.last_taken_s >= config.spacing_s - 1e-6


def choose(
    config: EvidenceConfig, taken: TakenViews, quality: Quality, key: int, captured_s: float
) -> tuple[Choice, TakenViews]:
    """Decide on one view, by its quality and capture time: one that the quality check refused is never taken.

    ``key`` is any number that names the view within its tracklet, its frame's index for one.

    >>> config = EvidenceConfig(max_views=3, spacing_s=0.1)
    >>> good = Quality(60, 100, 128, 0, 0, 0, 0.9, value=0.8)
    >>> choice, taken = choose(config, TakenViews(), good, key=0, captured_s=0.0)
    >>> choice.take
    True
    >>> choose(config, taken, good, key=1, captured_s=0.05)[0].take
    False
    """
    if not quality.accepted or not spaced(config, taken, captured_s):
        return Choice(take=False), taken
    drop: int | None = None
    kept = taken.kept
    if len(kept) >= config.max_views:
        worst_value, worst_key = min(kept)
        if quality.value < worst_value * CLEARLY_BETTER:
            return Choice(take=False), taken
        drop = worst_key
        kept = tuple(one for one in kept if one[1] != worst_key)
    after = TakenViews((*kept, (quality.value, key)), captured_s)
    return Choice(take=True, drop=drop), after
