"""A signed authority: who signed what, whether they may, and what follows when an urgent one is not ratified."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from pydantic import Field

from lfr_ray.clock import utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import AuthorityError, InputError, NotFoundError
from lfr_ray.govern.authority import Authority, profile_fault
from lfr_ray.govern.canonical_json import Moment, canonical_json
from lfr_ray.govern.country_profile import Profile
from lfr_ray.govern.signing_keys import PublicKey, Signature, SigningKey, signature_fault
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.strict_yaml import Section, parse_section

AUTHORISE = "authority"
RATIFY = "ratification"
CLOSE = "closing"


class Closing(Section):
    """The deployment was closed: from then on nothing is compared under it."""

    at: Moment
    by: str = ""
    signature: Signature


class Grant(Section):
    """An authority with its signatures."""

    authority: Authority
    signature: Signature | None = Field(default=None, description="Of the authorising officer.")
    ratification: Signature | None = Field(default=None, description="Of a full rank, when the case was urgent.")
    closing: Closing | None = None

    def save(self, data_dir: DataDir) -> None:
        """Write the grant durably."""
        path = data_dir.grant(self.authority.deployment)
        write_durable(path, canonical_json(self.model_dump(mode="json")) + b"\n")


def load_grant(data_dir: DataDir, deployment: str) -> Grant:
    """Read a grant; whether it holds is :func:`grant_fault`'s to say.

    Raises:
        NotFoundError: The deployment was never opened.
        AuthorityError: The file is damaged or not an authority.
    """
    try:
        document = read_json(data_dir.grant(deployment), f"deployment {deployment}")
    except NotFoundError:
        raise NotFoundError(
            "the deployment does not exist", got=deployment, next_step="open one with `lfr deployment open`"
        ) from None
    try:
        return parse_section(Grant, document, f"the authority of deployment {deployment}")
    except InputError as error:
        raise AuthorityError(error.what, got=error.got, next_step="open the deployment anew") from None


def list_grants(data_dir: DataDir) -> list[Grant]:
    """Every deployment of a site, the newest start first; files that are no authorities are left out."""
    found = []
    for path in data_dir.grants:
        with contextlib.suppress(AuthorityError, NotFoundError):
            found.append(load_grant(data_dir, path.stem))
    return sorted(found, key=lambda grant: -grant.authority.starts_at)


def open_grant(data_dir: DataDir, deployment: str = "") -> Grant:
    """A deployment's grant, or the newest open one when no id is given.

    Raises:
        NotFoundError: There is none.
    """
    if deployment:
        return load_grant(data_dir, deployment)
    trusted = trusted_keys(data_dir)
    for grant in list_grants(data_dir):
        if not closing_fault(grant, trusted):
            return grant
    raise NotFoundError("no deployment is open", next_step="open one with `lfr deployment open`")


def signed(authority: Authority, key: SigningKey, at: float) -> Grant:
    """An authority signed by the authorising officer's key."""
    return Grant(authority=authority, signature=key.sign(AUTHORISE, authority.content(), at))


def ratified(grant: Grant, key: SigningKey, at: float) -> Grant:
    """The grant with the ratification of an urgent case."""
    return grant.model_copy(update={"ratification": key.sign(RATIFY, grant.authority.content(), at)})


def closed(grant: Grant, key: SigningKey, by: str, at: float) -> Grant:
    """The grant, closed: signed with the site's key, so that nobody can quietly open it again."""
    content = {"deployment": grant.authority.deployment, "by": by}
    return grant.model_copy(update={"closing": Closing(at=at, by=by, signature=key.sign(CLOSE, content, at))})


