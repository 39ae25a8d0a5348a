"""The alert desk of a site, opened from its configuration."""

from __future__ import annotations

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.alert.database import Database
from lfr_ray.alert.rules import AlertRules
from lfr_ray.alert.service import AlertService, OnEvent
from lfr_ray.alert.store import AlertStore
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import SiteConfig

DATABASE_FILE = "desk.sqlite"


def open_alerts(
    site: SiteConfig,
    *,
    cases: CaseRules | None = None,
    clock: Clock | None = None,
    on_event: OnEvent | None = None,
    reported_event_id: int | None = None,
) -> AlertService:
    """Open the desk's database and put the desk on it.

    Args:
        site: Names the database and the alert rules.
        cases: What people may record, and in which order; default: one officer decides.
        clock: Time.
        on_event: Called with every step: the audit ledger's door.
        reported_event_id: The last step that the ledger has.

    Raises:
        ConfigError: A database URL that is wrong.
        StoreError: A database that cannot be opened.
    """
    if site.alert.database_url:
        database = Database(site.alert.database_url)
    else:
        site.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database.at(site.data_dir / DATABASE_FILE)
    return AlertService(
        AlertStore(database),
        AlertRules.of(site.alert),
        clock or SystemClock(),
        cases=cases or CaseRules(),
        on_event=on_event,
        reported_event_id=reported_event_id,
    )
