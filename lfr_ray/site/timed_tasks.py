"""What a site does by the clock: faces counted into the ledger, alerts destroyed in time, the circuit breaker.

Nothing here looks at a face. It runs in the process of the alerts, which has the one order of events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.govern.alert_ledger_events import alert_facts
from lfr_ray.govern.circuit_breaker import CircuitBreaker, confirmed_false
from lfr_ray.govern.country_profile import profile_of
from lfr_ray.govern.face_counters import CameraCounters, counted, removed, totals_of_runs
from lfr_ray.govern.ledger_anchors import anchors_in_force, write_anchors
from lfr_ray.govern.ledger_event import STRANGER, Event, recordable
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.site.close_deployment import (
    check_recordings,
    close_overdue,
    destroy_old_listings,
    destroy_old_recordings,
    finish_closings,
    purge_expired,
)
from lfr_ray.site.ledger_retention import drop_old_records
from lfr_ray.site.open_site import SiteStorage
from lfr_ray.site.public_record_facts import alert_events

COUNT_EVERY_S = 60.0
"""Between two records of what the cameras counted."""

PURGE_EVERY_S = 30.0

DROP_EVERY_S = 86400.0
"""Between two looks for ledger records whose time is over."""

ANCHOR_EVERY_S = 3600.0
"""Between two notes of the ledger's end outside the data folder."""


class Schedule:
    """One site's periodic work; its deployment's id stands in every record."""

    def __init__(self, site: SiteConfig, storage: SiteStorage, clock: Clock | None = None) -> None:
        self._deployment = site.authority.deployment
        self._storage = storage
        self._profile = profile_of(site.authority)
        self._clock = clock or SystemClock()
        self._counted: dict[str, CameraCounters] = {}
        self._removals: dict[str, tuple[str, int]] = {}
        self._on_record = totals_of_runs(read_records(storage.data_dir), self._deployment) if self._deployment else {}
        self._faces_before = sum(one.faces_seen for one in self._on_record.values())
        self._breaker = CircuitBreaker(
            storage.data_dir, self._deployment, self._profile.breaker, storage.ledger, clock=self._clock
        )
        check_recordings(storage)
        self._count_at_s = self._purge_at_s = self._anchor_at_s = self._drop_at_s = float("-inf")

    def begin(self) -> None:
        """Finish what a crash interrupted, and note where the ledger ends."""
        finish_closings(self._storage, clock=self._clock)
        self.anchor()

    def end(self, seen: Mapping[str, CameraCounters]) -> None:
        """The last counts, and where the ledger ends."""
        self.count(seen)
        self.anchor()

    def anchor(self) -> None:
        """Note where the ledger ends outside the data folder; also to be called at the end."""
        self._anchor_at_s = self._clock.steady_s()
        storage = self._storage
        anchors = anchors_in_force(storage.anchors, storage.data_dir)
        for fault in write_anchors(anchors, storage.ledger.head, storage.data_dir, storage.time_stamps):
            storage.ledger.append(Event("incident", "anchor not written", actor="system", reason=recordable(fault)))

    def tick(self, seen: Mapping[str, CameraCounters]) -> None:
        """Do what is due; ``seen`` is what each camera counted since it was started.

        Raises:
            StoreError: The ledger cannot be written; the gate has closed already, and the next tick tries again.
        """
        now_s = self._clock.steady_s()
        if now_s - self._purge_at_s >= PURGE_EVERY_S:
            self._purge_at_s = now_s
            purge_expired(self._storage, self._profile.retention, clock=self._clock)
            close_overdue(self._storage, clock=self._clock)
            destroy_old_listings(self._storage, self._profile.retention, clock=self._clock)
            destroy_old_recordings(self._storage, self._profile.retention, clock=self._clock)
        if now_s - self._drop_at_s >= DROP_EVERY_S:
            self._drop_at_s = now_s
            drop_old_records(self._storage, self._profile.retention, clock=self._clock)
        if now_s - self._anchor_at_s >= ANCHOR_EVERY_S:
            self.anchor()
        if now_s - self._count_at_s >= COUNT_EVERY_S:
            self._count_at_s = now_s
            self.count(seen)
        # Matching pauses when the false alerts may be more than the ceiling allows.
        faces = sum(now.faces_seen - self._recorded(camera, now).faces_seen for camera, now in seen.items())
        alerts = alert_facts(alert_events(self._storage.alerts), self._deployment)
        self._breaker.update(self._faces_before + faces, confirmed_false(alerts))

    def count(self, seen: Mapping[str, CameraCounters]) -> None:
        """Record what every camera counted since its last record; also to be called at the end.

        What the ledger took over is counted from then on: it writes it, now or later, or this process ends.
        """
        ledger = self._storage.ledger
        for camera, now in seen.items():
            new = _since(now, self._counted.get(camera) or self._recorded(camera, now))
            if self._deployment and replace(new, latency_ms={}, run="") != CameraCounters():
                ledger.keep(counted(self._deployment, camera, new))
            self._counted[camera] = now
        ledger.settle()

    def record_removals(self, camera: str, run: str, told: int, sha256s: Sequence[str]) -> None:
        """Record that a camera deleted pictures of its folder after use.

        One that got no answer in time sends the same again, and behind it what came since: ``told`` is how many its
        process (``run``) had told of before these.
        """
        of_run, kept = self._removals.get(camera, ("", 0))
        new = sha256s[max(0, kept - told) :] if run == of_run else sha256s
        self._removals[camera] = run, told + len(sha256s)
        if new:
            self._storage.ledger.keep(removed(self._deployment, camera, new))
        self._storage.ledger.settle()

    def record_stranger(self, process: str, method: str, *, soon: bool = False) -> None:
        """Record that somebody without the site's capability called one of its processes; ``soon``: not waiting."""
        event = Event("refusal", STRANGER, self._deployment, "system", reason=recordable(f"{process}: {method}"))
        (self._storage.ledger.append_soon if soon else self._storage.ledger.append)(event)

    def _recorded(self, camera: str, now: CameraCounters) -> CameraCounters:
        """What stood on record of a camera's process when this one began: a desk may restart while cameras run."""
        began = CameraCounters(run=now.run)
        return self._on_record.get((camera, now.run), began) if now.run else began


def _since(now: CameraCounters, before: CameraCounters) -> CameraCounters:
    """What came between two totals. A camera that was restarted counts from nothing again, and a fleet its times."""
    restarted = now.run != before.run or now.frames < before.frames
    base = CameraCounters() if restarted else before
    pairs = {one.name: (getattr(now, one.name), getattr(base, one.name)) for one in fields(CameraCounters)}
    numbers: dict[str, Any] = {
        name: value - earlier if value >= earlier else value
        for name, (value, earlier) in pairs.items()
        if isinstance(value, (int, float))
    }
    rejected = {reason: count - base.rejected.get(reason, 0) for reason, count in now.rejected.items()}
    problems = tuple(one for one in now.problems if one not in base.problems)
    rejected = {reason: count for reason, count in rejected.items() if count}
    return replace(now, **numbers, rejected=rejected, problems=problems)
