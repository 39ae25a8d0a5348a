"""The probability that officers see: fitted on some people, checked on others.

``models/card_calibration.py`` says what the probability is; here its part about the right person is fitted, and the
whole is tested: of all searches whose nearest entry was given a probability of about ``p``, about ``p`` must
be right.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Pairs, compare_all
from lfr_ray.evaluate.false_match_tail import fit_tail
from lfr_ray.evaluate.identification import NO_ANSWER, Searches, search_all
from lfr_ray.evaluate.labelled_samples import Bools, Samples
from lfr_ray.models.card_calibration import NEAREST, GenuineFit, TailFit, probability_true
from lfr_ray.stats import Doubles, Interval, clopper_pearson

LEAST_IDENTITIES = 5
CEILINGS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0)
"""Of those above every genuine similarity, the one under which a normal distribution fits best is taken."""

BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Searches that were given similar probabilities, and how many of them were right."""

    low: float
    high: float
    searches: int
    stated: float
    observed: Interval


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well stated probabilities hold on people who were not used for the fit.

    Attributes:
        brier: Mean squared difference between probability and outcome.
        brier_constant: The same for stating the overall share every time; the fit must do better.
        searches: Judged searches of one repeat.
    """

    bins: tuple[ReliabilityBin, ...]
    brier: float
    brier_constant: float
    searches: int


def fit_genuine(pairs: Pairs) -> GenuineFit:
    """Fit the right people's similarities; every identity weighs the same.

    Raises:
        InputError: Too few identities with two pictures.
    """
    owners, per_owner = np.unique(pairs.genuine_identity, return_counts=True)
    if len(owners) < LEAST_IDENTITIES:
        raise InputError(
            "too few people with two usable pictures to say how similar the right person is",
            got=f"{len(owners)} people",
            allowed=f"{LEAST_IDENTITIES} or more",
            next_step="add second pictures to more of the folders",
        )
    counts: Doubles = per_owner.astype(np.float64)
    weight = 1.0 / counts[np.searchsorted(owners, pairs.genuine_identity)]
    weight /= weight.sum()
    values = pairs.genuine.astype(np.float64)
    fits = [_fit_under(ceiling, values, weight) for ceiling in CEILINGS if ceiling > values.max()]
    ceiling, mean, sd, _ = max(fits or [_fit_under(CEILINGS[-1], values, weight)], key=lambda fit: fit[-1])
    return GenuineFit(ceiling=ceiling, mean=mean, sd=sd, pairs=len(values), identities=len(owners))


def _fit_under(ceiling: float, values: Doubles, weight: Doubles) -> tuple[float, float, float, float]:
    """Ceiling, mean and standard deviation of ``-log(ceiling - value)``, and the mean log-likelihood of the values."""
    logs = -np.log(np.maximum(NEAREST, ceiling - values))
    mean = float((weight * logs).sum())
    sd = max(1e-6, float((weight * (logs - mean) ** 2).sum()) ** 0.5)
    likelihood = -math.log(sd) - 0.5 + float((weight * logs).sum())
    return ceiling, mean, sd, likelihood


def reliability(samples: Samples, *, repeats: int = 10) -> Reliability:
    """Fit on half of the identities, state probabilities for the searches of the other half, both ways round.

    Where half of the people are too few to fit anything, nothing is judged.
    """
    stated: list[Doubles] = [np.zeros(0)]
    right: list[Bools] = [np.zeros(0, bool)]
    for halves in samples.halves(repeats):
        for fitted, judged in (halves, halves[::-1]):
            pairs, searches = compare_all(fitted), search_all(judged)
            try:
                genuine, tail = fit_genuine(pairs), fit_tail(pairs).fit
            except InputError:
                continue  # Half of the people are too few to fit; what is left unjudged is not counted.
            one_stated, one_right = judge(genuine, tail, searches)
            stated.append(one_stated)
            right.append(one_right)
    # Each repeat judges the same pictures again, so only one repeat's worth of searches counts for the intervals.
    return _summed(np.concatenate(stated), np.concatenate(right), max(1, repeats // 2))


def judge(genuine: GenuineFit, tail: TailFit, searches: Searches) -> tuple[Doubles, Bools]:
    """Probability ``float64 (n,)`` and truth ``bool (n,)`` of every search whose nearest entry lies in the tail."""
    top = np.concatenate([np.maximum(searches.mated_own, searches.mated_other), searches.non_mated_top])
    correct = np.concatenate([searches.correct, np.zeros(len(searches.non_mated_top), bool)])
    answered = top > NO_ANSWER
    listed_searches = int(answered[: len(searches.mated_own)].sum())
    base_rate = listed_searches / max(1, int(answered.sum()))
    listed = searches.enrolled - searches.enrolment_failures
    judged = top >= tail.start
    if not 0 < base_rate < 1 or listed < 1:
        return np.zeros(0), np.zeros(0, bool)
    stated = [probability_true(genuine, tail, float(one), list_size=listed, base_rate=base_rate) for one in top[judged]]
    return np.array(stated, np.float64), correct[judged]


def _summed(stated: Doubles, right: Bools, times: int) -> Reliability:
    bins = []
    for low, high in itertools.pairwise(BINS):
        inside = (stated >= low) & ((stated < high) | (high == 1.0))
        count = int(inside.sum())
        if count:
            once = max(1, round(count / times))
            share = float(right[inside].mean())
            bounds = clopper_pearson(round(share * once), once)
            observed = Interval(share, bounds.low, bounds.high)
            bins.append(ReliabilityBin(low, high, once, float(stated[inside].mean()), observed))
    if not len(stated):
        return Reliability((), 0.0, 0.0, 0)
    share = float(right.mean())
    brier = float(((stated - right) ** 2).mean())
    return Reliability(tuple(bins), brier, share * (1 - share), round(len(stated) / times))
