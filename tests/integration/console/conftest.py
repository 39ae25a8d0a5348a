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

import numpy as np
import pytest
import uvicorn

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.adjudicate.vocabulary import MONITORING_FIELDS
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.database import Database
from lfr_ray.alert.feed import FeedRules
from lfr_ray.alert.service import AlertService
from lfr_ray.alert.store import AlertStore
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.app import build_api
from lfr_ray.api.auth import Access
from lfr_ray.api.ports import LocalAlerts
from lfr_ray.api.site_state import (
    AuthorityState,
    CameraState,
    DeploymentList,
    DeploymentState,
    Hour,
    LedgerPage,
    LedgerVerdict,
    Placed,
    RecordSoFar,
    SitePlan,
    StopState,
    Switched,
    WatchlistState,
)
from lfr_ray.camera.stills import encode_jpeg
from lfr_ray.clock import SystemClock, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import StreamError
from lfr_ray.govern.alert_events import alert_facts, ledger_event
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.counters import CameraCounters
from lfr_ray.govern.grant import Grant
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_verify import verify_ledger
from lfr_ray.govern.profile import load_profile
from lfr_ray.govern.public_record import RecordFacts, build_record
from lfr_ray.govern.trust import trusted_keys
from lfr_ray.metrics import Meter, Snapshot
from lfr_ray.people.tokens import People
from lfr_ray.site.account import LedgerQuery, ledger_records
from lfr_ray.site.facts import alert_events
from tests.integration.console.astronaut import photographed
from tests.listed_site import ListedSite

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


