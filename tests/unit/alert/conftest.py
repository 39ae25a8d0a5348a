"""A desk on a database file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import FakeClock


class Ledger:
    """Keeps what the desk reports; may be told to be full."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.full = False

    def __call__(self, kind: str, facts: Mapping[str, Any]) -> None:
        if self.full:
            raise OSError("no room")
        self.records.append((kind, dict(facts)))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.records]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall_s=1_700_000_001.0)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.at(tmp_path / "desk.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def open_alerts(database: Database, clock: FakeClock, ledger: Ledger) -> Callable[..., AlertService]:
    def opened(*, two_person: bool = False, cooldown_s: float = 60.0, **options: Any) -> AlertService:
        return AlertService(
            AlertStore(database),
            AlertRules(cooldown_s=cooldown_s),
            clock,
            cases=CaseRules(two_person),
            on_event=ledger,
            **options,
        )

    return opened


@pytest.fixture
def desk(open_alerts: Callable[..., AlertService]) -> AlertService:
    return open_alerts()
