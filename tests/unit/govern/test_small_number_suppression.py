"""Nobody can work out a small number: held against somebody who tries every table there could be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.govern.small_number_suppression import Equation, one_way, reader_range, two_way, withheld

LEAST = 5


def possible(table: dict[str, int | None], total: int) -> list[tuple[int, ...]]:
    """Every set of cells that fits what was published."""
    cells = list(table.values())
    open_cells = [place for place, value in enumerate(cells) if value is None]
    rest = total - sum(value for value in cells if value is not None)
    found = []
    for guess in itertools.product(range(rest + 1), repeat=max(0, len(open_cells) - 1)):
        last = rest - sum(guess)
        if open_cells and last >= 0:
            values = list(cells)
            for place, value in zip(open_cells, (*guess, last), strict=True):
                values[place] = value
            found.append(tuple(int(value or 0) for value in values))
    return found


@settings(deadline=None, max_examples=60)
@given(cells=st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_a_small_cell_stays_unknown_whatever_is_tried(cells: list[int]) -> None:
    counts = {f"c{number}": value for number, value in enumerate(cells)}
    table = one_way(counts, LEAST)
    shown = {name: cell["count"] for name, cell in table["rows"].items()}
    total = sum(cells)
    for place, (name, value) in enumerate(counts.items()):
        if shown[name] is not None:
            assert shown[name] == value >= LEAST
            continue
        guesses = {guess[place] for guess in possible(shown, total)}
        if value < LEAST and len(cells) > 1:
            assert max(guesses) - min(guesses) >= min(LEAST, total)


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=2, max_size=3))
def test_a_small_cell_of_two_columns_stays_unknown(rows: list[tuple[int, int]]) -> None:
    counts = {f"r{number}": (part, part + rest) for number, (part, rest) in enumerate(rows)}
    table = two_way(counts, LEAST)
    parts, rests = sum(part for part, _ in rows), sum(rest for _, rest in rows)
    fitting = []
    for guess_parts in itertools.product(range(parts + 1), repeat=len(rows) - 1):
        for guess_rests in itertools.product(range(rests + 1), repeat=len(rows) - 1):
            whole = [
                *zip((*guess_parts, parts - sum(guess_parts)), (*guess_rests, rests - sum(guess_rests)), strict=True)
            ]
            if min(min(pair) for pair in whole) >= 0 and fits(whole, table):
                fitting.append(whole)
    assert [tuple(row) for row in rows] in [[tuple(pair) for pair in whole] for whole in fitting]
    for number in range(len(rows)):
        for name, read in (("part", lambda pair: pair[0]), ("rest", lambda pair: pair[1]), ("all", sum)):
            value = read(rows[number])
            cell = table[f"r{number}"][name]
            if value >= LEAST:
                continue
            assert cell["count"] is None
            guesses = {read(whole[number]) for whole in fitting}
            unbounded = {"part": parts, "rest": rests, "all": parts + rests}[name]
            assert max(guesses) - min(guesses) >= min(LEAST, unbounded)


def fits(whole: list[tuple[int, int]], table: dict[str, dict[str, dict[str, int | None]]]) -> bool:
    for number, (part, rest) in enumerate(whole):
        cells = table[f"r{number}"]
        for name, value in (("part", part), ("rest", rest), ("all", part + rest)):
            if cells[name]["count"] is not None and cells[name]["count"] != value:
                return False
    return True


def test_one_small_cell_takes_another_with_it() -> None:
    rows = one_way({"a": 40, "b": 9, "c": 2}, LEAST)["rows"]
    assert rows["a"] == {"count": 40}
    assert rows["b"] == rows["c"] == {"count": None, "suppressed": True}


def test_nothing_small_nothing_withheld() -> None:
    assert one_way({"a": 40, "b": 9}, LEAST)["rows"] == {"a": {"count": 40}, "b": {"count": 9}}
    assert one_way({}, LEAST) == {"total": 0, "rows": {}}


def test_many_zeros_cannot_be_told_by_their_sum() -> None:
    rows = one_way({"a": 40, "b": 0, "c": 0, "d": 30}, LEAST)["rows"]
    assert rows["a"]["count"] == 40
    assert rows["d"]["count"] is None


def test_names_that_tell_too_much_are_joined() -> None:
    rows = one_way({"theft": 12, "arson": 1, "assault": 9}, LEAST, join=True)["rows"]
    assert set(rows) == {"theft", "withheld"}


def test_what_a_reader_can_work_out() -> None:
    equations = [Equation(((0, 1), (1, 1), (2, 1)), 20)]
    assert reader_range(0, [3, 7, 10], equations, {0}) == pytest.approx((3, 3))
    assert reader_range(0, [3, 7, 10], equations, {0, 1}) == pytest.approx((0, 10))
    assert withheld([3, 7, 10], equations, LEAST) == frozenset({0, 1})
