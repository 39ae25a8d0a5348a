"""One site for all tests that can share one: `lfr run` on Ray of its own, which the tests join as a second driver."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import ray
import yaml

from lfr_ray.actors.actor_names import Names
from lfr_ray.actors.start_or_join_ray import join
from lfr_ray.live_site import LiveSite
from lfr_ray.site_file import SiteFile, read_site_file
from lfr_ray.strict_yaml import load_yaml
from tests.collector import Collector, collecting
from tests.processes import Command, command, eventually, free_port, short_folder

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef"}
"""For a Ray that other processes join. This process, which has loaded Ray already, can no longer take a token."""

EXPECTED = {("pier", "demo-touchline"), ("gate", "demo-astronaut")}
SOON_S = 180.0
"""For what takes seconds on a calm machine."""


@dataclass
class Site:
    """A running site and how to reach it."""

    started: Command
    file: SiteFile
    ray_folder: Path
    collector: Collector

    @property
    def names(self) -> Names:
        return Names.of(self.file.site)

    @property
    def live(self) -> LiveSite:
        """To ask its alert desk from here; this process has started nothing of it."""
        return LiveSite(self.file)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.file.console_url + path, timeout=60, trust_env=False, **options)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(self.file.console_url + path, json=body, timeout=60, trust_env=False)

    def camera(self, name: str) -> dict[str, Any]:
        """One camera as HTTP shows it; empty while the fleet is being started anew."""
        answer = self.get("v1/cameras")
        if answer.status_code == 503:
            return {"state": "unknown", "frames": 0}
        (found,) = [one for one in answer.json()["cameras"] if one["name"] == name]
        return dict(found)

    def said(self) -> str:
        """How its cameras are, for messages."""
        return self.get("v1/cameras").text

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert, oldest first."""
        return self.live.alerts()

    def both_alerts(self) -> list[dict[str, Any]]:
        """Every alert, once both cameras had one."""

        def look() -> list[dict[str, Any]]:
            alerts = self.alerts()
            return alerts if {(one["camera"], one["entry_id"]) for one in alerts} >= EXPECTED else []

        return eventually(look, SOON_S, self.said)

    def matched_again(self) -> None:
        """Wait for an alert that nobody knew before."""
        known = {alert["id"] for alert in self.alerts()}
        eventually(lambda: {alert["id"] for alert in self.alerts()} - known, SOON_S, self.said)


def gcs_address(started: Command) -> str:
    """Where the Ray that a command has started takes new drivers."""
    for pid in started.living():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b"\n").decode()
        except OSError:  # gone meanwhile
            continue
        if found := re.search(r"--gcs-address=(\S+)", line):
            return found[1]
    raise AssertionError(f"no Ray among {started.living()}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Site]:
    """Two looping cameras of the demo, and one whose recording is none. ``test_site_stop.py`` ends it."""
    folder = tmp_path_factory.mktemp("site")
    document = load_yaml(repository / "serve_configs" / "local.yaml")
    document["http_options"]["port"] = free_port()
    args = document["applications"][0]["args"]
    args |= {"site": "harbour", "data_dir": str(folder / "data"), "alert": {"cooldown_s": 1.0}}
    args["api"] = {"demo_officer": "PC1"}
    args["resources_wait_s"] = 240.0  # a machine that does many other things at once
    args["cameras"] = [
        {"name": "pier", "url": "demo:pier", "on_end": "loop", "max_fps": 5},
        {"name": "gate", "url": "demo:gate", "on_end": "loop", "max_fps": 5},
        {"name": "mast", "url": str(folder / "mast.mp4")},
    ]
    (folder / "mast.mp4").write_bytes(b"no film at all")
    path = folder / "site.yaml"
    with (
        short_folder() as ray_folder,
        collecting() as collector,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tower,
        pytest.MonkeyPatch.context() as patch,
    ):
        tower.bind(("127.0.0.1", 0))
        syslog = {"name": "tower", "host": "127.0.0.1", "port": tower.getsockname()[1], "transport": "udp"}
        args["outputs"] = {"traces": collector.address, "syslog": [syslog]}
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        environment = {"RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": str(ray_folder)}
        patch.setenv("RAY_TMPDIR", str(ray_folder))
        with command(folder / "out", "lfr", "run", path, environment=environment) as started:
            started.said(r"console and alerts: http://127\.0\.0\.1:\d+/")
            with pytest.MonkeyPatch.context() as waits:
                # Where the site ends unasked, its test says so: Ray would end this process 60 s later, without a word.
                waits.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "900")
                join(gcs_address(started))
            try:
                yield Site(started, read_site_file(path), ray_folder, collector)
            finally:
                ray.shutdown()
