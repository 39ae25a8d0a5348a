"""A program of its own that raises one alert: `raise_once.py DATABASE_URL KEY [die-after-commit | wait-for FILE]`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import SystemClock
from lfr_ray.records import Match, Quality, Sighting


def sighting(key: str) -> Sighting:
    return Sighting(
        key=key,
        camera="gate",
        track=1,
        captured_s=1.0,
        captured_at=1_700_000_000.0,
        match=Match("entry-1", "Nobody Listed", "wanted", "detain", 0.8, 0.7, 0.2, "entry-2", 4, 5, 500),
        model="dlib_resnet",
        deployment="airshow",
        box=(0.0, 0.0, 50.0, 50.0),
        quality=Quality(50.0, 100.0, 120.0, 0.0, 0.0, 0.0, 0.9, 0.8),
        face_jpeg=b"\xff\xd8face" + bytes(50_000),
        scene_jpeg=b"\xff\xd8scene",
    )


def die(kind: str, facts: Mapping[str, Any]) -> None:
    """The desk reports after the commit and before the answer: the worst moment to lose power."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, key: str, how: str = "", *rest: str) -> None:
    desk = AlertService(
        AlertStore(Database(url)),
        AlertRules(),
        SystemClock(),
        cases=CaseRules(),
        on_event=die if how == "die-after-commit" else None,
    )
    if how == "wait-for":
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while not Path(rest[0]).exists():
            time.sleep(0.002)
    receipt = desk.raise_alert(sighting(key))
    sys.stdout.write(f"{receipt.alert_id} {receipt.new}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
