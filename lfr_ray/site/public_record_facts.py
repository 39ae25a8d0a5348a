"""The facts of a deployment's public record, collected from where they are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lfr_ray import __version__
from lfr_ray.adjudicate.decision_vocabulary import MONITORING_FIELDS
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.clock import parse_utc
from lfr_ray.govern.alert_ledger_events import alert_facts, disclosures
from lfr_ray.govern.blue_list import measure, read_walks
from lfr_ray.govern.destruction_receipt import SignedReceipt, load_receipt
from lfr_ray.govern.face_counters import totals
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.past_watchlists import read_listing
from lfr_ray.govern.public_record import RecordFacts
from lfr_ray.govern.signed_authority import Grant
from lfr_ray.records import StoredEvent
from lfr_ray.site.erasable_stores import ErasableWatchlist
from lfr_ray.site.open_site import SiteStorage

SWITCHED = frozenset({"alerts paused", "alerts resumed", "matching stopped", "matching resumed", "matching paused"})
"""Records that are shown besides stops and incidents."""


def collect_facts(
    storage: SiteStorage, site: str, grant: Grant, *, published_at: float, walks: Path | None = None
) -> RecordFacts:
    """Everything that the public record of a deployment needs.

    ``published_at`` is the record's wall time, ``walks`` the register of the volunteers' walks, if there were any.
    """
    deployment = grant.authority.deployment
    data_dir = storage.data_dir
    receipt = load_receipt(data_dir, deployment) if data_dir.receipt(deployment).exists() else None
    categories, groups, images = _list_facts(storage, deployment, receipt)
    alerts = alert_facts(alert_events(storage.alerts), deployment)
    records = [one for one in read_records(data_dir) if _concerns(one, grant)]
    return RecordFacts(
        site=site,
        grant=grant,
        published_at=published_at,
        cameras=totals(records, deployment),
        alerts=alerts,
        categories=categories,
        images=images,
        incidents=_incidents(records),
        disclosures=disclosures(records),
        refusals=sum(one["kind"] == "refusal" for one in records),
        blue=None if walks is None else measure(read_walks(walks, groups), [one for one in alerts if one.blue]),
        receipt=receipt,
        ended_at=grant.closing.at if grant.closing is not None else None,
        ledger_head=storage.ledger.head.text(),
        versions={"software": f"lfr-ray {__version__}", "model": grant.authority.model or "any"},
        groups=MONITORING_FIELDS,
    )


def alert_events(alerts: AlertStore) -> Iterator[StoredEvent]:
    """The feed of alerts from its beginning."""
    after = 0
    while events := alerts.events_after(after, 1000):
        yield from events
        after = events[-1].event_id


def _list_facts(
    storage: SiteStorage, deployment: str, receipt: SignedReceipt | None
) -> tuple[Mapping[str, int], dict[str, str], int]:
    """Entries by category, groups by entry and pictures: from the table while it is there, then from the listing."""
    if storage.data_dir.listing(deployment).exists():
        listing = read_listing(storage.data_dir, deployment)
        parts = receipt.receipt.parts if receipt is not None else ()
        images = sum(part.counts.get("images", 0) for part in parts if part.label == ErasableWatchlist.label)
        return listing.categories, {one.entry_id: one.group for one in listing.listed}, images
    vectors = storage.watchlist.vectors()
    entries = {one.entry.entry_id: one.entry for one in vectors}
    groups = {entry_id: entry.declared_group for entry_id, entry in entries.items()}
    return Counter(entry.category for entry in entries.values()), groups, len(vectors)


def _concerns(record: Mapping[str, Any], grant: Grant) -> bool:
    """A record of this deployment, or one of the whole site while it was open."""
    if record["deployment"]:
        return bool(record["deployment"] == grant.authority.deployment)
    end_s = grant.closing.at if grant.closing is not None else grant.authority.ends_at
    return grant.authority.starts_at <= parse_utc(record["at"]) <= end_s


def _incidents(records: Iterable[Mapping[str, Any]]) -> list[tuple[float, str, str]]:
    return [
        (parse_utc(one["at"]), one["kind"], one["what"])
        for one in records
        if one["kind"] in ("stop", "incident") or one["what"] in SWITCHED
    ]
