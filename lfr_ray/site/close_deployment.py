"""Closing a deployment: nothing is compared any more, everything is destroyed, and that is proved.

Also what is due by the clock: alerts whose time is over, closings that a crash interrupted.
"""

from __future__ import annotations

import contextlib
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path

from lfr_ray.alert.erase_alerts import AlertEraser, RetentionFacts
from lfr_ray.clock import Clock, SystemClock, utc_text
from lfr_ray.durable_files import exclusive
from lfr_ray.errors import ConfigError, ConflictError, LfrError
from lfr_ray.govern.canonical_json import canonical_json, sha256_hex
from lfr_ray.govern.country_profile import RetentionRules, kept_profile
from lfr_ray.govern.destruction_receipt import SignedReceipt, load_receipt
from lfr_ray.govern.erase_deployment import Erasure, Journal, Stage, unfinished
from lfr_ray.govern.erasure_fingerprints import fingerprints_of, scan_key
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_anchors import anchors_in_force, write_anchors
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import CLOSED, ERASED
from lfr_ray.govern.past_watchlists import Listed, Listing, write_listing
from lfr_ray.govern.retention_rules import Item, due
from lfr_ray.govern.signed_authority import Grant, closed, closing_fault, list_grants, load_grant, must_erase
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.govern.trust_file import site_key, trusted_keys
from lfr_ray.shred_files import shred
from lfr_ray.site.erasable_stores import ErasableAlerts, ErasableFiles, erasable_stores
from lfr_ray.site.open_site import SiteStorage
from lfr_ray.site.public_record_facts import alert_events

EXPIRED = "retention time over"


def close_deployment(
    storage: SiteStorage,
    deployment: str,
    *,
    by: str,
    reason: str,
    clock: Clock | None = None,
    on_stage: Stage | None = None,
) -> SignedReceipt:
    """Close a deployment, destroy what it held and give the signed receipt. Repeating it changes nothing.

    Raises:
        NotFoundError: There is no such deployment.
        ConflictError: Another closing is under way, or another open deployment needs the same list.
        IntegrityError, StoreError: It could not be destroyed or proved; close again.
    """
    clock = clock or SystemClock()
    data_dir = storage.data_dir
    with exclusive(data_dir.closing_lock, "a closing on this site"):
        grant = load_grant(data_dir, deployment)
        anchors = (*anchors_in_force(storage.anchors, data_dir), *grant.authority.anchors)
        journal = Journal.load(data_dir, deployment)
        if data_dir.receipt(deployment).exists() and journal is None:
            return load_receipt(data_dir, deployment)
        _check_alone(storage, deployment)
        if journal is not None:
            # What was named when it began counts, or a restart would leave something out.
            storage = replace(
                storage,
                extra=tuple(Path(path) for path in journal.paths),
                roots=(*storage.roots, *(Path(path) for path in journal.roots)),
            )
        grant = _mark_closed(storage, grant, by, reason, clock)
        _write_listing(storage, deployment)
        erasure = Erasure(
            data_dir,
            deployment,
            erasable_stores(storage, deployment, now_s=clock.wall_s()),
            roots=storage.searched,
            tables=storage.tables,
            elsewhere=storage.elsewhere,
            key=site_key(data_dir),
            scan=scan_key(data_dir),
            paths=storage.extra,
            clock=clock,
            on_stage=on_stage or (lambda stage: None),
        )
        receipt = erasure.run(
            by,
            reason,
            ledger_head=lambda: storage.ledger.head.text(),
            authority_sha256=sha256_hex(canonical_json(grant.authority.content())),
            watchlist_sha256=grant.authority.watchlist_sha256,
            held=lambda: _held(storage, deployment),
        )
        _record(storage.ledger, receipt, by, reason)
        erasure.finish()
        write_anchors(dict.fromkeys(anchors), storage.ledger.head, data_dir, storage.time_stamps)
        return receipt


def finish_closings(
    storage: SiteStorage, *, clock: Clock | None = None, on_stage: Stage | None = None
) -> list[SignedReceipt]:
    """Finish every closing that was interrupted. To be called when a site starts."""
    data_dir = storage.data_dir
    pending = {
        grant.authority.deployment: grant.closing.by
        for grant in list_grants(data_dir)
        if grant.closing is not None and not data_dir.receipt(grant.authority.deployment).exists()
    }
    pending |= {deployment: pending.get(deployment, "") for deployment in unfinished(data_dir)}
    reason = "an interrupted closing is finished"
    return [
        close_deployment(storage, one, by=by or "system", reason=reason, clock=clock, on_stage=on_stage)
        for one, by in sorted(pending.items())
    ]


