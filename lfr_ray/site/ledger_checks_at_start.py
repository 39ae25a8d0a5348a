"""What must be so of a site's ledger before anything is opened or compared."""

from __future__ import annotations

from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError
from lfr_ray.govern.authority_in_force import SIGNED
from lfr_ray.govern.ledger_anchors import anchor_fault, anchored_heads, check_known
from lfr_ray.govern.ledger_has_copy import bring_up
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import KnownHead
from lfr_ray.govern.rfc3161_timestamps import stamped_heads
from lfr_ray.govern.signed_authority import list_grants, load_grant


def check_ledger(site: SiteConfig) -> None:
    """The ledger is there and goes on from what authorities and anchors say of it; asked before it is opened.

    Raises:
        IntegrityError: It is gone, shorter, older or another one.
    """
    data_dir = DataDir(site.data_dir)
    bring_up(data_dir, site.ledger.database_url)
    state = LedgerState(data_dir).follow()
    known = anchored_heads(site.ledger.anchors, data_dir)
    known += stamped_heads(site.ledger.time_stamps, data_dir) if site.ledger.time_stamps else ()
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


def check_anchors(site: SiteConfig) -> None:
    """What an officer signed names where the ledger's end is written down, and that is still there.

    Raises:
        IntegrityError: It is not.
    """
    data_dir, deployment = DataDir(site.data_dir), site.authority.deployment
    if site.authority.kind not in SIGNED or not data_dir.grant(deployment).exists():
        return
    anchors = load_grant(data_dir, deployment).authority.anchors
    if anchors and (fault := anchor_fault(anchors, data_dir)):  # that there is one the gate asks
        raise IntegrityError(fault)
