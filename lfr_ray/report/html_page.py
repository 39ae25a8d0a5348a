"""Pages that need nothing else: no script, no font, no other host. Their figures are those of the JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lfr_ray.report.svg_charts import RARITIES, SHARES, Row, Svg, bars, dots, short, whisker

WORDS: Mapping[str, str] = {
    "identity_confirmed": "identity confirmed",
    "stopped": "stopped, then let go",
    "false_alert_confirmed": "false alert, confirmed",
    "false_alert_unconfirmed": "false alert, unconfirmed",
    "no_outcome": "no outcome recorded",
    "perceived_ethnicity": "Ethnicity",
    "perceived_sex": "Sex",
    "perceived_age_band": "Age",
    "possible_match": "possible, nobody approached",
    "not_a_match": "not a match",
    "protective-security": "protective security operation",
    "crime-hotspot": "crime hotspot",
    "intelligence-located": "intelligence places a sought person there",
}
TONES = dict.fromkeys(("arrest", "other_disposal", "identity_confirmed"), "good") | dict.fromkeys(
    ("false_alert_confirmed", "false_alert_unconfirmed"), "bad"
)

WAYS: Mapping[str, str] = {
    "first": "one view alone",
    "one": "one picture alone",
    "nearest": "nearest picture",
    "template": "mean vector",
    "mean": "mean vector, weighted by quality",
    "plain_mean": "mean vector",
    "max": "nearest view",
    "vote": "majority of the views",
    "matcher": "mean vector as the matcher compares it",
    "as_they_are": "face as it is",
    "matching_views": "what is visible, the other half painted over on both sides",
}
"""Ways of comparing, in an evaluation."""


def evaluation_page(document: Mapping[str, Any], charts: Mapping[str, Svg], *, written_at: str) -> str:
    """An evaluation on labelled pictures.

    ``document`` is what ``lfr evaluate --json`` writes; charts by name come from ``evaluate/evaluation_charts.py``.
    """
    return _render("evaluation", document=document, charts=charts, ways=WAYS, written_at=written_at)


def passages_page(document: Mapping[str, Any], *, written_at: str) -> str:
    """An evaluation on recordings: figures only, no name and no picture of anybody.

    ``document`` is what ``lfr evaluate --videos --json`` writes.
    """
    return _render("passages", document=document, written_at=written_at)


def record_page(document: Mapping[str, Any]) -> str:
    """The public record of a deployment. ``document`` is the signed record, from ``govern/public_record.py``."""
    record = document["record"]
    return _render("public_record", document=document, record=record, charts=_record_charts(record))


def contact_sheet_page(rows: Sequence[Any], *, written_at: str) -> str:
    """Enrolment pictures with the face that was chosen of each. Unlike the others, this page shows people.

    Rows have ``name``, ``verdict``, ``taken`` and ``pictures``, JPEGs in base 64.
    """
    return _render("contact_sheet", rows=rows, written_at=written_at)


def percent(value: float | None) -> str:
    """A share for people: as many digits as it deserves.

    >>> percent(0.98765), percent(0.00012), percent(None)
    ('98.8 %', '0.012 %', 'not measured')
    """
    if value is None:
        return "not measured"
    points = value * 100
    return f"{points:.1f} %" if points >= 1 or points == 0 else f"{points:.2g} %"


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(f"{name}.html.j2").render(values)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("lfr_ray.report"),
        autoescape=True,
        undefined=StrictUndefined,
        lstrip_blocks=True,
    )
    style = (resources.files("lfr_ray.report") / "report.css").read_text(encoding="utf-8")
    found.globals |= {"style": Svg(style), "whisker": _mark}
    found.filters |= {
        "percent": percent,
        "decimal": lambda value: "not measured" if value is None else f"{value:.2f}",
        "number": _number,
        "one_in": lambda rate: f"1 in {_number(round(1 / float(rate)))}",
        "rarity": _rarity,
        "span": _span,
        "word": _word,
        "moment": lambda text: f"{text[:10]} {text[11:16]} UTC",
        "duration": lambda seconds: f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min",
    }
    return found


def _span(rate: Mapping[str, Any], form: str = "percent") -> str:
    if rate["low"] is None or rate["high"] is None:
        return ""
    low, high = (percent(rate[end]) if form == "percent" else f"{rate[end]:{form}}" for end in ("low", "high"))
    return f"{low} to {high}"


def _mark(rate: Mapping[str, Any]) -> Svg:
    return whisker(rate["value"], rate["low"], rate["high"], f"{percent(rate['value'])}, {_span(rate)}")


def _number(count: int | None) -> str:
    return "withheld" if count is None else f"{count:,}".replace(",", "\u202f")


def _word(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def _rarity(rate: Mapping[str, Any]) -> str:
    """A small rate in words."""
    if rate["value"] is None:
        return "withheld" if rate.get("suppressed") else "none counted"
    return f"1 in {short(round(1 / rate['value']))}" if rate["count"] else f"none in {short(rate['of'])}"


def _share(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return _rarity(rate)
    return f"{100 * rate['value']:.0f} %  ({_number(rate['count'])} of {_number(rate['of'])})"


def _dot(label: str, rate: Mapping[str, Any], text: str, tone: str = "plain") -> Row:
    return Row(label, text, rate["value"], rate.get("low"), rate.get("high"), tone, bool(rate.get("suppressed")))


def _bar(label: str, count: int | None, tone: str = "plain") -> Row:
    return Row(label, _number(count), count, tone=tone, withheld=count is None)


def _record_charts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record's drawings; a table without rows has none."""
    rates, ceiling = record["rates"], record["threshold"]["breaker_ceiling"]
    wrong = (
        ("confirmed false alerts", rates["false_alerts_per_face"], "bad"),
        ("with unconfirmed ones", rates["false_alerts_per_face_with_unconfirmed"], "bad"),
        ("all alerts", rates["alerts_per_face"], "plain"),
    )
    missed = []
    if record["blue_list"] is not None:
        missed = [_dot("all walks", record["blue_list"]["overall"], _share(record["blue_list"]["overall"]), "good")]
        for table, prefix in (("by_camera", "camera"), ("by_group", "declared"), ("by_cover", "face")):
            missed += [_dot(f"{prefix}: {name}", one, _share(one)) for name, one in record["blue_list"][table].items()]
    unseen = [(name, one["failure_to_acquire"]) for name, one in record["cameras"].items()]
    outcomes = [_bar(_word(name), count, TONES.get(name, "plain")) for name, count in record["outcomes"].items()]
    listed = record["watchlist"]["categories"]["rows"].items()
    return {
        "wrong": dots(
            "False alerts for each face seen",
            [_dot(label, rate, _rarity(rate), tone) for label, rate, tone in wrong],
            RARITIES,
            (ceiling, f"ceiling 1 in {_number(round(1 / ceiling))}"),
        ),
        "outcomes": bars("Outcomes of alerts", outcomes),
        "missed": dots("True recognition rate of volunteers", missed, SHARES),
        "unseen": dots(
            "Share of faces seen that could not be compared",
            [_dot(name, rate, _share(rate)) for name, rate in unseen],
            SHARES,
        ),
        "perceived": {
            name: bars(
                f"Alerts by perceived {_word(name).lower()}",
                [_bar(group.replace("_", " "), one["alerts"]["count"]) for group, one in table.items()],
            )
            for name, table in record["perceived"].items()
            if table
        },
        "listed": bars("Watchlist by category", [_bar(name.replace("-", " "), one["count"]) for name, one in listed]),
    }
