"""The matcher as an actor. Whoever calls it loads this file, so that what opens the watchlist is loaded by it alone."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from lfr_ray.actors.configuration_digest import digest_of, shown_deployment
from lfr_ray.actors.matcher_feed import PERMIT_S, MatcherFeed
from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.api.site_state import DeploymentList, StopState, Switched, WatchlistState
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.emergency_stop import HaltAccount, Halts, emergency_stop
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_event import RESUMED, STOPPED, STRANGER, Event, RecordKind, recordable
from lfr_ray.health import MatcherSaid
from lfr_ray.metrics import Meter, Snapshot, resident_bytes
from lfr_ray.records import Answer, Probe

if TYPE_CHECKING:
    from lfr_ray.match.matcher import Matcher
    from lfr_ray.match.two_models import TwoModelMatcher


class MatcherActor(MatcherFeed):
    """One matcher for a whole site. It adds to :class:`~lfr_ray.match.matcher.Matcher`.

    * the wall clock, and opening the list with the first question, and again where that failed;
    * the emergency stop, which the gate sees before the next comparison.
    """

    def __init__(self, site: SiteConfig) -> None:
        self._site, self._digest = site, digest_of(site)
        folder = DataDir(site.data_dir)
        self._ledger: Opening[Ledger] = Opening("the ledger", lambda: open_ledger(folder, site.ledger.database_url))
        super().__init__(Opening("the watchlist", self._open))
        self._stop, self._halts, self._account = emergency_stop(folder), Halts(folder), HaltAccount(self._ledger.get)
        self._meter = Meter()
        self._authority: Authority | None = None

    def ready(self) -> bool:
        """The list is read.

        Raises:
            LfrError: Why this site may not or cannot compare.
        """
        self._matcher.state(time.time())
        return True

    def said(self) -> MatcherSaid:
        """How it is. A thread beside the comparisons answers, so nothing is opened here."""
        from lfr_ray.site.matcher_status import matcher_said

        if (matcher := self._opening.opened) is None:
            return MatcherSaid(self._digest, self._opening.fault, clock_at=time.time())
        said = matcher_said(self._site, matcher, time.time())
        return replace(said, digest=self._digest, clock_at=time.time(), replicas_fault=self._replicas_fault())

    def match(self, probes: list[Probe]) -> list[Answer]:
        """One answer a probe; see :meth:`Matcher.match`."""
        began_at = time.time()
        try:
            answers = self._matcher.match(probes, time.time())
            if self._halts.refusal():  # a stop that came while these were compared counts for them too
                answers = self._matcher.match(probes, time.time())
        except LfrError as error:
            answers = [Answer(refused=str(error)) for _ in probes]
        return [replace(one, worked=(began_at, time.time())) if one.match else one for one in answers]

    def watchlist(self) -> WatchlistState:
        """The list in force, in numbers; no names, no pictures."""
        state = self._matcher.state(time.time())
        numbers = (state.entries, state.images, state.content_hash, state.model, state.expired, state.approved)
        expected = state.false_alerts_per_10k_faces
        return WatchlistState(*numbers, round(state.threshold, 4), state.fault, state.categories, expected)

    def deployments(self) -> DeploymentList:
        """The deployment that this site serves, and the emergency stop."""
        said, halt = self.said(), self._halts.read().get("stop")
        state = said.fault or said.authority or said.list_fault or "in force"
        served = shown_deployment(self._site, self._opening.opened, state)
        stop = None if halt is None else StopState(halt.by, halt.reason, halt.at)
        return DeploymentList((served,), stop, site=self._site.site)

    def halt(self, officer: str, reason: str) -> Switched:
        """The emergency stop, in a thread of its own: nothing comes of any comparison once it returns."""
        halt = self._stop.set(officer, reason, time.time())
        with contextlib.suppress(LfrError):  # it stands already; its record may wait for the ledger
            self._account.stopped(self._event(STOPPED, officer, reason))
        if self._behind_s():  # a replica may have been permitted a comparison before: that counts for so long
            time.sleep(PERMIT_S)
        return Switched(True, halt.by, halt.reason, halt.at)

    def resume(self, officer: str, reason: str) -> Switched:
        """Lift the emergency stop, and the circuit breaker's pause with it."""
        self._account.resumed(self._event(RESUMED, officer, reason))
        self._halts.clear()
        return Switched(False, officer, reason)

    def snapshot(self) -> Snapshot:
        """The size of the list."""
        self._meter.gauge("memory_rss_bytes", resident_bytes(), process="matcher")
        for node, late_s in self._behind_s().items():
            self._meter.gauge("matcher_replica_behind", float(late_s > 0), node=node)
        with contextlib.suppress(LfrError):
            self._meter.gauge("watchlist_entries", self._matcher.state(time.time()).entries)
        return self._meter.snapshot()

    def tick(self) -> None:
        """To be called now and then: an authority that came or went changes who is on the list in memory."""
        self._tidy()
        if not isinstance(gate := self._matcher.permission, AuthorityGate):
            return
        if gate.closed:
            self._forget("the deployment was closed")
        elif gate.authority != self._authority:
            # Who may be compared, and from which similarity on, is the authority's to say: opened anew.
            self._opening.drop()
            self._opening.get()

    def stop(self) -> None:
        """Forget the list."""
        self._forget("the site has ended")

    def tell_stranger(self, method: str) -> None:
        """Put a call without the capability on record."""
        with contextlib.suppress(LfrError):
            self._ledger.get().append_soon(self._event(STRANGER, "system", f"matcher: {method}", "refusal"))

    def _event(self, what: str, officer: str, reason: str, kind: RecordKind = "stop") -> Event:
        return Event(kind, what, self._site.authority.deployment, officer, "", recordable(reason))

    def _open(self) -> Matcher | TwoModelMatcher:
        from lfr_ray.site.open_site import open_matcher

        opened = open_matcher(self._site, self._ledger.get())
        self._authority = gate.authority if isinstance(gate := opened.permission, AuthorityGate) else None
        with contextlib.suppress(LfrError):
            opened.reload(time.time())
        return opened
