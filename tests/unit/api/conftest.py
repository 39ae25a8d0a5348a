"""The whole application on a real desk, asked in this process without a socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.event_stream import FeedRules
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.api.alert_and_site_ports import LocalAlerts
from lfr_ray.api.auth import OFFICER_PATTERN, Access
from lfr_ray.api.http_application import build_api
from lfr_ray.api.site_state import (
    CameraState,
    DeploymentList,
    DeploymentState,
    StopState,
    Switched,
    WatchlistState,
)
from lfr_ray.clock import FakeClock
from lfr_ray.data_dir import DataDir
from lfr_ray.metrics import Meter, Snapshot
from lfr_ray.people.tokens_and_sessions import People
from tests.accounted_site import AccountedSite

DEMO = "PC1"
"""The built-in officer of a test: whoever sends no token."""


class FixedSite(AccountedSite):
    """A site of one camera that can be stopped."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.stopped: StopState | None = None
        self.parts = {"matcher": "", "cameras": ""}
        self.failure: Exception | None = None
        self.camera = CameraState("gate", "live", frames_dropped=3)

    async def cameras(self) -> list[CameraState]:
        if self.failure is not None:
            raise self.failure
        return [self.camera]

    async def watchlist(self) -> WatchlistState:
        return WatchlistState(500, 812, "ab" * 32, "dlib_resnet")

    async def deployments(self) -> DeploymentList:
        return DeploymentList((DeploymentState("airshow", "live", "in force"),), self.stopped)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        self.stopped = StopState(officer, reason, "2026-08-21T12:00:00.000Z")
        return Switched(True, officer, reason, self.stopped.at)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        self.stopped = None
        return Switched(False, officer, reason)

    async def readiness(self) -> dict[str, str]:
        return self.parts

    async def snapshot(self) -> Snapshot:
        return self.meter.snapshot()


class House:
    """A desk, a site and the application over them."""

    def __init__(self, folder: Path, *, demo_officer: str = DEMO, two_person: bool = False) -> None:
        self.database = Database.at(folder / "desk.sqlite")
        self.clock = FakeClock(wall_s=1_700_000_001.0)
        self.ledger: list[tuple[str, dict[str, Any]]] = []
        self.desk = AlertService(
            AlertStore(self.database),
            AlertRules(),
            self.clock,
            cases=CaseRules(two_person),
            on_event=self._record,
        )
        self.site = FixedSite()
        self.people = People(DataDir(folder))
        self.access = Access(self.people, demo_officer=demo_officer, clock=self.clock)
        self._tokens: dict[str, str] = {}
        port = LocalAlerts(self.desk, WebhookStore(self.database), self.clock)
        self.app: FastAPI = build_api(port, self.site, access=self.access, feed=FeedRules(heartbeat_s=0.05))

    def _record(self, kind: str, facts: Mapping[str, Any]) -> None:
        self.ledger.append((kind, dict(facts)))

    @property
    def consultations(self) -> list[tuple[str, str, str, str]]:
        facts = [one for kind, one in self.ledger if kind == "consultation"]
        return [(one["who"], one["what"], one["alert_id"], one["reason"]) for one in facts]

    def token(self, person: str, role: str = "supervisor") -> str:
        """A token of this person."""
        if person not in self._tokens:
            self._tokens[person] = self.people.add(person, role, days=1, now_s=self.clock.wall_s())
        return self._tokens[person]

    def by(self, person: str, role: str = "supervisor") -> dict[str, str]:
        """The header that proves this person."""
        return {"Authorization": f"Bearer {self.token(person, role)}"}

    def ask(
        self, method: str, path: str, *, base: str = "http://127.0.0.1:8000", client: str = "127.0.0.1", **options: Any
    ) -> httpx.Response:
        """One request. Whom it claims to be is proven by a token, unless it is the demo's officer."""
        body = options.get("json")
        claimed = body.get("officer") if isinstance(body, dict) else path.partition("officer=")[2]
        headers = dict(options.pop("headers", None) or {})
        claimed = claimed or headers.get("X-Officer")
        if claimed and claimed != DEMO and re.match(OFFICER_PATTERN, claimed) and "Authorization" not in headers:
            headers |= self.by(claimed)
        options["headers"] = headers

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True, client=(client, 1234))
            async with httpx.AsyncClient(transport=transport, base_url=base) as opened:
                return await opened.request(method, path, **options)

        return asyncio.run(asked())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.ask("POST", path, json=json, **options)


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    opened: list[House] = []

    def make(**options: Any) -> House:
        opened.append(House(tmp_path, **options))
        return opened[-1]

    yield make
    for house in opened:
        house.database.close()


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


@pytest.fixture
def guarded(open_house: Callable[..., House]) -> House:
    """The same, where people need tokens."""
    return open_house(demo_officer="")


@pytest.fixture
def token(guarded: House) -> str:
    return guarded.token("PC7")


@pytest.fixture
def check_problem() -> Callable[..., dict[str, Any]]:
    """Asserts that an answer is a complete problem document and returns it."""

    def check(answer: httpx.Response, status: int, kind: str = "") -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = answer.json()
        assert set(document) == {"type", "title", "status", "detail", "got", "allowed", "next_step"}
        assert document["status"] == status
        assert document["type"].startswith("urn:lfr-ray:problem:")
        if kind:
            assert document["type"] == f"urn:lfr-ray:problem:{kind}"
        return document

    return check
