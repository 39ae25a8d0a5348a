"""The authority gate: every comparison asks it, and an empty answer alone permits one.

It joins what changes rarely (the signed authority, the keys, the rules), read again when a file changes, with what may
change at any moment (the stop, the pause, the close), looked at once for all that are compared together.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lfr_ray.clock import Clock, SystemClock, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import FileState, state_of
from lfr_ray.errors import LfrError
from lfr_ray.govern.authority import Authority, Position, clock_fault, configuration_fault, recordings_fault
from lfr_ray.govern.authority_in_force import in_force_fault
from lfr_ray.govern.country_profile import Profile
from lfr_ray.govern.emergency_stop import Halts
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.signed_authority import Grant, closing_fault, load_grant, ratification_fault
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.records import Probe

if TYPE_CHECKING:
    from lfr_ray.govern.ledger import Ledger

HEALTH_EVERY_S = 1.0
"""How often the ledger, the disk and the keys folder are looked at."""
FILE_EVERY_S = 0.1
"""How often the authority's file is looked at."""
REPORT_EVERY_S = 60.0
"""The same refusal of the same camera is recorded once in this time."""
MAX_REPORTED = 4096
"""Refusals remembered; with more distinct ones the oldest are forgotten and recorded again."""

MAX_SCOPES = 1024
"""Answers remembered of one authority for camera, list and model; they do not depend on time."""

