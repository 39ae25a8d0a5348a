"""Every figure in the README was measured, and says on what and when."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
FIELDS: dict[str, Any] = {
    "name": str,
    "question": str,
    "figures": dict,
    "target": str | dict,
    "met": bool,
    "machine": str | dict,
    "date": str,
    "versions": dict,
}


def numbers(value: Any) -> list[float]:
    """Every number in a tree."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, dict):
        value = list(value.values())
    return [one for inner in value for one in numbers(inner)] if isinstance(value, list) else []


def faults(document: Any, name: str) -> list[str]:
    """What is wrong with one result, in words."""
    if not isinstance(document, dict):
        return ["it is not an object"]
    found = [f"{field} is missing" for field in FIELDS if field not in document]
    found = found or [
        f"{field} has the wrong type" for field, kind in FIELDS.items() if not isinstance(document[field], kind)
    ]
    return found or [
        fault
        for fault, holds in {
            f"name is not {name}": document["name"] == name,
            "question is no question": document["question"].rstrip().endswith("?"),
            "figures has no number": bool(numbers(document["figures"])),
            "target, machine or versions is empty": all(document[one] for one in ("target", "machine", "versions")),
            "date is no date": bool(re.match(r"20[2-9]\d-[01]\d-[0-3]\d", document["date"])),
        }.items()
        if not holds
    ]


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_is_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert faults(json.loads(text), path.stem) == []
    assert re.search(r"(?<![\w.])/(?:home|root|tmp|Users)/", text) is None, "no folder of somebody's machine"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_has_its_program(path: Path) -> None:
    programs = {program.stem for program in (ROOT / "benchmarks").glob("*.py")}
    assert any(path.stem == program or path.stem.startswith(program) for program in programs)


def rows(page: str, heading: str) -> list[str]:
    """The rows of the table below a heading of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    below = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in below.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_has_a_row_in_the_table(path: Path) -> None:
    mine = [line for line in rows("benchmarks/README.md", "Results") if f"`{path.stem}`" in line]
    assert len(mine) == 1, "exactly one row names the result"
    met = json.loads(path.read_text(encoding="utf-8"))["met"]
    assert ("not met" in mine[0]) != met, "the row says whether the target was met"


def is_measured(text: str, measured: list[float]) -> bool:
    """Whether a number as it is written is one of those measured, to the digits that are written."""
    digits = len(text.partition(".")[2])
    return any(round(one * scale, digits) == float(text) for one in measured for scale in (1, 100))


@pytest.mark.parametrize("row", rows("README.md", "Figures"), ids=lambda row: row.split("|")[3].strip())
def test_the_first_page_s_figures_are_those_of_the_results(row: str) -> None:
    _, _, figure, result, _ = row.split("|")
    path = ROOT / "benchmarks" / "results" / f"{result.strip().strip('`')}.json"
    measured = numbers(json.loads(path.read_text(encoding="utf-8"))["figures"])
    written = re.findall(r"\d+(?:\.\d+)?", figure.replace(",", ""))
    assert written, "a row without a number"
    assert [one for one in written if not is_measured(one, measured)] == []


def test_the_detector_in_eight_bits_is_left_out_for_what_was_measured() -> None:
    (row,) = [line for line in rows("benchmarks/README.md", "Results") if "`int8`" in line]
    result = json.loads((ROOT / "benchmarks" / "results" / "int8.json").read_text(encoding="utf-8"))
    figures = re.sub(r"faces from 20 px|\d+x\d+", "", row.split("|")[2])
    written = re.findall(r"(?<![a-z\d])\d+(?:\.\d+)?", figures)
    assert len(written) >= 9
    assert [one for one in written if not is_measured(one, numbers(result["figures"]))] == []
    assert result["met"] is False, "it finds as many faces: keep it, and say so"


def test_a_figure_that_was_not_measured_is_noticed() -> None:
    assert is_measured("7.3", [7.3125])
    assert is_measured("80", [0.8012])
    assert not is_measured("7.4", [7.3125])


WHOLE = {
    "name": "embedder",
    "question": "How many faces a second?",
    "figures": {"ratio": 31.6},
    "target": "at least 20",
    "met": True,
    "machine": "2 cores",
    "date": "2026-11-21",
    "versions": {"torch": "2.15.0"},
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_result_without_a_field_is_refused(field: str) -> None:
    assert faults(WHOLE, "embedder") == []
    assert faults({name: value for name, value in WHOLE.items() if name != field}, "embedder") == [
        f"{field} is missing"
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("figures", {"ratio": "fast"}), ("date", "soon"), ("question", "Fast."), ("met", "yes"), ("name", "other")],
)
def test_a_result_that_says_nothing_is_refused(field: str, value: object) -> None:
    assert faults({**WHOLE, field: value}, "embedder") != []
