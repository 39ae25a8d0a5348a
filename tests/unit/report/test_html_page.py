"""Pages of evaluations: the figures of the document, nobody's name, and nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from lfr_ray.evaluate.evaluation_charts import evaluation_charts
from lfr_ray.evaluate.evaluation_document import evaluation_document
from lfr_ray.evaluate.evaluation_figures import Evaluation, evaluate
from lfr_ray.evaluate.figures_by_group import read_groups
from lfr_ray.evaluate.passages import Recording, passage_figures
from lfr_ray.report.html_page import evaluation_page, passages_page, percent

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Collects words and addresses, and counts unclosed tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def written(evaluation: Evaluation) -> str:
    charts = evaluation_charts(evaluation, (2e-7, "needed"))
    return evaluation_page(evaluation_document(evaluation), charts, written_at="1 May 2026")


@pytest.fixture(scope="module")
def page(make_samples):
    samples = make_samples([5] * 30 + [2] * 40, noise=1.1, failed={0: "no_face"}, gate={9: "blurred"})
    rows = "".join(f"{name},<b>{number % 2}</b>\n" for number, name in enumerate(samples.names))
    evaluation = evaluate(samples, "model_x", "finder_y", groups=read_groups("identity,side\n" + rows, samples.names))
    return evaluation, written(evaluation)


def read(text: str) -> Page:
    parser = Page()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_the_page_is_whole_and_needs_nothing_else(page):
    _, text = page
    parser = read(text)
    assert "<script" not in text
    assert not [value for name, value in parser.attributes if name in ("src", "href", "xlink:href")]
    assert re.search(r"https?:", text) is None
    assert "@import" not in text
    assert "url(" not in text


def test_the_figures_on_the_page_are_those_measured(page):
    evaluation, text = page
    words = " ".join(read(text).words)
    for point in (*evaluation.all_pictures.verification, *evaluation.all_pictures.identification):
        assert percent(point.rate.value) in words
        assert f"{point.threshold:.4f}" in words
    assert f"{evaluation.pairs.impostor_count:,}".replace(",", "\u202f") in words
    assert len(re.findall("<svg", text)) >= 8


def test_no_name_and_no_markup_from_outside(page):
    _, text = page
    assert "person_" not in text
    assert "<b>0</b>" not in text, "group names are escaped"
    assert "&lt;b&gt;0&lt;/b&gt;" in text


def test_too_few_data_are_said_so(make_samples):
    text = written(evaluate(make_samples([2, 2]), "m", "d"))
    read(text)
    assert "too few data for this rate" in text


def test_percentages_for_people():
    assert [percent(value) for value in (0.0, 0.5, 0.0123, 0.00045, None)] == [
        "0.0 %",
        "50.0 %",
        "1.2 %",
        "0.045 %",
        "not measured",
    ]


def document(**alert: Any) -> dict[str, Any]:
    recordings = [Recording("pier.mp4", "pier", 120.0, 40, 25), Recording("gate.mp4", "gate", 60.0, 10, 5)]
    truth = {"pier.mp4": ("Ada_Example", "Ben_Example"), "gate.mp4": ("unknown",)}
    alerts = [
        {"camera": "pier", "entry_id": "Ada_Example", "time_s": 3.5, "similarity": 0.97, "threshold": 0.96},
        {"camera": "gate", "entry_id": "Ben_Example", "time_s": 7.25, "similarity": 0.965, "threshold": 0.96},
    ]
    figures = passage_figures(recordings, alerts, truth, frozenset({"Ada_Example", "Ben_Example"}))
    return {
        "model": "m<1>",
        "detector": "d1",
        "false_alerts_per_10k_faces": None,
        "watchlist": {"entries": 500},
        "recordings": 2,
        **figures,
    } | alert


def test_passages_hold_the_figures() -> None:
    text = passages_page(document(), written_at="2026-11-22 08:00 UTC")
    assert "1 of 2 found" in text
    assert "after 3.5 s of the recording" in text
    assert "missed" in text
    assert '<td class="n">7.2 s</td>' in text
    assert "20.00" in text, "one false alert in three minutes is twenty an hour"
    assert "2026-11-22 08:00 UTC" in text


def test_passages_hold_no_name_and_nothing_from_elsewhere() -> None:
    text = passages_page(document(), written_at="now")
    for name in ("Ada", "Ben_", "pier", "gate.mp4"):
        assert name not in text
    assert "m&lt;1&gt;" in text
    assert re.search(r"(src|href)=|<script|url\(", text) is None


@pytest.mark.parametrize("asked", [None, 1.0])
def test_passages_without_anybody_listed_only_false_alerts_are_told(asked: float | None) -> None:
    figures = passage_figures([Recording("a.mp4", "a", 60.0, 3, 0)], [], {"a.mp4": ("unknown",)}, frozenset())
    known = document() | figures | {"false_alerts_per_10k_faces": asked}
    text = passages_page(known, written_at="now")
    assert "None: only false alerts could be counted" in text
    assert "not measured" in text
    assert ("1 false alerts in 10,000" in text) == (asked == 1.0)
