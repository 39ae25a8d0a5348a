"""A site with a signed live authority, its gate and its ledger."""

from __future__ import annotations

from typing import Any

from lfr_ray.govern.authority import Authority, Officer, Place
from lfr_ray.govern.authority_gate import FILE_EVERY_S, AuthorityGate
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.ledger_state import LedgerState, clock_accepted
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import Grant, signed
from tests.trust_tree import CARRIED, TrustTree, approval, record_opening

LIST_HASH = "a" * 64
HERE = {"van": (51.789, 1.153), "stolen": (51.9, 1.153)}


class Scene:
    """A site with a signed live authority, its gate and its ledger."""

    def __init__(self, site: Any, tree: TrustTree, **changes: Any) -> None:
        self.site = site
        self.profile = load_profile("uk-police")
        self.now_s = site.clock.wall_s()
        self.tree = tree
        self.officer = tree.officer("supt-1", "superintendent")
        self.approver = tree.officer("insp-7", "inspector", role="approver")
        tree.site(site.files)
        self.ledger = site.ledger()
        self.grant = self.open(self.authority(**changes))
        self.gate = AuthorityGate(
            site.files,
            "airshow-1",
            self.profile,
            self.ledger,
            clock=site.clock,
            positions=HERE,
            needed=("live",),
        )

    def open(self, authority: Authority, key: Any = None) -> Grant:
        """Sign, save and record, as `lfr deployment open` does."""
        grant = signed(authority, key or self.officer, self.site.clock.wall_s())
        grant.save(self.site.files)
        record_opening(self.ledger, grant)
        return grant

    def authority(self, **changes: Any) -> Authority:
        content: dict[str, Any] = {
            "deployment": "airshow-1",
            "kind": "live",
            "profile": "uk-police",
            "profile_sha256": self.profile.sha256,
            "purpose": "p",
            "legal_basis": "l",
            "why": "w",
            "where": Place(
                case="protective-security", name="n", rationale="r", latitude=51.789, longitude=1.153, radius_m=300
            ),
            "who": ("suspect",),
            "starts_at": self.now_s,
            "ends_at": self.now_s + 3600,
            "cameras": ("van", "stolen"),
            **approval(self.approver, LIST_HASH, self.now_s, ("op-1",)),
            "watchlist_approved_by": "insp-7",
            **CARRIED,
            "model": "dlib_resnet",
            "threshold": 0.6,
            "false_alerts_per_face": 0.0001,
            "documents": dict.fromkeys(
                ("policy", "impact_assessment", "equality_assessment", "appropriate_policy"), "v1"
            ),
            "applicant": Officer(id="insp-7", rank="inspector"),
            "authorising_officer": Officer(id="supt-1", rank="superintendent"),
        }
        return Authority.model_validate(content | changes)

    def ask(self, camera: str = "van", watchlist_hash: str = LIST_HASH, model: str = "dlib_resnet") -> str:
        self.site.clock.advance(1.1 * FILE_EVERY_S)
        return self.gate.refusal(camera, self.site.clock.wall_s(), watchlist_hash, model)

    def accept_clock(self, key: Any) -> None:
        state = LedgerState(self.site.files)
        state.follow()
        self.ledger.append(clock_accepted(state, key, "op-1", "time server repaired", self.site.clock.wall_s()))
        self.site.clock.advance(1)

    def refusals(self) -> list[dict[str, Any]]:
        return [record for record in read_records(self.site.files) if record["kind"] == "refusal"]
