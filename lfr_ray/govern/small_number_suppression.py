"""Small numbers of people are not published, nor anything from which they could be worked out.

A cell below the limit is withheld. Because totals are published, other cells have to be withheld too.
Which ones is not guessed: we take the part of a reader who knows every published number and solve
for the range in which each withheld cell must lie; while a range is too narrow, one more is withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-6
WITHHELD = "withheld"
Terms = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """What any reader knows of the cells: the sum of ``terms`` (cell, factor) is ``total``."""

    terms: Terms
    total: int


def withheld(values: Sequence[int], equations: Sequence[Equation], least: int) -> frozenset[int]:
    """Indices of the cells that must be withheld.

    Args:
        values: Every cell, not negative.
        equations: Sums that hold between them and published totals.
        least: Cells below this are withheld, and none of them may be known more narrowly than this, as far as
            withholding everything could prevent that. Others are withheld only to protect them.
    """
    small = [place for place, value in enumerate(values) if value < least]
    hidden = set(small)
    everything = set(range(len(values)))
    widest: dict[int, float] = {}

    def too_narrow(place: int) -> bool:
        width = _width(place, values, equations, hidden)
        if width >= least - TOLERANCE:
            return False
        if place not in widest:
            widest[place] = _width(place, values, equations, everything)
        return width < widest[place] - TOLERANCE

    while True:
        shown = everything - hidden
        weak = next((place for place in small if too_narrow(place)), None) if shown else None
        if weak is None:
            return frozenset(hidden)
        hidden.add(min(shown, key=lambda place: (not _related(place, weak, equations), values[place], place)))


def _related(one: int, other: int, equations: Sequence[Equation]) -> bool:
    return any({one, other} <= {place for place, _ in equation.terms} for equation in equations)


def _width(place: int, values: Sequence[int], equations: Sequence[Equation], hidden: set[int]) -> float:
    low, high = reader_range(place, values, equations, hidden)
    return high - low


def reader_range(
    place: int, values: Sequence[int], equations: Sequence[Equation], hidden: set[int] | frozenset[int]
) -> tuple[float, float]:
    """Between what a reader of the published cells can work out that a withheld one lies."""
    order = sorted(hidden)
    column = {cell: number for number, cell in enumerate(order)}
    rows, totals = [], []
    for equation in equations:
        row = np.zeros(len(order))
        total = float(equation.total)
        for cell, factor in equation.terms:
            if cell in column:
                row[column[cell]] = factor
            else:
                total -= factor * values[cell]
        if row.any():
            rows.append(row)
            totals.append(total)
    aim = np.zeros(len(order))
    aim[column[place]] = 1.0
    known: dict[str, Any] = {"A_eq": np.array(rows), "b_eq": np.array(totals)} if rows else {}
    from scipy.optimize import linprog  # half a second to load, which the alert desk's start need not wait for

    low = linprog(aim, **known, method="highs")
    high = linprog(-aim, **known, method="highs")
    return (float(low.fun) if low.success else 0.0, float(-high.fun) if high.success else float("inf"))


def one_way(counts: Mapping[str, int], least: int, *, join: bool = False) -> dict[str, Any]:
    """A table of one column under a published total, in which cells below ``least`` are withheld.

    With ``join`` withheld rows lose their names too, where the name alone would tell something.
    """
    names = list(counts)
    values = [counts[name] for name in names]
    terms = tuple((place, 1) for place in range(len(names)))
    hidden = withheld(values, [Equation(terms, sum(values))], least)
    rows = {name: _cell(counts[name], place in hidden) for place, name in enumerate(names)}
    if join and hidden:
        rows = {name: cell for name, cell in rows.items() if cell["count"] is not None}
        rows[WITHHELD] = _cell(0, True)
    return {"total": sum(values), "rows": rows}


def two_way(counts: Mapping[str, tuple[int, int]], least: int) -> dict[str, dict[str, Any]]:
    """A table of two columns whose column totals are published: (some, all) of each row.

    Returns:
        For each row the cells ``part`` and ``all``. That ``all`` less ``part`` is small is hidden as well.
    """
    names = list(counts)
    values: list[int] = []
    equations: list[Equation] = []
    for number, name in enumerate(names):
        part, total = counts[name]
        values += [part, total - part, total]
        base = 3 * number
        equations.append(Equation(((base, 1), (base + 1, 1), (base + 2, -1)), 0))
    for column in range(3):
        terms = tuple((3 * number + column, 1) for number in range(len(names)))
        equations.append(Equation(terms, sum(values[place] for place, _ in terms)))
    hidden = withheld(values, equations, least)
    return {
        name: {
            "part": _cell(values[3 * number], 3 * number in hidden),
            "rest": _cell(values[3 * number + 1], 3 * number + 1 in hidden),
            "all": _cell(values[3 * number + 2], 3 * number + 2 in hidden),
        }
        for number, name in enumerate(names)
    }


def _cell(value: int, hidden: bool) -> dict[str, Any]:
    return {"count": None, "suppressed": True} if hidden else {"count": value}
