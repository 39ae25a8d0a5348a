"""A site of four cameras for the console's tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lfr_ray.adjudicate.decision_vocabulary import MONITORING_FIELDS
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.api.site_state import (
    AuthorityState,
    CameraState,
    ClosedDeployment,
    DeploymentList,
    DeploymentState,
    Hour,
    LedgerPage,
    LedgerVerdict,
    OpenedDeployment,
    Placed,
    ProposedAuthority,
    RecordSoFar,
    SitePlan,
    StopState,
    Switched,
    WatchlistState,
)
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.clock import utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, SourceError, StreamError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.govern.alert_ledger_events import alert_facts
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.face_counters import CameraCounters
from lfr_ray.govern.ledger_verify import verify_ledger
from lfr_ray.govern.public_record import RecordFacts, build_record
from lfr_ray.govern.signed_authority import AUTHORISE, Grant
from lfr_ray.govern.signing_keys import Signature, SigningKey, signature_fault
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.metrics import Meter, Snapshot
from lfr_ray.site.public_record_facts import alert_events
from lfr_ray.site.public_record_so_far import ledger_records
from tests.integration.console.astronaut import photographed
from tests.listed_site import ListedSite


class GroundSite(ListedSite):
    """A site of four cameras, one of them blind, under an authority; its ledger is a real one."""

    def __init__(self, folder: DataDir, alerts: AlertStore) -> None:
        self.halt: StopState | None = None
        self.blind_since = time.time() - 75
        self.under_authority = self.drawn = True
        self.kind, self.due = "live", ""
        self.officer_key = SigningKey.create()
        self.opened: list[Any] = []
        self.recordings: list[bytes] = []
        self.folder, self.alerts = folder, alerts
        self.previews = 0
        self.focus: dict[str, CameraFocus] = {}
        self.started = time.time()
        self.authority = Authority.model_validate(
            {
                "deployment": "airshow-2026",
                "kind": "live",
                "profile": "uk-police",
                "profile_sha256": load_profile("uk-police").sha256,
                "purpose": "Locate persons wanted by the courts at a public event",
                "legal_basis": "Common law policing powers",
                "why": "Outstanding warrants; 40,000 visitors are expected on the seafront",
                "where": {
                    "case": "protective-security",
                    "name": "Seafront, Clacton",
                    "rationale": "A large public event",
                    "latitude": 51.789,
                    "longitude": 1.153,
                    "radius_m": 500,
                },
                "who": ["wanted-by-court", "missing-or-at-risk"],
                "starts_at": time.time() - 4 * 3600,
                "ends_at": time.time() + 3 * 3600 + 1234,
                "cameras": ["north-gate", "south-gate", "beach-path", "van"],
                "watchlist_sha256": "a" * 64,
                "watchlist_entries": 512,
                "model": "dlib_resnet",
                "applicant": {"id": "insp-7", "rank": "inspector"},
                "authorising_officer": {"id": "supt-1", "rank": "superintendent"},
            }
        )

    async def cameras(self) -> list[CameraState]:
        frames = int((time.time() - self.started) * 10) + 5000
        blind = {"blind_since": self.blind_since, "problem": "no picture for 75 s", "frames_dropped": 12, "frames": 900}
        size = {"width_px": 1920, "height_px": 1080}
        return [
            CameraState("north-gate", "live", fps=10.0, frames=frames, frames_dropped=frames // 20, **size),
            CameraState("south-gate", "live", fps=9.6, frames=frames, frames_dropped=88, **size),
            CameraState("beach-path", "blind", **blind),
            CameraState("van", "live", refusal="outside the deployment's hours"),
        ]

    async def preview(self, name: str) -> bytes:
        if name == "beach-path":
            raise StreamError("the camera gives no picture now", next_step="look why it is blind, and try again")
        self.previews += 1
        return photographed(1.0 + self.previews % 2 / 5).preview

    async def watchlist(self) -> WatchlistState:
        who = {"wanted-by-court": 431, "missing-or-at-risk": 81}
        return WatchlistState(
            512, 800, "ab" * 32, approved=True, fault="", categories=who, false_alerts_per_10k_faces=0.27
        )

    async def deployments(self) -> DeploymentList:
        granted = AuthorityState(**self.authority.shown()) if self.under_authority else None
        due: Any = self.due or ("closing" if granted else "opening")
        one = DeploymentState("airshow-2026", self.kind, "in force", "dlib_resnet", authority=granted, due=due)
        return DeploymentList((one,), self.halt, site="Clacton seafront")

    async def propose(self, asked: Mapping[str, Any]) -> ProposedAuthority:
        same = {name: asked[name] for name in asked.keys() & Authority.model_fields.keys()}
        return ProposedAuthority(Authority.model_validate(self.authority.content() | same).content())

    async def take_in(self, authority: Mapping[str, Any], signature: Mapping[str, Any], *, by: str) -> OpenedDeployment:
        known = {self.officer_key.id: self.officer_key.described("supt-1", rank="superintendent", role="authoriser")}
        fault = signature_fault(AUTHORISE, dict(authority), Signature.model_validate(signature), known, "authoriser")
        if fault:
            raise AuthorityError("the authority is not given", got=fault)
        self.under_authority = True
        return OpenedDeployment(str(authority["deployment"]), "live", time.time(), time.time() + 3600)

    async def open_own(self, *, hours: float | None, consents: Mapping[str, float], by: str) -> OpenedDeployment:
        self.opened.append((self.kind, hours, dict(consents), by))
        return OpenedDeployment("airshow-2026", self.kind, time.time(), time.time() + 3600)

    async def close_own(self, deployment: str, *, by: str, reason: str) -> ClosedDeployment:
        self.opened.append((deployment, by, reason))
        return ClosedDeployment(deployment, "c" * 64, {"watchlist": {"entries": 512, "images": 800}}, 0, 41, 0, ())

    async def take_recording(self, camera: str, video: bytes, *, by: str) -> None:
        if not video.startswith((b"\x1aE\xdf\xa3", b"\0\0")):
            raise SourceError("this is no video", allowed="MP4, QuickTime, WebM, Matroska or AVI")
        self.recordings.append(video)

    async def set_focus(self, name: str, focus: CameraFocus, *, by: str, reason: str) -> None:
        self.focus[name] = focus

    async def plan(self) -> SitePlan:
        on_plan = {"north-gate": (0.2, 0.2), "south-gate": (0.7, 0.75), "beach-path": (0.8, 0.3)}
        by_coordinates = {"north-gate": (51.79, 1.150), "south-gate": (51.785, 1.153), "beach-path": (51.788, 1.16)}
        names = (*on_plan, "van")
        looks = {one: self.focus.get(one, CameraFocus(min_face_px=240.0)) for one in names}
        return SitePlan(
            self.drawn,
            {
                one: Placed(on_plan.get(one), *by_coordinates.get(one, (None, None)), look.min_face_px, look.regions)
                for one, look in looks.items()
            },
        )

    async def plan_picture(self) -> bytes:
        drawn = np.full((450, 800, 3), 225, np.uint8)
        for left, top, right, bottom in ((60, 40, 420, 300), (460, 60, 760, 210), (300, 330, 740, 420)):
            drawn[top:bottom, left:right] = 190
        return encode_jpeg(drawn)

    async def record(self) -> RecordSoFar:
        hour_s = time.time() // 3600 * 3600
        seen = (310, 742, 1180, 1544, 911)
        counters = {"north-gate": CameraCounters(90_000, 3400, 3120, 14_000.0, 12.0, {"turned": 4100, "blurred": 2210})}
        counters |= {"south-gate": CameraCounters(80_000, 1287, 1190, 13_800.0, 0.0, {"too_small": 1800})}
        facts = RecordFacts(
            site="Clacton seafront",
            grant=Grant.model_construct(authority=self.authority, ratification=None, closing=None),
            published_at=time.time(),
            cameras=counters,
            alerts=alert_facts(alert_events(self.alerts), self.authority.deployment),
            categories={"wanted-by-court": 431, "missing-or-at-risk": 81},
            groups=MONITORING_FIELDS,
        )
        hours = [Hour(hour_s - (4 - place) * 3600, count, place) for place, count in enumerate(seen)]
        return RecordSoFar(build_record(facts, load_profile("uk-police")), tuple(hours))

    async def ledger_verdict(self) -> LedgerVerdict:
        found = verify_ledger(self.folder, trusted_keys(self.folder))
        return LedgerVerdict(found.holds, tuple(found.faults), found.records, found.sealed, found.head)

    async def ledger(self, *, kind: str, text: str, since: float, before: int, limit: int) -> LedgerPage:
        found = ledger_records(self.folder, kind, text, since, before, limit)
        return LedgerPage(tuple(found), found[-1]["n"] if len(found) == limit else None)

    async def stop(self, *, officer: str, reason: str) -> Switched:
        self.halt = StopState(officer, reason, utc_text(time.time()))
        return Switched(True, officer, reason, self.halt.at)

    async def resume(self, *, officer: str, reason: str) -> Switched:
        self.halt = None
        return Switched(False, officer, reason)

    async def readiness(self) -> dict[str, str]:
        return {}

    async def snapshot(self) -> Snapshot:
        meter, passed_s = Meter(), time.time() - self.started
        for camera, share in (("north-gate", 1.0), ("south-gate", 0.4)):
            meter.count("frames_total", 5000 + 10 * passed_s, camera=camera)
            meter.count("faces_seen_total", int((1200 + passed_s) * share), camera=camera)
            meter.count("faces_compared_total", int((1100 + 0.9 * passed_s) * share), camera=camera)
            for reason, count in (("turned", 410), ("blurred", 220), ("too_small", 96)):
                meter.count("views_rejected_total", int(count * share), camera=camera, reason=reason)
            meter.time("capture_to_alert_seconds", 0.126, camera=camera)
        return meter.snapshot()
