"""The one-line deployment: a trial or demonstration, signed by a key that can sign nothing else."""

from __future__ import annotations

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConflictError, NotFoundError
from lfr_ray.govern.authority import ANY, Authority, Officer
from lfr_ray.govern.grant import Grant, closing_fault, grant_fault, load_grant, signed
from lfr_ray.govern.keys import SigningKey
from lfr_ray.govern.trust import own_key, trusted_keys
from lfr_ray.govern.profile import Profile, keep_profile

TESTER = "tester"
"""Holder and rank of the key that signs trials; no profile of a live deployment knows this rank."""
TRIAL = "trial"
DAY_S = 86_400.0


def trial_authority(
    profile: Profile,
    now_s: float,
    *,
    deployment: str = TRIAL,
    who: tuple[str, ...] = ("test", "blue-list"),
    cameras: tuple[str, ...] = (ANY,),
    duration_s: float = 30 * DAY_S,
    watchlist_sha256: str = "",
    model: str = "",
    ledger_head: str = "",
) -> Authority:
    """An authority for a trial: any camera and any list of test entries, unless they are named."""
    tester = Officer(id=TESTER, rank=TESTER)
    return Authority(
        deployment=deployment,
        kind="test",
        profile=profile.name,
        profile_sha256=profile.sha256,
        purpose="trial or demonstration",
        legal_basis="consent, or pictures published for such use",
        why="to see how the system works before it is used",
        who=who,
        starts_at=now_s,
        ends_at=now_s + duration_s,
        cameras=cameras,
        watchlist_sha256=watchlist_sha256,
        model=model,
        ledger_head=ledger_head,
        applicant=tester,
        authorising_officer=tester,
    )


def trial_key(data_dir: DataDir) -> SigningKey:
    """The tester's key, made and trusted at the first use."""
    return own_key(data_dir, data_dir.tester_key, TESTER, rank=TESTER)


def open_trial(data_dir: DataDir, authority: Authority, profile: Profile, now_s: float) -> Grant:
    """Sign and save a trial; one that is open already and still holds is given back as it is.

    Raises:
        ConflictError: A deployment of this id was closed, or is open as another kind.
    """
    grant = signed(authority, trial_key(data_dir), now_s)
    keep_profile(data_dir, profile)
    try:
        present = load_grant(data_dir, authority.deployment)
    except NotFoundError:
        grant.save(data_dir)
        return grant
    trusted = trusted_keys(data_dir)
    if present.authority.kind != "test" or closing_fault(present, trusted):
        raise ConflictError(
            "a deployment of this id is already recorded", got=authority.deployment, next_step="choose another id"
        )
    if grant_fault(present, trusted, profile) or present.authority.ends_at <= now_s:
        grant.save(data_dir)
        return grant
    return present
