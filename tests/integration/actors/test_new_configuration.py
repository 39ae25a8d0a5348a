"""A new configuration for a site that alerts: what was told stays, nothing is told twice, and the alerts go on."""

from __future__ import annotations

import itertools
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.soak import CAMERAS, PERIOD_S, film
from lfr_ray.clock import parse_utc
from tests.integration.actors.test_serve_commands import READY_S, Cluster, ready, site_file, start
from tests.processes import eventually, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

AWAY_S = 60.0
"""Alerts of a camera are no further apart, on a machine that other tests keep busy; 9 s on a calm one."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One node with its dashboard."""
    with short_folder() as ray_folder:
        yield from start(tmp_path / "cluster", ray_folder)


class Told:
    """Every alert that a consumer was ever told of, who asks again and again."""

    def __init__(self, address: str) -> None:
        self._address, self._ended = address, threading.Event()
        self.ever: dict[str, dict[str, Any]] = {}
        self.newest: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Told:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(0.3):
            with suppress(httpx.HTTPError):  # Serve replaces the ingress
                answer = httpx.get(f"{self._address}v1/alerts?order=oldest&limit=200", timeout=10, trust_env=False)
                if answer.status_code == 200:
                    self.newest = answer.json()["alerts"]
                    self.ever |= {one["id"]: one for one in self.newest}

    def times(self) -> dict[str, list[float]]:
        """When each camera captured what it alerted on, in order."""
        found = defaultdict(list)
        for one in self.newest:
            found[one["camera"]].append(parse_utc(one["captured_at"]))
        return {camera: sorted(times) for camera, times in found.items()}

    def count(self) -> int:
        """Alerts of the camera that has the fewest."""
        return min((len(self.times().get(camera, ())) for camera in CAMERAS), default=0)


def test_no_alert_is_lost_or_told_twice(cluster: Cluster, tmp_path: Path, repository: Path) -> None:
    for name, first in CAMERAS.items():
        film(tmp_path / f"{name}.mp4", name, first)
    rows = [{"name": name, "url": str(tmp_path / f"{name}.mp4"), "on_end": "loop"} for name in CAMERAS]
    changes = {"cameras": rows, "alert": {"cooldown_s": PERIOD_S / 2}}
    path, address = site_file(tmp_path / "site", repository, cluster.http_port, **changes)
    assert cluster.code(cluster.run("serve", "deploy", path)) == 0
    with Told(address) as told:
        eventually(lambda: told.count() >= 3, READY_S, told.times)

        def shown(path: str) -> Any:
            return httpx.get(address + path, timeout=30, trust_env=False).json()

        (before,) = shown("v1/deployments")["deployments"]
        threshold = round(shown("v1/watchlist")["threshold"] + 0.01, 4)
        path, _ = site_file(tmp_path / "site", repository, cluster.http_port, **changes, match={"threshold": threshold})
        assert cluster.code(cluster.run("serve", "deploy", path)) == 0

        def changed() -> bool:
            with suppress(httpx.HTTPError, KeyError, ValueError):
                (now,) = shown("v1/deployments")["deployments"]
                return ready(address) and bool(now["configuration"] != before["configuration"])
            return False

        eventually(changed, READY_S)
        others = told.count()
        eventually(lambda: told.count() >= others + 3, READY_S, told.times)
    assert {one["id"] for one in told.newest} == told.ever.keys(), "an alert that was told is gone"
    assert len({one["key"] for one in told.newest}) == len(told.newest)
    apart_s = {camera: [b - a for a, b in itertools.pairwise(times)] for camera, times in told.times().items()}
    assert min(map(min, apart_s.values())) > PERIOD_S / 2, "an alert was doubled"
    longest_s = {camera: round(max(found), 1) for camera, found in apart_s.items()}
    sys.stdout.write(f"| a new configuration | alerts at most {longest_s} s apart |\n")
    assert max(longest_s.values()) < AWAY_S
