"""The matcher as an actor: the one reader of the watchlist, behind the authority's gate.

Whoever calls this actor loads this file. So what opens the watchlist is loaded by the actor alone: a camera that had to
load it as well would start later and be larger.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from lfr_ray.api import site_state as told
from lfr_ray.api.site_state import DeploymentList, DeploymentState, StopState, Switched, WatchlistState
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.stop import breaker_pause, emergency_stop
from lfr_ray.metrics import Meter, Snapshot, resident_bytes
from lfr_ray.records import Answer, Probe

if TYPE_CHECKING:
    from lfr_ray.match.matcher import Matcher
    from lfr_ray.match.two_models import TwoModelMatcher


class MatcherActor:
    """One matcher for a whole site. It adds to :class:`~lfr_ray.match.matcher.Matcher`.

    * the wall clock;
    * reading the list again after a crash, which making it anew does;
    * the emergency stop, which the gate sees before the next comparison.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site = site
        self._opened: Matcher | TwoModelMatcher | None = None
        self._stop = emergency_stop(DataDir(site.data_dir))
        self._pause = breaker_pause(DataDir(site.data_dir))
        self._ledger = open_ledger(DataDir(site.data_dir))
        self._meter = Meter()
        self._authority: Authority | None = None

    def ready(self) -> bool:
        """The list is read.

        Raises:
            LfrError: Why this site may not or cannot compare.
        """
        self._matcher.state(time.time())
        return True

    def reload(self) -> str:
        """Read the list again; why it cannot be used, or empty."""
        with contextlib.suppress(LfrError):
            self._matcher.reload(time.time())
        return self._matcher.state(time.time()).fault

    def match(self, probes: list[Probe]) -> list[Answer]:
        """One answer a probe; see :meth:`Matcher.match`."""
        return self._matcher.match(probes, time.time())

    def watchlist(self) -> WatchlistState:
        """The list in force, in numbers; no names, no pictures."""
        shown = asdict(self._matcher.state(time.time()))
        del shown["view_threshold"]
        shown["threshold"] = round(shown["threshold"], 4)
        return WatchlistState(hash=shown.pop("content_hash"), **shown)

    def deployments(self) -> DeploymentList:
        """The deployment that this site serves, and the emergency stop."""
        halt = self._stop.read()
        authority = self._site.authority
        served = DeploymentState(
            authority.deployment or "test", authority.kind, self._state(), self._site.embedder.model, self._shown()
        )
        stop = None if halt is None else StopState(halt.by, halt.reason, halt.at)
        return DeploymentList((served,), stop, site=self._site.site)

    def halt(self, officer: str, reason: str) -> Switched:
        """The emergency stop: this actor takes one call at a time, so no comparison is under way when it answers."""
        halt = self._stop.set(officer, reason, time.time())
        self._record("matching stopped", officer, reason)
        return Switched(True, halt.by, halt.reason, halt.at)

    def resume(self, officer: str, reason: str) -> Switched:
        """Lift the emergency stop, and the circuit breaker's pause with it."""
        self._record("matching resumed", officer, reason)
        self._stop.clear()
        self._pause.clear()
        return Switched(False, officer, reason)

    def snapshot(self) -> Snapshot:
        """The size of the list."""
        self._meter.gauge("memory_rss_bytes", resident_bytes(), process="matcher")
        self._meter.gauge("watchlist_entries", self._matcher.state(time.time()).entries)
        return self._meter.snapshot()

    def tick(self) -> None:
        """To be called now and then: an authority that came or went changes who is on the list in memory."""
        gate = self._matcher.permission
        if not isinstance(gate, AuthorityGate):
            return
        if gate.closed:
            self._matcher.forget("the deployment was closed")
            return
        if gate.authority != self._authority:
            # Who may be compared, and from which similarity on, is the authority's to say: opened anew.
            self._opened = None
            self._authority = gate.authority

    def stop(self) -> None:
        """Forget the list."""
        self._matcher.forget("the site has ended")

    def _shown(self) -> told.AuthorityState | None:
        authority = getattr(self._matcher.permission, "authority", None)
        return None if authority is None else told.AuthorityState(**authority.shown())

    def _record(self, what: str, officer: str, reason: str) -> None:
        deployment = self._site.authority.deployment
        self._ledger.append(Event("stop", what, deployment=deployment, actor=officer, reason=reason))

    @property
    def _matcher(self) -> Matcher | TwoModelMatcher:
        """Opened with the first question: an error then reaches whoever asks, and not only Ray's log."""
        if self._opened is None:
            from lfr_ray.site.open import open_matcher

            self._opened = open_matcher(self._site, self._ledger)
            gate = self._opened.permission
            self._authority = gate.authority if isinstance(gate, AuthorityGate) else None
            with contextlib.suppress(LfrError):
                self._opened.reload(time.time())
        return self._opened

    def _state(self) -> str:
        gate = self._matcher.permission
        authority = gate.status() if isinstance(gate, AuthorityGate) else gate.refusal("", time.time(), "", "")
        return authority or self._matcher.state(time.time()).fault or "in force"