def close_overdue(
    storage: SiteStorage, *, clock: Clock | None = None, on_stage: Stage | None = None
) -> list[SignedReceipt]:
    """Close what nobody closed, at the profile's times.

    That is when the list's time after the end is over, or when an urgent use was not authorised in time under rules
    that then want everything destroyed.
    """
    clock = clock or SystemClock()
    now_s = clock.wall_s()
    trusted = trusted_keys(storage.data_dir)
    receipts = []
    for grant in list_grants(storage.data_dir):
        if closing_fault(grant, trusted):
            continue
        reason = _overdue_reason(storage, grant, trusted, now_s)
        if reason:
            # Another deployment that is open needs the list: it goes with that one.
            with contextlib.suppress(ConflictError):
                deployment = grant.authority.deployment
                receipts.append(
                    close_deployment(storage, deployment, by="system", reason=reason, clock=clock, on_stage=on_stage)
                )
    return receipts


def _overdue_reason(storage: SiteStorage, grant: Grant, trusted: dict[str, PublicKey], now_s: float) -> str:
    authority = grant.authority
    try:
        rules = kept_profile(storage.data_dir, authority.profile_sha256)
    except LfrError:
        return ""
    if must_erase(grant, trusted, rules, now_s):
        return "the urgent use was not authorised in time"
    item = Item(authority.deployment, "watchlist", authority.starts_at, ended_at=authority.ends_at)
    over = due([item], rules.retention, now_s) if now_s > authority.ends_at else ()
    return f"the watchlist's time is over: {over[0].reason}" if over else ""


def purge_expired(storage: SiteStorage, rules: RetentionRules, *, clock: Clock | None = None) -> int:
    """Destroy the alerts whose time is over, remembering their fingerprints.

    Returns:
        How many alerts were destroyed.
    """
    now_s = (clock or SystemClock()).wall_s()
    over = set(overdue(storage, rules, now_s))
    if not over:
        return 0
    for facts in AlertEraser(storage.alerts.database).retention_facts():
        if facts.alert_id in over and facts.hold_reason:
            storage.alerts.set_hold(facts.alert_id, by="system", reason="", now_s=now_s)
    erasable = ErasableAlerts(storage.alerts, lambda facts: facts.alert_id in over, now_s=now_s, reason=EXPIRED)
    prints = fingerprints_of(scan_key(storage.data_dir), erasable.contents())
    stamp = utc_text(now_s).replace(":", "").replace(".", "")
    prints.save(storage.data_dir.fingerprints(f"expired-{stamp}", erasable.label))
    counts = erasable.destroy()
    storage.ledger.append(Event("erasure", "alerts destroyed: their time was over", actor="system", facts=counts))
    return counts["alerts"]


def destroy_old_listings(storage: SiteStorage, rules: RetentionRules, *, clock: Clock | None = None) -> int:
    """Destroy the nominal ids of past lists, and what volunteers declared of themselves, whose time is over.

    Returns:
        How many listings were destroyed.
    """
    paths = {path.stem: path for path in storage.data_dir.listings}
    items = [Item(deployment, "listing", path.stat().st_mtime) for deployment, path in paths.items()]
    gone = due(items, rules, (clock or SystemClock()).wall_s())
    for one in gone:
        shred(paths[one.item.id])
        storage.ledger.append(
            Event("erasure", "listing destroyed", one.item.id, "system", facts={"reason": one.reason})
        )
    return len(gone)


def check_recordings(storage: SiteStorage) -> None:
    """A recorder's folder is no folder of anything else.

    Raises:
        ConfigError: The data folder lies in it, or it in the data folder.
    """
    own = storage.data_dir.root.resolve()
    for folder in map(Path.resolve, storage.recordings):
        if folder == own or folder in own.parents or own in folder.parents:
            raise ConfigError(
                "what is in a folder of recordings is destroyed by the clock, and the data folder is near it",
                got=f"recordings: {folder}, data_dir: {own}",
                allowed="folders that a separate recorder alone fills",
            )


