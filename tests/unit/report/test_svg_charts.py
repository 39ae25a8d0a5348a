from __future__ import annotations

from xml.etree import ElementTree

import pytest

from lfr_ray.report.svg_charts import (
    HEIGHT_PX,
    LEFT_PX,
    RARITIES,
    RIGHT_PX,
    SHARES,
    WIDTH_PX,
    Axis,
    Plot,
    Row,
    bars,
    dots,
    whisker,
)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<root>{svg}</root>")  # made here, not read from anywhere


def test_axes_place_values():
    linear, log = Axis("", 0.0, 2.0), Axis("", 1e-4, 1.0, log=True)
    assert [linear.share(value) for value in (-1, 0, 1, 2, 3)] == [0, 0, 0.5, 1, 1]
    assert log.share(1e-2) == pytest.approx(0.5)
    assert log.share(0.0) == 0.0


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis("", 0.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Axis("", 0.9, 1.0), [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]),
        (Axis("", 1e-3, 1.0, log=True), [1e-3, 1e-2, 1e-1, 1]),
        (Axis("", 1e-9, 1e-1, log=True), [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]),
    ],
)
def test_ticks_are_round_and_inside(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)


def test_ticks_are_written_for_people():
    assert Axis("", 0, 1, form="percent").written(0.25) == "25 %"
    assert Axis("", 1e-6, 1, log=True).written(1e-5) == "10\u207b\u2075"
    assert RARITIES.written(1e-5) == "1 in 100\u202f000"
    assert Axis("", 0, 1).written(0.30000000000000004) == "0.3"


def test_a_chart_is_well_formed_and_says_what_it_shows():
    chart = Plot("Misses <over> 'time'", Axis("x & y", 0, 1), Axis("up", 0, 1))
    chart.band([(0, 0.1, 0.2), (1, 0.3, 0.5)], "plain", "95 % <interval>")
    chart.line([(0, 0.15), (1, 0.4)], "plain", "measured")
    chart.steps([(0, 0.9), (0.5, 0.3), (1, 0.1)], "good")
    chart.dots([(0.5, 0.5)], "good")
    chart.upright(0.5, "here")
    chart.upright(7.0, "outside")
    chart.level(0.5, "there")
    root = parsed(chart.svg())
    svg = root.find("svg")
    assert svg.get("aria-label") == "Misses <over> 'time'"
    assert len(svg.findall("polyline")) == 2
    assert len(svg.findall("polygon")) == 1
    texts = [text.text for text in svg.iter("text")]
    assert "here" in texts
    assert "there" in texts
    assert "outside" not in texts
    assert "".join(root.find("div").itertext()) == "95 % <interval>measured"


def test_points_lie_where_their_values_are():
    chart = Plot("", Axis("", 0, 1), Axis("", 0, 1))
    chart.dots([(0.0, 0.0), (1.0, 1.0)], "plain")
    first, last = parsed(chart.svg()).iter("circle")
    assert float(first.get("cx")) == LEFT_PX
    assert float(last.get("cx")) == WIDTH_PX - RIGHT_PX
    assert float(first.get("cy")) > float(last.get("cy"))
    assert float(first.get("cy")) < HEIGHT_PX


def test_a_whisker_shows_its_interval_or_nothing():
    reach = parsed(whisker(0.5, 0.25, 0.75, "half")).find("svg").findall("line")[1]
    assert float(reach.get("x1")) < float(reach.get("x2"))
    assert whisker(None, None, None, "") == ""
    assert whisker(0.5, None, None, "") == ""


def test_a_line_in_steps_keeps_each_value_until_the_next():
    chart = Plot("", Axis("", 0, 1), Axis("", 0, 1))
    chart.steps([(0.0, 1.0), (0.5, 0.0), (1.0, 0.0)], "plain")
    corners = [
        tuple(map(float, one.split(","))) for one in parsed(chart.svg()).find(".//polyline").get("points").split()
    ]
    assert [x for x, _ in corners] == [LEFT_PX, *[(LEFT_PX + WIDTH_PX - RIGHT_PX) / 2] * 2, *[WIDTH_PX - RIGHT_PX] * 2]
    assert corners[0][1] == corners[1][1] < corners[2][1] == corners[4][1]


def test_bars_start_at_zero_and_withheld_ones_have_an_empty_frame():
    svg = parsed(
        bars("out<comes>", [Row("a & b", "8", 8.0), Row("c", "4", 4.0), Row("d", "withheld", None, withheld=True)])
    )
    long, half, frame = svg.iter("rect")
    assert float(long.get("width")) == 2 * float(half.get("width"))
    assert frame.get("class") == "withheld"
    assert [text.text for text in svg.iter("text")] == ["a & b", "8", "c", "4", "d", "withheld"]


def test_dots_lie_between_the_ends_of_their_intervals():
    rows = [Row("one", "30 %", 0.3, 0.2, 0.5), Row("none", "none counted", None)]
    svg = parsed(dots("shares", rows, SHARES, (0.5, "ceiling <half>")))
    (at,) = svg.iter("circle")
    reach = svg.findall(".//line[@class='reach plain']")
    assert float(reach[0].get("x1")) < float(at.get("cx")) < float(reach[0].get("x2"))
    assert svg.find(".//line[@class='ceiling']").get("x1") == reach[2].get("x1"), (
        "the ceiling lies where the interval ends"
    )
    assert "ceiling <half>" in [text.text for text in svg.iter("text")]
