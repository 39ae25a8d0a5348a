"""One real site for the whole suite, started as people start it; its processes are found by their titles."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from benchmarks.soak import CAMERAS, PERIOD_S, TITLES, film
from lfr_ray.clock import parse_utc
from lfr_ray.strict_yaml import load_yaml
from tests.integration.end_to_end.traces import Search, passersby, walk
from tests.processes import START_S, Command, command, eventually, free_port, short_folder

CALM_START_S = 25.0
"""A site's start on two calm cores. As many times as it takes longer, every limit of this suite is longer, too."""


@dataclass(frozen=True)
class Seen:
    """What a look at the site from outside showed.

    Attributes:
        at_s: Steady time of the answer.
        parts: As /readyz tells; None: no answer in time, or none that an ingress gave.
        cameras: Of each camera, whether it is live, or its recording was read to the end.
    """

    at_s: float
    parts: dict[str, str] | None = None
    cameras: dict[str, bool] = field(default_factory=dict)

    @property
    def all_live(self) -> bool:
        """Every camera is looked at."""
        return bool(self.cameras) and all(self.cameras.values())

    @property
    def well(self) -> bool:
        """Nothing is wrong as far as the site says."""
        return self.parts is not None and not any(self.parts.values()) and self.all_live


@dataclass
class BrokenSite:
    """A running site whose processes are broken one after the other.

    Attributes:
        factor: As many times slower is this machine than a calm one.
        rows: What was measured, for the table.
    """

    started: Command
    url: str
    site_file: Path
    folders: tuple[Path, ...]
    factor: float
    rows: list[str] = field(default_factory=list)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)

    def pids(self, kind: str) -> list[int]:
        """The processes of a kind."""
        return sorted(pid for pid, line in self.started.living().items() if line.startswith(TITLES[kind]))

    def get(self, path: str, limit_s: float | None = None) -> httpx.Response | None:
        """An answer, or None when there is none in time."""
        try:
            return httpx.get(self.url + path, timeout=limit_s or self.factor, trust_env=False)
        except httpx.HTTPError:
            return None

    def look(self) -> Seen:
        """How the site is, as it says itself."""
        ready = self.get("readyz")
        if ready is None or "parts" not in ready.text:
            return Seen(time.monotonic())
        cameras = self.get("v1/cameras")
        now_s = time.monotonic()
        if cameras is None or cameras.status_code != 200:
            return Seen(now_s)
        live = {one["name"]: one["state"] in ("live", "ended") for one in cameras.json()["cameras"]}
        return Seen(now_s, ready.json()["parts"], live)

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert, oldest first; whoever was in an earlier answer must be in each that follows."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = eventually(partial(self._page, cursor), 20 * self.factor)
            assert answer.status_code == 200, answer.text
            found += answer.json()["alerts"]
            cursor = answer.json()["next_cursor"]
        self.acknowledged |= {one["id"]: one for one in found}
        return found

    def _page(self, cursor: str) -> httpx.Response | None:
        """A page of alerts; None while a database that was away is not yet asked again: each user does so by itself."""
        answer = self.get(f"v1/alerts?order=oldest&limit=200&cursor={cursor}", 20 * self.factor)
        return None if answer is None or answer.status_code == 503 else answer

    def passages(self, since: float) -> dict[str, list[float]]:
        """When alerts were captured since a moment, by camera, in order. Wall times."""
        times: dict[str, list[float]] = {"pier": [], "gate": []}
        for one in self.alerts():
            if (at := parse_utc(one["captured_at"])) > since:
                times.setdefault(one["camera"], []).append(at)
        return {camera: sorted(found) for camera, found in times.items()}

    def processes_counted(self) -> dict[str, int]:
        """How many processes of each kind /metrics names with their memory, wherever they are."""
        answer = self.get("metrics", 20 * self.factor)
        kinds = r'^lfr_memory_rss_bytes{process="(matcher replica|matcher|desk|camera|detector|embedder)[ "]'
        return dict(Counter(re.findall(kinds, "" if answer is None else answer.text, re.MULTILINE)))

    def leftovers(self) -> list[str]:
        """Files of Ray and of the site's processes in which anybody of the recordings is, or any picture; best none."""
        found = []
        for path in walk(self.folders):
            with suppress(OSError):  # gone meanwhile
                if kinds := self._search.found(path.read_bytes()):
                    found.append(f"{path}: {kinds}")
        return found

    @cached_property
    def _search(self) -> Search:
        return Search(passersby(sorted(self.site_file.parent.glob("*.mp4"))))


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[BrokenSite]:
    """Two cameras, each with one listed person who comes by every three seconds."""
    folder = tmp_path_factory.mktemp("broken")
    document = load_yaml(repository / "serve_configs" / "local.yaml")
    document["http_options"]["port"] = port = free_port()
    for name, first in CAMERAS.items():
        film(folder / f"{name}.mp4", name, first)
    document["applications"][0]["args"] |= {
        "site": "broken",
        "data_dir": str(folder / "data"),
        "alert": {"cooldown_s": PERIOD_S / 2},
        "resources_wait_s": 240.0,
        "cameras": [{"name": name, "url": str(folder / f"{name}.mp4"), "on_end": "loop"} for name in CAMERAS],
    }
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    temporary = folder / "temporary"
    temporary.mkdir()
    with short_folder() as ray_folder:
        environment = {"TMPDIR": str(temporary), "RAY_TMPDIR": str(ray_folder)}
        with command(
            folder / "out", "lfr", "run", path, "--json", folder / "alerts.json", environment=environment
        ) as it:
            it.said(r"console and alerts: http://")
            factor = max(1.0, (time.monotonic() - it.began_s) / CALM_START_S)
            site = BrokenSite(it, f"http://127.0.0.1:{port}/", path, (temporary, ray_folder), factor)
            eventually(lambda: site.look().well, START_S, site.look)
            eventually(lambda: all(site.passages(0.0).values()), START_S, site.look)
            yield site
