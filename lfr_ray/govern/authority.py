"""The record that permits a deployment, and the pure rules of when it permits a comparison.

An authority states why, where and who, from when to when, with which cameras, which approved list,
which model and which threshold. Nothing here reads a clock, a file or a key: :mod:`lfr_ray.govern.signed_authority`
says whether the record is signed by somebody who may, :mod:`lfr_ray.govern.authority_gate` joins the two.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from lfr_ray.clock import CAMERA_AHEAD, utc_text
from lfr_ray.config import NAME_PATTERN
from lfr_ray.govern.canonical_json import Moment
from lfr_ray.govern.country_profile import Case, Kind, Profile
from lfr_ray.govern.signing_keys import ID_PATTERN, Signature
from lfr_ray.ledger_config import Anchor
from lfr_ray.strict_yaml import Section

ANY = "*"
"""In ``cameras``: every camera, where the profile allows it."""
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius; the haversine error against the ellipsoid is below 0.6 %."""
APPROVE = "watchlist approval"
"""Purpose of an approver's signature."""
MAX_VOLUNTEERS = 20
"""In a trial."""
FUTURE_TOLERANCE_S = 5.0
"""A picture stamped further ahead of our clock than this was not taken now."""

Position = tuple[float, float]
"""Latitude and longitude, degrees."""


class Place(Section):
    """Where, and which of the permitted cases it is."""

    case: Case
    name: str = Field(min_length=1, max_length=200)
    rationale: str = Field(min_length=1, max_length=2000, description="Why this place falls under the case.")
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    radius_m: float = Field(gt=0, le=50_000)


class Officer(Section):
    """An officer by staff number; never by name."""

    id: str = Field(pattern=ID_PATTERN)
    rank: str = Field(min_length=1, max_length=60)


class Footage(Section):
    """A recording that a retrospective authority names."""

    camera: str = Field(min_length=1, max_length=128)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of its bytes.")
    begins_at: Moment | None = Field(default=None, description="When it begins; None: it says so itself.")
    stated_by: str = Field(pattern=ID_PATTERN, description="Who stated its time.")


class Volunteer(Section):
    """Somebody who agreed to a trial."""

    entry_id: str = Field(min_length=1, max_length=64)
    consented_at: Moment


def _is_empty(value: object) -> bool:
    return not value


