from __future__ import annotations

from xml.etree import ElementTree

import pytest

from lfr_ray.report.charts import HEIGHT_PX, LEFT_PX, RIGHT_PX, WIDTH_PX, Axis, Chart, whisker


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
    assert Axis("", 0, 1, percent=True).written(0.25) == "25 %"
    assert "-5</tspan>" in Axis("", 1e-6, 1, log=True).written(1e-5)
    assert Axis("", 0, 1).written(0.30000000000000004) == "0.3"


def test_a_chart_is_well_formed_and_says_what_it_shows():
    chart = Chart("Misses <over> 'time'", Axis("x & y", 0, 1), Axis("up", 0, 1))
    chart.band([(0, 0.1, 0.2), (1, 0.3, 0.5)], "one", "95 % <interval>")
    chart.line([(0, 0.15), (1, 0.4)], "one", "measured")
    chart.steps([(0, 0.9), (0.5, 0.3), (1, 0.1)], "two")
    chart.dots([(0.5, 0.5)], "two")
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
    chart = Chart("", Axis("", 0, 1), Axis("", 0, 1))
    chart.dots([(0.0, 0.0), (1.0, 1.0)], "one")
    first, last = parsed(chart.svg()).iter("circle")
    assert float(first.get("cx")) == LEFT_PX
    assert float(last.get("cx")) == WIDTH_PX - RIGHT_PX
    assert float(first.get("cy")) > float(last.get("cy"))
    assert float(first.get("cy")) < HEIGHT_PX


def test_a_whisker_shows_its_interval_or_nothing():
    axis = Axis("", 0, 1)
    reach = parsed(whisker(0.5, 0.25, 0.75, axis, "half")).find("svg").findall("line")[1]
    assert float(reach.get("x1")) < float(reach.get("x2"))
    assert whisker(None, None, None, axis, "") == ""
    assert whisker(0.5, None, None, axis, "") == ""
