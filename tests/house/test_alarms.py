"""Every alarm of cluster/ fires when it should, on series that a site really exports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from lfr_ray.api.prometheus_text import exposition
from lfr_ray.metrics import COUNTERS, GAUGES, TIMINGS, Meter

CLUSTER = Path(__file__).resolve().parents[2] / "cluster"
SERIES = re.compile(r"([a-z_]+)(?:\{(.*)\})?$")


def documents(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CLUSTER / name).read_text(encoding="utf-8"))
    return found


def alarms() -> list[dict[str, Any]]:
    (group,) = documents("alerts.yml")["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def exported() -> dict[str, set[str]]:
    """Every sample that a site exports, and the ends of its buckets."""
    meter = Meter()
    for name in COUNTERS:
        meter.count(name)
    for name in GAUGES:
        meter.gauge(name, 1.0)
    for name in TIMINGS:
        meter.time(name, 0.1)
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(exposition(meter.snapshot()).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).add(sample.labels.get("le", ""))
    return found


def test_each_alarm_is_made_to_fire() -> None:
    tested = {case["name"] for case in documents("alerts_test.yml")["tests"]}
    assert tested == {rule["alert"] for rule in alarms()}
    for case in documents("alerts_test.yml")["tests"]:
        silent, fires = case["promql_expr_test"]
        assert (silent["exp_samples"], fires["exp_samples"]) == ([], [{"value": 1}])
        assert silent["expr"] == fires["expr"]
        assert f'alertname="{case["name"]}"' in fires["expr"]


def test_they_are_tested_with_what_a_site_exports() -> None:
    known = exported()
    for case in documents("alerts_test.yml")["tests"]:
        for one in case["input_series"]:
            found = SERIES.match(one["series"])
            assert found is not None, one
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            assert found[1] in known, one
            assert "le" not in labels or labels["le"] in known[found[1]], one


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool installed (Debian: apt-get install prometheus)"
)
@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_prometheus_itself_says_so(command: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *command], cwd=CLUSTER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
