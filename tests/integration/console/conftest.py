"""The console in a real browser, on a real desk behind a real server, with drawn pictures of nobody."""

from __future__ import annotations

import io
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from PIL import Image, ImageDraw, ImageFilter

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.alert.database import Database
from lfr_ray.alert.feed import FeedRules
from lfr_ray.alert.rules import AlertRules
from lfr_ray.alert.service import AlertService
from lfr_ray.alert.store import AlertStore
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.app import build_api
from lfr_ray.api.auth import Access
from lfr_ray.api.ports import LocalAlerts
from lfr_ray.api.site_state import CameraState, DeploymentList, DeploymentState, StopState, Switched, WatchlistState
from lfr_ray.clock import SystemClock, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.metrics import Snapshot
from lfr_ray.people.tokens import People

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def drawn(width: int, height: int, faces: list[tuple[float, float, float, str]], *, blur: bool = False) -> bytes:
    """A JPEG of faces drawn from circles: (x, y, size, colour), all but the first made unrecognisable."""
    picture = Image.new("RGB", (width, height), "#8fa3b3")
    for number, (x, y, size, colour) in reversed(list(enumerate(faces))):
        box = (x - size / 2, y - size * 0.65, x + size / 2, y + size * 0.65)
        pen = ImageDraw.Draw(picture)
        pen.rectangle((x - size * 0.8, y + size * 0.6, x + size * 0.8, height), fill="#3d4d5c")
        pen.ellipse(box, fill=colour, outline="#5b4636", width=2)
        for side in (-1, 1):
            eye = x + side * size * 0.19
            pen.ellipse((eye - size * 0.06, y - size * 0.15, eye + size * 0.06, y - size * 0.05), fill="#22303c")
        pen.line(
            (x, y - size * 0.05, x - size * 0.04, y + size * 0.15, x + size * 0.03, y + size * 0.15), fill="#5b4636"
        )
        pen.arc((x - size * 0.17, y + size * 0.1, x + size * 0.17, y + size * 0.35), 20, 160, fill="#7a2f2b", width=3)
        if blur and number:
            area = tuple(int(side) for side in box)
            picture.paste(picture.crop(area).filter(ImageFilter.GaussianBlur(size / 5)), area[:2])
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=88)
    return content.getvalue()


class GroundSite:
    """A site of four cameras, one of them blind."""

    def __init__(self) -> None:
        self.halt: StopState | None = None
        self.blind_since = time.time() - 75

    async def cameras(self) -> list[CameraState]:
        blind = {"blind_since": self.blind_since, "problem": "no picture for 75 s", "frames_dropped": 12}
        return [
            CameraState("north-gate", "live", fps=10.0, frames_dropped=1204),
            CameraState("south-gate", "live", fps=9.6, frames_dropped=88),
            CameraState("beach-path", "blind", **blind),
            CameraState("van", "live", refusal="outside the deployment's hours"),
        ]

    async def watchlist(self) -> WatchlistState:
        return WatchlistState(512, 800)

    async def deployments(self) -> DeploymentList:
        return DeploymentList((DeploymentState("airshow-2026", "live", "in_force"),), self.halt)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        self.halt = StopState(officer, reason, utc_text(time.time()))
        return Switched(True, officer, reason, self.halt.at)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        self.halt = None
        return Switched(False, officer, reason)

    async def readiness(self) -> dict[str, str]:
        return {}

    async def snapshot(self) -> Snapshot:
        return Snapshot()


class LiveHouse:
    """A desk and its server on a free port of loopback."""

    def __init__(self, folder: Path, make_sighting: Callable[..., Any], *, two_person: bool, demo_officer: str) -> None:
        self._make = make_sighting
        self.database = Database.at(folder / "desk.sqlite")
        clock = SystemClock()
        self.consulted: list[dict[str, Any]] = []
        self.desk = AlertService(
            AlertStore(self.database),
            AlertRules(),
            clock,
            cases=CaseRules(two_person),
            on_event=lambda kind, facts: self.consulted.append(dict(facts)) if kind == "consultation" else None,
        )
        self.site = GroundSite()
        self._port = LocalAlerts(self.desk, WebhookStore(self.database), clock)
        self.people = People(DataDir(folder))
        self._access = Access(self.people, demo_officer=demo_officer)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        app = build_api(self._port, self.site, access=self._access, feed=FeedRules(heartbeat_s=1.0))
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="critical", timeout_graceful_shutdown=1, ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until_s = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < until_s, "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def close(self) -> None:
        self.stop()
        self.database.close()

    def alert(self, key: str, camera: str = "north-gate", *, name: str = "Drawn Face", **match: Any) -> str:
        """Someone drawn walks by."""
        now = time.time()
        faces = [(620.0, 300.0, 150.0, "#e6c3a5"), (250.0, 330.0, 120.0, "#c99b78"), (950.0, 280.0, 110.0, "#8d6346")]
        sighting = self._make(
            key,
            camera=camera,
            captured_at=now,
            captured_s=now % 100_000,
            match={"name": name, "category": "wanted_by_court", "action": "detain", **match},
            face_jpeg=drawn(320, 320, [(160.0, 165.0, 190.0, "#e6c3a5")]),
            watchlist_jpeg=drawn(300, 380, [(150.0, 190.0, 180.0, "#e9c8ab")]),
            scene_jpeg=drawn(1280, 640, faces, blur=True),
        )
        return self.desk.raise_alert(sighting).alert_id


@pytest.fixture
def open_house(tmp_path: Path, make_sighting: Callable[..., Any]) -> Iterator[Callable[..., LiveHouse]]:
    opened: list[LiveHouse] = []

    def make(*, two_person: bool = False, demo_officer: str = "") -> LiveHouse:
        opened.append(LiveHouse(tmp_path, make_sighting, two_person=two_person, demo_officer=demo_officer))
        return opened[-1]

    yield make
    for house in opened:
        house.close()


@pytest.fixture
def house(open_house: Callable[..., LiveHouse]) -> LiveHouse:
    return open_house()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For one module only: while it is open an event loop runs in this thread, and no other test could run one."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (the test extra has it)"
    )
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, headless=True, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the console; a request to any other host, an error of a script or a broken policy fails the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def make(
        url: str, officer: str | None = "PC4711", *, width: int = 1360, height: int = 900, scheme: str = "light"
    ) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("console", lambda message: faults.append(message.text) if _is_fault(message.text) else None)
        page.on("request", lambda request: None if _is_ours(request.url, url) else faults.append(request.url))
        page.goto(url)
        if officer is not None:
            page.fill("#token", People(DataDir(tmp_path)).add(officer, "supervisor", days=1, now_s=time.time()))
            page.click("#sign-in button[type=submit]")
            page.wait_for_selector("#link.live")
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(text: str) -> bool:
    return "Content Security Policy" in text or "Refused to" in text or "Uncaught" in text


def _is_ours(address: str, url: str) -> bool:
    return address.startswith((url, "blob:", "data:"))
