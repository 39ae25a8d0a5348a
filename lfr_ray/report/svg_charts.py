"""Charts as inline SVG: no script, no font, nothing from another host; colours come from the page's style sheet.

A tone names a colour of the style sheet: ``plain``, ``good``, ``bad`` or ``quiet``; ``dashed`` may follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH_PX, HEIGHT_PX = 560, 340
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 16, 14, 50

ROW_PX, ROWS_WIDTH_PX, ROWS_LABEL_PX, ROWS_PLOT_PX = 34, 780, 200, 390
FOOT_PX = 26
WHISKER_PX = 150

SUPERSCRIPT = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")

Points = Sequence[tuple[float, float]]


class Svg(str):
    """Markup that a template puts in as it is; what came from outside was escaped when it was made."""

    def __html__(self) -> str:
        return self


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a chart.

    Attributes:
        form: How ticks are written: ``number``, ``percent``, or ``one_in`` ("1 in 1 000").
    """

    label: str
    low: float
    high: float
    log: bool = False
    form: str = "number"

    def share(self, value: float) -> float:
        """Where a value lies, 0 to 1; what lies outside is moved to the end."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = (math.log10(max(one, self.low)) for one in (low, high, value))
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Round values, five or so."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**exponent for exponent in range(first, last + 1, max(1, math.ceil((last - first) / 5)))]
        raw = (self.high - self.low) / 5
        magnitude = 10 ** math.floor(math.log10(raw))
        step = next(one * magnitude for one in (1, 2, 2.5, 5, 10) if one * magnitude >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def written(self, value: float) -> str:
        """A tick's text."""
        if self.form == "percent":
            return f"{value * 100:g} %"
        if self.form == "one_in":
            return f"1 in {short(round(1 / value))}"
        if self.log and not 0.01 <= value <= 1000:
            return f"10{str(round(math.log10(value))).translate(SUPERSCRIPT)}"
        return f"{value:.10g}"


SHARES = Axis("", 0.0, 1.0, form="percent")
RARITIES = Axis("", 1e-7, 1e-1, log=True, form="one_in")


