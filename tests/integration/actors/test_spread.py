"""Cameras are spread over the nodes of a cluster, so that a node's loss takes few of them with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.actors.conftest import SOON_S
from tests.processes import command, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

NODES, CAMERAS = 3, 6

CLIENT = f"""
import json
from collections import Counter
from ray._private.state import state
from lfr_ray.actors.cluster import join, several_nodes
from lfr_ray.actors.launch import camera_actor
from lfr_ray.actors.stages import CameraCalls
from lfr_ray.config import SiteConfig

with several_nodes({NODES}, 4.0) as address:
    join(address)
    cameras = [{{"name": f"c{{number}}", "url": "simulated:fps=1"}} for number in range({CAMERAS})]
    site = SiteConfig(site="spread", authority={{"kind": "test"}}, cameras=cameras)
    for one in [camera_actor(site, camera).ask(CameraCalls.ready) for camera in site.cameras]:
        one.wait()
    places = [one["Address"]["NodeID"] for one in state.actor_table(None).values() if one["State"] == "ALIVE"]
    print("placed", json.dumps(sorted(Counter(places).values())))
"""


def test_each_of_three_nodes_has_its_cameras(tmp_path: Path) -> None:
    with short_folder() as ray_folder:
        environment = {"RAY_TMPDIR": str(ray_folder)}
        with command(tmp_path / "out", "python", "-W", "ignore", "-c", CLIENT, environment=environment) as done:
            assert done.wait(SOON_S * 2) == 0, done.stderr[-3000:]
            placed = json.loads(done.stdout.rpartition("placed ")[2])
            assert not done.left()
    assert len(placed) == NODES
    assert sum(placed) == CAMERAS
    assert max(placed) <= CAMERAS // NODES + 1
