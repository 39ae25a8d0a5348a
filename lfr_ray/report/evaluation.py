"""The evaluation as one self-contained page: no script, no other file, no name and no face of anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from lfr_ray.evaluate.charts import det_chart, discard_chart, histogram_chart, open_set_chart, search_chart, tail_chart
from lfr_ray.evaluate.covered import AS_THEY_ARE, VIEWS, CoveredFigures
from lfr_ray.evaluate.evaluation import MATCHER, Evaluation, Fusion, FusionRow, Recognition, SeveralEnrolled
from lfr_ray.evaluate.groups import ColumnFigures
from lfr_ray.evaluate.metrics import OperatingPoint
from lfr_ray.report.charts import Axis, whisker
from lfr_ray.report.style import STYLE
from lfr_ray.stats import Interval

UNIT = Axis("", 0.0, 1.0)
GATED = "with the quality gate"
RULE_NAMES = {
    "first": "one view alone",
    "one": "one picture alone",
    "nearest": "nearest picture",
    "template": "mean vector",
    "mean": "mean vector, weighted by quality",
    "plain_mean": "mean vector",
    "max": "nearest view",
    "vote": "majority of the views",
    MATCHER: "mean vector as the matcher compares it",
    AS_THEY_ARE: "face as it is",
    VIEWS: "what is visible, the other half painted over on both sides",
}
FIGURE_NAMES = {
    "fnmr": "missed matches (FNMR)",
    "fmr": "false matches (FMR)",
    "tpir": "right alerts (TPIR)",
    "fpir": "false alerts (FPIR)",
}


def html_report(evaluation: Evaluation, *, written_at: str) -> str:
    """The whole page.

    Args:
        evaluation: What was measured.
        written_at: Date and time in words, for the foot of the page.
    """
    sections = (
        _head(evaluation),
        _cards(evaluation),
        _single(evaluation),
        _open_set(evaluation),
        _tail(evaluation),
        _views(evaluation.fusion),
        _enrolled(evaluation.several_enrolled),
        *(_covered(one) for one in evaluation.covered),
        _quality(evaluation),
        *(_groups(column) for column in evaluation.groups),
        _method(evaluation),
    )
    title = f"Recognition of {escape(evaluation.model)}"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f"{''.join(sections)}<footer>Written {escape(written_at)} by lfr evaluate. Figures only: the page holds no "
        "picture, no vector and no name.</footer></main></body></html>\n"
    )


def percent(value: float | None) -> str:
    """A share for people: as many digits as it deserves.

    >>> percent(0.98765), percent(0.00012), percent(None)
    ('98.8 %', '0.012 %', 'not measured')
    """
    if value is None:
        return "not measured"
    points = value * 100
    return f"{points:.1f} %" if points >= 1 or points == 0 else f"{points:.2g} %"


def _range(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def _one_in(rate: float) -> str:
    return f"1 in {round(1 / rate):,}"


def _head(evaluation: Evaluation) -> str:
    return (
        f"<header><h1>How well {escape(evaluation.model)} recognises</h1>"
        f"<p class='lead'>{evaluation.images:,} pictures of {evaluation.identities:,} people, faces found by "
        f"{escape(evaluation.detector)}. Every figure stands with the range in which it lies with 95 % confidence."
        "</p></header>"
    )


def _cards(evaluation: Evaluation) -> str:
    figures = evaluation.all_pictures
    strict, looser = figures.verification[-1], figures.identification[1]
    cards = (
        (f"Same person recognised, {_one_in(strict.target)} strangers accepted", strict.rate),
        (f"Listed person found, {_one_in(looser.target)} passers-by a false alert", looser.rate),
        ("Right entry nearest, whatever the similarity", evaluation.rank_one),
        ("Pictures without a usable face", figures.failure_to_acquire),
    )
    return (
        "<div class='cards'>"
        + "".join(
            f"<div class='card'><div class='name'>{escape(name)}</div><div class='value'>{percent(rate.value)}</div>"
            f"<div class='range'>{_range(rate)}</div></div>"
            for name, rate in cards
        )
        + "</div>"
    )


def _points(
    points: Iterable[OperatingPoint],
    of: str,
    errors: str,
    beside: Sequence[tuple[str, Sequence[OperatingPoint] | None]],
) -> str:
    others = [(title, other) for title, other in beside if other is not None]
    rows = []
    for number, point in enumerate(points):
        behind = "".join(f"<td class='n'>{percent(other[number].rate.value)}</td>" for _, other in others)
        flag = "" if point.resolved else " <span class='flag'>too few data for this rate</span>"
        rows.append(
            f"<tr><td>{_one_in(point.target)}{flag}</td><td class='n'><b>{percent(point.rate.value)}</b></td>"
            f"<td>{_mark(point.rate)}</td><td>{_range(point.rate)}</td>"
            f"<td class='n'>{point.threshold:.4f}</td><td class='n'>{point.accepted:,}</td>{behind}</tr>"
        )
    last = "".join(f"<th class='n'>{escape(title)}</th>" for title, _ in others)
    return (
        f"<div class='scroll'><table><tr><th>{escape(errors)}</th><th class='n'>{escape(of)}</th><th></th>"
        f"<th>95 % interval</th><th class='n'>threshold</th><th class='n'>errors counted</th>{last}</tr>"
        f"{''.join(rows)}</table></div>"
    )


def _mark(interval: Interval) -> str:
    return whisker(interval.value, interval.low, interval.high, UNIT, f"{percent(interval.value)}, {_range(interval)}")


def _single(evaluation: Evaluation) -> str:
    pairs = evaluation.pairs
    points = evaluation.all_pictures.verification
    gated = None if evaluation.with_gate is None else evaluation.with_gate.verification
    thresholds = [(point.threshold, f"FAR {point.target:g}") for point in points[1:2]]
    drawings = [_figure("Detection error trade-off", det_chart(evaluation.det))] if evaluation.det else []
    drawings.append(_figure("Similarities", histogram_chart(pairs, thresholds)))
    return (
        "<h2>One picture against one</h2>"
        f"<p class='sub'>All pairs: {len(pairs.genuine):,} of the same person, {pairs.impostor_count:,} of different "
        "people. Recognised means a similarity at or above the threshold.</p>"
        f"{_points(points, 'recognised (TAR)', 'strangers accepted (FAR)', [(GATED, gated)])}"
        f"<div class='pair'>{''.join(drawings)}</div>"
    )


def _open_set(evaluation: Evaluation) -> str:
    searches = evaluation.searches
    gated = None if evaluation.with_gate is None else evaluation.with_gate.identification
    beside = [("plain similarity", evaluation.not_normalised), (GATED, gated)]
    lost = searches.enrolment_failures + searches.mated_failures
    how = (
        " Similarities as the matcher takes them: less what is only the crowd around."
        if evaluation.not_normalised
        else ""
    )
    note = f" {lost:,} enrolments or searches without a usable face count as missed." if lost else ""
    points = evaluation.all_pictures.identification
    thresholds = [(point.threshold, f"FPIR {point.target:g}") for point in points[1:2]]
    drawing = _figure("Right alerts over false alerts", open_set_chart(evaluation)) if evaluation.trade_off else ""
    drawing += _figure("Similarities of searches", search_chart(searches, thresholds))
    return (
        "<h2>People who are on a list, and people who are not</h2>"
        f"<p class='sub'>{len(searches.split.enrolled):,} people enrolled with one picture; "
        f"{len(searches.mated_own):,} searches of them and {len(searches.non_mated_top):,} of others.{how}{note}</p>"
        f"{_points(points, 'found (TPIR)', 'false alerts (FPIR)', beside)}<div class='pair'>{drawing}</div>"
    )


def _tail(evaluation: Evaluation) -> str:
    if evaluation.tail is None:
        return ""
    fit = evaluation.tail.fit
    return (
        "<h2>Rare false matches</h2>"
        "<p class='sub'>A list of hundreds needs false match rates that cannot be counted. A generalised Pareto tail "
        "is fitted to the counted ones; the dashed part is extrapolated.</p>"
        f"<div class='pair'>{_figure('Counted and fitted', tail_chart(evaluation.pairs, evaluation.tail))}"
        "<figure><h3>The fit</h3><div class='scroll'><table>"
        f"<tr><td>starts at similarity</td><td class='n'>{fit.start:.4f}</td></tr>"
        f"<tr><td>share of pairs above</td><td class='n'>{percent(fit.start_rate)}</td></tr>"
        f"<tr><td>shape</td><td class='n'>{fit.shape:+.3f}</td></tr>"
        f"<tr><td>scale</td><td class='n'>{fit.scale:.4f}</td></tr>"
        f"<tr><td>goodness of fit (Anderson-Darling p)</td><td class='n'>{fit.p_value:.2f}</td></tr>"
        f"<tr><td>largest similarity of two people</td><td class='n'>{evaluation.tail.largest:.4f}</td></tr>"
        "</table></div></figure></div>"
    )


def _views(fusion: Fusion | None) -> str:
    if fusion is None:
        return ""
    return (
        f"<h2>{fusion.views} looks at one face</h2>"
        f"<p class='sub'>{fusion.passages:,} groups of {fusion.views} pictures against one picture of everybody "
        f"({fusion.comparisons:,} comparisons of different people), by the way they are joined.</p>"
        f"{_joined(fusion.rows)}"
    )


def _enrolled(several: SeveralEnrolled | None) -> str:
    if several is None:
        return ""
    return (
        f"<h2>{several.pictures} pictures on the list</h2>"
        f"<p class='sub'>{several.searches:,} single pictures against entries of {several.pictures} pictures each "
        f"({several.comparisons:,} comparisons of different people), by the way the entry's pictures are joined.</p>"
        f"{_joined(several.rows)}"
    )


def _covered(figures: CoveredFigures) -> str:
    rows = tuple(FusionRow(name, points) for name, points in figures.rows)
    return (
        f"<h2>The {escape(figures.region)} half of the face is covered</h2>"
        f"<p class='sub'>{figures.pictures:,} pictures of {figures.people:,} people in which it is judged covered, "
        f"against every uncovered picture ({figures.genuine:,} of the same person, {figures.comparisons:,} of others), "
        f"by the view that is compared.</p>{_joined(rows, 'compared')}"
    )


def _joined(rows: tuple[FusionRow, ...], what: str = "joined by") -> str:
    best = max(rows, key=lambda row: row.points[-1].rate.value or 0.0).rule
    head = "".join(f"<th class='n'>FAR {point.target:g}</th>" for point in rows[0].points)
    lines = "".join(
        f"<tr{' class=best' if row.rule == best else ''}><td>{escape(RULE_NAMES[row.rule])}</td>"
        + "".join(
            f"<td class='n'>{percent(point.rate.value)}<br><small>{_range(point.rate)}</small></td>"
            for point in row.points
        )
        + "</tr>"
        for row in rows
    )
    return f"<div class='scroll'><table><tr><th>{escape(what)}</th>{head}</tr>{lines}</table></div>"


def _quality(evaluation: Evaluation) -> str:
    lost = _reasons("No vector", evaluation.reasons, evaluation.images)
    refused = _reasons("Refused by the live quality gate", evaluation.gate_reasons, evaluation.images)
    drawing = "" if evaluation.discard is None else _figure("Error versus discard", discard_chart(evaluation.discard))
    if not (lost or refused or drawing):
        return ""
    return (
        "<h2>Which pictures are worth comparing</h2>"
        "<p class='sub'>The figures above use every picture with a face. The live system also refuses views that are "
        f"too small, blurred, dark or turned.{_gate(evaluation.with_gate)}</p>"
        f"<div class='pair'>{drawing}<figure>{lost}{refused or '<p>The live quality gate would refuse none.</p>'}"
        "</figure></div>"
    )


def _gate(behind: Recognition | None) -> str:
    if behind is None:
        return ""
    return f" With that gate {percent(behind.failure_to_acquire.value)} of the pictures are not acquired."


def _reasons(title: str, reasons: Mapping[str, int], of: int) -> str:
    if not reasons:
        return ""
    rows = "".join(
        f"<tr><td>{escape(reason.replace('_', ' '))}</td><td class='n'>{count:,}</td>"
        f"<td class='n'>{percent(count / of)}</td></tr>"
        for reason, count in reasons.items()
    )
    return f"<h3>{escape(title)}</h3><div class='scroll'><table>{rows}</table></div>"


def _groups(column: ColumnFigures) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in FIGURE_NAMES.values())
    rows = []
    for group in column.groups:
        cells = "".join(
            f"<td><b>{percent(one.value)}</b><br><small>{_range(one)}</small></td>"
            for one in (group.fnmr, group.fmr, group.tpir, group.fpir)
        )
        rows.append(
            f"<tr><td>{escape(group.group)}</td><td class='n'>{group.identities:,}</td>"
            f"<td class='n'>{percent(group.failure_to_acquire.value)}</td>{cells}</tr>"
        )
    ratios = "".join(f"<td>{_ratio(one.ratio, one.highest, one.lowest)}</td>" for one in column.differentials)
    return (
        f"<h2>By {escape(column.column)}</h2>"
        "<p class='sub'>All groups at the same thresholds (FAR 0.001 and FPIR 0.01 of everybody). "
        f"{column.not_stated:,} people state no group. The last line is the highest group divided by the lowest; "
        "1 is equal.</p>"
        "<div class='scroll'><table><tr><th>group</th><th class='n'>people</th><th class='n'>no usable face</th>"
        f"{head}</tr>{''.join(rows)}<tr class='best'><td>highest / lowest</td><td></td><td></td>{ratios}</tr>"
        "</table></div>"
    )


def _ratio(ratio: Interval, highest: str, lowest: str) -> str:
    if ratio.value is None:
        return "<small>no error in some group</small>" if lowest else "<small>not measured</small>"
    reach = "" if ratio.low is None or ratio.high is None else f"<br><small>{ratio.low:.2g} to {ratio.high:.2g}</small>"
    return f"{ratio.value:.2f}{reach}<br><small>{escape(highest)} / {escape(lowest)}</small>"


def _figure(title: str, drawing: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{drawing}</figure>"


def _method(evaluation: Evaluation) -> str:
    return (
        "<h2>How it was measured</h2><ul>"
        "<li>A comparison is accepted at a similarity at or above the threshold; the threshold at a rate is the "
        "smallest that does not exceed it.</li>"
        "<li>Of the people with two pictures or more, in name order, every other one is enrolled with the first "
        "picture; their other pictures are searches that should be found. All pictures of everybody else are searches "
        "that should not.</li>"
        "<li>Found means that the right entry is the nearest and reaches the threshold. A picture without a usable "
        "face is a miss; it never lowers the count of searches.</li>"
        "<li>Intervals come from drawing people, not pictures, 1,000 times with replacement.</li>"
        f"<li>Detector {escape(evaluation.detector)}, embedder {escape(evaluation.model)}.</li></ul>"
    )
