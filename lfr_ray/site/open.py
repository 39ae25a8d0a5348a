"""A site opened from its configuration: its storage, its alerts, and its matcher behind what permits a comparison."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.alert.database import Database
from lfr_ray.alert.rules import AlertRules
from lfr_ray.alert.service import AlertService, OnEvent
from lfr_ray.alert.store import AlertStore
from lfr_ray.bucket import Bucket
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError
from lfr_ray.govern.alert_events import RECORDED_ELSEWHERE, last_event_id, ledger_event
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.govern.keys import training_fault, trusted_keys
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.profile import Profile, profile_of
from lfr_ray.govern.stop import breaker_pause, emergency_stop
from lfr_ray.match.entries import BLUE_LIST
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission, SamePermission
from lfr_ray.match.store import WatchlistStore
from lfr_ray.match.threshold import CEILING_PER_10K
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.models.catalogue import card

TEST = "test"
WITHOUT_AUTHORITY = frozenset({TEST, BLUE_LIST})
"""Who may be compared where nobody authorised anything: pictures of a test, and volunteers."""


@dataclass(frozen=True)
class SiteStorage:
    """A site's storage, opened.

    Attributes:
        roots: What is searched for destroyed content besides the data folder.
        extra: Further files and folders that are destroyed at a close, such as recordings.
    """

    data_dir: DataDir
    watchlist: WatchlistStore
    alerts: AlertStore
    ledger: Ledger
    roots: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()

    @property
    def searched(self) -> tuple[Path, ...]:
        """Every root."""
        return (self.data_dir.root, *self.roots)


@contextmanager
def open_storage(site: SiteConfig, extra: tuple[Path, ...] = (), roots: tuple[Path, ...] = ()) -> Iterator[SiteStorage]:
    """The site's storage, opened; the ledger is sealed and closed at the end."""
    data_dir = DataDir(site.data_dir)
    with open_ledger(data_dir) as ledger:
        alerts = open_alerts(site).store
        try:
            yield SiteStorage(data_dir, open_store(site), alerts, ledger, roots, extra)
        finally:
            alerts.database.close()


def open_store(site: SiteConfig) -> WatchlistStore:
    """The site's watchlist.

    Raises:
        ConfigError: It lies on object storage, and what that needs is not installed or set.
    """
    return WatchlistStore(Bucket(site.watchlist_store) if site.watchlist_store else DataDir(site.data_dir).watchlist)


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
        database = Database(site.alert.database_url)
    else:
        site.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database.at(DataDir(site.data_dir).alert_database)
    return AlertService(
        AlertStore(database),
        AlertRules.of(site.alert),
        clock or SystemClock(),
        cases=cases or CaseRules(),
        on_event=on_event,
        reported_event_id=reported_event_id,
    )


class OpenedAlerts:
    """The alerts of a site with the audit ledger behind them: each step is in the ledger before it is acknowledged.

    Args:
        site: The site.
        clock: Time.
    """

    def __init__(self, site: SiteConfig, clock: Clock) -> None:
        data_dir = DataDir(site.data_dir)
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
        self.storage = SiteStorage(data_dir, open_store(site), self.service.store, ledger)


def case_rules(site: SiteConfig, profile: Profile) -> CaseRules:
    """What the profile says of those who decide. Keys are read at each decision: training runs out, and is renewed."""

    def unfit(officer: str, at: float) -> str:
        return training_fault(trusted_keys(DataDir(site.data_dir)).values(), officer, at)

    if not profile.adjudicators_trained or site.authority.kind == TEST:
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
    if site.authority.deployment:
        return AuthorityGate(
            DataDir(site.data_dir),
            site.authority.deployment,
            profile_of(site.authority),
            ledger,
            clock=clock,
            positions={
                camera.name: (camera.latitude, camera.longitude)
                for camera in site.cameras
                if camera.latitude is not None and camera.longitude is not None
            },
            threshold=site.match.threshold,
            model_sha256=card(site.embedder.model).sha256,
            needed=(site.authority.kind,),
        )
    if site.authority.kind == TEST:
        return SwitchPermission(site)
    raise AuthorityError(
        "no authority: the site is no test and names no deployment",
        got=f"authority -> kind: {site.authority.kind}, deployment: nothing",
        allowed="the id of an opened deployment, or kind: test",
        next_step="open one with `lfr deployment open`, and name it under authority -> deployment",
    )


class SwitchPermission:
    """A test without a deployment: only the emergency stop and the circuit breaker refuse."""

    def __init__(self, site: SiteConfig) -> None:
        data_dir = DataDir(site.data_dir)
        self._switches = (emergency_stop(data_dir), breaker_pause(data_dir))

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """What the switch that is set says; empty while none is."""
        return next((switch.refusal() or "matching is off" for switch in self._switches if switch.is_set()), "")


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
        Matcher(store, first, permission, config=config, other_models=(second.id,), **rules),
        Matcher(store, second, SamePermission(permission, first.id), config=own, other_models=(first.id,), **rules),
        second.id,
    )


class AuthorisedCategories(Container[str]):
    """The categories that the authority names, as it stands when the list is read; without one, none."""

    def __init__(self, gate: AuthorityGate) -> None:
        self._gate = gate

    def __contains__(self, category: object) -> bool:
        authority = self._gate.authority
        return authority is not None and category in authority.who
