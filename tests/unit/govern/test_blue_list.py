"""Volunteers' walks and alerts: who was recognised where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.errors import ConfigError
from lfr_ray.govern.alert_ledger_events import AlertFact
from lfr_ray.govern.blue_list import Walk, measure, read_walks


def seen(alert_id: str, entry_id: str, camera: str, captured_at: float) -> AlertFact:
    """An alert for a volunteer."""
    return AlertFact(alert_id, entry_id, "blue-list", camera, "d1", captured_at, captured_at)


def walks_of(group: str, hits: int, of: int, camera: str = "pier") -> tuple[list[Walk], list[AlertFact]]:
    walks = [Walk(f"{group}-{number}", camera, 100.0, 110.0, group) for number in range(of)]
    return walks, [seen(f"a-{walk.entry_id}", walk.entry_id, camera, 105.0) for walk in walks[:hits]]


def test_rates_by_camera_and_by_declared_group() -> None:
    one, one_alerts = walks_of("A", 18, 20)
    other, other_alerts = walks_of("B", 9, 20, "gate")
    report = measure(one + other, one_alerts + other_alerts)
    assert (report.overall.count, report.overall.of) == (27, 40)
    assert (report.by_camera["pier"].count, report.by_camera["gate"].count) == (18, 9)
    assert report.by_group["A"].value == 0.9
    assert report.by_group["A"].low < 0.9 < report.by_group["A"].high
    assert all(one.alarming for one in report.disparities)
    assert report.document()["by_group"]["B"]["of"] == 20


def test_an_even_system_raises_no_alarm() -> None:
    one, one_alerts = walks_of("A", 16, 20)
    other, other_alerts = walks_of("B", 15, 20)
    assert not any(one.alarming for one in measure(one + other, one_alerts + other_alerts).disparities)


def test_one_alert_serves_one_walk_and_repeats_are_not_stray() -> None:
    walks = [Walk("v1", "pier", 0.0, 10.0), Walk("v1", "pier", 100.0, 110.0)]
    alerts = [seen("a1", "v1", "pier", 5.0), seen("a2", "v1", "pier", 8.0)]
    report = measure(walks, alerts)
    assert report.overall.count == 1
    assert report.stray == ()


def test_an_alert_without_a_walk_is_somebody_else() -> None:
    report = measure([Walk("v1", "pier", 0.0, 10.0)], [seen("a1", "v1", "gate", 5.0)])
    assert report.overall.count == 0
    assert report.stray == ("a1",)


def test_nobody_walked() -> None:
    report = measure([], [])
    assert report.overall.value is None
    assert report.disparities == ()


@given(
    hits=st.lists(st.booleans(), max_size=30),
    covered=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_the_parts_add_up(hits: list[bool], covered: list[bool]) -> None:
    walks = [
        Walk(f"v{number}", f"c{number % 3}", 0.0, 1.0, "AB"[number % 2], covered[number]) for number in range(len(hits))
    ]
    alerts = [seen(f"a{number}", f"v{number}", f"c{number % 3}", 0.5) for number, hit in enumerate(hits) if hit]
    report = measure(walks, alerts)
    assert report.overall.count == sum(hits)
    for table in (report.by_camera, report.by_group, report.by_cover):
        assert sum(one.count for one in table.values()) == sum(hits)
        assert sum(one.of for one in table.values()) == len(hits)


def test_the_register_of_walks(tmp_path: Path) -> None:
    path = tmp_path / "walks.csv"
    path.write_text(
        "entry_id,camera,from,to,covered\nv1,pier,2026-08-28T10:00:00Z,2026-08-28T10:00:20Z,yes\n"
        "v2,gate,2026-08-28T10:00:00Z,2026-08-28T10:00:20Z,\n"
    )
    first, second = read_walks(path, {"v1": "A"})
    assert (first.group, first.covered, first.to_at - first.from_at) == ("A", True, 20.0)
    assert (second.group, second.covered) == ("", False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("entry_id,camera\n", "from, to"),
        ("entry_id,camera,from,to\nv1,pier,yesterday,today\n", "line 2"),
        ("entry_id,camera,from,to\n,pier,2026-01-01,2026-01-02\n", "line 2"),
        ("entry_id,camera,from,to\nv1,pier,2026-01-02,2026-01-01\n", "from before to"),
        ("", "lacks columns"),
    ],
)
def test_a_wrong_register_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "walks.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_walks(path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        read_walks(tmp_path / "none.csv", {})