class Plot:
    """A drawing area with two axes. Screen readers read the title out."""

    def __init__(self, title: str, x: Axis, y: Axis) -> None:
        self._title, self._x, self._y = title, x, y
        self._marks: list[str] = []
        self._legend: list[str] = []

    def line(self, points: Points, tone: str, name: str = "") -> None:
        """A line through the points."""
        if len(points) > 1:
            self._marks.append(_tag("polyline", class_=f"line {tone}", points=self._path(points)))
        self._name(tone, name)

    def steps(self, points: Points, tone: str, name: str = "") -> None:
        """A line that keeps each value until the next."""
        corners = [corner for (x, y), (following, _) in pairwise(points) for corner in ((x, y), (following, y))]
        self.line([*corners, *points[-1:]], tone, name)

    def band(self, points: Sequence[tuple[float, float, float]], tone: str, name: str = "") -> None:
        """The area between two values at each x: ``(x, low, high)``."""
        if len(points) > 1:
            around = [(x, high) for x, _, high in points] + [(x, low) for x, low, _ in reversed(points)]
            self._marks.append(_tag("polygon", class_=f"band {tone}", points=self._path(around)))
        self._name(f"{tone} area", name)

    def dots(self, points: Points, tone: str) -> None:
        """A dot at each point."""
        self._marks += [
            _tag("circle", class_=f"dot {tone}", cx=self._left(x), cy=self._top(y), r=3.2) for x, y in points
        ]

    def area(self, points: Points, tone: str, name: str = "") -> None:
        """A filled outline down to the lower axis."""
        self.band([(x, self._y.low, y) for x, y in points], tone, name)
        self.line(points, tone)

    def upright(self, x: float, text: str) -> None:
        """A thin vertical line with a word at its upper end."""
        if self._x.low <= x <= self._x.high:
            left = self._left(x)
            anchor, shift = ("end", -4) if self._x.share(x) > 0.75 else ("start", 4)
            self._marks.append(_line("guide", left, left, TOP_PX, HEIGHT_PX - BOTTOM_PX))
            self._marks.append(_text("note", left + shift, TOP_PX + 11, text, anchor))

    def level(self, y: float, text: str) -> None:
        """A thin horizontal line with a word at its left end."""
        if self._y.low <= y <= self._y.high:
            top = self._top(y)
            self._marks.append(_line("guide", LEFT_PX, WIDTH_PX - RIGHT_PX, top, top))
            self._marks.append(_text("note", LEFT_PX + 6, top - 4, text))

    def svg(self) -> Svg:
        """The whole drawing, with its legend as a line of text above."""
        legend = f"<div class='legend'>{''.join(self._legend)}</div>"
        return Svg(legend + _svg(self._title, WIDTH_PX, HEIGHT_PX, [*self._grid(), *self._marks]))

    def _grid(self) -> Iterable[str]:
        bottom, right = HEIGHT_PX - BOTTOM_PX, WIDTH_PX - RIGHT_PX
        for value in self._x.ticks():
            left = self._left(value)
            yield _line("grid", left, left, TOP_PX, bottom)
            yield _text("tick", left, bottom + 17, self._x.written(value), "middle")
        for value in self._y.ticks():
            top = self._top(value)
            yield _line("grid", LEFT_PX, right, top, top)
            yield _text("tick", LEFT_PX - 8, top + 4, self._y.written(value), "end")
        yield _text("label", (LEFT_PX + right) / 2, HEIGHT_PX - 8, self._x.label, "middle")
        turned = f"translate(14 {(TOP_PX + bottom) / 2}) rotate(-90)"
        yield _tag("text", self._y.label, class_="label", transform=turned, text_anchor="middle")

    def _path(self, points: Points) -> str:
        return " ".join(f"{self._left(x):.1f},{self._top(y):.1f}" for x, y in points)

    def _left(self, value: float) -> float:
        return LEFT_PX + self._x.share(value) * (WIDTH_PX - LEFT_PX - RIGHT_PX)

    def _top(self, value: float) -> float:
        return HEIGHT_PX - BOTTOM_PX - self._y.share(value) * (HEIGHT_PX - TOP_PX - BOTTOM_PX)

    def _name(self, tone: str, name: str) -> None:
        if name:
            self._legend.append(f"<span class='key'>{_tag('i', class_=f'swatch {tone}')}{escape(name)}</span>")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a chart of rows.

    Attributes:
        value: Where the bar ends, or the dot lies; None: nothing is drawn.
        low: Lower end of the interval, of dots; ``high`` is the other.
        withheld: The value is not published: an empty frame is drawn.
    """

    label: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    tone: str = "plain"
    withheld: bool = False


def bars(title: str, rows: Sequence[Row]) -> Svg:
    """Horizontal bars from zero."""
    longest = max((row.value for row in rows if row.value is not None), default=0) or 1
    parts = []
    for number, row in enumerate(rows):
        parts += _frame(row, number)
        if row.value is not None:
            width = max(ROWS_PLOT_PX * row.value / longest, 2 if row.value else 0)
            parts.append(_box(f"bar {row.tone}", number, width))
    return _svg(title, ROWS_WIDTH_PX, len(rows) * ROW_PX, parts)


def dots(title: str, rows: Sequence[Row], axis: Axis, ceiling: tuple[float, str] | None = None) -> Svg:
    """A dot with its interval on each row.

    ``ceiling`` is a value that is marked with a vertical line, and its name. Screen readers read the title out.
    """
    height = len(rows) * ROW_PX
    parts = []
    for tick in axis.ticks():
        left = _across(axis, tick)
        parts += [_line("grid", left, left, 0, height), _text("tick", left, height + 18, axis.written(tick), "middle")]
    if ceiling is not None:
        left = _across(axis, ceiling[0])
        parts += [_line("ceiling", left, left, 0, height), _text("ceiling-text", left + 5, 11, ceiling[1])]
    for number, row in enumerate(rows):
        parts += _frame(row, number)
        if row.value is not None and row.low is not None and row.high is not None:
            middle = (number + 0.5) * ROW_PX
            low, at, high = (_across(axis, one) for one in (row.low, row.value, row.high))
            parts.append(_line(f"reach {row.tone}", low, high, middle, middle))
            parts += [_line(f"reach {row.tone}", end, end, middle - 5, middle + 5) for end in (low, high)]
            parts.append(_tag("circle", class_=f"at {row.tone}", cx=at, cy=middle, r=5.5))
    return _svg(title, ROWS_WIDTH_PX, height + FOOT_PX, parts)


def whisker(value: float | None, low: float | None, high: float | None, text: str) -> Svg:
    """A share and its interval as one small horizontal mark, for a table's cell."""
    if value is None or low is None or high is None:
        return Svg("")
    left, right, at = (4 + SHARES.share(one) * (WHISKER_PX - 8) for one in (low, high, value))
    parts = [
        _line("track", 4, WHISKER_PX - 4, 9, 9),
        _line("reach", left, max(right, left + 1), 9, 9),
        _tag("circle", class_="at", cx=at, cy=9, r=3.5),
    ]
    return _svg(text, WHISKER_PX, 18, parts, "whisker")


def short(number: int) -> str:
    """A count for people: digits in threes, or millions.

    >>> short(1_234), short(3_147_436)
    ('1\u202f234', '3.15 m')
    """
    return f"{number / 1_000_000:.3g} m" if number >= 1_000_000 else f"{number:,}".replace(",", "\u202f")


def _frame(row: Row, number: int) -> list[str]:
    """A row's words, and the empty frame of a withheld value."""
    baseline = (number + 0.5) * ROW_PX + 4.5
    words = [
        _text("name", ROWS_LABEL_PX - 12, baseline, row.label, "end"),
        _text("value", ROWS_LABEL_PX + ROWS_PLOT_PX + 14, baseline, row.text),
    ]
    return [*words, _box("withheld", number, 70)] if row.withheld else words


def _across(axis: Axis, value: float) -> float:
    return ROWS_LABEL_PX + ROWS_PLOT_PX * axis.share(value)


def _box(kind: str, number: int, width: float) -> str:
    return _tag("rect", class_=kind, x=ROWS_LABEL_PX, y=(number + 0.5) * ROW_PX - 9, width=width, height=18, rx=3)


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return _tag("line", class_=kind, x1=x1, x2=x2, y1=y1, y2=y2)


def _text(kind: str, x: float, y: float, text: str, anchor: str = "start") -> str:
    return _tag("text", text, class_=kind, x=x, y=y, text_anchor=anchor)


def _tag(name: str, text: str = "", /, **attributes: str | float) -> str:
    """One element, everything in it escaped; ``class_`` and ``text_anchor`` stand for class and text-anchor."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else f"{value:.1f}"}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{escape(text)}</{name}>"


def _svg(title: str, width: int, height: int, parts: Iterable[str], kind: str = "chart") -> Svg:
    label = escape(title)
    return Svg(
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )
