"""How probable it is that an alert is true: Bayes with the list's size and how often listed people come by.

A passer-by is on the list with probability ``base_rate``. With ``g`` and ``G`` the density and distribution of the
right person's similarities, ``f`` and ``F`` those of strangers, and ``N`` entries, the nearest entry lies at
similarity ``s`` because

* it is the right person: ``base_rate * g(s) * F(s) ** (N - 1)``;
* it is a wrong entry although the person is listed: ``base_rate * G(s) * (N - 1) * f(s) * F(s) ** (N - 2)``;
* the person is not listed: ``(1 - base_rate) * N * f(s) * F(s) ** (N - 1)``.

The probability is the first as a share of all three. Two things keep it honest where nothing was measured. Doubles,
twins and wrong labels exist although the fitted tail ends: one unmeasured comparison in all that were fitted is
taken to be as similar as the right person, which adds ``g(s) / comparisons`` to ``f``. And above the similarity that
99 % of right people stay below, the value at that similarity is stated: being even more similar proves nothing.
"""

from __future__ import annotations

import math

from lfr_ray.errors import ConfigError
from lfr_ray.models.cards import GenuineFit, TailFit
from lfr_ray.models.tail import false_match_density, false_match_rate

USUAL_SD = 2.326
"""Standard deviations above the mean that 99 % of right people's similarities stay below."""

NEAREST = 1e-6
"""Similarities nearer to the ceiling than this are treated as that: the logarithm ends there."""


def genuine_density(fit: GenuineFit, similarity: float) -> float:
    """Density of the right person's similarities."""
    distance = max(NEAREST, fit.ceiling - similarity)
    over = (-math.log(distance) - fit.mean) / fit.sd
    return math.exp(-0.5 * over * over) / (fit.sd * math.sqrt(2 * math.pi) * distance)


def genuine_below(fit: GenuineFit, similarity: float) -> float:
    """Share of the right person's similarities below a value: the expected miss rate at that threshold."""
    distance = max(NEAREST, fit.ceiling - similarity)
    return 0.5 * math.erfc((fit.mean + math.log(distance)) / (fit.sd * math.sqrt(2)))


def probability_true(
    genuine: GenuineFit, tail: TailFit, similarity: float, *, list_size: int, base_rate: float
) -> float:
    """Probability that the nearest entry is the right person.

    Args:
        genuine: Right people's similarities, of the kind that is compared (one view, or fused views).
        tail: Strangers' similarities, of the same kind.
        similarity: Of the nearest entry. Below the tail's start nothing is known of strangers but that they are
            common there; the start's value is returned as the upper bound.
        list_size: Entries in force.
        base_rate: Share of passers-by who are on the list, more than 0 and less than 1.

    Raises:
        ConfigError: No such list or base rate.

    >>> genuine = GenuineFit(mean=3.1, sd=0.35, pairs=1000, identities=100)
    >>> tail = TailFit(start=0.92, start_rate=0.002, shape=-0.09, scale=0.0067, comparisons=10**6, p_value=0.3)
    >>> [round(probability_true(genuine, tail, s, list_size=500, base_rate=1e-4), 3) for s in (0.95, 0.97)]
    [0.003, 0.143]
    """
    if list_size < 1 or not 0 < base_rate < 1:
        raise ConfigError(
            "the list size or the base rate is impossible",
            got=f"{list_size} entries, base rate {base_rate:g}",
            allowed="at least 1 entry, a base rate between 0 and 1",
        )
    usual = genuine.ceiling - math.exp(-(genuine.mean + USUAL_SD * genuine.sd))
    place = max(min(similarity, usual), tail.start)
    density = false_match_density(tail, place) + genuine_density(genuine, place) / tail.comparisons
    below = 1.0 - false_match_rate(tail, place)
    right = base_rate * genuine_density(genuine, place) * below
    wrong_entry = base_rate * genuine_below(genuine, place) * (list_size - 1) * density
    stranger = (1.0 - base_rate) * list_size * density * below
    return right / (right + wrong_entry + stranger)
