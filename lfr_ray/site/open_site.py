"""A site opened from its configuration: its storage, its alerts, and its matcher behind what permits a comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService, OnEvent
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import Clock
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.data_dir import DataDir, temporary_folders
from lfr_ray.durable_files import own_folder, with_secrets
from lfr_ray.errors import AuthorityError, RefusedError
from lfr_ray.govern.alert_ledger_events import RECORDED_ELSEWHERE, TRIED_AGAIN, last_event_id, ledger_event
from lfr_ray.govern.authority import APPROVE, Position
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.country_profile import VOLUNTEERS, Profile, profile_of
from lfr_ray.govern.emergency_stop import Halts
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.leftover_scan import SHARED_MEMORY, Elsewhere, Table
from lfr_ray.govern.signed_authority import load_grant
from lfr_ray.govern.signing_keys import Signature, signature_fault, training_fault
from lfr_ray.govern.trust_file import missing_trust, trusted_keys
from lfr_ray.ledger_config import TimeStampConfig
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission, SamePermission
from lfr_ray.match.threshold import CEILING_PER_10K
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.match.watchlist_draft import ListDraft
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Probe, same_person
from lfr_ray.s3_bucket import Bucket
from lfr_ray.site.bound_configuration import Recordings, check_kind, configuration_in_force
from lfr_ray.site.gpsd_position import gpsd_at
from lfr_ray.site.ledger_checks_at_start import check_anchors, check_ledger
from lfr_ray.strict_yaml import parse_section

TEST: Literal["test"] = "test"
WITHOUT_AUTHORITY = VOLUNTEERS[TEST]
"""Who may be compared where nobody authorised anything: pictures of a test, and volunteers."""


@dataclass(frozen=True)
class SiteStorage:
    """A site's storage, opened.

    Attributes:
        roots: What is searched for destroyed content besides the data folder.
        extra: Further files and folders that are destroyed at a close, such as recordings.
        recordings: Folders of a separate recorder, whose files have their time.
        anchors: Where the ledger's end is written down besides.
        time_stamps: Who stamps it.
        elsewhere: Searches the other machines of the site.
    """

    data_dir: DataDir
    watchlist: WatchlistStore
    alerts: AlertStore
    ledger: Ledger
    roots: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    anchors: tuple[str, ...] = ()
    time_stamps: TimeStampConfig | None = None
    elsewhere: Elsewhere | None = None

    @property
    def searched(self) -> tuple[Path, ...]:
        """Every root."""
        return (self.data_dir.root, *self.alerts.database.files, SHARED_MEMORY, *temporary_folders(), *self.roots)

    def tables(self) -> Iterator[Table]:
        """What is searched and lies on servers: tables of the database, every version of every object of the list."""
        yield from self.alerts.database.tables()
        if isinstance(place := self.watchlist.folder, Bucket):
            yield from ((f"{place.address}/{name}", (data,)) for name, data in place.contents())


@contextmanager
def open_storage(site: SiteConfig, extra: tuple[Path, ...] = (), roots: tuple[Path, ...] = ()) -> Iterator[SiteStorage]:
    """The site's storage, opened; the ledger is sealed and closed at the end."""
    data_dir = DataDir(site.data_dir)
    check_ledger(site)
    with open_ledger(data_dir) as ledger:
        alerts = open_alert_store(site)
        try:
            yield _storage(site, alerts, ledger, roots, extra)
        finally:
            alerts.database.close()


def _storage(
    site: SiteConfig, alerts: AlertStore, ledger: Ledger, roots: tuple[Path, ...] = (), extra: tuple[Path, ...] = ()
) -> SiteStorage:
    """With what the site's file says of it."""
    noted = site.recordings, site.ledger.anchors, site.ledger.time_stamps
    return SiteStorage(DataDir(site.data_dir), open_store(site), alerts, ledger, roots, extra, *noted)


def open_store(site: SiteConfig) -> WatchlistStore:
    """The site's watchlist.

    Raises:
        ConfigError: It lies on object storage, and what that needs is not installed or set.
    """
    bucket = site.watchlist_store and Bucket(with_secrets(site.watchlist_store))
    return WatchlistStore(bucket or DataDir(site.data_dir).watchlist)


def open_draft(site: SiteConfig) -> ListDraft:
    """The site's watchlist, and what waits beside it: without a deployment nobody approves it, and nothing waits."""
    at_once = site.authority.kind == TEST and not site.authority.deployment
    return ListDraft(open_store(site), None if at_once else open_waiting(DataDir(site.data_dir)))


