"""Recordings on a cluster of two nodes: the same people as in one process, and a process that dies costs its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.actors.conftest import EXPECTED, SOON_S
from tests.processes import command, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CLIENT = """
import json
import sys
from pathlib import Path

import ray

from lfr_ray.actors.start_or_join_ray import join, several_nodes
from lfr_ray.actors.footage_pool import ClusterFootage
from lfr_ray.actors.footage_protocol import FootageCalls
from lfr_ray.actors.ray_private import row_of
from lfr_ray.camera.demo_source import DemoSource, write_watchlist
from lfr_ray.camera.recording_files import Recording
from lfr_ray.cli.watch import footage_site
from lfr_ray.config import AuthorityConfig, CameraConfig, MatchConfig
from lfr_ray.enrol.import_folder import enrol_folder
from lfr_ray.models.card_catalogue import FALLBACK_EMBEDDER
from lfr_ray.retrospective_run import FootageRun
from lfr_ray.site.open_site import open_store

folder = Path(sys.argv[1])
people = write_watchlist(folder / "people")


def ran(cameras, kill=False):
    authority = AuthorityConfig(kind="test")
    data = folder / ("killed" if kill else "data")
    site = footage_site(data, authority, FALLBACK_EMBEDDER, "centerface", "cpu", MatchConfig())
    recordings = [Recording(one, DemoSource(one).info) for one in cameras]
    place = ClusterFootage(site)
    place.at_once = 1 if kill else place.at_once

    to_kill = ["the first"] if kill else []

    def ended(now):
        while to_kill:
            [worker] = place._workers
            worker.kill()
            to_kill.clear()

    with FootageRun(place) as run:
        models = run.place.start(recordings)
        enrol_folder(people, open_store(site), models.detector, models.embedders[0], now=0.0)
        result = run.watch(recordings, ended)
        heads = {one["NodeID"] for one in ray.nodes() if "node:__internal_head__" in one["Resources"]}
        at_head = [(one, row_of(one.remote)["Address"]["NodeID"] in heads) for one in place._workers]
        own_lists = sorted([there, worker.ask(FootageCalls.ready).wait()] for worker, there in at_head)
    alerts = sorted((one["camera"], one["entry_id"]) for one in result.alerts)
    print("ran", json.dumps([alerts, result.by_label("frames_total", "camera"), result.problems, own_lists]))


with several_nodes(2, 1.0) as address:
    join(address)
    ran([CameraConfig(name=name, url=f"demo:{name}", pace="full") for name in ("pier", "gate")])
    ran([CameraConfig(name=name, url="demo:gate", pace="full") for name in ("first", "second")], kill=True)
    ray.shutdown()
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    folder: Path = tmp_path_factory.mktemp("footage")
    with short_folder() as ray_folder:
        environment = {"RAY_TMPDIR": str(ray_folder)}
        with command(folder / "out", "python", "-W", "ignore", "-c", CLIENT, folder, environment=environment) as done:
            assert done.wait(SOON_S * 2) == 0, done.stderr[-3000:]
            assert not done.left()
            return [json.loads(line.removeprefix("ran ")) for line in done.stdout.splitlines() if "ran " in line]


def test_every_frame_is_looked_at_and_the_right_people_are_found(runs: list[list[object]]) -> None:
    alerts, frames, problems, own_lists = runs[0]
    assert own_lists == [
        [False, False],
        [True, True],
    ]  # where the list is; elsewhere the matcher is asked
    assert alerts == [list(one) for one in sorted(EXPECTED)]
    assert frames == {"pier": 122, "gate": 102}
    assert problems == {}


def test_a_process_that_dies_costs_its_recording_and_the_next_one_has_another(runs: list[list[object]]) -> None:
    alerts, frames, problems, _ = runs[1]
    assert alerts == [["second", "demo-astronaut"]]
    assert frames == {"second": 102}
    assert problems == {"first": ["its process ended; the rest of the recording was not seen"]}