class Authority(Section):
    """What was authorised. Every field is signed; an unknown field is an error."""

    format: Literal["lfr-authority/1"] = "lfr-authority/1"
    deployment: str = Field(pattern=NAME_PATTERN, description="Id; it stays after everything else is destroyed.")
    kind: Kind
    profile: str = Field(description="Name of the rules.")
    profile_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Hash of the rules as they were.")
    purpose: str = Field(min_length=1, max_length=2000)
    legal_basis: str = Field(min_length=1, max_length=2000)
    why: str = Field(min_length=1, max_length=2000, description="The objective: why this is necessary.")
    where: Place | None = Field(default=None, description="Place and its case; not needed for footage and tests.")
    who: tuple[str, ...] = Field(min_length=1, description="Watchlist categories that may be compared with.")
    starts_at: Moment
    ends_at: Moment
    footage_from: Moment | None = Field(default=None, description="Retrospective: the footage's first moment.")
    footage_to: Moment | None = Field(default=None, description="Retrospective: the footage's last moment.")
    cameras: tuple[str, ...] = Field(min_length=1, description="Camera or footage names, or * in a test.")
    watchlist_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$", description="Hash of the approved list.")
    watchlist_entries: int = Field(default=0, ge=0)
    watchlist_approved_at: Moment | None = None
    watchlist_approved_by: str = Field(default="", pattern=rf"{ID_PATTERN}|^$")
    model: str = Field(default="", description="Card id of the embedder; empty only where the profile allows it.")
    model_sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="Hash of its weights.")
    threshold: float | None = Field(default=None, gt=-1, lt=1, description="Least similarity that may alert.")
    false_alerts_per_face: float | None = Field(
        default=None, ge=0, le=1, description="Expected at this threshold and list size, from the model's card."
    )
    threshold_reason: str = Field(default="", max_length=2000, description="Why more than the target is accepted.")
    documents: dict[str, str] = Field(default_factory=dict, description="References, each with its version.")
    applicant: Officer
    authorising_officer: Officer
    ledger_head: str = Field(
        default="", pattern=r"^([0-9]+:[0-9a-f]{64})?$", description="Where the ledger ended: it cannot be set back."
    )
    urgent: bool = False
    urgent_reason: str = Field(default="", max_length=2000)
    # What came later is left out where it is empty, so that earlier signatures hold.
    configuration: dict[str, str] = Field(
        default_factory=dict, exclude_if=_is_empty, description="Hash of every field of the effective configuration."
    )
    recordings: tuple[Footage, ...] = Field(default=(), exclude_if=_is_empty, description="Retrospective: of what.")
    watchlist_importers: tuple[str, ...] = Field(default=(), exclude_if=_is_empty, description="Who made the list.")
    watchlist_signature: Signature | None = Field(default=None, exclude_if=_is_empty, description="The approver's.")
    volunteers: tuple[Volunteer, ...] = Field(
        default=(), max_length=MAX_VOLUNTEERS, exclude_if=_is_empty, description="Trial: who agreed, and when."
    )
    anchors: tuple[Anchor, ...] = Field(
        default=(), exclude_if=_is_empty, description="Where the ledger's end is written down outside the data folder."
    )

    @model_validator(mode="after")
    def _coherent(self) -> Authority:
        if self.ends_at <= self.starts_at:
            raise ValueError(
                f"ends_at ({utc_text(self.ends_at)}) must come after starts_at ({utc_text(self.starts_at)})"
            )
        if (self.footage_from is None) != (self.footage_to is None):
            raise ValueError("footage_from and footage_to must be given together")
        if self.footage_from is not None and self.footage_to is not None and self.footage_to < self.footage_from:
            raise ValueError("footage_to must not come before footage_from")
        if (self.kind == "retrospective") != (self.footage_from is not None):
            raise ValueError("the span of the footage belongs to kind retrospective, and only to it")
        if self.urgent != bool(self.urgent_reason.strip()):
            raise ValueError("urgent and urgent_reason belong together")
        return self

    def shown(self) -> dict[str, Any]:
        """What anybody who works under it should know of it, by name; nobody's name is in it."""
        signed, place = self.authorising_officer, self.where
        same = ("starts_at", "ends_at", "purpose", "legal_basis", "why", "who", "cameras", "threshold", "urgent")
        return {
            **{name: getattr(self, name) for name in (*same, "false_alerts_per_face")},
            "authorised_by": f"{signed.id}, {signed.rank}",
            "configuration_signed": bool(self.configuration),
            "place": "" if place is None else place.name,
            "place_case": "" if place is None else place.case,
            "place_rationale": "" if place is None else place.rationale,
        }

    def scope_refusal(
        self, camera: str, watchlist_hash: str, model: str, position: Position | None, threshold: float | None
    ) -> str:
        """Empty, or why one comparison is outside this authority, whatever the time.

        ``watchlist_hash`` is that of the list as it stands now, ``model`` the embedder's card id, ``threshold`` the one
        in use; position and threshold are None where they are not known.
        """
        return (
            self._camera_refusal(camera)
            or self._place_refusal(position)
            or self._list_refusal(watchlist_hash)
            or self._model_refusal(model, threshold)
        )

    def time_refusal(self, captured_at: float, now_s: float) -> str:
        """Empty, or why it is outside the authority's time; the text does not hold the moment of capture.

        Both are wall times: when the face was captured, and when it is compared, from which an expiry counts.
        """
        if now_s < self.starts_at:
            return f"the authority starts at {utc_text(self.starts_at)}"
        if now_s > self.ends_at:
            return f"the authority ended at {utc_text(self.ends_at)}"
        if self.footage_from is not None and self.footage_to is not None:
            if not self.footage_from <= captured_at <= self.footage_to:
                return (
                    "the footage is outside the authorised span "
                    f"{utc_text(self.footage_from)} to {utc_text(self.footage_to)}"
                )
            return ""
        if captured_at < self.starts_at:
            return f"the picture was taken before the authority started at {utc_text(self.starts_at)}"
        if captured_at > self.ends_at:
            return f"the picture was taken after the authority ended at {utc_text(self.ends_at)}"
        if captured_at > now_s + FUTURE_TOLERANCE_S:
            return CAMERA_AHEAD
        return ""

    def _camera_refusal(self, camera: str) -> str:
        if camera in self.cameras or ANY in self.cameras:
            return ""
        return f"camera {camera} is not among the authorised ones"

    def _place_refusal(self, position: Position | None) -> str:
        if self.where is None:
            return ""
        if position is None:
            return (
                "the camera's position is not known: give it latitude and longitude, or the site position -> gpsd"
                if self.kind == "live"
                else ""
            )
        if not all(math.isfinite(degree) for degree in position):
            return "the camera's position is not a number"
        away_m = distance_m((self.where.latitude, self.where.longitude), position)
        if away_m <= self.where.radius_m:
            return ""
        return f"the camera is outside the authorised place (radius {self.where.radius_m:g} m)"

    def _list_refusal(self, watchlist_hash: str) -> str:
        if not self.watchlist_sha256:
            return ""
        if not watchlist_hash:
            return "the watchlist is not approved"
        if watchlist_hash != self.watchlist_sha256:
            return "the watchlist is not the one that was approved: it was changed since, or it is another one"
        return ""

    def _model_refusal(self, model: str, threshold: float | None) -> str:
        if self.model and model != self.model:
            return f"the model {model} is not the authorised {self.model}"
        if self.threshold is not None and threshold is not None and threshold < self.threshold:
            return f"the threshold in use, {threshold:g}, is below the authorised {self.threshold:g}"
        return ""


