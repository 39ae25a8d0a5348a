"""A site opened from its configuration: its storage, its alerts, and its matcher behind what permits a comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.database import Database
from lfr_ray.alert.service import AlertService, OnEvent
from lfr_ray.alert.store import AlertStore
from lfr_ray.bucket import Bucket
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.data_dir import DataDir, temporary_folders
from lfr_ray.errors import AuthorityError, IntegrityError, RefusedError
from lfr_ray.files import with_secrets
from lfr_ray.govern.alert_events import RECORDED_ELSEWHERE, last_event_id, ledger_event
from lfr_ray.govern.anchors import anchored_heads, check_known
from lfr_ray.govern.authority import APPROVE, Position
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.govern.grant import list_grants, load_grant
from lfr_ray.govern.in_force import SIGNED
from lfr_ray.govern.keys import Signature, same_holder, signature_fault, training_fault
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import KnownHead, read_records
from lfr_ray.govern.profile import Profile, profile_of
from lfr_ray.govern.scan import SHARED_MEMORY, Table
from lfr_ray.govern.stop import Halts
from lfr_ray.govern.trust import missing_trust, trusted_keys
from lfr_ray.ledger_config import TimeStampConfig
from lfr_ray.match.draft import ListDraft
from lfr_ray.match.entries import BLUE_LIST
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission, SamePermission
from lfr_ray.match.store import WatchlistStore
from lfr_ray.match.threshold import CEILING_PER_10K
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.models.catalogue import card
from lfr_ray.section import parse_section
from lfr_ray.site.configuration import check_kind, effective_configuration, recordings_of
from lfr_ray.site.gpsd import gpsd_at

TEST = "test"
WITHOUT_AUTHORITY = frozenset({TEST, BLUE_LIST})
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

    @property
    def searched(self) -> tuple[Path, ...]:
        """Every root."""
        return (self.data_dir.root, *self.alerts.database.files, SHARED_MEMORY, *temporary_folders(), *self.roots)

    def tables(self) -> Iterator[Table]:
        """What is searched and lies on servers: tables of the database, every version of every object of the list."""
        yield from self.alerts.database.tables()
        if isinstance(place := self.watchlist.folder, Bucket):
            yield from ((f"{place.address}/{name}", (data,)) for name, data in place.contents())


def check_ledger(site: SiteConfig) -> None:
    """The ledger is there and goes on from what authorities and anchors say of it; asked before it is opened.

    Raises:
        IntegrityError: It is gone, shorter, older or another one.
    """
    data_dir = DataDir(site.data_dir)
    state = LedgerState(data_dir)
    state.follow()
    known = anchored_heads(site.ledger.anchors, data_dir)
    for grant in list_grants(data_dir):
        authority = grant.authority
        number, _, digest = authority.ledger_head.partition(":")
        signed_at = grant.signature.at if grant.signature else 0.0
        if number:
            known.append(KnownHead(int(number), digest, f"the authority of {authority.deployment}", signed_at))
        dropped = grant.closing is not None and signed_at < state.begin.before
        if authority.kind in SIGNED and authority.deployment not in state.opened and not dropped:
            raise IntegrityError(
                "the ledger does not record a deployment that lies here: it is gone, was set back or is another one",
                got=authority.deployment,
                next_step="put the ledger back; `lfr audit verify` says more. Nothing is compared until then",
            )
    check_known(state, known)


@contextmanager
def open_storage(site: SiteConfig, extra: tuple[Path, ...] = (), roots: tuple[Path, ...] = ()) -> Iterator[SiteStorage]:
    """The site's storage, opened; the ledger is sealed and closed at the end."""
    data_dir = DataDir(site.data_dir)
    check_ledger(site)
    with open_ledger(data_dir) as ledger:
        alerts = open_alerts(site).store
        try:
            noted = site.recordings, site.ledger.anchors, site.ledger.time_stamps
            yield SiteStorage(data_dir, open_store(site), alerts, ledger, roots, extra, *noted)
        finally:
            alerts.database.close()


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
        roles = [one.role for one in trusted_keys(data_dir).values() if same_holder(one.holder, person)]
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
        "record": open_ledger(data_dir).append,
        "deployment": site.authority.deployment,
        "until_start": bool(site.watchlist),
        "unfit": unfit,
    }