def destroy_old_recordings(storage: SiteStorage, rules: RetentionRules, *, clock: Clock | None = None) -> int:
    """Destroy files of a separate recorder whose time is over, counted from when they were last written.

    Returns:
        How many files were destroyed.

    Raises:
        StoreError: One could not be overwritten or removed.
    """
    items = []
    for path in [one for folder in storage.recordings for one in folder.resolve().rglob("*")]:
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            if stat.S_ISREG((state := path.lstat()).st_mode):
                items.append(Item(str(path), "recording", state.st_mtime))
    gone = due(items, rules, (clock or SystemClock()).wall_s())
    if gone:
        counts = ErasableFiles([Path(one.item.id) for one in gone]).destroy()
        event = Event("erasure", "recordings destroyed: their time was over", actor="system", facts=counts)
        storage.ledger.append(event)
    return len(gone)


def overdue(storage: SiteStorage, rules: RetentionRules, now_s: float) -> tuple[str, ...]:
    """Alerts whose time is over."""
    alerts = AlertEraser(storage.alerts.database).retention_facts()
    used = _outcome_times(storage) if alerts else {}
    trusted = trusted_keys(storage.data_dir)
    ended = {
        grant.authority.deployment: grant.closing.at
        for grant in list_grants(storage.data_dir)
        if grant.closing is not None and closing_fault(grant, trusted)
    }
    items = [_item(one, used, ended) for one in alerts]
    return tuple(one.item.id for one in due(items, rules, now_s))


def _item(alert: RetentionFacts, used: dict[str, float], ended: dict[str, float]) -> Item:
    return Item(
        alert.alert_id,
        "alert",
        alert.raised_at,
        used_at=used.get(alert.alert_id),
        ended_at=ended.get(alert.deployment),
        hold_reason=alert.hold_reason,
    )


def _outcome_times(storage: SiteStorage) -> dict[str, float]:
    """When an alert's outcome was recorded first: then it has been used."""
    times: dict[str, float] = {}
    for event in alert_events(storage.alerts):
        if event.kind == "outcome":
            times.setdefault(event.alert_id, event.at)
    return times


def _check_alone(storage: SiteStorage, deployment: str) -> None:
    """The site has one list: while another open deployment needs it, it cannot be destroyed."""
    trusted = trusted_keys(storage.data_dir)
    others = [
        grant.authority.deployment
        for grant in list_grants(storage.data_dir)
        if grant.authority.deployment != deployment
        and grant.authority.kind != "test"
        and not closing_fault(grant, trusted)
    ]
    if others:
        raise ConflictError(
            "another open deployment needs the same watchlist",
            got=", ".join(sorted(others)),
            next_step="close that one first: its list would be destroyed",
        )


def _mark_closed(storage: SiteStorage, grant: Grant, by: str, reason: str, clock: Clock) -> Grant:
    """From now on the gate refuses, whatever becomes of the rest."""
    if grant.closing is not None:
        return grant
    grant = closed(grant, site_key(storage.data_dir), by, clock.wall_s())
    grant.save(storage.data_dir)
    storage.ledger.append(Event("authority", CLOSED, deployment=grant.authority.deployment, actor=by, reason=reason))
    return grant


def _write_listing(storage: SiteStorage, deployment: str) -> None:
    try:
        entries = storage.watchlist.entries()
    except LfrError:
        return
    if entries and not storage.data_dir.listing(deployment).exists():
        listed = [
            Listed(one.nominal_id or one.entry_id, one.entry_id, one.category, one.declared_group) for one in entries
        ]
        write_listing(storage.data_dir, deployment, Listing(Counter(one.category for one in entries), listed))


def _held(storage: SiteStorage, deployment: str) -> int:
    alerts = AlertEraser(storage.alerts.database).retention_facts()
    return sum(1 for one in alerts if one.deployment == deployment and one.hold_reason)


def _record(ledger: Ledger, receipt: SignedReceipt, by: str, reason: str) -> None:
    counts = {part.label: dict(part.counts) for part in receipt.receipt.parts}
    facts = {"receipt_sha256": receipt.sha256, "destroyed": counts, "held": receipt.receipt.held}
    ledger.append(Event("erasure", ERASED, receipt.receipt.deployment, by, reason=reason, facts=facts))
    ledger.seal()
