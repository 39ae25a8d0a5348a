"""The one-line deployment: a trial or demonstration, signed by a key that can sign nothing else."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.errors import ConflictError, NotFoundError
from lfr_ray.govern.authority import ANY, Authority, Officer
from lfr_ray.govern.files import exclusive
from lfr_ray.govern.grant import Grant, closing_fault, grant_fault, grant_path, load_grant, signed
from lfr_ray.govern.keys import SigningKey, trust, trusted_keys
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


def trial_key(keys: Path) -> SigningKey:
    """The tester's key, made and trusted at the first use."""
    path = keys / f"{TESTER}.key"
    with exclusive(keys / ".lock", "making the tester's key", wait=True):
        if not path.exists():
            key = SigningKey.create()
            trust(keys, key.described(TESTER, rank=TESTER))
            key.save(path)
    return SigningKey.load(path)


def open_trial(data_dir: Path, authority: Authority, profile: Profile, now_s: float) -> Grant:
    """Sign and save a trial.

    Raises:
        ConflictError: A deployment of this id was closed, or is open as another kind.
    """
    key = trial_key(data_dir / "keys")
    grant = signed(authority, key, now_s)
    folder = data_dir / "deployments"
    keep_profile(folder, profile)
    try:
        present = load_grant(grant_path(folder, authority.deployment))
    except NotFoundError:
        grant.save(folder)
        return grant
    trusted = trusted_keys(data_dir / "keys")
    if present.authority.kind != "test" or closing_fault(present, trusted):
        raise ConflictError(
            "a deployment of this id is already recorded", got=authority.deployment, next_step="choose another id"
        )
    if grant_fault(present, trusted, profile) or present.authority.ends_at <= now_s:
        grant.save(folder)
        return grant
    return present
