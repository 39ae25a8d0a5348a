"""The console in a real browser, on a real desk and ledger behind a real server, with the demo's astronaut."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.event_stream import FeedRules
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.api.auth import Access
from lfr_ray.api.http_application import build_api
from lfr_ray.clock import SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.alert_ledger_events import ledger_event
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.people.tokens_and_sessions import People
from tests.integration.console.astronaut import photographed
from tests.integration.console.ground_site import GroundSite

SHELL = ("chromium-headless-shell",)
"""Chromium's engine without its windows: half of the processor time. It has no notifications."""

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


class LiveHouse:
    """A desk and its server on a free port of loopback."""

    def __init__(self, folder: Path, make_sighting: Callable[..., Any], *, two_person: bool, demo_officer: str) -> None:
        self._make = make_sighting
        self.database = Database.at(folder / "desk.sqlite")
        clock = SystemClock()
        data_dir = DataDir(folder / "site")
        self.ledger = open_ledger(data_dir, clock=clock)
        self.consulted: list[dict[str, Any]] = []
        self.desk = AlertService(
            AlertStore(self.database),
            AlertRules(),
            clock,
            cases=CaseRules(two_person),
            on_event=self._on_event,
        )
        self.site = GroundSite(data_dir, self.desk.store)
        self._port = LocalAlerts(self.desk, WebhookStore(self.database), clock)
        self.people = People(DataDir(folder))
        self.access = Access(self.people, demo_officer=demo_officer)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.start()

    def _on_event(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "consultation":
            self.consulted.append(dict(facts))
        self.ledger.append(ledger_event(kind, facts))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        app = build_api(self._port, self.site, access=self.access, feed=FeedRules(heartbeat_s=1.0))
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
        self.ledger.close()

    def alert(
        self, key: str, camera: str = "north-gate", *, name: str = "Drawn Face", ago_s: float = 0.0, **match: Any
    ) -> str:
        """Someone walks by."""
        now = time.time() - ago_s
        shown = photographed(1.1)
        entry = {"entry_id": "E-2041", "name": name, "category": "wanted-by-court", "action": "detain"}
        sighting = self._make(
            key,
            camera=camera,
            deployment="airshow-2026",
            captured_at=now,
            captured_s=now % 100_000,
            match={**entry, "similarity": 0.964, "threshold": 0.951, **match},
            box=shown.box,
            face_jpeg=shown.face,
            watchlist_jpeg=shown.enrolled,
            scene_jpeg=shown.scene,
            enrolled_jpegs=(photographed(0.9).enrolled,),
            view_jpegs=tuple(photographed(light).face for light in (0.9, 1.0, 1.2)),
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


BROWSERS = ExitStack()
"""The browsers of this folder's tests, once one of them has asked for one."""


@pytest.fixture(scope="session")
def opened_browsers() -> dict[str, Any]:
    """What starts browsers, and each program's."""
    return {}


@pytest.fixture
def browser(opened_browsers: dict[str, Any]) -> Callable[[bool], Any]:
    """One for the whole folder; or the whole Chromium, where True asks for it."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (the test extra has it)"
    )

    def opened(whole: bool) -> Any:
        names = CHROMIUM if whole else (*SHELL, *CHROMIUM)
        program = next((found for name in names if (found := shutil.which(name))), None)
        if program is None:
            pytest.skip("no Chromium installed (Debian: apt-get install chromium)")
        if not opened_browsers:
            opened_browsers["starts"] = BROWSERS.enter_context(playwright.sync_playwright())
            BROWSERS.callback(opened_browsers.clear)
        if program not in opened_browsers:
            launch = opened_browsers["starts"].chromium.launch
            opened_browsers[program] = launch(executable_path=program, headless=True, args=list(QUIET))
            BROWSERS.callback(opened_browsers[program].close)
        return opened_browsers[program]

    return opened


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """While it is open an event loop runs in this thread, and tests elsewhere could run none."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        BROWSERS.close()


@pytest.fixture
def open_page(browser: Callable[[bool], Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the console; a request to any other host, an error of a script or a broken policy fails the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def make(
        url: str,
        officer: str | None = "PC4711",
        *,
        width: int = 1360,
        height: int = 900,
        scheme: str = "light",
        locale: str = "en-GB",
        whole: bool = False,
    ) -> Any:
        size = {"width": width, "height": height}
        context = browser(whole).new_context(viewport=size, color_scheme=scheme, locale=locale)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
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
    return address.startswith(("/".join(url.split("/")[:3]) + "/", "blob:", "data:"))
