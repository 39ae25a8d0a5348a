"""What a site may open by itself: a test with recordings, and a trial of a day with volunteers before live cameras.

Both are signed by the site's own key, which can authorise nothing else.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lfr_ray.clock import parse_utc
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConfigError, ConflictError, NotFoundError
from lfr_ray.govern.authority import ANY, MAX_VOLUNTEERS, Authority, Officer, Volunteer
from lfr_ray.govern.country_profile import Profile, keep_profile
from lfr_ray.govern.signed_authority import Grant, closing_fault, grant_fault, load_grant, signed
from lfr_ray.govern.trust_file import TESTER, site_key, trusted_keys

TRIAL = "trial"
DAY_S = 86_400.0


def trial_authority(profile: Profile, now_s: float, *, duration_s: float = 30 * DAY_S, **fields: Any) -> Authority:
    """An authority for a test or a trial: any camera and any list of its categories, unless they are named."""
    tester = Officer(id=TESTER, rank=TESTER)
    said: dict[str, Any] = {
        "deployment": TRIAL,
        "kind": "test",
        "profile": profile.name,
        "profile_sha256": profile.sha256,
        "purpose": "trial or demonstration",
        "legal_basis": "consent, or pictures published for such use",
        "why": "to see how the system works before it is used",
        "who": ("test", "blue-list"),
        "starts_at": now_s,
        "ends_at": now_s + duration_s,
        "cameras": (ANY,),
        "watchlist_sha256": "",
        "applicant": tester,
        "authorising_officer": tester,
    }
    return Authority(**(said | fields))


def open_trial(data_dir: DataDir, authority: Authority, profile: Profile, now_s: float) -> Grant:
    """Sign and save a test or trial; one that is open already and still holds is given back as it is.

    Raises:
        AuthorityError: The rules do not permit it.
        ConflictError: A deployment of this id was closed, or is open as another kind.
    """
    grant, trusted = signed(authority, site_key(data_dir), now_s), trusted_keys(data_dir)
    fault = grant_fault(grant, trusted, profile)
    if fault:
        raise AuthorityError(f"the {authority.kind} is not opened", got=fault)
    keep_profile(data_dir, profile)
    try:
        present = load_grant(data_dir, authority.deployment)
    except NotFoundError:
        grant.save(data_dir)
        return grant
    if present.authority.kind != authority.kind or closing_fault(present, trusted):
        raise ConflictError(
            "a deployment of this id is already recorded", got=authority.deployment, next_step="choose another id"
        )
    if grant_fault(present, trusted, profile) or present.authority.ends_at <= now_s:
        grant.save(data_dir)
        return grant
    return present


def read_consents(path: Path) -> dict[str, float]:
    """By entry, when a volunteer agreed: a CSV of ``entry_id`` and ``consented_at``.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return {
                (row["entry_id"] or "").strip(): parse_utc(row["consented_at"] or "") for row in csv.DictReader(stream)
            }
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError):
        raise ConfigError(
            "the consents cannot be read", got=path.name, allowed="a UTF-8 CSV of entry_id and consented_at (ISO 8601)"
        ) from None


def checked_consents(consents: Mapping[str, float], entry_ids: Iterable[str], now_s: float) -> tuple[Volunteer, ...]:
    """The volunteers of a trial: everybody on the list, each with their consent.

    Raises:
        ConfigError: Somebody of the list did not agree, or they are too many.
    """
    listed = sorted(set(entry_ids))
    without = [one for one in listed if not 0 < consents.get(one, now_s + 1) <= now_s]
    if without:
        raise ConfigError(
            "somebody on the list has not agreed to a trial",
            got=", ".join(without[:5]),
            next_step="add their consent with its date, or remove them: `lfr watchlist remove`",
        )
    if not 1 <= len(listed) <= MAX_VOLUNTEERS:
        raise ConfigError("a trial has too many volunteers, or none", got=len(listed), allowed=f"1 to {MAX_VOLUNTEERS}")
    return tuple(Volunteer(entry_id=one, consented_at=consents[one]) for one in listed)
