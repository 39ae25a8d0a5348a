"""From labelled pictures to the thresholds of a model card.

What is measured is what the matcher does: passages of several views, fused, against a list, with score normalisation
where the card says so. Single comparisons are fitted beside, for single views and for cards
without several pictures a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from lfr_ray.evaluate.all_pairs import Normaliser, Pairs, compare_all
from lfr_ray.evaluate.covered_faces import of_region, uncovered
from lfr_ray.evaluate.evaluation_figures import MATCHER_RULE, Progress
from lfr_ray.evaluate.false_match_tail import HeldOut, TailReport, drawn_tails, fit_tail, hold_out, rate_interval
from lfr_ray.evaluate.labelled_samples import Samples, check_enough, if_enough
from lfr_ray.evaluate.match_probability import Reliability, fit_genuine, reliability
from lfr_ray.evaluate.probe_fusion import compare_passages, make_passages
from lfr_ray.evaluate.score_norm_choice import NormaliserOf, choose_norm
from lfr_ray.evaluate.symmetric_norm import LEAST_COHORT, Gain, measure_gain
from lfr_ray.evaluate.verification import count_at, threshold_at
from lfr_ray.models.card_calibration import AlertThreshold, Calibration, CoveredFit, GenuineFit, ScoreNorm, TailFit
from lfr_ray.models.cards import ModelCard
from lfr_ray.stats import Interval

LIST_SIZES = (1, 100, 500, 1000, 5000, 10_000, 20_000)
ALERTS_PER_10K = (0.1, 1.0, 10_000 / 6000, 10.0)
LIST_SIZE, ALERTS = 500, 1.0
"""The card's own threshold is for this list and so many false alerts in 10,000 faces."""

SHORT_LIST = 30
"""The threshold of lists too short for score normalisation is for this size."""

VIEWS = 3
VIEW_RATE = 1e-3
"""A single view agrees when only one stranger in a thousand would be as similar."""

RELATIVE_RATE = 1e-5
"""Two entries are possible relatives when one pair of strangers in a hundred thousand is as similar."""

ThresholdRule = Callable[[TailFit, int, float], AlertThreshold]
"""The threshold for a tail, a list size and false alerts in 10,000 faces: ``match.threshold.threshold_for``."""

GAIN_FARS = (1e-3, 1e-4, 1e-5)
DIGITS = 5
REPEATS = 20


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonKind:
    """One kind of comparison: its strangers, its right people, and the pairs behind both.

    It is called ``single``, ``fused``, ``fused_plain``, or ``fused_`` and the region that is covered.
    """

    name: str
    tail: TailReport
    genuine: GenuineFit
    pairs: Pairs


@dataclass(frozen=True, slots=True, eq=False)
class CoveredComparison:
    """Fused passages of faces of which one half is covered: as the matcher compares them, and plain where that differs.

    A single view agrees at ``view_threshold``.
    """

    region: str
    fused: ComparisonKind
    fused_plain: ComparisonKind | None
    view_threshold: float


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """A threshold in police units.

    Attributes:
        alerts_per_10k: False alerts in 10,000 faces that were asked for.
        rate: The false match rate of one comparison there, with its interval over identities.
        found: Share of right people above the threshold, counted.
        found_fitted: The same by the fit.
    """

    list_size: int
    alerts_per_10k: float
    threshold: AlertThreshold
    rate: Interval
    found: float
    found_fitted: float


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationReport:
    """Everything a calibration found.

    Attributes:
        images: Uncovered pictures with a vector.
        fused: Fused passages as the matcher compares them; None with too few pictures a person.
        fused_plain: The same by plain similarity; None where that is the same.
        thresholds: From the fused fit, or from the single one.
        held_out: Predicted against observed rates of single comparisons on people who were not used.
        fused_held_out: The same of fused passages as the matcher compares them; empty without them.
        reliability: Stated against observed probabilities, in the same way.
        gains: What adaptive symmetric normalisation against a cohort would gain.
        score_norms: How similarities are normalised, by kind; see ``Calibration.score_norms``.
    """

    model: str
    identities: int
    images: int
    views: int
    single: ComparisonKind
    fused: ComparisonKind | None
    fused_plain: ComparisonKind | None
    covered: tuple[CoveredComparison, ...]
    thresholds: tuple[ThresholdRow, ...]
    held_out: tuple[HeldOut, ...]
    fused_held_out: tuple[HeldOut, ...]
    reliability: Reliability
    gains: tuple[Gain, ...]
    score_norms: Mapping[str, ScoreNorm]

    @property
    def decisive(self) -> ComparisonKind:
        """The kind whose threshold alerts."""
        return self.fused or self.single


def calibrate(
    samples: Samples,
    model: str,
    threshold_for: ThresholdRule,
    *,
    normaliser_of: NormaliserOf | None = None,
    score_norms: Mapping[str, ScoreNorm] | None = None,
    views: int = VIEWS,
    list_size: int = LIST_SIZE,
    alerts_per_10k: float = ALERTS,
    repeats: int = REPEATS,
    progress: Progress | None = None,
) -> CalibrationReport:
    """Fit and check everything that a card's calibration needs.

    Similarities are normalised by the card's rules, ``score_norms`` by kind; where it has none, one is chosen, if it
    pays. ``list_size`` and ``alerts_per_10k`` are added to the usual ones. The checks are repeated over so many random
    halves of the people; ``progress`` is called with what is done next.

    Raises:
        InputError: Too few people or pictures.
    """
    say, known = progress or (lambda _: None), score_norms or {}
    check_enough(samples)
    with_covered, samples = samples, uncovered(samples)
    say("single comparisons")
    single = _kind("single", compare_all(samples))
    rules: dict[str, ScoreNorm] = {}
    if normaliser_of is not None:
        say("how much score normalisation pays")

        def needed(tail: TailFit) -> float:
            return threshold_for(tail, list_size, alerts_per_10k).similarity

        kinds = {"": samples} | {region: of_region(with_covered, region) for region in sorted(with_covered.covered)}
        chosen = {
            kind: known.get(kind) or choose_norm(alike, views, normaliser_of, needed) for kind, alike in kinds.items()
        }
        rules = {kind: rule for kind, rule in chosen.items() if rule is not None}
    normalisers = {} if normaliser_of is None else {kind: normaliser_of(rule) for kind, rule in rules.items()}
    normaliser = normalisers.get("")
    say("fused passages")
    fused, plain = _fused(samples, views, "fused", normaliser)
    say("covered faces")
    covered = _covered(with_covered, views, normalisers)
    decisive = fused or single
    sizes = sorted({*LIST_SIZES, list_size})
    rates = sorted({*ALERTS_PER_10K, alerts_per_10k})
    say("thresholds and their intervals")
    drawn = drawn_tails(decisive.pairs, decisive.tail.fit)
    thresholds = tuple(
        _row(decisive, drawn, threshold_for(decisive.tail.fit, size, alerts), size, alerts)
        for size in sizes
        for alerts in rates
    )
    say("predictions on other people")
    held_out = tuple(hold_out(samples, repeats=repeats))

    # Half of the people may be too few for passages.
    compared = partial(_passages_compared, views=views, normaliser=normaliser)
    fused_held_out = None if fused is None else if_enough(lambda: hold_out(samples, compared, repeats=repeats))
    say("stated probabilities on other people")
    stated = reliability(samples, repeats=repeats)
    say("normalisation against a cohort")
    cohort_is_enough = int((samples.usable > 0).sum()) // 2 >= LEAST_COHORT
    gains = tuple(measure_gain(samples, GAIN_FARS, repeats=repeats)) if cohort_is_enough else ()
    return CalibrationReport(
        model,
        samples.size,
        int(samples.acquired.sum()),
        views,
        single,
        fused,
        plain,
        covered,
        thresholds,
        held_out,
        tuple(fused_held_out or ()),
        stated,
        gains,
        rules,
    )


