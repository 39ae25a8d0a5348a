"""Dropping the ledger's oldest records when the rules say so."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from lfr_ray.clock import Clock, SystemClock, parse_utc
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.country_profile import RetentionRules, kept_profile
from lfr_ray.govern.ledger_checkpoint import Checkpoint, load_checkpoint
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import read_lines
from lfr_ray.govern.signed_authority import Grant, list_grants
from lfr_ray.site.open_site import SiteStorage


def drop_old_records(storage: SiteStorage, rules: RetentionRules, *, clock: Clock | None = None) -> int:
    """Overwrite the records whose time is over, and leave a signed checkpoint: the chain goes on from there.

    The longest time of all rules counts under which this site was ever used. What was recorded since the authority of
    a deployment that is not closed stays.

    Returns:
        How many records were dropped.

    Raises:
        LfrError: A deployment's rules cannot be read, so nothing is dropped; or the disk refuses.
    """
    data_dir = storage.data_dir
    grants = list_grants(data_dir)
    before = (clock or SystemClock()).wall_s() - longest_s(data_dir, grants, rules.ledger.max_s)
    needed = [_head_of(one) for one in grants if one.closing is None]
    stays = min([storage.ledger.head.count, *needed])
    old = list(takewhile(lambda one: parse_utc(one[1]["at"]) < before and one[1]["n"] < stays, read_lines(data_dir)))
    if not old:
        return 0
    if LedgerState(data_dir).follow().fault:  # the records are evidence
        return 0
    offset_bytes = load_checkpoint(data_dir).offset_bytes + sum(len(line) for line, _ in old)
    begin = LedgerState(data_dir).checkpoint((record for _, record in old), offset_bytes, before)
    storage.ledger.drop(begin)
    facts = {"records": len(old), "count": begin.count}
    storage.ledger.append(
        Event("erasure", "ledger records destroyed: their time was over", actor="system", facts=facts)
    )
    return len(old)


def longest_s(data_dir: DataDir, grants: Iterable[Grant], least_s: float = 0.0) -> float:
    """So long records are kept under any of these deployments' rules, and at least so long."""
    kept = (kept_profile(data_dir, one.authority.profile_sha256).retention.ledger.max_s for one in grants)
    return max([least_s, *kept])


def dropped_early(data_dir: DataDir, begin: Checkpoint) -> str:
    """Empty, or that records were dropped which the rules of those days kept."""
    if begin.signature is None:
        return ""
    at = begin.signature.at
    known = [one for one in list_grants(data_dir) if one.signature is not None and one.signature.at < at]
    kept_s, least_s = at - begin.before, longest_s(data_dir, known)
    return (
        "" if kept_s >= least_s else f"ledger records were dropped after {kept_s:.0f} s, and stay for {least_s:.0f} s"
    )


def _head_of(grant: Grant) -> int:
    """The ledger's last record when an authority was made."""
    return int(grant.authority.ledger_head.partition(":")[0] or 0)