def grant_fault(grant: Grant, trusted: Mapping[str, PublicKey], profile: Profile) -> str:
    """Empty, or why a grant is worth nothing, whatever the time."""
    authority = grant.authority
    fault = profile_fault(authority, profile)
    if fault:
        return fault
    rules = profile.kinds[authority.kind]
    own = rules.self_authorised and grant.signature is not None and not _by_tester(grant.signature, trusted)
    fault = signature_fault(AUTHORISE, authority.content(), grant.signature, trusted, "site" if own else "authoriser")
    if fault or grant.signature is None:
        return f"the authority does not hold: {fault}"
    if own:
        return ""
    least = rules.urgent_min_rank if authority.urgent else rules.min_rank
    return _signer_fault(
        trusted[grant.signature.key], authority, profile, least, grant.signature.at, rules.training_required
    )


def _by_tester(signature: Signature, trusted: Mapping[str, PublicKey]) -> bool:
    """Before the site signed its tests itself, a key of their own did."""
    return signature.key in trusted and trusted[signature.key].role == "authoriser"


def _signer_fault(
    key: PublicKey, authority: Authority, profile: Profile, least: str, at: float, training_required: bool
) -> str:
    officer = authority.authorising_officer
    if key.holder != officer.id:
        return f"the authority names {officer.id} as authorising officer, but {key.holder} signed it"
    if key.rank != officer.rank:
        return f"the authority names the rank {officer.rank}, but the key {key.id} is of rank {key.rank or 'none'}"
    if not profile.outranks(key.rank, least):
        urgent = "urgent " if authority.urgent else ""
        return f"the rank {key.rank} may not authorise this {urgent}{authority.kind} deployment; needed: {least}"
    if training_required and not key.trained(at):
        return f"the training of {key.holder} is not recorded or has run out"
    return ""


def ratification_fault(grant: Grant, trusted: Mapping[str, PublicKey], profile: Profile, now_s: float) -> str:
    """Empty, or that an urgent authority has ended because nobody of full rank ratified it in time."""
    authority = grant.authority
    if not authority.urgent or grant.signature is None:
        return ""
    rules = profile.kinds[authority.kind]
    deadline_s = ratify_by_s(grant, profile)
    if grant.ratification is None:
        if now_s <= deadline_s:
            return ""
        return f"the urgent authority was not ratified by {utc_text(deadline_s)}"
    fault = signature_fault(RATIFY, authority.content(), grant.ratification, trusted, "authoriser")
    if fault:
        return f"the ratification does not hold: {fault}"
    key = trusted[grant.ratification.key]
    if not profile.outranks(key.rank, rules.min_rank):
        return f"the rank {key.rank or 'none'} may not ratify; needed: {rules.min_rank}"
    if rules.training_required and not key.trained(grant.ratification.at):
        return f"the training of {key.holder} is not recorded or has run out"
    if key.holder == authority.authorising_officer.id:
        return f"{key.holder} may not ratify an authority of their own"
    if grant.ratification.at > deadline_s:
        return f"the ratification came after {utc_text(deadline_s)}"
    return ""


def ratify_by_s(grant: Grant, profile: Profile) -> float:
    """Until when an urgent authority must be ratified: counted from its signature or its start, what is earlier."""
    begun_s = grant.authority.starts_at
    if grant.signature is not None:
        begun_s = min(begun_s, grant.signature.at)
    return begun_s + profile.kinds[grant.authority.kind].ratify_within_s


def must_erase(grant: Grant, trusted: Mapping[str, PublicKey], profile: Profile, now_s: float) -> bool:
    """An urgent use that was not regularised, under rules that then want everything destroyed."""
    rules = profile.kinds.get(grant.authority.kind)
    if rules is None or not rules.erase_unratified:
        return False
    return bool(ratification_fault(grant, trusted, profile, now_s))


def closing_fault(grant: Grant, trusted: Mapping[str, PublicKey]) -> str:
    """Empty while the deployment is open; a closing counts even when its signature does not hold."""
    if grant.closing is None:
        return ""
    content = {"deployment": grant.authority.deployment, "by": grant.closing.by}
    doubt = signature_fault(CLOSE, content, grant.closing.signature, trusted, "site")
    return f"the deployment was closed at {utc_text(grant.closing.at)}" + (f" ({doubt})" if doubt else "")
