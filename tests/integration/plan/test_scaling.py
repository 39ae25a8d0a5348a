"""Serve's part of a site file: replicas come when frames are not looked at, and go when there are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from benchmarks.soak import CAMERAS, TITLES, film
from lfr_ray.plan.serve_config import BY_FRAMES_MISSED
from lfr_ray.strict_yaml import load_yaml
from tests.processes import command, eventually, free_port, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

SOON_S = 240.0


def test_replicas_come_with_the_frames_and_go_with_them(tmp_path: Path, repository: Path) -> None:
    document = load_yaml(repository / "serve_configs" / "local.yaml")
    document["http_options"]["port"] = free_port()
    (scene, first), *_ = CAMERAS.items()
    recording = tmp_path / "recording.mp4"
    film(recording, scene, first)
    application = document["applications"][0]
    application["args"] |= {
        "site": "scaled",
        "data_dir": str(tmp_path / "data"),
        "frames_in_flight": 2,
        "resources_wait_s": 240.0,  # a machine that does many other things at once
        # It wants 10 frames a second, and one replica waits for 3.
        "cameras": [{"name": name, "url": str(recording), "on_end": "loop"} for name in ("one", "other")],
        "detector": {"model": "simulated-detector-300", "cpus": 0.1, "streams": 1},
        "embedder": {"cpus": 0.1},
        "watchlist": "",
    }
    # So many requests are never in flight: the frames that are missed ask for the second replica.
    scaling = {"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 100}
    scaling["policy"] = {"policy_function": BY_FRAMES_MISSED}
    scaling |= {"upscale_delay_s": 1, "downscale_delay_s": 3, "look_back_period_s": 3, "metrics_interval_s": 1}
    application["deployments"] = [{"name": "detector", "num_replicas": "auto", "autoscaling_config": scaling}]
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")

    with (
        short_folder() as ray_folder,
        command(tmp_path / "out", "lfr", "run", path, environment={"RAY_TMPDIR": str(ray_folder)}) as site,
    ):

        def replicas() -> int:
            return sum(line.startswith(TITLES["detector"]) for line in site.living().values())

        site.said(r"DEPLOYING after \d+ s: .*detector UPDATING")  # a start is not silent
        site.said(r"console and alerts: http://")
        eventually(lambda: replicas() == 2, SOON_S, replicas)
        os.truncate(recording, 0)  # no more frames
        eventually(lambda: replicas() == 1, SOON_S, replicas)
