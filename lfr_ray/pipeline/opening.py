"""A site's matcher, opened from its configuration, behind the gate that its authority asks for."""

from __future__ import annotations

from lfr_ray.config import SiteConfig
from lfr_ray.errors import AuthorityError
from lfr_ray.govern.stop import breaker_pause, emergency_stop
from lfr_ray.match.gate import Gate
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.store import WatchlistStore
from lfr_ray.models.catalogue import card

WATCHLIST_FOLDER = "watchlist"
TEST = "test"


class SwitchGate:
    """The gate of a test without a deployment: only the emergency stop and the circuit breaker close it."""

    def __init__(self, site: SiteConfig) -> None:
        self._switches = (emergency_stop(site.data_dir), breaker_pause(site.data_dir))

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """What the switch that is set says; empty while none is."""
        return next((switch.refusal() or "matching is off" for switch in self._switches if switch.is_set()), "")


def open_store(site: SiteConfig) -> WatchlistStore:
    """The site's watchlist."""
    return WatchlistStore(site.data_dir / WATCHLIST_FOLDER)


def open_gate(site: SiteConfig) -> Gate:
    """The gate that the site's authority asks for.

    Raises:
        AuthorityError: The site is no test and names no deployment.
    """
    if site.authority.kind == TEST and not site.authority.deployment:
        return SwitchGate(site)
    raise AuthorityError(
        "no authority: the site is no test and names no deployment",
        got=f"authority -> kind: {site.authority.kind}, deployment: nothing",
        allowed="the id of an opened deployment, or kind: test",
        next_step="open one with `lfr deployment open`, and name it under authority -> deployment",
    )


def open_matcher(site: SiteConfig) -> Matcher:
    """The site's matcher with its list read, as far as it can be read.

    Raises:
        AuthorityError: See :func:`open_gate`.
        ModelError: The embedder's card has no calibration.
    """
    return Matcher(
        open_store(site),
        card(site.embedder.model),
        open_gate(site),
        config=site.match,
        evidence=site.evidence,
        kind=site.authority.kind,
        deployment=site.authority.deployment or TEST,
    )
