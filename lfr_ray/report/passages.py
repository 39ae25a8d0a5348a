"""Whole passages as one self-contained page: figures only, no name and no picture of anybody."""

from __future__ import annotations

from html import escape
from typing import Any

from lfr_ray.report.charts import Axis, whisker
from lfr_ray.report.evaluation import percent
from lfr_ray.report.style import STYLE

Rate = dict[str, float | None]


def passages_report(document: dict[str, Any], *, written_at: str) -> str:
    """The page.

    Args:
        document: What ``lfr evaluate --videos --json`` writes.
        written_at: Date and time in words, for the foot of the page.
    """
    passages, false = document["passages"], document["false_alerts"]
    asked = document["false_alerts_per_10k_faces"]
    threshold = "the card's own threshold" if asked is None else f"{asked:g} false alerts in 10,000 faces"
    lead = (
        f"{document['recordings']} recordings, {document['hours'] * 60:.1f} minutes; a list of "
        f"{document['watchlist']['entries']} entries; {threshold}. Faces found by {escape(document['detector'])}."
    )
    hourly, by_track, lost = false["per_hour"], false["per_1000_tracks"], document["failure_to_acquire"]
    found = passages["true_positive_rate"]
    cards = (
        ("Listed people who walked past and were alerted", percent(found["value"]), _percents(found)),
        ("False alerts an hour of footage", _number(hourly["value"]), _numbers(hourly)),
        ("False alerts in 1,000 tracks", _number(by_track["value"]), _numbers(by_track)),
        ("Tracks without a view good enough to compare", percent(lost["value"]), _percents(lost)),
    )
    shown = "".join(
        f"<div class='card'><div class='name'>{escape(name)}</div><div class='value'>{value}</div>"
        f"<div class='range'>{between}</div></div>"
        for name, value, between in cards
    )
    title = f"Whole passages with {escape(document['model'])}"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>{title}</h1><p class='lead'>{lead}</p></header><div class='cards'>{shown}</div>"
        f"{_each(passages)}{_false(false)}"
        "<h2>How it was measured</h2><ul>"
        "<li>Every frame of every recording went through the whole chain. A passage counts as found when the right "
        "entry was alerted in its recording, whenever that was.</li>"
        "<li>Who is shown but has no usable picture on the list counts as missed. Every alert of anybody else is "
        "false.</li>"
        "<li>Intervals are 95 %: Clopper-Pearson for shares, Poisson for alerts an hour.</li></ul>"
        f"<footer>Written {escape(written_at)} by lfr evaluate --videos. Figures only: the page holds no picture, no "
        "vector and no name.</footer></main></body></html>\n"
    )


def _each(passages: dict[str, Any]) -> str:
    if not passages["each"]:
        return "<h2>Listed people who walked past</h2><p class='sub'>None: only false alerts could be counted.</p>"
    rate = passages["true_positive_rate"]
    mark = whisker(rate["value"], rate["low"], rate["high"], Axis("", 0.0, 1.0), _percents(rate))
    rows = "".join(
        f"<tr><td class='n'>{number}</td><td>{_after(one['alert_s'])}</td></tr>"
        for number, one in enumerate(passages["each"], 1)
    )
    return (
        "<h2>Listed people who walked past</h2>"
        f"<p class='sub'>{passages['found']} of {passages['mated']} found {mark}</p>"
        f"<div class='scroll'><table><tr><th class='n'>passage</th><th>alerted</th></tr>{rows}</table></div>"
    )


def _false(false: dict[str, Any]) -> str:
    if not false["count"]:
        return "<h2>False alerts</h2><p class='sub'>None.</p>"
    rows = "".join(
        f"<tr><td class='n'>{number}</td><td class='n'>{one['time_s']:.1f} s</td>"
        f"<td class='n'>{one['similarity']:.4f}</td><td class='n'>{one['threshold']:.4f}</td></tr>"
        for number, one in enumerate(false["each"], 1)
    )
    return (
        "<h2>False alerts</h2><div class='scroll'><table><tr><th class='n'>alert</th><th class='n'>at</th>"
        f"<th class='n'>similarity</th><th class='n'>threshold</th></tr>{rows}</table></div>"
    )


def _after(alert_s: float | None) -> str:
    return "missed" if alert_s is None else f"after {alert_s:.1f} s of the recording"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def _percents(rate: Rate) -> str:
    return "" if rate["low"] is None else f"{percent(rate['low'])} to {percent(rate['high'])}"


def _numbers(rate: Rate) -> str:
    return "" if rate["low"] is None else f"{_number(rate['low'])} to {_number(rate['high'])}"
