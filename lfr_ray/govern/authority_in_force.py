"""What an authority needs besides its own signature: the list's approval, the configuration, its place in the ledger.

A grant that was signed by who may is worth something (:mod:`lfr_ray.govern.signed_authority`). Whether it counts now
depends on what others signed and on what the ledger says of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from lfr_ray.clock import utc_text
from lfr_ray.govern.authority import APPROVE, Authority, approval_document
from lfr_ray.govern.canonical_json import form_of, sha256_hex
from lfr_ray.govern.country_profile import Profile
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.signed_authority import Grant, grant_fault
from lfr_ray.govern.signing_keys import PublicKey, signature_fault
from lfr_ray.govern.trust_file import missing_trust
from lfr_ray.records import UNPROVEN, same_person

SIGNED = ("live", "retrospective")
"""Kinds that an officer signs; the others are the site's own and reach volunteers and test entries alone."""


def in_force_fault(
    grant: Grant, trusted: Mapping[str, PublicKey], profile: Profile, state: LedgerState | None = None
) -> str:
    """Empty, or why a grant is not in force, whatever the time; ``state`` is None before the ledger records it."""
    authority = grant.authority
    return (
        missing_trust(authority.kind)
        or grant_fault(grant, trusted, profile)
        or _revoked(grant, trusted)
        or _carried_fault(authority)
        or approval_fault(authority, trusted, profile)
        or ("" if state is None else recorded_fault(grant, state, profile.clock_tolerance_s, trusted))
    )


def _revoked(grant: Grant, trusted: Mapping[str, PublicKey]) -> str:
    """A certificate that was revoked ends what it signed, also what it signed before."""
    signatures = (grant.signature, grant.ratification, grant.authority.watchlist_signature)
    keys = [trusted[one.key] for one in signatures if one is not None and one.key in trusted]
    return next((key.unusable(key.revoked_at) for key in keys if key.revoked_at is not None), "")


def _carried_fault(authority: Authority) -> str:
    """What it must state so that nothing else can be put in its place."""
    if authority.kind in SIGNED and not authority.configuration:
        return "the authority does not carry the site's configuration; open the deployment anew"
    if authority.kind in SIGNED and not authority.anchors:
        return (
            "the authority names no anchor of the ledger outside the data folder; name one under ledger -> anchors, or "
            "with --anchor, and open the deployment anew"
        )
    if authority.kind == "retrospective" and not authority.recordings:
        return "the authority names no recording by its hash; open the deployment anew"
    if authority.kind == "trial" and not authority.volunteers:
        return "a trial names its volunteers, each with the date of consent"
    return ""


def approval_fault(authority: Authority, trusted: Mapping[str, PublicKey], profile: Profile) -> str:
    """Empty, or why the list's approval does not hold: it is signed by an approver who did nothing else for it."""
    if authority.kind not in SIGNED or not profile.watchlist.second_person or not authority.watchlist_sha256:
        return ""
    signature, document = authority.watchlist_signature, approval_document(authority)
    fault = signature_fault(APPROVE, document, signature, trusted, "approver")
    if fault or signature is None:
        return f"the watchlist's approval does not hold: {fault}; approve it: `lfr watchlist approve --key`"
    approver = trusted[signature.key].holder
    if approver != authority.watchlist_approved_by or signature.at != authority.watchlist_approved_at:
        return "the authority names another approver, or another moment of the approval, than its signature"
    if unproven := [one for one in authority.watchlist_importers if one.startswith(UNPROVEN)]:
        return (
            f"{unproven[0]} imported entries of the list and proved nothing; import them with an operator's key: "
            "`lfr watchlist import --key`"
        )
    if any(same_person(approver, one) for one in authority.watchlist_importers):
        return f"{approver} imported entries of the list and may not approve it"
    if same_person(approver, authority.authorising_officer.id):
        return f"{approver} authorises the deployment and may not approve its list"
    return ""


def recorded_fault(grant: Grant, state: LedgerState, tolerance_s: float, trusted: Mapping[str, PublicKey]) -> str:
    """Empty, or why the ledger does not know this grant as it is.

    The signature's moment lies between the record that the authority names as the ledger's end and the record of its
    opening: a date that somebody chose later does not count.
    """
    authority, signature = grant.authority, grant.signature
    before = state.place_of(authority.ledger_head)
    if before is None:
        number = authority.ledger_head.partition(":")[0]
        return f"the ledger was set back or replaced: it lacks record {number}, which the authority names"
    if authority.kind not in SIGNED or signature is None:
        return ""
    opened = state.opened.get(authority.deployment)
    if opened is None:
        return "the ledger does not record that this deployment was opened: it is another ledger, or it was set back"
    if not form_of(authority.content(), lambda text: sha256_hex(text) == opened.sha256):
        return "the ledger records another authority of this id"
    if not before.at - tolerance_s <= signature.at <= opened.at + tolerance_s:
        return (
            f"it is signed as of {utc_text(signature.at)}, but the ledger has it between {utc_text(before.at)} and "
            f"{utc_text(opened.at)}"
        )
    if grant.ratification is not None:
        at = state.ratified.get(authority.deployment)
        if at is None or abs(at - grant.ratification.at) > tolerance_s:
            return "the ledger does not record the ratification at its moment"
    return _approval_recorded(authority, state, tolerance_s, trusted)


def _approval_recorded(
    authority: Authority, state: LedgerState, tolerance_s: float, trusted: Mapping[str, PublicKey]
) -> str:
    """Empty, or why the list's approval does not count as the ledger has it, at that moment."""
    signature, at = authority.watchlist_signature, state.approved.get(authority.watchlist_sha256)
    if signature is None:
        return ""
    if at is None or not signature.at - tolerance_s <= at <= state.opened[authority.deployment].at:
        return "the ledger does not record the watchlist's approval at its moment"
    late = trusted[signature.key].unusable(at) if signature.key in trusted else ""
    return f"the watchlist's approval came when its key signed nothing any more: {late}" if late else ""
