"""The end of a site, which the tests before this file have used: Ctrl-C ends all of it, and nothing is left."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import ray

from lfr_ray.actors.actor_names import find_actor
from lfr_ray.actors.node_leftover_scan import search_nodes
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError, StoreError
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.leftover_scan import Scanner, ScanReport
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.site.close_deployment import close_deployment
from lfr_ray.site.open_site import open_storage
from tests.integration.actors.conftest import SOON_S, Site
from tests.integration.actors.test_site_faults import info
from tests.processes import START_S, eventually, listens

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

CLOSED = "test"
"""What alerts of a test without a deployment are of."""


def test_no_receipt_while_a_face_is_in_the_object_store_and_none_there_after_it(site: Site) -> None:
    """Closed as the desk closes it, while cameras go on: what Ray has let go of may still stand in its memory."""
    files, rules, now_s = DataDir(site.file.site.data_dir), load_profile("test"), time.time()
    assert CLOSED in {one["deployment"] for one in site.both_alerts()}
    authority = trial_authority(rules, now_s, deployment=CLOSED, who=("test", "blue-list"))
    open_trial(files, authority, rules, now_s)
    searched: list[ScanReport] = []

    def elsewhere(scanner: Scanner) -> tuple[list[ScanReport], list[str]]:
        reports, left_out = search_nodes(scanner)
        searched[:] = reports
        return reports, left_out

    def closed() -> bool:
        with suppress(StoreError, IntegrityError), open_storage(site.file.site) as storage:
            close_deployment(replace(storage, elsewhere=elsewhere), CLOSED, by="op-1", reason="over")
        return bool(searched)  # the desk may just then work on its database

    eventually(closed, SOON_S, site.said)
    (report,) = searched
    assert report.files > 0, "the object store of the one node"
    assert files.receipt(CLOSED).exists() == report.clean


def test_ctrl_c_ends_everything_while_a_console_is_open(site: Site) -> None:
    names = [site.names.matcher, site.names.desk, *(site.names.camera(one) for one in ("pier", "gate", "mast"))]
    assert all(find_actor(name) for name in names)
    pids = [int(info(name)["Pid"]) for name in names]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    ray.shutdown()  # this process is a driver of the site's Ray as well, and would be ended with it
    ended = threading.Event()

    def follow() -> None:
        address = site.file.console_url + "v1/alerts/stream"
        try:
            with httpx.stream("GET", address, timeout=60, trust_env=False) as answer:
                for _ in answer.iter_lines():
                    following.set()
        except httpx.HTTPError:
            following.set()
        ended.set()

    following = threading.Event()
    console = threading.Thread(target=follow, daemon=True)
    console.start()
    assert following.wait(60)
    try:
        taken_s = site.started.end(signal.SIGINT, START_S)
        left = site.started.left()
    finally:
        site.started.kill()  # whatever failed: it must not run beside the tests that follow
    assert site.started.wait(0) == 130, site.started.stderr
    assert taken_s < 10
    assert left == {}
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not listens(site.file.port)
    assert not (Path(site.file.site.data_dir) / "stop").exists()
    assert ended.wait(15)
    assert "Traceback" not in site.started.stderr
    with open_storage(site.file.site) as storage:
        receipt = close_deployment(storage, CLOSED, by="op-1", reason="over").receipt
    assert {part.label: part.found_after for part in receipt.parts} == {"watchlist": 0, "alerts": 0}
    assert sum(part.items for part in receipt.parts) > 0
