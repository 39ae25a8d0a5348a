"""The false-match tail: how impostor similarities thin out towards the top, beyond what can be counted.

A list of 500 entries and one false alert in 10,000 faces need a false match rate of 2e-7 a comparison; a few
thousand pictures show rates down to 1e-5. So a generalised Pareto distribution is fitted to the
similarities above a start (peaks over threshold), and rarer rates follow from it, marked as extrapolated.

* **The start** is the lowest candidate whose fit is good (goodness of fit at least :data:`GOOD_FIT`) and stable:
  every higher start gives the same shape within its own standard error, for which pairs of the same two people
  count once: ten pictures of two people who resemble each other are one observation. A start that is too low bends
  the tail down and promises thresholds that are too low; one that is too high leaves too little to fit.
* **Goodness of fit** is Anderson-Darling with a p-value by parametric bootstrap. It is computed on one
  pair (drawn at random) of each two identities, and on at most :data:`TESTED` of them: pairs of the same
  two people are alike, and would make any fit look bad.
* **Hold-out**: the fit of one half of the identities predicts the rate among the other half, which is counted.
* **Intervals** of a rate come from drawing identities anew with the start unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import Pairs, compare_all
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.pareto_fit import LEAST_SHAPE, fit_pareto, fit_quality
from lfr_ray.evaluate.verification import count_at
from lfr_ray.models.card_calibration import TailFit
from lfr_ray.records import Ints
from lfr_ray.stats import SEED, Interval, identity_weights, percentile_interval

START_RATES = (2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4)
"""Candidate starts, as shares of impostor pairs above them, lowest start first."""
LEAST_EXCEEDANCES = 100
TESTED = 1000
FITTED_AT_ONCE = 20
GOOD_FIT = 0.1
SURE = 1.96
FACTOR = 2.0
"""A prediction holds when predicted and observed rates differ by no more than this factor."""
COUNTED = 10
"""A held-out rate is judged where at least so many false matches were to be expected."""
HELD_OUT_RATES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible start.

    Attributes:
        rate: Share of the impostor pairs above it.
        exceedances: Pairs above it.
        apart: The same, pairs of the same two people counted once.
    """

    start: float
    rate: float
    exceedances: int
    apart: int
    shape: float
    scale: float
    p_value: float


