"""A site with a watchlist, alerts and a ledger on the real stores, for tests of its end."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.govern.alert_ledger_events import ledger_event
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Match, Quality, Sighting
from lfr_ray.site.close_deployment import close_deployment
from lfr_ray.site.open_site import SiteStorage, is_closed
from lfr_ray.site.verify_site import verify_site


def picture(seed: int, side: int = 120) -> bytes:
    rng = np.random.default_rng(seed)
    return encode_jpeg(rng.integers(0, 255, (side // 4, side // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1))


def image(number: int, **fields: Any) -> EnrolledImage:
    rng = np.random.default_rng(number)
    vector = rng.normal(size=128).astype(np.float32)
    entry = Entry(f"e{number}", f"Person {number}", fields.pop("category", "test"), nominal_id=f"N{number}", **fields)
    return EnrolledImage(
        entry, f"{number:064x}", "dlib_resnet", vector / np.linalg.norm(vector), 0.9, 80.0, picture(number), "op-1", 1.0
    )


def sighting(number: int, deployment: str, at: float) -> Sighting:
    match = Match(f"e{number}", f"Person {number}", "test", "stop", 0.97, 0.96, 0.1, "e9", 3, 3, 20)
    quality = Quality(80.0, 100.0, 120.0, 0.0, 0.0, 0.0, 0.9, 0.9)
    return Sighting(
        key=f"{deployment}-{number}",
        camera="pier",
        track=number,
        captured_s=1.0,
        captured_at=at,
        match=match,
        model="dlib_resnet",
        deployment=deployment,
        box=(0.0, 0.0, 9.0, 9.0),
        quality=quality,
        face_jpeg=picture(1000 + number),
        scene_jpeg=picture(2000 + number, 240),
        watchlist_jpeg=picture(number),
        view_jpegs=(picture(3000 + number),),
    )


class Station:
    """A site with a list of twenty, an open trial and some alerts."""

    def __init__(self, site: Any, database: Database | None = None) -> None:
        self.site, self.clock = site, site.clock
        self.profile = load_profile("test")
        self.ledger = site.ledger()
        self.desk = AlertService(
            AlertStore(database or Database.at(site.data_dir / "desk.sqlite")),
            AlertRules(),
            site.clock,
            cases=CaseRules(),
            on_event=lambda kind, facts: self.ledger.append(ledger_event(kind, facts)),
            reported_event_id=0,
            closed=lambda deployment: is_closed(self.site.files, deployment),
        )
        self.watchlist = WatchlistStore(site.data_dir / "watchlist")
        self.storage = SiteStorage(site.files, self.watchlist, self.desk.store, self.ledger)
        self.open("d1")

    def open(self, deployment: str) -> None:
        authority = trial_authority(self.profile, self.clock.wall_s(), deployment=deployment, who=("test", "blue-list"))
        open_trial(self.site.files, authority, self.profile, self.clock.wall_s())

    def fill(self, entries: int = 20) -> None:
        self.watchlist.put([image(number) for number in range(entries)])

    def alert(self, number: int, deployment: str = "d1") -> str:
        return self.desk.raise_alert(sighting(number, deployment, self.clock.wall_s())).alert_id

    def close(self, deployment: str = "d1", **options: Any) -> Any:
        return close_deployment(
            self.storage, deployment, by="op-1", reason="the event is over", clock=self.clock, **options
        )

    def verify(self) -> Any:
        return verify_site(self.storage, self.clock.wall_s())
