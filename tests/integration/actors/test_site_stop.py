"""The end of a site, which the tests before this file have used: Ctrl-C ends all of it, and nothing is left."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import httpx
import pytest
import ray

from lfr_ray.actors.names import find_actor
from tests.integration.actors.conftest import Site
from tests.integration.actors.test_site_faults import info
from tests.processes import START_S, listens

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


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