def open_alerts(
    site: SiteConfig,
    *,
    cases: CaseRules | None = None,
    clock: Clock | None = None,
    on_event: OnEvent | None = None,
    reported_event_id: int | None = None,
) -> AlertService:
    """Open the alerts' database and put the service on it.

    Args:
        site: Names the database and the alert rules.
        cases: What people may record, and in which order; default: one officer decides.
        clock: Time.
        on_event: Called with every step, to put it into the audit ledger.
        reported_event_id: The last step that the ledger has.

    Raises:
        ConfigError: A database URL that is wrong.
        StoreError: A database that cannot be opened.
    """
    if site.alert.database_url:
        database = Database(with_secrets(site.alert.database_url))
    else:
        site.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = Database.at(DataDir(site.data_dir).alert_database)
    return AlertService(
        AlertStore(database),
        replace(AlertRules.of(site.alert), trial=site.authority.kind == "trial"),
        clock or SystemClock(),
        cases=cases or CaseRules(),
        on_event=on_event,
        closed=lambda deployment: is_closed(DataDir(site.data_dir), deployment),
        reported_event_id=reported_event_id,
    )


def is_closed(data_dir: DataDir, deployment: str) -> bool:
    """Its closing has begun or is done."""
    if not deployment or not data_dir.grant(deployment).exists():
        return False
    return load_grant(data_dir, deployment).closing is not None or data_dir.receipt(deployment).exists()


class OpenedAlerts:
    """The alerts of a site with the audit ledger behind them: each step is in the ledger before it is acknowledged.

    Args:
        site: The site.
        clock: Time.
    """

    def __init__(self, site: SiteConfig, clock: Clock) -> None:
        data_dir = DataDir(site.data_dir)
        keep_private(data_dir, is_test=site.authority.kind == TEST)
        check_ledger(site)
        ledger = open_ledger(data_dir, clock)

        def record(kind: str, facts: Mapping[str, Any]) -> None:
            if kind not in RECORDED_ELSEWHERE:
                ledger.append(ledger_event(kind, facts))

        self.service = open_alerts(
            site,
            cases=case_rules(site, profile_of(site.authority)),
            clock=clock,
            on_event=record,
            # What came after the ledger's last step is reported again.
            reported_event_id=last_event_id(read_records(data_dir)),
        )
        noted = site.recordings, site.ledger.anchors, site.ledger.time_stamps
        self.storage = SiteStorage(data_dir, open_store(site), self.service.store, ledger, (), (), *noted)


def keep_private(data_dir: DataDir, *, is_test: bool) -> None:
    """The data folder is its owner's alone. A new one is made so, and a test's is closed; any other is refused.

    Raises:
        RefusedError: Others may enter it.
    """
    folder = data_dir.root
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    Args:
        site: Names the deployment, its kind and rules, the cameras and where they stand.
        ledger: Where refusals are recorded and whose health counts.
        clock: Time.

    Raises:
        AuthorityError: The site is no test and names no deployment.
    """
    check_kind(site)
    check_ledger(site)
    missing = missing_trust(site.authority.kind)
    if missing:
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
            configuration=effective_configuration(site),
            recordings=recordings_of(site),
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

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
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
    gate = permission if isinstance(permission, AuthorityGate) else None
    if gate is not None and gate.authority is not None:
        # What was signed counts. A site's rate of false alerts gives way to it; a site's own threshold may only be
        # stricter, and the gate refuses a lower one.
        known = [one for one in (gate.authority.threshold, config.threshold) if one is not None]
        strictest = {"threshold": max(known), "false_alerts_per_10k_faces": None} if known else {}
        config = config.model_copy(update=strictest)
    store, first = open_store(site), card(site.embedder.model)
    rules: dict[str, Any] = {
        "evidence": site.evidence,
        "kind": site.authority.kind,
        "categories": WITHOUT_AUTHORITY if gate is None else AuthorisedCategories(gate),
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


class AuthorisedCategories(Container[str]):
    """The categories that the authority names, as it stands when the list is read; without one, none."""

    def __init__(self, gate: AuthorityGate) -> None:
        self._gate = gate

    def __contains__(self, category: object) -> bool:
        authority = self._gate.authority
        return authority is not None and category in authority.who