Scope = tuple[str, str, str, Position | None]
Recording = tuple[str, float | None]
"""Hash of a recording's bytes, and when it begins, as the site says."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    state: FileState
    grant: Grant | None
    trusted: Mapping[str, PublicKey]
    fault: str
    scopes: dict[Scope, str] = field(default_factory=dict)


class AuthorityGate:
    """Says whether a comparison is permitted, for one deployment of one site.

    Args:
        data_dir: The site's folder.
        deployment: Id of the deployment.
        profile: The rules in force.
        ledger: Where refusals are recorded and whose health counts.
        clock: Wall and steady time.
        positions: Where cameras stand; a camera that is not here has no known position.
        threshold: The threshold that the site sets; None: the model card's.
        model_sha256: Hash of the embedder's weights; empty where it is not known.
        needed: Kinds of deployment that this process may serve; empty: every kind.
        configuration: Hash of every field of the effective configuration, asked once a second; empty: not compared.
        recordings: What a camera that reads a recording reads; asked once a second.
    """

    def __init__(
        self,
        data_dir: DataDir,
        deployment: str,
        profile: Profile,
        ledger: Ledger,
        *,
        clock: Clock | None = None,
        positions: Mapping[str, Position] | Callable[[str], Position | None] | None = None,
        threshold: float | None = None,
        model_sha256: str = "",
        needed: tuple[str, ...] = (),
        configuration: Callable[[], Mapping[str, str]] = dict,
        recordings: Callable[[str], Recording] | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._grant_path = os.fspath(data_dir.grant(deployment))
        self._deployment = deployment
        self._profile = profile
        self._ledger = ledger
        self._clock = clock or SystemClock()
        known = positions or {}
        self._position: Callable[[str], Position | None] = known if callable(known) else known.get
        self._threshold = threshold
        self._model_sha256 = model_sha256
        self._needed = needed
        self._configuration = configuration
        self._recordings = recordings or (lambda camera: ("", None))
        self._state = LedgerState(data_dir)
        self._halts = Halts(data_dir, self._state)
        self._loaded: _Loaded | None = None
        self._looked_s = -HEALTH_EVERY_S
        self._file_looked_s = -FILE_EVERY_S
        self._health = ""
        self._accepted = 0
        self._seen_at = 0.0
        self._reported: dict[tuple[str, str], float] = {}

    @property
    def authority(self) -> Authority | None:
        """The authority as it was last read; None when it could not be."""
        grant = self._load().grant
        return grant.authority if grant is not None else None

    @property
    def closed(self) -> bool:
        """The deployment was closed: what the matcher holds in memory must go."""
        loaded = self._load()
        self._state.follow()
        if self._deployment in self._state.closed:
            return True
        return loaded.grant is not None and bool(closing_fault(loaded.grant, loaded.trusted))

    def refusal(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """Whether one comparison is permitted.

        Args:
            camera: Name of the camera.
            captured_at: Wall time at which the face was captured.
            watchlist_hash: Hash of the approved list as it stands now; empty when it is not approved.
            model: Card id of the embedder.

        Returns:
            Empty when permitted, otherwise why not.
        """
        why = self.standing(camera, captured_at, watchlist_hash, model)
        if why:
            self._report(camera, why)
        return why

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        """What :meth:`refusal` says of each; what holds for all of them is looked at once."""
        now_s = self._clock.wall_s()
        everybody, loaded = self._everybody(now_s)
        found = []
        for one in probes:
            why = everybody or self._own_refusal(loaded, now_s, one.camera, one.captured_at, watchlist_hash, one.model)
            if why:
                self._report(one.camera, why)
            found.append(why)
        return found

    def standing(self, camera: str, captured_at: float, watchlist_hash: str, model: str) -> str:
        """What :meth:`refusal` would say. Nothing is to be compared, so it is not recorded."""
        now_s = self._clock.wall_s()
        everybody, loaded = self._everybody(now_s)
        return everybody or self._own_refusal(loaded, now_s, camera, captured_at, watchlist_hash, model)

    def status(self) -> str:
        """Empty while matching is on as far as no camera, list or model is concerned; otherwise why not."""
        now_s = self._clock.wall_s()
        why, loaded = self._everybody(now_s)
        if why or loaded.grant is None:
            return why
        authority = loaded.grant.authority
        if authority.starts_at <= now_s <= authority.ends_at:
            return ""
        edge = max(now_s, authority.footage_from or 0.0)
        return authority.time_refusal(edge, now_s)

    def _everybody(self, now_s: float) -> tuple[str, _Loaded]:
        """Why nothing may be compared whatever it is; and the authority, as it was read for this."""
        why = self._state_refusal(now_s)
        loaded = self._load()
        why = why or loaded.fault
        if not why and loaded.grant is not None:
            why = ratification_fault(loaded.grant, loaded.trusted, self._profile, now_s)
        return why, loaded

    def _state_refusal(self, now_s: float) -> str:
        if halted := self._halts.refusal():  # looked at each time: a stop counts once it is set
            return halted
        steady_s = self._clock.steady_s()
        if self._deployment in self._state.closed:
            return f"the deployment was closed at {utc_text(self._state.closed[self._deployment])}"
        if steady_s - self._looked_s >= HEALTH_EVERY_S:
            self._looked_s = steady_s
            self._health = self._ledger.fault() or self._state.fault
            recorded_at, accepted = self._state.latest_at, self._state.accepted
            # The latest moment seen or recorded. It falls only when somebody accepted the clock as it is.
            self._seen_at = max(self._seen_at, recorded_at) if accepted == self._accepted else recorded_at
            self._accepted = accepted
            self._loaded = None
        if self._health:
            return f"the audit ledger is out of order: {self._health}"
        self._seen_at = max(self._seen_at, now_s)
        return clock_fault(now_s, self._seen_at, self._profile.clock_tolerance_s)

    def _own_refusal(
        self, loaded: _Loaded, now_s: float, camera: str, captured_at: float, watchlist_hash: str, model: str
    ) -> str:
        """Why this comparison is outside an authority that is in force."""
        assert loaded.grant is not None
        authority, scope = loaded.grant.authority, (camera, watchlist_hash, model, self._position(camera))
        outside = loaded.scopes.get(scope)
        if outside is None:
            outside = authority.scope_refusal(*scope, self._threshold)
            outside = outside or recordings_fault(authority, camera, *self._recordings(camera))
            if len(loaded.scopes) < MAX_SCOPES:
                loaded.scopes[scope] = outside
        return authority.time_refusal(captured_at, now_s) or outside

    def _load(self) -> _Loaded:
        """The grant as the file says; read again when the file changed, and once a second with the keys."""
        steady_s = self._clock.steady_s()
        loaded = self._loaded
        if loaded is not None and steady_s - self._file_looked_s < FILE_EVERY_S:
            return loaded
        self._file_looked_s = steady_s
        try:
            found = state_of(os.stat(self._grant_path))
        except OSError:
            found = (0, 0, 0)
        if loaded is None or loaded.state != found:
            loaded = self._loaded = self._read(found)
        return loaded

    def _read(self, state: FileState) -> _Loaded:
        try:
            trusted = trusted_keys(self._data_dir)
            grant = load_grant(self._data_dir, self._deployment)
            effective = dict(self._configuration())
        except LfrError as error:
            return _Loaded(state, None, {}, f"no authority in force: {error}")
        fault = (
            closing_fault(grant, trusted)
            or in_force_fault(grant, trusted, self._profile, self._state)
            or self._site_fault(grant, effective)
        )
        return _Loaded(state, grant, trusted, fault)

    def _site_fault(self, grant: Grant, effective: dict[str, str]) -> str:
        authority = grant.authority
        if self._data_dir.receipt(self._deployment).exists():
            return "the deployment was closed and its data destroyed"
        if authority.deployment != self._deployment:
            return f"the authority is of another deployment, {authority.deployment}"
        if self._needed and authority.kind not in self._needed:
            return f"a {authority.kind} authority does not permit {' or '.join(self._needed)} use"
        if authority.model_sha256 and self._model_sha256 and authority.model_sha256 != self._model_sha256:
            return "the model's weights are not the authorised ones"
        return configuration_fault(authority, effective) if effective else ""

    def _report(self, camera: str, why: str) -> None:
        steady_s = self._clock.steady_s()
        last_s = self._reported.get((camera, why))
        if last_s is not None and steady_s - last_s < REPORT_EVERY_S:
            return
        if len(self._reported) >= MAX_REPORTED:
            self._reported.pop(next(iter(self._reported)))
        self._reported[camera, why] = steady_s
        event = Event(
            "refusal",
            "no comparison",
            deployment=self._deployment,
            actor="matcher",
            subject=camera,
            reason=" ".join(why.split())[:500],
        )
        # The answer stands whether it can be recorded or not, and waits for no database.
        with contextlib.suppress(LfrError):
            self._ledger.append_soon(event)
