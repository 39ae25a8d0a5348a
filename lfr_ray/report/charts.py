"""Charts as inline SVG: no script, no font, nothing from another host; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH_PX, HEIGHT_PX = 560, 340
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 16, 14, 50

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a chart.

    Attributes:
        label: What it shows.
        low: Value at its start.
        high: Value at its end.
        log: Logarithmic.
        percent: Ticks are written as percentages.
    """

    label: str
    low: float
    high: float
    log: bool = False
    percent: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, 0 to 1; what lies outside is moved to the end."""
        if self.log:
            value = math.log10(max(value, self.low))
            low, high = math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Round values, five or so."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = max(1, (last - first) // 6 + 1) if last - first > 6 else 1
            return [10.0**exponent for exponent in range(first, last + 1, step)]
        raw = (self.high - self.low) / 5
        magnitude = 10 ** math.floor(math.log10(raw))
        step = next(one * magnitude for one in (1, 2, 2.5, 5, 10) if one * magnitude >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def written(self, value: float) -> str:
        """A tick's text."""
        if self.percent:
            return f"{value * 100:g} %"
        if self.log and not 0.01 <= value <= 1000:
            return f"10<tspan dy='-5' font-size='9'>{round(math.log10(value))}</tspan>"
        return f"{value:.10g}"


class Chart:
    """A drawing area with two axes.

    Args:
        title: Read out by screen readers and shown on hovering.
        x: The horizontal axis.
        y: The vertical axis.
    """

    def __init__(self, title: str, x: Axis, y: Axis) -> None:
        self._title = title
        self._x, self._y = x, y
        self._marks: list[str] = []
        self._legend: list[tuple[str, str]] = []

    def line(self, points: Points, style: str, name: str = "") -> None:
        """A line through the points."""
        if len(points) > 1:
            path = " ".join(f"{self._left(x):.1f},{self._top(y):.1f}" for x, y in points)
            self._marks.append(f"<polyline class='line {style}' points='{path}'/>")
        self._name(style, name)

    def steps(self, points: Points, style: str, name: str = "") -> None:
        """A line that keeps each value until the next."""
        corners: list[tuple[float, float]] = []
        for x, y in points:
            if corners:
                corners.append((x, corners[-1][1]))
            corners.append((x, y))
        self.line(corners, style, name)

    def band(self, points: Sequence[tuple[float, float, float]], style: str, name: str = "") -> None:
        """The area between two values at each x: ``(x, low, high)``."""
        if len(points) > 1:
            around = [(x, high) for x, _, high in points] + [(x, low) for x, low, _ in reversed(points)]
            path = " ".join(f"{self._left(x):.1f},{self._top(y):.1f}" for x, y in around)
            self._marks.append(f"<polygon class='band {style}' points='{path}'/>")
        self._name(f"{style} area", name)

    def dots(self, points: Points, style: str) -> None:
        """A dot at each point."""
        self._marks.extend(
            f"<circle class='dot {style}' cx='{self._left(x):.1f}' cy='{self._top(y):.1f}' r='3.2'/>" for x, y in points
        )

    def area(self, points: Points, style: str, name: str = "") -> None:
        """A filled outline down to the lower axis."""
        self.band([(x, self._y.low, y) for x, y in points], style, name)
        self.line(points, style)

    def upright(self, x: float, text: str) -> None:
        """A thin vertical line with a word at its upper end."""
        if not self._x.low <= x <= self._x.high:
            return
        left = self._left(x)
        anchor, shift = ("end", -4) if self._x.share(x) > 0.75 else ("start", 4)
        self._marks.append(
            f"<line class='guide' x1='{left:.1f}' x2='{left:.1f}' y1='{TOP_PX}' y2='{HEIGHT_PX - BOTTOM_PX}'/>"
            f"<text class='note' x='{left + shift:.1f}' y='{TOP_PX + 11}' text-anchor='{anchor}'>{escape(text)}</text>"
        )

    def level(self, y: float, text: str) -> None:
        """A thin horizontal line with a word at its left end."""
        if not self._y.low <= y <= self._y.high:
            return
        top = self._top(y)
        self._marks.append(
            f"<line class='guide' x1='{LEFT_PX}' x2='{WIDTH_PX - RIGHT_PX}' y1='{top:.1f}' y2='{top:.1f}'/>"
            f"<text class='note' x='{LEFT_PX + 6}' y='{top - 4:.1f}'>{escape(text)}</text>"
        )

    def svg(self) -> str:
        """The whole drawing, with its legend as a line of text above."""
        legend = "".join(
            f"<span class='key'><i class='swatch {escape(style)}'></i>{escape(name)}</span>"
            for style, name in self._legend
        )
        return (
            f"<div class='legend'>{legend}</div>"
            f"<svg viewBox='0 0 {WIDTH_PX} {HEIGHT_PX}' role='img' aria-label='{escape(self._title, quote=True)}'>"
            f"{self._grid()}{''.join(self._marks)}</svg>"
        )

    def _grid(self) -> str:
        bottom, right = HEIGHT_PX - BOTTOM_PX, WIDTH_PX - RIGHT_PX
        parts = []
        for value in self._x.ticks():
            left = self._left(value)
            parts.append(f"<line class='grid' x1='{left:.1f}' x2='{left:.1f}' y1='{TOP_PX}' y2='{bottom}'/>")
            parts.append(
                f"<text class='tick' x='{left:.1f}' y='{bottom + 17}' text-anchor='middle'>"
                f"{self._x.written(value)}</text>"
            )
        for value in self._y.ticks():
            top = self._top(value)
            parts.append(f"<line class='grid' x1='{LEFT_PX}' x2='{right}' y1='{top:.1f}' y2='{top:.1f}'/>")
            parts.append(
                f"<text class='tick' x='{LEFT_PX - 8}' y='{top + 4:.1f}' text-anchor='end'>"
                f"{self._y.written(value)}</text>"
            )
        middle = (TOP_PX + bottom) / 2
        parts.append(
            f"<text class='label' x='{(LEFT_PX + right) / 2}' y='{HEIGHT_PX - 8}' text-anchor='middle'>"
            f"{escape(self._x.label)}</text>"
            f"<text class='label' transform='translate(14 {middle}) rotate(-90)' text-anchor='middle'>"
            f"{escape(self._y.label)}</text>"
        )
        return "".join(parts)

    def _left(self, value: float) -> float:
        return LEFT_PX + self._x.share(value) * (WIDTH_PX - LEFT_PX - RIGHT_PX)

    def _top(self, value: float) -> float:
        return HEIGHT_PX - BOTTOM_PX - self._y.share(value) * (HEIGHT_PX - TOP_PX - BOTTOM_PX)

    def _name(self, style: str, name: str) -> None:
        if name:
            self._legend.append((style, name))


def whisker(value: float | None, low: float | None, high: float | None, axis: Axis, text: str) -> str:
    """A figure and its interval as one small horizontal mark, for a table's cell."""
    if value is None or low is None or high is None:
        return ""
    width, middle = 150, 9
    left, right, at = (4 + axis.share(one) * (width - 8) for one in (low, high, value))
    return (
        f"<svg class='whisker' viewBox='0 0 {width} 18' role='img' aria-label='{escape(text, quote=True)}'>"
        f"<line class='track' x1='4' x2='{width - 4}' y1='{middle}' y2='{middle}'/>"
        f"<line class='reach' x1='{left:.1f}' x2='{max(right, left + 1):.1f}' y1='{middle}' y2='{middle}'/>"
        f"<circle class='at' cx='{at:.1f}' cy='{middle}' r='3.5'/></svg>"
    )