def approval_document(authority: Authority) -> dict[str, Any]:
    """What an approver signs: the content of the list and who made it."""
    return {"content_hash": authority.watchlist_sha256, "imported_by": sorted(authority.watchlist_importers)}


def configuration_fault(authority: Authority, effective: dict[str, str]) -> str:
    """Empty, or which fields of the site are not as they were signed."""
    signed = authority.configuration
    if not signed:
        return ""
    other = sorted(name for name in signed.keys() | effective.keys() if signed.get(name) != effective.get(name))
    if not other:
        return ""
    more = f" and {len(other) - 5} more" if len(other) > 5 else ""
    return (
        f"the site's configuration is not the authorised one: {', '.join(other[:5])}{more}; set it back, or open a "
        "deployment anew"
    )


def recordings_fault(authority: Authority, camera: str, sha256: str, begins_at: float | None) -> str:
    """Empty, or why a recording is not one that the authority names."""
    named = next((one for one in authority.recordings if one.camera == camera), None)
    if authority.kind != "retrospective" or named is None:
        return "" if authority.kind != "retrospective" else f"the authority names no recording of {camera}"
    if named.sha256 != sha256:
        return f"the recording {camera} is not the authorised one: its content differs"
    if named.begins_at != begins_at:
        return f"the recording {camera} begins at another moment than was authorised"
    return ""