def card_calibration(
    report: CalibrationReport,
    previous: Calibration | None,
    threshold_for: ThresholdRule,
    *,
    list_size: int = LIST_SIZE,
    alerts_per_10k: float = ALERTS,
) -> Calibration:
    """The report as a card's calibration section; what it cannot know is kept from the previous one."""
    single = report.single.pairs

    def threshold(kind: ComparisonKind, size: int) -> float:
        """No similarity of 1 is ever asked for."""
        return round(min(threshold_for(kind.tail.fit, size, alerts_per_10k).similarity, 0.9999), DIGITS)

    def short(plain: ComparisonKind | None) -> dict[str, Any]:
        if plain is None:
            return {}
        least = threshold(plain, SHORT_LIST)
        return {"short_list_threshold": least, "short_tail": plain.tail.fit, "short_genuine": plain.genuine}

    def covered(one: CoveredComparison) -> CoveredFit:
        return CoveredFit(
            threshold=threshold(one.fused, list_size),
            view_threshold=one.view_threshold,
            list_size=list_size,
            tail=one.fused.tail.fit,
            genuine=one.fused.genuine,
            score_norm=report.score_norms.get(one.region),
            **short(one.fused_plain),
        )

    fused = report.fused
    described = (
        f"{report.images} pictures of {report.identities} people; {len(single.genuine)} genuine and "
        f"{single.impostor_count} impostor pairs"
    )
    if fused is not None:
        described += (
            f"; {len(fused.pairs.genuine)} passages of {report.views} pictures against {fused.pairs.impostor_count} "
            "entries of others"
        )
    return Calibration(
        threshold=threshold(report.decisive, list_size),
        view_threshold=_view_threshold(single),
        short_list_size=SHORT_LIST,
        # Single pictures are fitted as they are.
        score_norm=None if fused is None else report.score_norms.get(""),
        list_size=list_size,
        relative=round(threshold_at(single.impostor, single.impostor_count, RELATIVE_RATE), DIGITS),
        data=described,
        tail=report.single.tail.fit,
        fused_tail=None if fused is None else fused.tail.fit,
        genuine=report.single.genuine,
        fused_genuine=None if fused is None else fused.genuine,
        **short(report.fused_plain),
        covered=dict({} if previous is None else previous.covered)
        | {one.region: covered(one) for one in report.covered},
    )


def card_text(card: ModelCard, calibration: Calibration) -> str:
    """The card with this calibration, as a YAML file that can be loaded again."""
    whole = card.model_copy(update={"calibration": calibration})
    document = whole.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _kind(name: str, pairs: Pairs) -> ComparisonKind:
    return ComparisonKind(name, fit_tail(pairs), fit_genuine(pairs), pairs)


def _fused(
    samples: Samples, views: int, name: str, normaliser: Normaliser | None
) -> tuple[ComparisonKind | None, ComparisonKind | None]:
    """Fused passages as the matcher compares them, None with too few pictures a person; and plain if that differs."""
    fused = if_enough(lambda: _kind(name, _passages_compared(samples, views, normaliser)))
    if fused is None or normaliser is None:
        return fused, None
    return fused, _kind(f"{name}_plain", _passages_compared(samples, views, None))


def _passages_compared(samples: Samples, views: int, normaliser: Normaliser | None) -> Pairs:
    return compare_passages(make_passages(samples, views), MATCHER_RULE, normaliser)


def _covered(samples: Samples, views: int, normalisers: Mapping[str, Normaliser]) -> tuple[CoveredComparison, ...]:
    """Every region of which the samples have views."""
    found = []
    for region in sorted(samples.covered):
        alike = of_region(samples, region)
        fused, plain = _fused(alike, views, f"fused_{region}", normalisers.get(region))
        if fused is not None:
            found.append(CoveredComparison(region, fused, plain, _view_threshold(compare_all(alike))))
    return tuple(found)


def _view_threshold(single: Pairs) -> float:
    return round(threshold_at(single.impostor, single.impostor_count, VIEW_RATE), DIGITS)


def _row(
    kind: ComparisonKind, drawn: list[TailFit], threshold: AlertThreshold, list_size: int, alerts_per_10k: float
) -> ThresholdRow:
    return ThresholdRow(
        list_size,
        alerts_per_10k,
        threshold,
        rate_interval(kind.tail.fit, drawn, threshold.similarity, len(kind.pairs.usable)),
        count_at(kind.pairs.genuine, threshold.similarity) / len(kind.pairs.genuine),
        1 - kind.genuine.miss_rate_at(threshold.similarity),
    )