def open_waiting(data_dir: DataDir) -> WatchlistStore:
    """What waits to be approved."""
    return WatchlistStore(data_dir.watchlist_waiting)


def list_rules(site: SiteConfig) -> dict[str, Any]:
    """What the keeper of the site's list must know, by the names of its arguments."""
    data_dir = DataDir(site.data_dir)

    def unfit(person: str) -> str:
        if is_closed(data_dir, site.authority.deployment):
            return "the deployment was closed"
        if site.authority.kind == TEST:
            return ""
        roles = [one.role for one in trusted_keys(data_dir).values() if same_person(one.holder, person)]
        bound = {"approver", "authoriser"}.intersection(roles)
        return f"who holds a key of the role {bound.pop()} does not make the list" if bound else ""

    def approver(document: dict[str, Any], signature: Mapping[str, Any]) -> tuple[str, float]:
        given, trusted, now_s = parse_section(Signature, dict(signature), "it"), trusted_keys(data_dir), time.time()
        fault = signature_fault(APPROVE, document, given, trusted, "approver")
        fault = fault or trusted[given.key].unusable(now_s) or ("it is dated ahead" if given.at > now_s else "")
        if fault:
            raise AuthorityError("the approval does not hold", got=fault, next_step="sign it: `lfr watchlist sign`")
        return trusted[given.key].holder, given.at

    return {
        "draft": open_draft(site),
        "approver": approver,
        "record": open_ledger(data_dir, site.ledger.database_url).append,
        "deployment": site.authority.deployment,
        "until_start": bool(site.watchlist),
        "unfit": unfit,
    }


def open_alert_store(site: SiteConfig) -> AlertStore:
    """The site's alerts.

    Raises:
        ConfigError: A database URL that is wrong.
        StoreError: A database that cannot be opened.
    """
    if site.alert.database_url:
        return AlertStore(Database(with_secrets(site.alert.database_url)))
    return AlertStore(Database.at(DataDir(site.data_dir).alert_database))


def is_closed(data_dir: DataDir, deployment: str) -> bool:
    """Its closing has begun or is done."""
    if not deployment or not data_dir.grant(deployment).exists():
        return False
    return load_grant(data_dir, deployment).closing is not None or data_dir.receipt(deployment).exists()


class OpenedAlerts:
    """The alerts of a site with the audit ledger behind them: each step is in the ledger before it is acknowledged.

    ``on_recorded`` is told of each step after that.
    """

    def __init__(self, site: SiteConfig, clock: Clock, on_recorded: OnEvent = lambda kind, facts: None) -> None:
        data_dir = DataDir(site.data_dir)
        keep_private(data_dir, is_test=site.authority.kind == TEST)
        check_ledger(site)
        check_anchors(site)
        ledger, handed_id = open_ledger(data_dir, clock=clock), 0

        def record(kind: str, facts: Mapping[str, Any]) -> None:
            nonlocal handed_id
            event_id = facts.get("event_id", 0)
            if kind in TRIED_AGAIN:
                ledger.settle()  # not one more at each try
            if kind not in RECORDED_ELSEWHERE:
                if not 0 < event_id <= handed_id:  # what the ledger keeps and could not write yet comes again
                    ledger.keep(ledger_event(kind, facts))
                    handed_id = event_id or handed_id
                ledger.settle()
            on_recorded(kind, facts)

        store = open_alert_store(site)
        self.service = AlertService(
            store,
            replace(AlertRules.of(site.alert), trial=site.authority.kind == "trial"),
            clock,
            cases=case_rules(site, profile_of(site.authority)),
            on_event=record,
            closed=lambda deployment: is_closed(data_dir, deployment),
            # What came after the ledger's last step is reported again.
            reported_event_id=last_event_id(read_records(data_dir)),
        )
        self.storage = _storage(site, store, ledger)


def keep_private(data_dir: DataDir, *, is_test: bool) -> None:
    """The data folder is its owner's alone. A new one is made so, and a test's is closed; any other is refused.

    Raises:
        RefusedError: Others may enter it.
    """
    folder = data_dir.root
    own_folder(folder)
    others = folder.stat().st_mode & 0o077
    if others and is_test:
        folder.chmod(0o700)
    elif others:
        raise RefusedError(
            "the data folder is open to other users of this machine",
            got=f"{folder}: mode {folder.stat().st_mode & 0o777:o}",
            allowed="mode 700",
            next_step=f"chmod 700 {folder}",
        )