def profile_fault(authority: Authority, profile: Profile) -> str:
    """Empty, or which rule of the profile an authority breaks.

    The ranks are judged with the signature, in :func:`lfr_ray.govern.signed_authority.grant_fault`.
    """
    if authority.profile != profile.name:
        return f"the authority was made under the profile {authority.profile}, this is {profile.name}"
    if not profile.has_hash(authority.profile_sha256):
        return f"the rules of the profile {profile.name} were changed since the authority was made"
    rules = profile.kinds.get(authority.kind)
    if rules is None:
        return f"the profile {profile.name} does not permit deployments of kind {authority.kind}"
    if authority.ends_at - authority.starts_at > rules.max_duration_s:
        return f"a {authority.kind} authority lasts at most {rules.max_duration_s / 3600:g} hours"
    if authority.urgent and not rules.urgent_min_rank:
        return f"the profile {profile.name} has no urgent route for kind {authority.kind}"
    if authority.applicant.id == authority.authorising_officer.id and not rules.self_authorised:
        return "the applicant may not be the authorising officer"
    foreign = sorted(set(authority.who) - set(rules.categories))
    if foreign:
        return f"the profile does not permit the categories {', '.join(foreign)}"
    missing = [document for document in rules.documents if not authority.documents.get(document, "").strip()]
    if missing:
        return f"references are missing: {', '.join(missing)}"
    return _scope_fault(authority, profile) or _list_fault(authority, profile) or threshold_fault(authority, profile)


def _scope_fault(authority: Authority, profile: Profile) -> str:
    rules = profile.kinds[authority.kind]
    if rules.cases and authority.where is None:
        return f"a place is missing; its case is one of {', '.join(rules.cases)}"
    if rules.cases and authority.where is not None and authority.where.case not in rules.cases:
        return f"the profile does not permit the case {authority.where.case}"
    if ANY in authority.cameras and not rules.any_camera:
        return "the cameras must be named one by one"
    if not authority.model and not rules.any_model:
        return "the model card is missing"
    if not authority.watchlist_sha256 and not rules.any_watchlist:
        return "the approved watchlist's hash is missing"
    return ""


def _list_fault(authority: Authority, profile: Profile) -> str:
    limits = profile.watchlist
    if authority.watchlist_entries > limits.max_entries:
        return f"the watchlist has {authority.watchlist_entries} entries, allowed are {limits.max_entries}"
    if not authority.watchlist_sha256 or not limits.second_person:
        return ""
    if authority.watchlist_approved_at is None or not authority.watchlist_approved_by:
        return "the watchlist was not approved by a second person"
    if authority.kind == "live" and authority.starts_at - authority.watchlist_approved_at > limits.approve_within_s:
        return f"the watchlist's approval is older than {limits.approve_within_s / 3600:g} hours at the start"
    return ""


def threshold_fault(authority: Authority, profile: Profile) -> str:
    """Empty, or how the threshold breaks the floor, which is stated in expected false alerts for each face."""
    if not profile.kinds[authority.kind].threshold_floor:
        return ""
    expected = authority.false_alerts_per_face
    if authority.threshold is None or expected is None:
        return "the threshold and its expected false alerts for each face are missing"
    if expected > profile.threshold.floor:
        return (
            f"the threshold gives {expected:.2g} expected false alerts for each face at this list size, "
            f"above the floor of {profile.threshold.floor:.2g}: raise the threshold or shorten the list"
        )
    if expected > profile.threshold.target and not authority.threshold_reason.strip():
        return (
            f"the threshold gives {expected:.2g} expected false alerts for each face at this list size, "
            f"above the target of {profile.threshold.target:.2g}: state a threshold_reason, it will be published"
        )
    return ""


def clock_fault(now_s: float, latest_s: float, tolerance_s: float) -> str:
    """Empty, or that the machine's clock was set back behind what was already recorded."""
    if now_s >= latest_s - tolerance_s:
        return ""
    return (
        f"the clock was set backwards: the last recorded event is of {utc_text(latest_s)}; set the clock right, or "
        "accept it with `lfr deployment resume --accept-clock --reason WHY`"
    )


def distance_m(one: Position, other: Position) -> float:
    """Great-circle distance (haversine).

    >>> round(distance_m((51.789, 1.153), (51.789, 1.163)))  # Clacton pier, eastwards
    688
    """
    latitude, other_latitude = math.radians(one[0]), math.radians(other[0])
    half_lat = math.sin((other_latitude - latitude) / 2)
    half_lon = math.sin(math.radians(other[1] - one[1]) / 2)
    chord = half_lat**2 + math.cos(latitude) * math.cos(other_latitude) * half_lon**2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord)))
