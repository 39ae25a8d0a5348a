"""The desk in numbers: what came, and what waits for a person or for a webhook's receiver."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.errors import StoreError
from lfr_ray.metrics import Meter
from lfr_ray.records import Facts

COUNTED = {"alert_raised": "alerts_total", "sighting_attached": "sightings_attached_total"}


def count_step(meter: Meter, kind: str, facts: Facts) -> None:
    """Count a step that is on record, by its camera, where it is one of an alert that was seen."""
    if kind in COUNTED:
        meter.count(COUNTED[kind], camera=str(facts.get("camera", "")))


def waiting(store: AlertStore, webhooks: WebhookStore, now_s: float) -> Mapping[str, float]:
    """Gauges of :mod:`lfr_ray.metrics`, at a wall time; none while the database does not answer."""
    alerts = tables.alerts.c
    query = select(func.count(), func.min(alerts.raised_at)).where(alerts.status != "decided")
    try:
        with store.database.reading("count what waits") as connection:
            count, oldest = connection.execute(query).one()
        return {
            "undecided_alerts": float(count),
            "oldest_undecided_alert_seconds": max(0.0, now_s - oldest) if count else 0.0,
            "webhooks_failing": float(sum(one.failing_since is not None or not one.active for one in webhooks.all())),
            "webhook_dead_letters": float(sum(webhooks.letters.counts().values())),
        }
    except StoreError:
        return {}