class GroundSite(ListedSite):
    """A site of four cameras, one of them blind, under an authority; its ledger is a real one."""

    def __init__(self, folder: DataDir, alerts: AlertStore) -> None:
        self.halt: StopState | None = None
        self.blind_since = time.time() - 75
        self.under_authority = self.drawn = True
        self.folder, self.alerts = folder, alerts
        self.previews = 0
        self.started = time.time()
        self.authority = Authority.model_validate(
            {
                "deployment": "airshow-2026",
                "kind": "live",
                "profile": "uk-police",
                "profile_sha256": load_profile("uk-police").sha256,
                "purpose": "Locate persons wanted by the courts at a public event",
                "legal_basis": "Common law policing powers",
                "why": "Outstanding warrants; 40,000 visitors are expected on the seafront",
                "where": {
                    "case": "protective-security",
                    "name": "Seafront, Clacton",
                    "rationale": "A large public event",
                    "latitude": 51.789,
                    "longitude": 1.153,
                    "radius_m": 500,
                },
                "who": ["wanted-by-court", "missing-or-at-risk"],
                "starts_at": time.time() - 4 * 3600,
                "ends_at": time.time() + 3 * 3600 + 1234,
                "cameras": ["north-gate", "south-gate", "beach-path", "van"],
                "watchlist_sha256": "a" * 64,
                "watchlist_entries": 512,
                "model": "dlib_resnet",
                "applicant": {"id": "insp-7", "rank": "inspector"},
                "authorising_officer": {"id": "supt-1", "rank": "superintendent"},
            }
        )

    async def cameras(self) -> list[CameraState]:
        frames = int((time.time() - self.started) * 10) + 5000
        blind = {"blind_since": self.blind_since, "problem": "no picture for 75 s", "frames_dropped": 12, "frames": 900}
        size = {"width_px": 1920, "height_px": 1080}
        return [
            CameraState("north-gate", "live", fps=10.0, frames=frames, frames_dropped=frames // 20, **size),
            CameraState("south-gate", "live", fps=9.6, frames=frames, frames_dropped=88, **size),
            CameraState("beach-path", "blind", **blind),
            CameraState("van", "live", refusal="outside the deployment's hours"),
        ]

    async def preview(self, name: str) -> bytes:
        if name == "beach-path":
            raise StreamError("the camera gives no picture now", next_step="look why it is blind, and try again")
        self.previews += 1
        return photographed(1.0 + self.previews % 2 / 5).preview

    async def watchlist(self) -> WatchlistState:
        who = {"wanted-by-court": 431, "missing-or-at-risk": 81}
        return WatchlistState(
            512, 800, "ab" * 32, approved=True, fault="", categories=who, false_alerts_per_10k_faces=0.27
        )

    async def deployments(self) -> DeploymentList:
        granted = AuthorityState(**self.authority.shown()) if self.under_authority else None
        one = DeploymentState("airshow-2026", "live", "in force", "dlib_resnet", authority=granted)
        return DeploymentList((one,), self.halt, site="Clacton seafront")

    async def plan(self) -> SitePlan:
        on_plan = {"north-gate": (0.2, 0.2), "south-gate": (0.7, 0.75), "beach-path": (0.8, 0.3)}
        by_coordinates = {"north-gate": (51.79, 1.150), "south-gate": (51.785, 1.153), "beach-path": (51.788, 1.16)}
        names = (*on_plan, "van")
        return SitePlan(
            self.drawn, {one: Placed(on_plan.get(one), *by_coordinates.get(one, (None, None)), 240.0) for one in names}
        )

    async def plan_picture(self) -> bytes:
        drawn = np.full((450, 800, 3), 225, np.uint8)
        for left, top, right, bottom in ((60, 40, 420, 300), (460, 60, 760, 210), (300, 330, 740, 420)):
            drawn[top:bottom, left:right] = 190
        return encode_jpeg(drawn)

    async def record(self) -> RecordSoFar:
        hour_s = time.time() // 3600 * 3600
        seen = (310, 742, 1180, 1544, 911)
        counters = {"north-gate": CameraCounters(90_000, 3400, 3120, 14_000.0, 12.0, {"turned": 4100, "blurred": 2210})}
        counters |= {"south-gate": CameraCounters(80_000, 1287, 1190, 13_800.0, 0.0, {"too_small": 1800})}
        facts = RecordFacts(
            site="Clacton seafront",
            grant=Grant.model_construct(authority=self.authority, ratification=None, closing=None),
            published_at=time.time(),
            cameras=counters,
            alerts=alert_facts(alert_events(self.alerts), self.authority.deployment),
            categories={"wanted-by-court": 431, "missing-or-at-risk": 81},
            groups=MONITORING_FIELDS,
        )
        hours = [Hour(hour_s - (4 - place) * 3600, count, place) for place, count in enumerate(seen)]
        return RecordSoFar(build_record(facts, load_profile("uk-police")), tuple(hours))

    async def ledger_verdict(self) -> LedgerVerdict:
        found = verify_ledger(self.folder, trusted_keys(self.folder))
        return LedgerVerdict(found.holds, tuple(found.faults), found.records, found.sealed, found.head)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        found = ledger_records(self.folder, LedgerQuery(kind, text, since, before, limit))
        return LedgerPage(tuple(found), found[-1]["n"] if len(found) == limit else None)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        self.halt = StopState(officer, reason, utc_text(time.time()))
        return Switched(True, officer, reason, self.halt.at)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        self.halt = None
        return Switched(False, officer, reason)

    async def readiness(self) -> dict[str, str]:
        return {}

    async def snapshot(self) -> Snapshot:
        meter, passed_s = Meter(), time.time() - self.started
        for camera, share in (("north-gate", 1.0), ("south-gate", 0.4)):
            meter.count("frames_total", 5000 + 10 * passed_s, camera=camera)
            meter.count("faces_seen_total", int((1200 + passed_s) * share), camera=camera)
            meter.count("faces_compared_total", int((1100 + 0.9 * passed_s) * share), camera=camera)
            for reason, count in (("turned", 410), ("blurred", 220), ("too_small", 96)):
                meter.count("views_rejected_total", int(count * share), camera=camera, reason=reason)
            meter.time("capture_to_alert_seconds", 0.126, camera=camera)
        return meter.snapshot()


class LiveHouse:
    """A desk and its server on a free port of loopback."""

    def __init__(self, folder: Path, make_sighting: Callable[..., Any], *, two_person: bool, demo_officer: str) -> None:
        self._make = make_sighting
        self.database = Database.at(folder / "desk.sqlite")
        clock = SystemClock()
        data_dir = DataDir(folder / "site")
        self.ledger = open_ledger(data_dir, clock)
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
        self._access = Access(self.people, demo_officer=demo_officer)
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
"""The browser of this folder's tests, once one of them has asked for it."""


@pytest.fixture(scope="session")
def opened_browser() -> list[Any]:
    return []


@pytest.fixture
def browser(opened_browser: list[Any]) -> Any:
    """One for the whole folder."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (the test extra has it)"
    )
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium installed (Debian: apt-get install chromium)")
    if not opened_browser:
        started = BROWSERS.enter_context(playwright.sync_playwright())
        opened_browser.append(started.chromium.launch(executable_path=program, headless=True, args=list(QUIET)))
        BROWSERS.callback(opened_browser.clear)
        BROWSERS.callback(opened_browser[0].close)
    return opened_browser[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """While it is open an event loop runs in this thread, and tests elsewhere could run none."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        BROWSERS.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
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
    ) -> Any:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=scheme, locale=locale)
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