@dataclass(frozen=True, slots=True)
class TailReport:
    """The fit that was taken, and those that were not."""

    fit: TailFit
    candidates: tuple[Candidate, ...]
    largest: float


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How predictions fared at one rate over all repeats.

    Attributes:
        rate: What was predicted, for people who were not used for the fit.
        observed: Counted rate, mean over the repeats.
        ratio: Median of observed / predicted.
        low: 10 % quantile of that ratio; ``high`` is that of 90 %.
        within: Share of the repeats within a factor of two.
        expected: False matches to be expected in one repeat.
    """

    rate: float
    observed: float
    ratio: float
    low: float
    high: float
    within: float
    expected: float


def fit_tail(pairs: Pairs) -> TailReport:
    """Choose the start and fit the tail.

    Raises:
        InputError: Too few impostor pairs.
    """
    generator = np.random.default_rng(SEED)
    candidates = [_candidate(pairs, rate, generator) for rate in START_RATES if _enough(pairs, rate)]
    if not candidates:
        raise InputError(
            "too few impostor pairs to fit a false-match tail",
            got=f"{pairs.impostor_count} pairs",
            allowed=f"at least {round(LEAST_EXCEEDANCES / START_RATES[0])} pairs: about a hundred identities or more",
            next_step="add pictures of more people; they need not have two pictures each",
        )
    taken = _chosen(candidates)
    fit = TailFit(
        start=taken.start,
        start_rate=taken.exceedances / pairs.impostor_count,
        shape=taken.shape,
        scale=taken.scale,
        comparisons=pairs.impostor_count,
        p_value=taken.p_value,
    )
    return TailReport(fit, tuple(candidates), float(pairs.impostor[0]))


def drawn_tails(pairs: Pairs, tail: TailFit, *, replicates: int = 200) -> list[TailFit]:
    """The fit of every bootstrap replicate over identities, the start unchanged."""
    above = count_at(pairs.impostor, tail.start)
    first, second = pairs.impostor_identities[:above].T
    excess = (pairs.impostor[:above].astype(np.float64) - tail.start)[None]
    weights = identity_weights(len(pairs.usable), replicates)
    totals = pairs.impostor_mass(weights)
    fits = []
    for start in range(0, replicates, FITTED_AT_ONCE):
        block = slice(start, start + FITTED_AT_ONCE)
        drawn = (weights[block][:, first] * weights[block][:, second]).astype(np.float64)
        shape, scale = fit_pareto(excess, drawn)
        rates = np.clip(drawn.sum(axis=1) / np.maximum(totals[block], 1), 1e-12, 0.999999)
        for values in zip(shape, scale, rates, strict=True):
            changed = dict(zip(("shape", "scale", "start_rate"), map(float, values), strict=True))
            fits.append(tail.model_copy(update=changed))
    return fits


def rate_interval(tail: TailFit, drawn: Sequence[TailFit], similarity: float, identities: int) -> Interval:
    """The fitted false match rate at a similarity, with its interval over the identities of :func:`drawn_tails`."""
    rates = np.array([one.rate_at(similarity) for one in drawn], np.float64)
    return percentile_interval(tail.rate_at(similarity), rates, identities)


def hold_out(
    samples: Samples, compare: Callable[[Samples], Pairs] = compare_all, *, repeats: int = 20
) -> list[HeldOut]:
    """Fit one half of the identities, count in the other, both ways round, over random halves.

    Rates at which fewer than :data:`COUNTED` false matches are to be expected are left out.
    """
    found: dict[float, list[tuple[float, float]]] = {}
    for halves in samples.halves(repeats):
        sides = [compare(half) for half in halves]
        for fitted, counted in (sides, sides[::-1]):
            _predict(fitted, counted, found)
    return [_summary(rate, pairs) for rate, pairs in sorted(found.items(), reverse=True)]


def shown_rates(tail: TailFit, pairs: Pairs, rates: Sequence[float]) -> Iterator[tuple[float, float, float, int]]:
    """Each rate that the pairs can show, its similarity by the fit, and the false matches expected and counted there.

    At least :data:`COUNTED` are expected.
    """
    for rate in rates:
        expected, similarity = rate * pairs.impostor_count, tail.similarity_at(rate)
        if rate <= tail.start_rate and expected >= COUNTED:
            yield rate, similarity, expected, count_at(pairs.impostor, similarity)


def _predict(fitted: Pairs, counted: Pairs, found: dict[float, list[tuple[float, float]]]) -> None:
    if not any(_enough(fitted, rate) for rate in START_RATES):
        return
    for rate, _, expected, seen in shown_rates(fit_tail(fitted).fit, counted, HELD_OUT_RATES):
        found.setdefault(rate, []).append((seen / counted.impostor_count, expected))


def _summary(rate: float, seen: list[tuple[float, float]]) -> HeldOut:
    observed = np.array([one for one, _ in seen])
    ratio = observed / rate
    low, middle, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    within = float(((ratio <= FACTOR) & (ratio >= 1 / FACTOR)).mean())
    expected = float(np.mean([one for _, one in seen]))
    return HeldOut(rate, float(observed.mean()), float(middle), float(low), float(high), within, expected)


def _enough(pairs: Pairs, rate: float) -> bool:
    return LEAST_EXCEEDANCES <= rate * pairs.impostor_count < len(pairs.impostor)


def _candidate(pairs: Pairs, rate: float, generator: np.random.Generator) -> Candidate:
    start = float(pairs.impostor[int(rate * pairs.impostor_count)])
    above = int(np.searchsorted(-pairs.impostor, -np.float32(start), side="left"))
    excess = pairs.impostor[:above].astype(np.float64) - start
    shape, scale = fit_pareto(excess[None])
    apart = excess[_one_a_pair(pairs.impostor_identities[:above].astype(np.int64), generator)]
    tested = generator.permutation(apart)[:TESTED]
    p_value = fit_quality(tested, generator) if len(tested) > 2 else 0.0
    rate = above / pairs.impostor_count
    return Candidate(start, rate, above, len(apart), float(shape[0]), float(scale[0]), p_value)


def _one_a_pair(owners: Ints, generator: np.random.Generator) -> Ints:
    """One row of each two identities, drawn at random."""
    shuffled = generator.permutation(len(owners))
    key = owners[shuffled, 0] * (owners.max() + 1) + owners[shuffled, 1]
    return shuffled[np.unique(key, return_index=True)[1]]


def _chosen(candidates: list[Candidate]) -> Candidate:
    """The lowest start that is good and stable; where none is good, the one that fits best."""
    for number, candidate in enumerate(candidates):
        higher = candidates[number + 1 :]
        if candidate.p_value >= GOOD_FIT and all(_agree(candidate, other) for other in higher):
            return candidate
    return max(candidates, key=lambda one: one.p_value)


def _agree(lower: Candidate, higher: Candidate) -> bool:
    """Both give the same shape, as far as the fewer pairs of people above the higher start can tell."""
    standard_error = (1 + max(higher.shape, LEAST_SHAPE)) / np.sqrt(higher.apart)
    return bool(abs(lower.shape - higher.shape) <= SURE * standard_error)
