"""The evaluation's charts: what is drawn over what."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from lfr_ray.evaluate.all_pairs import Pairs
from lfr_ray.evaluate.error_versus_discard import DiscardCurve
from lfr_ray.evaluate.evaluation_figures import Evaluation
from lfr_ray.evaluate.false_match_tail import TailReport
from lfr_ray.evaluate.identification import NO_ANSWER, Searches
from lfr_ray.evaluate.verification import DetPoint, OperatingPoint
from lfr_ray.models.card_calibration import OBSERVED
from lfr_ray.records import Ints
from lfr_ray.report.svg_charts import Axis, Plot, Svg
from lfr_ray.stats import Doubles, Interval

SHOWN_BARS = 64
SEARCH_BARS = 36
RAREST = 1e-9
LEAST_FNMR = 1e-3


def evaluation_charts(evaluation: Evaluation, target: tuple[float, str]) -> dict[str, Svg]:
    """Every chart for which there are enough data, by name.

    ``target`` is the false match rate that a usual list needs, and its name; it is drawn over the tail.
    """
    strict, looser = evaluation.all_pictures.verification[1], evaluation.all_pictures.identification[1]
    charts = {"pairs": histogram_chart(evaluation.pairs, strict)}
    if searches := search_chart(evaluation.searches, looser):
        charts["searches"] = searches
    if evaluation.det:
        charts["det"] = det_chart(evaluation.det)
    if evaluation.trade_off:
        charts["trade_off"] = open_set_chart(evaluation.trade_off)
    if evaluation.tail is not None:
        charts["tail"] = tail_chart(evaluation.pairs, evaluation.tail, target)
    if evaluation.discard is not None:
        charts["discard"] = discard_chart(evaluation.discard)
    return charts


def det_chart(points: tuple[DetPoint, ...]) -> Svg:
    """Misses over false matches, both logarithmic, as the field draws them."""
    lowest = min((point.fmr for point in points if point.fmr > 0), default=1e-2)
    floor = min(1e-2, 10 ** math.floor(math.log10(lowest)))
    chart = Plot(
        "Detection error trade-off: false non-match rate over false match rate",
        Axis("false match rate", floor, 1e-1, log=True),
        Axis("false non-match rate", LEAST_FNMR, 1.0, log=True),
    )
    chart.band(_bounds((point.fmr, point.fnmr) for point in points), "plain", "95 % interval")
    chart.line([(point.fmr, point.fnmr.value or 0.0) for point in points], "plain", "measured")
    return chart.svg()


def open_set_chart(points: tuple[tuple[float, Interval], ...]) -> Svg:
    """Right alerts over false alerts."""
    floor = min(1e-1, 10 ** math.floor(math.log10(min(max(fpir, 1e-6) for fpir, _ in points))))
    chart = Plot(
        "Open-set identification: true over false positive identification rate",
        Axis("false positive identification rate", floor, 1.0, log=True),
        Axis("true positive identification rate", 0.0, 1.0, form="percent"),
    )
    found = [(fpir, rate.value or 0.0) for fpir, rate in points]
    chart.band(_bounds(points), "good", "95 % interval")
    chart.line(found, "good", "right entry nearest and above threshold")
    chart.dots(found, "good")
    return chart.svg()


def search_chart(searches: Searches, threshold: OperatingPoint) -> Svg:
    """How similar the nearest entry is to people who are on the list, and to people who are not; empty without any."""
    own = searches.mated_own[searches.mated_own > NO_ANSWER]
    top = searches.non_mated_top[searches.non_mated_top > NO_ANSWER]
    both = np.concatenate([own, top]).astype(np.float64)
    if not len(both):
        return Svg("")
    edges = np.linspace(float(np.quantile(both, 0.002)), float(both.max()) + 1e-6, SEARCH_BARS + 1)
    genuine, impostor = (np.histogram(one, edges)[0] / max(1, len(one)) / np.diff(edges) for one in (own, top))
    names = ("nearest entry to people not listed", "right entry to listed people")
    return _two_outlines(
        "Similarities of searches", edges, impostor, genuine, names, (threshold.threshold, f"FPIR {threshold.target:g}")
    )


def histogram_chart(pairs: Pairs, threshold: OperatingPoint) -> Svg:
    """How similar pairs of the same and of different people are."""
    low, high = _shown_span(pairs)
    edges = np.linspace(low, high, SHOWN_BARS + 1)
    genuine, impostor = (_density(bins, pairs.span, edges) for bins in (pairs.genuine_bins, pairs.impostor_bins))
    names = ("different people", "same person")
    return _two_outlines(
        "Similarities of pairs", edges, impostor, genuine, names, (threshold.threshold, f"FAR {threshold.target:g}")
    )


def _two_outlines(
    title: str,
    edges: Doubles,
    impostor: Doubles,
    genuine: Doubles,
    names: tuple[str, str],
    threshold: tuple[float, str],
) -> Svg:
    top = float(max(genuine.max(initial=0.0), impostor.max(initial=0.0), 1e-9)) * 1.08
    chart = Plot(title, Axis("similarity", float(edges[0]), float(edges[-1])), Axis("density", 0.0, top))
    middle = (edges[:-1] + edges[1:]) / 2
    chart.area(list(zip(middle.tolist(), impostor.tolist(), strict=True)), "bad", names[0])
    chart.area(list(zip(middle.tolist(), genuine.tolist(), strict=True)), "good", names[1])
    chart.upright(*threshold)
    return chart.svg()


def tail_chart(pairs: Pairs, report: TailReport, target: tuple[float, str]) -> Svg:
    """How rare an impostor similarity is, counted and fitted; beyond the data the fit alone."""
    fit = report.fit
    end = min(1.0, max(fit.similarity_at(RAREST), report.largest) + 0.002)
    chart = Plot(
        "False-match tail: counted and fitted rates over similarity",
        Axis("similarity", fit.start, end),
        Axis("false match rate", RAREST, 10 ** math.ceil(math.log10(fit.start_rate)), log=True),
    )
    count = int(np.searchsorted(-pairs.impostor, -np.float32(fit.start), side="left"))
    rows = np.unique(np.geomspace(1, count, 160).astype(int)) - 1
    counted = [(float(pairs.impostor[row]), (row + 1) / pairs.impostor_count) for row in rows[::-1]]
    chart.steps(counted, "bad", "counted")
    grid = np.linspace(fit.start, end, 200)
    fitted = [(float(one), rate) for one in grid if (rate := fit.rate_at(float(one))) >= RAREST]
    seen = OBSERVED / fit.comparisons
    chart.line([one for one in fitted if one[1] >= seen], "plain", "fitted")
    chart.line([one for one in fitted if one[1] < seen * 1.2], "plain dashed", "extrapolated")
    chart.level(*target)
    return chart.svg()


def discard_chart(curve: DiscardCurve) -> Svg:
    """Misses among the pairs that remain when the worst are discarded."""
    top = max(curve.fnmr) * 1.15
    chart = Plot(
        "Error versus discard",
        Axis("pairs discarded, lowest quality first", 0.0, max(curve.shares), form="percent"),
        Axis("false non-match rate of the rest", 0.0, top, form="percent"),
    )
    chart.line(list(zip(curve.shares, curve.fnmr, strict=True)), "good", "by the quality value")
    chart.line([(share, curve.fnmr[0]) for share in (0.0, max(curve.shares))], "quiet dashed", "useless measure")
    return chart.svg()


def _bounds(points: Iterable[tuple[float, Interval]]) -> list[tuple[float, float, float]]:
    """The bounds at each place where they are known."""
    return [(x, one.low, one.high) for x, one in points if one.low is not None and one.high is not None]


def _shown_span(pairs: Pairs) -> tuple[float, float]:
    """From the lowest to the highest similarity that a noticeable share of pairs has."""
    low, high = pairs.span
    both = pairs.genuine_bins / max(1, pairs.genuine_bins.sum()) + pairs.impostor_bins / max(
        1, pairs.impostor_bins.sum()
    )
    seen = np.flatnonzero(np.cumsum(both) > 2e-3)
    width = (high - low) / len(both)
    last = np.flatnonzero(both)
    if not len(seen):
        return low, high
    return low + width * seen[0], low + width * (last[-1] + 1)


def _density(bins: Ints, span: tuple[float, float], edges: Doubles) -> Doubles:
    """The fine histogram summed into the shown bars, as a share per unit of similarity."""
    fine = np.linspace(*span, len(bins) + 1)
    total = np.concatenate([[0], np.cumsum(bins)]) / max(1, int(bins.sum()))
    at = np.interp(edges, fine, total)
    return np.asarray(np.diff(at) / np.diff(edges), np.float64)
