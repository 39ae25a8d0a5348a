"""How much score normalisation a model takes: chosen on halves of the people, each judged by the other.

Too much of it spoils the fit of the tail, too little leaves faces that resemble everybody. So for every weight the tail
is fitted on one half of the people, and in the other half false matches are counted at rates that were predicted,
and right people at the threshold that a site would use.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Normaliser, Pairs
from lfr_ray.evaluate.evaluation_figures import MATCHER_RULE
from lfr_ray.evaluate.false_match_tail import FACTOR, fit_tail
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.probe_fusion import compare_passages, make_passages
from lfr_ray.evaluate.verification import count_at
from lfr_ray.models.card_calibration import ScoreNorm, TailFit

WEIGHTS = (0.0, 0.2, 0.35, 0.5)
RULE = ScoreNorm(weight=0.0, share=0.02, least=5, min_entries=100)
"""What is chosen besides the weight."""

JUDGED_AT = 1e-3
"""A rate that halves of a few hundred people can show."""

LEAST_GAIN = 0.01
"""A larger weight must find so many more right people, as a share."""

NormaliserOf = Callable[[ScoreNorm], Normaliser]
"""The matcher's score normalisation by a rule."""


def choose_norm(
    samples: Samples,
    views: int,
    normaliser_of: NormaliserOf,
    threshold_of: Callable[[TailFit], float],
    *,
    repeats: int = 6,
) -> ScoreNorm | None:
    """The rule for a card; None: similarities are better left as they are, or the people are too few to tell.

    Of ``views`` pictures each passage is fused; ``threshold_of`` gives the threshold that a site would use for a tail.
    """
    found: dict[float, float] = {}
    for weight in WEIGHTS:
        normaliser = None if weight == 0 else normaliser_of(RULE.model_copy(update={"weight": weight}))
        ratios, shares = [], []
        try:
            for halves in samples.halves(repeats):
                sides = [compare_passages(make_passages(half, views), MATCHER_RULE, normaliser) for half in halves]
                for fitted, counted in (sides, sides[::-1]):
                    ratio, share = _judged(fitted, counted, threshold_of)
                    ratios.append(ratio)
                    shares.append(share)
        except InputError:
            return None
        if 1 / FACTOR <= float(np.median(ratios)) <= FACTOR:
            found[weight] = float(np.mean(shares))
    best = 0.0
    for weight, share in found.items():
        if share >= found.get(best, 0.0) + LEAST_GAIN:
            best = weight
    return RULE.model_copy(update={"weight": best}) if best else None


def _judged(fitted: Pairs, counted: Pairs, threshold_of: Callable[[TailFit], float]) -> tuple[float, float]:
    """Observed against predicted false matches, and the share of right people found, with the other half's fit."""
    tail = fit_tail(fitted).fit
    rate = count_at(counted.impostor, tail.similarity_at(JUDGED_AT)) / counted.impostor_count
    return rate / JUDGED_AT, count_at(counted.genuine, threshold_of(tail)) / len(counted.genuine)
