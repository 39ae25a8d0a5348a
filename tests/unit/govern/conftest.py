"""A signed live authority under the British profile, to be bent by each test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from lfr_ray.govern.authority import Authority, Officer, Place
from lfr_ray.govern.country_profile import Profile, load_profile
from lfr_ray.govern.signed_authority import Grant, signed
from lfr_ray.govern.signing_keys import PublicKey, SigningKey

START_S = 1_787_904_000.0
LIST_HASH = "a" * 64


@dataclass
class Office:
    """Officers with keys, the rules, and authorities that they sign."""

    profile: Profile
    trusted: dict[str, PublicKey]
    keys: dict[str, SigningKey]

    def enlist(self, holder: str, rank: str, **fields: Any) -> SigningKey:
        key = SigningKey.create()
        fields.setdefault("training_until", START_S + 10**8)
        self.trusted[key.id] = key.described(holder, rank=rank, **fields)
        self.keys[holder] = key
        return key

    def authority(self, **changes: Any) -> Authority:
        content: dict[str, Any] = {
            "deployment": "airshow-1",
            "kind": "live",
            "profile": self.profile.name,
            "profile_sha256": self.profile.sha256,
            "purpose": "locate persons wanted by the courts at a public event",
            "legal_basis": "common law policing powers",
            "why": "seaside crime hotspot with outstanding warrants",
            "where": Place(
                case="protective-security",
                name="Clacton Airshow",
                rationale="large public event",
                latitude=51.789,
                longitude=1.153,
                radius_m=500,
            ),
            "who": ("wanted-by-court", "missing-or-at-risk"),
            "starts_at": START_S,
            "ends_at": START_S + 8 * 3600,
            "cameras": ("pier", "gate"),
            "watchlist_sha256": LIST_HASH,
            "watchlist_entries": 500,
            "watchlist_approved_at": START_S - 3600,
            "watchlist_approved_by": "insp-7",
            "model": "dlib_resnet",
            "threshold": 0.6,
            "false_alerts_per_face": 0.0001,
            "documents": {
                "policy": "LFR policy v4",
                "impact_assessment": "DPIA v2",
                "equality_assessment": "EIA v2",
                "appropriate_policy": "APD v1",
            },
            "applicant": Officer(id="insp-7", rank="inspector"),
            "authorising_officer": Officer(id="supt-1", rank="superintendent"),
        }
        content.update(changes)
        return Authority.model_validate(content)

    def grant(self, by: str = "supt-1", at: float = START_S - 600, **changes: Any) -> Grant:
        return signed(self.authority(**changes), self.keys[by], at)


@pytest.fixture
def office() -> Office:
    made = Office(load_profile("uk-police"), {}, {})
    made.enlist("supt-1", "superintendent")
    made.enlist("supt-2", "superintendent")
    made.enlist("insp-7", "inspector")
    return made
