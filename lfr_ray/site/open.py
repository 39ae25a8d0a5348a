"""A site's matcher and desk, opened from its configuration, behind the gate that its authority asks for."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from lfr_ray.adjudicate.case import CaseRules
from lfr_ray.clock import Clock
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.errors import AuthorityError
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.govern.keys import training_fault, trusted_keys
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.profile import Profile
from lfr_ray.govern.stop import breaker_pause, emergency_stop
from lfr_ray.match.entries import BLUE_LIST
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission, SamePermission
from lfr_ray.match.store import WatchlistStore
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.models.catalogue import card
from lfr_ray.models.tail import CEILING_PER_10K
from lfr_ray.site.alerts import open_alerts
from lfr_ray.site.authority import (
    KEYS_FOLDER,
    open_authority_gate,
    open_ledger,
    profile_of,
    report_to_ledger,
    reported_event_id,
)
from lfr_ray.site.close import SiteStorage
from lfr_ray.site.schedule import Schedule

WATCHLIST_FOLDER = "watchlist"
TEST = "test"

WITHOUT_AUTHORITY = frozenset({TEST, BLUE_LIST})
"""Who may be compared where nobody authorised anything: pictures of a test, and volunteers."""


class TestPermission:
    """The gate of a test without a deployment: only the emergency stop and the circuit breaker close it."""

    def __init__(self, site: SiteConfig) -> None:
        self._switches = (emergency_stop(site.data_dir), breaker_pause(site.data_dir))

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """What the switch that is set says; empty while none is."""
        return next((switch.refusal() or "matching is off" for switch in self._switches if switch.is_set()), "")


def open_store(site: SiteConfig) -> WatchlistStore:
    """The site's watchlist."""
    return WatchlistStore(site.data_dir / WATCHLIST_FOLDER)


def open_gate(site: SiteConfig, ledger: Ledger) -> Permission:
    """The gate that the site's authority asks for.

    Raises:
        AuthorityError: The site is no test and names no deployment.
    """
    if site.authority.deployment:
        return open_authority_gate(site, ledger, model_sha256=card(site.embedder.model).sha256)
    if site.authority.kind == TEST:
        return TestPermission(site)
    raise AuthorityError(
        "no authority: the site is no test and names no deployment",
        got=f"authority -> kind: {site.authority.kind}, deployment: nothing",
        allowed="the id of an opened deployment, or kind: test",
        next_step="open one with `lfr deployment open`, and name it under authority -> deployment",
    )


def open_matcher(site: SiteConfig, ledger: Ledger) -> Matcher | TwoModelMatcher:
    """The site's matcher, or both where an alert needs two models; its list is read with :meth:`Matcher.reload`.

    Raises:
        AuthorityError: See :func:`open_gate`.
        ModelError: An embedder's card has no calibration.
    """
    gate = open_gate(site, ledger)
    config = site.match
    authority = gate.authority if isinstance(gate, AuthorityGate) else None
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
        "categories": Who(gate) if isinstance(gate, AuthorityGate) else WITHOUT_AUTHORITY,
        "deployment": site.authority.deployment or TEST,
    }
    if site.second_embedder is None:
        return Matcher(store, first, gate, config=config, **rules)
    second = card(site.second_embedder.model)
    # The second confirms: even at the most false alerts that a site may have, both have fewer than the first.
    fitted = second.calibration is not None and second.calibration.fused_tail is not None
    own = MatchConfig(false_alerts_per_10k_faces=CEILING_PER_10K if fitted else None)
    return TwoModelMatcher(
        Matcher(store, first, gate, config=config, other_models=(second.id,), **rules),
        Matcher(store, second, SamePermission(gate, first.id), config=own, other_models=(first.id,), **rules),
        second.id,
    )


class Who(Container[str]):
    """The categories that the authority names, as it stands when the list is read; without one, nobody."""

    def __init__(self, gate: AuthorityGate) -> None:
        self._gate = gate

    def __contains__(self, category: object) -> bool:
        authority = self._gate.authority
        return authority is not None and category in authority.who


def case_rules(site: SiteConfig, profile: Profile) -> CaseRules:
    """What the profile says of those who decide. Keys are read at each decision: training runs out, and is renewed."""

    def unfit(officer: str, at: float) -> str:
        return training_fault(trusted_keys(site.data_dir / KEYS_FOLDER).values(), officer, at)

    if not profile.adjudicators_trained or site.authority.kind == TEST:
        return CaseRules(profile.two_person)
    return CaseRules(profile.two_person, unfit)


class OpenedAlerts:
    """The alert desk of a site with its ledger behind it, and what runs by the clock.

    Args:
        site: The site.
        clock: Time.
    """

    def __init__(self, site: SiteConfig, clock: Clock) -> None:
        profile = profile_of(site.authority)
        self.ledger = open_ledger(site.data_dir, clock)
        self.desk = open_alerts(
            site,
            cases=case_rules(site, profile),
            clock=clock,
            on_event=report_to_ledger(self.ledger),
            reported_event_id=reported_event_id(site.data_dir),
        )
        storage = SiteStorage(site.data_dir, open_store(site), self.desk.store, self.ledger)
        self.upkeep = Schedule(site, storage, profile, clock)
