from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lfr_ray.evaluate.evaluation import evaluate
from lfr_ray.evaluate.groups import read_groups
from lfr_ray.report.evaluation import html_report, percent

VOID = {"meta", "br", "circle", "line", "polyline", "polygon", "img", "link", "input"}


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

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(make_samples):
    samples = make_samples([5] * 30 + [2] * 40, noise=1.1, failed={0: "no_face"}, gate={9: "blurred"})
    rows = "".join(f"{name},<b>{number % 2}</b>\n" for number, name in enumerate(samples.names))
    evaluation = evaluate(samples, "model_x", "finder_y", groups=read_groups("identity,side\n" + rows, samples.names))
    return evaluation, html_report(evaluation, written_at="1 May 2026")


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
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_figures_on_the_page_are_those_measured(page):
    evaluation, text = page
    words = " ".join(read(text).words)
    for point in (*evaluation.all_pictures.verification, *evaluation.all_pictures.identification):
        assert percent(point.rate.value) in words
        assert f"{point.threshold:.4f}" in words
    assert f"{evaluation.pairs.impostor_count:,}" in words
    assert len(re.findall("<svg", text)) >= 8


def test_no_name_and_no_markup_from_outside(page):
    _, text = page
    assert "person_" not in text
    assert "<b>0</b>" not in text, "group names are escaped"
    assert "&lt;b&gt;0&lt;/b&gt;" in text


def test_too_few_data_are_said_so(make_samples):
    text = html_report(evaluate(make_samples([2, 2]), "m", "d"), written_at="now")
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
