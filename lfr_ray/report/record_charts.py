"""Charts of the public record as inline SVG: no script, no font, nothing from another host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH_PX = 780
LABEL_PX = 200
VALUE_PX = 190
ROW_PX = 34
PLOT_PX = WIDTH_PX - LABEL_PX - VALUE_PX


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart; a withheld value has none."""

    label: str
    value: float | None
    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Dot:
    """One rate with its interval; a withheld rate has none."""

    label: str
    rate: dict[str, Any]
    tone: str = "plain"


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars from zero."""
    longest = max((row.value for row in rows if row.value is not None), default=0) or 1
    parts = []
    for number, row in enumerate(rows):
        middle = number * ROW_PX + ROW_PX / 2
        parts.append(_label(row.label, middle))
        if row.value is None:
            parts.append(_hatched(middle))
        else:
            width = max(PLOT_PX * row.value / longest, 2 if row.value else 0)
            place = f'x="{LABEL_PX}" y="{middle - 9:.1f}" width="{width:.1f}" height="18"'
            parts.append(f'<rect class="bar {row.tone}" {place} rx="3"/>')
        parts.append(_value(row.text, middle))
    return _svg(title, len(rows) * ROW_PX, parts)


def shares(title: str, rows: Sequence[Dot]) -> str:
    """Rates between 0 and 100 % with their intervals."""
    parts = [_grid(LABEL_PX + PLOT_PX * tick / 4, f"{25 * tick} %", len(rows)) for tick in range(5)]
    for number, row in enumerate(rows):
        parts += _whisker(row, number, lambda share: LABEL_PX + PLOT_PX * share, _percent(row.rate))
    return _svg(title, len(rows) * ROW_PX + 26, parts)


def rarities(title: str, rows: Sequence[Dot], ceiling: float, ceiling_text: str) -> str:
    """Very small rates on a logarithmic scale, as "1 in so many", with the ceiling as a line."""
    least, most = 1e-7, 1e-1

    def place(share: float) -> float:
        inside = min(max(share, least), most)
        return LABEL_PX + PLOT_PX * (math.log10(inside) - math.log10(least)) / (math.log10(most) - math.log10(least))

    parts = [
        _grid(place(10.0**-power), f"1 in {_short(10**power)}" if power % 2 else "", len(rows))
        for power in range(7, 0, -1)
    ]
    height = len(rows) * ROW_PX
    parts.append(f'<line class="ceiling" x1="{place(ceiling):.1f}" x2="{place(ceiling):.1f}" y1="0" y2="{height}"/>')
    parts.append(f'<text class="ceiling-text" x="{place(ceiling) + 5:.1f}" y="11">{escape(ceiling_text)}</text>')
    for number, row in enumerate(rows):
        parts += _whisker(row, number, place, one_in(row.rate))
    return _svg(title, height + 26, parts)


def _whisker(row: Dot, number: int, place: Any, text: str) -> list[str]:
    middle = number * ROW_PX + ROW_PX / 2
    parts = [_label(row.label, middle)]
    if row.rate.get("value") is None:
        if row.rate.get("suppressed"):
            parts.append(_hatched(middle))
        return [*parts, _value("withheld" if row.rate.get("suppressed") else "none counted", middle)]
    low, value, high = (place(float(row.rate[name])) for name in ("low", "value", "high"))
    parts.append(f'<line class="whisker {row.tone}" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>')
    parts += [
        f'<line class="whisker {row.tone}" x1="{end:.1f}" x2="{end:.1f}" y1="{middle - 5}" y2="{middle + 5}"/>'
        for end in (low, high)
    ]
    parts.append(f'<circle class="dot {row.tone}" cx="{value:.1f}" cy="{middle}" r="5.5"/>')
    return [*parts, _value(text, middle)]


def one_in(rate: dict[str, Any]) -> str:
    """A small rate in words."""
    if rate.get("value") is None:
        return "withheld" if rate.get("suppressed") else "none counted"
    if not rate["count"]:
        return f"none in {_short(rate['of'])}"
    return f"1 in {_short(round(1 / rate['value']))}"


def _percent(rate: dict[str, Any]) -> str:
    if rate.get("value") is None:
        return ""
    return f"{100 * rate['value']:.0f} %  ({rate['count']:,} of {rate['of']:,})".replace(",", "\u202f")


def _short(number: int) -> str:
    if number >= 1_000_000:
        return f"{number / 1_000_000:.3g} m"
    return f"{number:,}".replace(",", "\u202f")


def _grid(across: float, text: str, rows: int) -> str:
    height = rows * ROW_PX
    return (
        f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="0" y2="{height}"/>'
        f'<text class="tick" x="{across:.1f}" y="{height + 18}" text-anchor="middle">{escape(text)}</text>'
    )


def _label(text: str, middle: float) -> str:
    return f'<text class="label" x="{LABEL_PX - 12}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(text)}</text>'


def _value(text: str, middle: float) -> str:
    return f'<text class="value" x="{LABEL_PX + PLOT_PX + 14}" y="{middle + 4.5:.1f}">{escape(text)}</text>'


def _hatched(middle: float) -> str:
    return f'<rect class="withheld" x="{LABEL_PX}" y="{middle - 9:.1f}" width="70" height="18" rx="3"/>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH_PX} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
