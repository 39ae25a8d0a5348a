"""How things stand with comparisons at this moment: of the site, and of each of its cameras."""

from __future__ import annotations

from lfr_ray.config import SiteConfig
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.health import MatcherSaid
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.two_models import TwoModelMatcher


def authority_fault(matcher: Matcher | TwoModelMatcher, now_s: float) -> str:
    """Why nothing may be compared, whatever camera it is of; empty while an authority is in force."""
    gate = matcher.permission
    return gate.status() if isinstance(gate, AuthorityGate) else gate.refusal("", now_s, "", "")


def matcher_said(site: SiteConfig, matcher: Matcher | TwoModelMatcher, now_s: float) -> MatcherSaid:
    """What would be answered to every camera now. Nothing is compared, and nothing is recorded.

    Args:
        site: Names the cameras.
        matcher: It may work meanwhile, in another thread.
        now_s: Wall time.
    """
    state, gate = matcher.state(now_s), matcher.permission
    standing = gate.standing if isinstance(gate, AuthorityGate) else gate.refusal
    approved = state.content_hash if state.approved else ""
    refusals = {
        one.name: state.fault or standing(one.name, one.recorded_at_s or now_s, approved, state.model)
        for one in site.cameras
    }
    return MatcherSaid(list_fault=state.fault, authority=authority_fault(matcher, now_s), refusals=refusals)
