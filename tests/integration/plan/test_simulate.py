"""`lfr plan --simulate`: what waiting decides is as it was predicted, with real processes on two nodes in name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.processes import command, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.alone, pytest.mark.timeout(900)]

SLOWER = 16
"""Messages between processes, which no table has, are then short beside what waits, also where two cores do all."""


def test_a_planned_site_does_what_was_predicted(tmp_path: Path, repository: Path) -> None:
    document = yaml.safe_load((repository / "serve_configs" / "local.yaml").read_text(encoding="utf-8"))
    document["applications"][0]["args"] |= {"site": "simulated-pier", "data_dir": str(tmp_path / "never")}
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    words = ["plan", path, "--cameras", 20, "--node-cpus", 8, "--simulate", "--slower", SLOWER, "--seconds", 10]
    with (
        short_folder() as ray_folder,
        command(
            tmp_path / "out",
            "lfr",
            *words,
            "--json",
            tmp_path / "found.json",
            environment={"RAY_TMPDIR": str(ray_folder)},
        ) as done,
    ):
        assert done.wait() == 0, done.stderr[-3000:]
        assert not done.left()
    assert "frames looked at" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["nodes"] == 2
    simulated = found["simulated"]
    assert simulated["cameras_a_process"] > 1
    for name in ("fps", "detectors", "embedders"):
        assert simulated["measured"][name] == pytest.approx(simulated["predicted"][name], rel=0.2), (name, simulated)
    # Longer where the machine does much else; sooner where no two cameras keep step, which is chance.
    for name, least in (("p50_ms", 0.9), ("p95_ms", 0.75)):
        assert least <= simulated["measured"][name] / simulated["predicted"][name] < 1.5, (name, simulated)
    assert not (tmp_path / "never").exists()
