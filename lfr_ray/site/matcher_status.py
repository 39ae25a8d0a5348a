"""How things stand with comparisons at this moment: of the site, and of each of its cameras."""

from __future__ import annotations

from lfr_ray.config import SiteConfig
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.health import MatcherSaid
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.two_models import TwoModelMatcher


def matcher_said(site: SiteConfig, matcher: Matcher | TwoModelMatcher, now_s: float) -> MatcherSaid:
    """What would be answered to every camera now. Nothing is compared, and nothing is recorded.

    The matcher may work meanwhile, in another thread. ``now_s`` is wall time.
    """
    state, gate = matcher.state(now_s), matcher.permission
    status = gate.status()
    approved = state.content_hash if state.approved else ""
    refusals = {
        one.name: state.fault
        or (
            gate.standing(one.name, one.recorded_at_s or now_s, approved, state.model)
            if isinstance(gate, AuthorityGate)
            else status
        )
        for one in site.cameras
    }
    return MatcherSaid(list_fault=state.fault, authority=status, refusals=refusals)
