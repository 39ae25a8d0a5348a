"""The application behind a real server on a free port of loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
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
from lfr_ray.api.site_state import (
    CameraState,
    DeploymentList,
    Switched,
    WatchlistState,
)
from lfr_ray.api_config import OidcConfig
from lfr_ray.clock import SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.metrics import Snapshot
from lfr_ray.people.oidc import Issuer
from lfr_ray.people.tokens_and_sessions import People
from tests.accounted_site import AccountedSite


class EmptySite(AccountedSite):
    """A site without cameras, until a test has some."""

    def __init__(self) -> None:
        self.shown: list[CameraState] = []
        self.parts: dict[str, str] = {}

    async def cameras(self) -> list[CameraState]:
        return self.shown

    async def watchlist(self) -> WatchlistState:
        return WatchlistState(0)

    async def deployments(self) -> DeploymentList:
        return DeploymentList(())

    async def stop(self, *, officer: str, reason: str) -> Switched:
        return Switched(True, officer, reason, "2026-08-21T12:00:00.000Z")

    async def resume(self, *, officer: str, reason: str) -> Switched:
        return Switched(False, officer, reason)

    async def readiness(self) -> dict[str, str]:
        return self.parts

    async def snapshot(self) -> Snapshot:
        return Snapshot()


class Served:
    """A desk and its server; can be stopped and started again on the same port."""

    def __init__(self, folder: Path, two_person: bool, demo_officer: str, oidc: OidcConfig | None) -> None:
        self.people = People(DataDir(folder))
        self._access = Access(self.people, demo_officer=demo_officer, issuer=Issuer(oidc) if oidc else None)
        self.database = Database.at(folder / "desk.sqlite")
        self.consulted: list[str] = []
        self.desk = AlertService(
            AlertStore(self.database),
            AlertRules(),
            SystemClock(),
            cases=CaseRules(two_person),
            on_event=lambda kind, _facts: self.consulted.append(kind) if kind == "consultation" else None,
        )
        self._port = LocalAlerts(self.desk, WebhookStore(self.database), SystemClock())
        self.site = EmptySite()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.start()

    def token(self, person: str, role: str = "officer") -> str:
        """A token of this person."""
        return self.people.add(person, role, days=1, now_s=time.time())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = build_api(self._port, self.site, access=self._access, feed=FeedRules(heartbeat_s=0.3))
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

    def end_of(self, port: int) -> Any:
        """The server's end of the connection from this port; None while it has not taken it."""
        for one in tuple(self._server.server_state.connections):
            if one.transport.get_extra_info("peername")[1] == port:
                return one.transport.get_extra_info("socket")
        return None

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.stop()
        self.database.close()


@pytest.fixture
def empty_site() -> EmptySite:
    return EmptySite()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    opened: list[Served] = []

    def make(*, two_person: bool = False, demo_officer: str = "PC1", oidc: OidcConfig | None = None) -> Served:
        opened.append(Served(tmp_path, two_person, demo_officer, oidc))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()
