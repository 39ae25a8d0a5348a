"""How the desk is while its database hangs: said at once to all but the first who asks, and what is stopped is told."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors import desk_actor
from lfr_ray.actors.desk_actor import DeskActor
from lfr_ray.config import SiteConfig
from lfr_ray.errors import StoreError


def desk_on(folder: Path, store: object, **opened: object) -> Any:
    desk = DeskActor(SiteConfig(site="pier", data_dir=folder))
    alerts = SimpleNamespace(store=store, look=getattr(store, "newest_event_id", None))
    desk._opening.opened = SimpleNamespace(alerts=alerts, **opened)  # type: ignore[assignment]
    return desk


def test_a_database_that_hangs_is_waited_for_by_one_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, let_go = [], threading.Event()

    def hangs() -> int:
        asked.append(1)
        let_go.wait(30)
        return 7

    desk = desk_on(tmp_path, SimpleNamespace(newest_event_id=hangs))

    async def scenario() -> None:
        monkeypatch.setattr(desk_actor, "DATABASE_S", 0.02)
        assert (await desk.said()).fault == "the database does not answer"
        monkeypatch.setattr(desk_actor, "DATABASE_S", 60.0)
        began_s = time.monotonic()
        assert (await desk.said()).fault == "the database does not answer"
        assert time.monotonic() - began_s < 30
        assert asked == [1]
        let_go.set()
        await desk._looking
        assert (await desk.said()).fault == ""

    asyncio.run(asyncio.wait_for(scenario(), 50))


def test_without_a_database_what_is_stopped_is_told_all_the_same(tmp_path: Path) -> None:
    @contextmanager
    def away(_what: str) -> Any:
        raise StoreError("the database does not answer")
        yield

    store = SimpleNamespace(database=SimpleNamespace(reading=away))
    watch = SimpleNamespace(gauges=lambda: {"matching_stopped": 1.0})
    told = asyncio.run(desk_on(tmp_path, store, webhooks=None, watch=watch).snapshot()).values
    assert told["matching_stopped", ()] == 1.0