def case_rules(site: SiteConfig, profile: Profile) -> CaseRules:
    """What the profile says of those who decide. Keys are read at each decision: training runs out, and is renewed."""

    def unfit(officer: str, at: float) -> str:
        return training_fault(trusted_keys(DataDir(site.data_dir)).values(), officer, at)

    if not profile.adjudicators_trained or site.authority.kind in (TEST, "trial"):
        return CaseRules(profile.two_person)
    return CaseRules(profile.two_person, unfit)


def open_permission(site: SiteConfig, ledger: Ledger, clock: Clock | None = None) -> Permission:
    """What must permit every comparison: the authority gate, or in a test without a deployment the two switches alone.

    Raises:
        AuthorityError: The site is no test and names no deployment.
    """
    check_kind(site)
    check_ledger(site)
    check_anchors(site)
    if missing := missing_trust(site.authority.kind):
        raise AuthorityError(missing)
    if site.authority.deployment:
        return AuthorityGate(
            DataDir(site.data_dir),
            site.authority.deployment,
            profile_of(site.authority),
            ledger,
            clock=clock,
            positions=_positions(site),
            threshold=site.match.threshold,
            model_sha256=card(site.embedder.model).sha256,
            needed=(site.authority.kind,),
            configuration=configuration_in_force(site),
            recordings=Recordings(site),
        )
    if site.authority.kind == TEST:
        return SwitchPermission(site)
    raise AuthorityError(
        "no authority: the site is no test and names no deployment",
        got=f"authority -> kind: {site.authority.kind}, deployment: nothing",
        allowed="the id of an opened deployment, or kind: test with recordings",
        next_step="open one with `lfr deployment open`, and name it under authority -> deployment",
    )


def _positions(site: SiteConfig) -> Callable[[str], Position | None]:
    """Where each camera is: by its own coordinates, or where the site is now."""
    fixed = {
        camera.name: (camera.latitude, camera.longitude)
        for camera in site.cameras
        if camera.latitude is not None and camera.longitude is not None
    }
    if not site.position.gpsd:
        return fixed.get
    moving = gpsd_at(site.position.gpsd, site.position.max_age_s)
    return lambda camera: fixed.get(camera) or moving.position()


class SwitchPermission:
    """A test without a deployment: only the emergency stop and the circuit breaker refuse."""

    def __init__(self, site: SiteConfig) -> None:
        self._halts = Halts(DataDir(site.data_dir))

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        """What the switch that is set says to all."""
        return [self.status()] * len(probes)

    def status(self) -> str:
        """What the switch that is set says; empty while none is."""
        return self._halts.refusal()


def open_matcher(site: SiteConfig, ledger: Ledger) -> Matcher | TwoModelMatcher:
    """The site's matcher, or both where an alert needs two models; its list is read with :meth:`Matcher.reload`.

    Raises:
        AuthorityError: See :func:`open_permission`.
        ModelError: An embedder's card has no calibration.
    """
    permission = open_permission(site, ledger)
    config = site.match
    authority = permission.authority if isinstance(permission, AuthorityGate) else None
    if authority is not None:
        # What was signed counts. A site's rate of false alerts gives way to it; a site's own threshold may only be
        # stricter, and the gate refuses a lower one.
        known = [one for one in (authority.threshold, config.threshold) if one is not None]
        strictest = {"threshold": max(known), "false_alerts_per_10k_faces": None} if known else {}
        config = config.model_copy(update=strictest)
    store, first = open_store(site), card(site.embedder.model)
    rules: dict[str, Any] = {
        "evidence": site.evidence,
        "kind": site.authority.kind,
        # Without an authority that should be there nobody; whoever notices that it came opens anew.
        "categories": authority.who if authority else () if site.authority.deployment else WITHOUT_AUTHORITY,
        "only": {one.entry_id for one in authority.volunteers} if authority and authority.volunteers else None,
        "deployment": site.authority.deployment or TEST,
    }
    if site.second_embedder is None:
        return Matcher(store, first, permission, config=config, **rules)
    second = card(site.second_embedder.model)
    # The second confirms: even at the most false alerts that a site may have, both have fewer than the first.
    fitted = second.calibration is not None and second.calibration.fused_tail is not None
    own = MatchConfig(false_alerts_per_10k_faces=CEILING_PER_10K if fitted else None)
    return TwoModelMatcher(
        Matcher(store, first, permission, config=config, other_models=(second.enrolled_as,), **rules),
        Matcher(
            store, second, SamePermission(permission, first.id), config=own, other_models=(first.enrolled_as,), **rules
        ),
        second.id,
    )
