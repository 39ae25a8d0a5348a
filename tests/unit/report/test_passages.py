"""The page of whole passages: every figure of the document, and nobody's name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lfr_ray.evaluate.passages import Recording, passage_document, passage_figures
from lfr_ray.report.passages import passages_report


def document(**alert: Any) -> dict[str, Any]:
    seen = [Recording("pier.mp4", "pier", 120.0, 40, 25), Recording("gate.mp4", "gate", 60.0, 10, 5)]
    truth = {"pier.mp4": ("Ada_Example", "Ben_Example"), "gate.mp4": ("unknown",)}
    alerts = [
        {"camera": "pier", "entry_id": "Ada_Example", "time_s": 3.5, "similarity": 0.97, "threshold": 0.96},
        {"camera": "gate", "entry_id": "Ben_Example", "time_s": 7.25, "similarity": 0.965, "threshold": 0.96},
    ]
    figures = passage_figures(seen, alerts, truth, frozenset({"Ada_Example", "Ben_Example"}))
    return {
        "model": "m<1>",
        "detector": "d1",
        "false_alerts_per_10k_faces": None,
        "watchlist": {"entries": 500},
        "recordings": 2,
        **passage_document(figures),
    } | alert


def test_it_holds_the_figures() -> None:
    page = passages_report(document(), written_at="2026-11-22 08:00 UTC")
    assert "1 of 2 found" in page
    assert "after 3.5 s of the recording" in page
    assert "missed" in page
    assert "<td class='n'>7.2 s</td>" in page or "<td class='n'>7.3 s</td>" in page
    assert "20.00" in page, "one false alert in three minutes is twenty an hour"
    assert "2026-11-22 08:00 UTC" in page


def test_it_holds_no_name_and_nothing_from_elsewhere() -> None:
    page = passages_report(document(), written_at="now")
    for name in ("Ada", "Ben_", "pier", "gate.mp4"):
        assert name not in page
    assert "m&lt;1&gt;" in page
    assert re.search(r"(src|href)=|<script|url\(", page) is None


@pytest.mark.parametrize("asked", [None, 1.0])
def test_without_anybody_listed_only_false_alerts_are_told(asked: float | None) -> None:
    figures = passage_figures([Recording("a.mp4", "a", 60.0, 3, 0)], [], {"a.mp4": ("unknown",)}, frozenset())
    known = document() | passage_document(figures) | {"false_alerts_per_10k_faces": asked}
    page = passages_report(known, written_at="now")
    assert "None: only false alerts could be counted" in page
    assert "not measured" in page
    assert ("1 false alerts in 10,000" in page) == (asked == 1.0)
