"""Cameras are spread over the nodes of a cluster, so that a node's loss takes few; a wrong clock is named."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.integration.actors.conftest import SOON_S
from tests.processes import command, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

NODES, CAMERAS, AHEAD_S = 3, 6, 120
OTHERWISE = f"""
import sys, time
if any(word.endswith("default_worker.py") for word in sys.orig_argv):
    import lfr_ray
    now = time.time
    time.time = lambda: now() + {AHEAD_S}
    lfr_ray.__version__ = "0.0.1"
"""
"""What Ray's workers on the third node run first."""

CLIENT = f"""
import json, os, signal, sys, time
from pathlib import Path
import numpy as np
import ray
from lfr_ray.actors.start_or_join_ray import join, several_nodes
from lfr_ray.actors.node_checks import check_nodes
from lfr_ray.actors.launch_actors import camera_actor, matcher_actor
from lfr_ray.actors.node_leftover_scan import search_nodes
from lfr_ray.actors.ray_private import row_of
from lfr_ray.actors.remote_matcher_and_models import CameraCalls
from lfr_ray.actors.health_watch import SiteWatch
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError
from lfr_ray.govern.erasure_fingerprints import ScanKey, fingerprints_of
from lfr_ray.govern.leftover_scan import Scanner
from tests.processes import ray_node

folder = Path(sys.argv[1])
(folder / "sitecustomize.py").write_text({OTHERWISE!r})
settings = {{"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}}
with several_nodes({NODES - 1}, 4.0) as address:
    words = ["ray", "start", f"--address={{address}}", "--num-cpus=4", "--block"]
    words += ["--disable-usage-stats", "--object-store-memory=100000000"]
    words += ['--resources={{"far": 1, "network:pier": 1}}']
    with ray_node(folder / "third", *words, environment=settings) as node:
        join(address)
        rows = enumerate(["pier", "pier", *[""] * ({CAMERAS} - 2)])
        cameras = [{{"name": f"c{{at}}", "url": "simulated:fps=1", "network": one}} for at, one in rows]
        site = SiteConfig(site="spread", authority={{"kind": "test"}}, cameras=cameras, data_dir=folder / "data")
        for one in [camera_actor(site, camera).ask(CameraCalls.ready) for camera in site.cameras]:
            one.wait()
        matcher_actor(site)
        watch = SiteWatch(site, "lfr").start()
        while not (watch.matcher.heard.said and all(one.heard.said for one in watch.cameras.values())):
            time.sleep(0.1)
        places = {{name: row_of(one.actor)["Address"]["NodeID"] for name, one in watch.cameras.items()}}
        found = watch.health().cameras
        watch.stop()
        try:
            check_nodes(site)
        except ConfigError as error:
            print("refused", " ".join(str(error).split()), flush=True)
        destroyed = np.random.default_rng(7).bytes(200_000)
        scanner = Scanner(key := ScanKey.create(), {{"d1": fingerprints_of(key, [destroyed])}})
        far = ray.remote(lambda: np.random.default_rng(7).bytes(200_000)).options(resources={{"far": 1}})
        kept = far.remote()
        ray.wait([kept], fetch_local=False)
        reports, left_out = search_nodes(scanner)
        print("searched", json.dumps([sorted(len(one.findings) for one in reports), left_out]), flush=True)
        processes = Path(f"/proc/{{node.pid}}/task/{{node.pid}}/children").read_text().split()
        (raylet,) = (pid for pid in processes if Path(f"/proc/{{pid}}/comm").read_text().strip() == "raylet")
        os.kill(int(raylet), signal.SIGSTOP)
        reports, left_out = search_nodes(scanner, 10.0)
        os.kill(int(raylet), signal.SIGCONT)
        print("frozen", json.dumps(left_out), flush=True)
        said = [(places[name], one.clock_ahead_s, one.warning) for name, one in found.items()]
        print("placed", json.dumps(said), flush=True)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the client said of a cluster whose third node has another version of the software, and another time."""
    folder = tmp_path_factory.mktemp("spread")
    with short_folder() as ray_folder:
        words = ("python", "-W", "ignore", "-c", CLIENT, folder)
        with command(folder / "out", *words, environment={"RAY_TMPDIR": str(ray_folder)}) as done:
            assert done.wait(SOON_S * 2) == 0, done.stderr[-3000:]
            assert not done.left()
            return done.stdout


@pytest.fixture(scope="module")
def placed(said: str) -> list[Any]:
    """Of each camera its node, by how much that one's clock is ahead, and what the site says of it."""
    found: list[Any] = json.loads(said.rpartition("placed ")[2])
    return found


def test_each_of_three_nodes_has_its_cameras(placed: list[Any]) -> None:
    counted = Counter(node for node, _, _ in placed).values()
    assert len(counted) == NODES
    assert sum(counted) == CAMERAS
    assert max(counted) <= CAMERAS // NODES + 1


def test_cameras_run_where_their_network_is(placed: list[Any]) -> None:
    assert [ahead_s > 1 for _, ahead_s, _ in placed[:2]] == [True, True], "on the third node, spread or not"


def test_a_node_with_another_version_is_refused_by_name(said: str) -> None:
    (refused,) = (line for line in said.splitlines() if line.startswith("refused "))
    assert "lfr_ray 0.0.1" in refused
    assert refused.count("node ") == 2, "the sentence's own, and the one node"


def test_a_node_whose_clock_is_two_minutes_ahead_is_named(placed: list[Any]) -> None:
    wrong = {node for node, ahead_s, _ in placed if ahead_s > 1}
    assert len(wrong) == 1, placed
    for node, ahead_s, warning in placed:
        assert ahead_s == pytest.approx(AHEAD_S if node in wrong else 0.0, abs=1.0)
        assert ("120 s ahead of the matcher's" in warning) == (node in wrong)


def test_what_is_to_be_gone_is_looked_for_in_the_memory_of_every_node(said: str) -> None:
    (searched,) = (json.loads(line[9:]) for line in said.splitlines() if line.startswith("searched "))
    assert searched == [[0, 0, 1], []], "it lies on the third node alone"
    (left_out,) = (json.loads(line[7:]) for line in said.splitlines() if line.startswith("frozen "))
    assert left_out
    assert all("was not searched: no answer" in one for one in left_out)
