"""How a site is: worked out from what its processes said, and when. Functions of values; whoever asks holds the clock.

Everything that tells how the site is reads this: ``/readyz``, ``/v1/cameras``, the metrics, the terminal, the console
and the record. Ages are seconds at the moment of the answer, because processes share no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

SILENT_S = 1.5
"""A process whose newest answer is older does not answer."""

UNSEEN_S = 1.5
"""A frame that has waited for so long is not looked at, unless this camera's frames always take as long."""

SLOW_TIMES = 3.0
"""Frames of a slow detector may take so many times as long as they do mostly."""

UNANSWERED_S = 3.0
"""Whoever is compared so late has mostly passed."""

CLOCKS_APART_S = 2.0
"""Machines with a time server differ by milliseconds."""

FEW_PASSAGES = 5
"""Of fewer passages nothing is said."""

STARTING, CONNECTING, LIVE, BLIND, ENDED = "starting", "connecting", "live", "blind", "ended"
BEGINS = "is being started"
DIED = "its process has died and is being started anew"
SILENT = "its process does not answer"
NO_ANSWER = "the matcher gives no answer"

SaidT = TypeVar("SaidT", covariant=True)


@dataclass(frozen=True, slots=True)
class Heard(Generic[SaidT]):
    """What one process said last.

    Attributes:
        said: Its newest answer; None: it has never answered.
        asked_s: Steady time at which it was asked what it answered.
        died: It could not be asked since then: there is no such process, or it died meanwhile.
        ahead_s: By so much its machine's clock is ahead of the asker's, or behind it, at the least.
    """

    said: SaidT | None = None
    asked_s: float = 0.0
    died: bool = False
    ahead_s: float = 0.0

    def age_s(self, now_s: float) -> float:
        """How old the answer is."""
        return max(0.0, now_s - self.asked_s)

    def fault(self, now_s: float) -> str:
        """Why it cannot be relied upon; empty when it answers."""
        if self.said is None:
            return BEGINS
        if self.died:
            return DIED
        return SILENT if self.age_s(now_s) > SILENT_S else ""


@dataclass(frozen=True, slots=True)
class Looks:
    """What a camera's chain did with the frames that it was given.

    Attributes:
        fps: Frames a second looked at lately.
        faces_seen: Passages that ended.
        faces_compared: Of them, those with a view that passed the quality limits.
        waiting_s: How long the oldest frame has waited for the detector's answer; 0 when none waits.
        detect_s: How long a frame takes mostly.
        detected_age_s: Since the detector's newest answer, or since the start; None: no frame came yet.
        compared_age_s: Since the matcher's newest answer; None: never.
        unanswered_s: For how long the matcher has answered nothing that it was asked; 0: it answers, or nobody asks.
        raising_s: How long the oldest alert has waited for the desk; 0 when none waits.
        raised_age_s: Since the desk acknowledged the newest alert; None: never.
        passages: Passages that ended lately.
        glimpsed: Of them, those with fewer looks than an alert needs.
        needed: Looks that an alert needs.
        cannot: Why nothing of this camera can be judged, whatever the matcher says; or empty.
        answer_s: From the capture of a view to the matcher's answer, lately; None: there was none.
    """

    fps: float = 0.0
    faces_seen: int = 0
    faces_compared: int = 0
    waiting_s: float = 0.0
    detect_s: float = 0.0
    detected_age_s: float | None = None
    compared_age_s: float | None = None
    unanswered_s: float = 0.0
    raising_s: float = 0.0
    raised_age_s: float | None = None
    passages: int = 0
    glimpsed: int = 0
    needed: int = 1
    cannot: str = ""
    answer_s: float | None = None


class CameraSaid(Protocol):
    """What a camera's process says of itself; see :class:`~lfr_ray.camera.camera_reader.CameraStatus`."""

    @property
    def state(self) -> str:
        """connecting, live, blind or ended, as far as the decoder is concerned."""

    @property
    def blind_since(self) -> float | None:
        """Wall time."""

    @property
    def problem(self) -> str:
        """Why it is blind or ended."""

    @property
    def fps(self) -> float:
        """Frames a second that the decoder hands over: what is wanted of the chain."""

    @property
    def frame_age_s(self) -> float:
        """Since the decoder handed over the newest."""

    @property
    def looks(self) -> Looks:
        """What became of them."""


@dataclass(frozen=True, slots=True)
class ModelSaid:
    """What one process of a model says: whether it has loaded."""

    loaded: bool


@dataclass(frozen=True, slots=True)
class MatcherSaid:
    """What the matcher says of itself.

    Attributes:
        digest: Of its configuration.
        fault: Why it is not open; empty when it is.
        list_fault: Why the list cannot be used; empty when it can.
        authority: Why nothing may be compared, whatever camera it is; empty while an authority is in force.
        refusals: Of each camera, why nothing of it may be compared now; empty when it may.
        clock_at: Wall time of its machine when it said this.
        replicas_fault: Which of its replicas have been behind for long; empty: none.
    """

    digest: str = ""
    fault: str = ""
    list_fault: str = ""
    authority: str = ""
    refusals: Mapping[str, str] = field(default_factory=dict)
    clock_at: float = 0.0
    replicas_fault: str = ""


@dataclass(frozen=True, slots=True)
class DeskSaid:
    """What the desk says of itself.

    Attributes:
        digest: Of its configuration.
        fault: Why it cannot take alerts; empty when it can.
    """

    digest: str = ""
    fault: str = ""


@dataclass(frozen=True)
class SiteHeard:
    """Everything that was heard of a site. Every camera that it should have is there.

    Attributes:
        models: Of each model, its processes.
        least: Of each model, how many must have loaded; more may be on their way.
        fleet: The processes of the fleet.
        outdated: Parts that still have the configuration of an earlier deployment.
        controller: The process of Serve that starts others anew.
        refused: Why no camera may look, whatever it says; empty: they may.
        lacking: What nodes lack on which a model could be started, or the cluster as a whole; empty: nothing.
    """

    cameras: Mapping[str, Heard[CameraSaid]] = field(default_factory=dict)
    models: Mapping[str, Sequence[Heard[ModelSaid]]] = field(default_factory=dict)
    least: Mapping[str, int] = field(default_factory=dict)
    fleet: Sequence[Heard[ModelSaid]] = ()
    matcher: Heard[MatcherSaid] = field(default_factory=Heard)
    desk: Heard[DeskSaid] = field(default_factory=Heard)
    outdated: Sequence[str] = ()
    controller: Sequence[Heard[ModelSaid]] = ()
    refused: str = ""
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How one camera is.

    Attributes:
        state: starting, connecting, live, blind or ended. Live means looked at.
        since: Wall time since which nothing is seen, or None.
        problem: Why it is blind or ended.
        refusal: Why nothing of it is compared; empty when it is.
        warning: What makes alerts late or rare or misdated, or empty.
        clock_ahead_s: By so much its machine's clock is ahead of the matcher's.
    """

    state: str
    since: float | None = None
    problem: str = ""
    refusal: str = ""
    warning: str = ""
    clock_ahead_s: float = 0.0


@dataclass(frozen=True)
class SiteHealth:
    """How a site is.

    Attributes:
        parts: Of each part, why it is not as it should be; empty when it is.
    """

    cameras: Mapping[str, CameraHealth]
    parts: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Every part is as it should be."""
        return not any(self.parts.values())


def site_health(heard: SiteHeard, now_s: float, now_at: float) -> SiteHealth:
    """How the site is, from what its processes said.

    ``now_s`` is steady time, of the clock that noted when they were asked; ``now_at`` is wall time.
    """
    models = {name: processes_fault(name, one, now_s, heard.least.get(name)) for name, one in heard.models.items()}
    matcher = heard.matcher.said or MatcherSaid()
    matcher_fault = _named("the matcher", heard.matcher.fault(now_s)) or matcher.fault
    desk = heard.desk.said or DeskSaid()
    desk_fault = _named("the alert desk", heard.desk.fault(now_s)) or desk.fault
    # Without a detector a camera is blind. What comes behind it keeps what was seen from being compared. While one of
    # several processes answers, each camera says itself whether it is looked at.
    gone = {name: models[name] for name, found in heard.models.items() if len(_faults(found, now_s)) == len(found)}
    not_compared = next((one for name, one in gone.items() if name != "detector"), "") or matcher_fault
    cameras = {
        name: _with_clock(
            camera_health(
                one, gone.get("detector", ""), not_compared or matcher.refusals.get(name, ""), desk_fault, now_s, now_at
            ),
            one.ahead_s - heard.matcher.ahead_s,
        )
        for name, one in heard.cameras.items()
    }
    outdated = f"being replaced, as the configuration or the version is another one: {', '.join(heard.outdated)}"
    return SiteHealth(
        cameras,
        {
            "cameras": _cameras_fault(heard.cameras, cameras, now_s),
            "models": "; ".join(filter(None, (*models.values(), heard.lacking))),
            "matcher": matcher_fault or matcher.replicas_fault or _unanswered(cameras),
            "desk": desk_fault,
            "list": "" if matcher_fault else matcher.list_fault,
            "authority": "" if matcher_fault or matcher.list_fault else matcher.authority,
            "site": heard.refused
            or processes_fault("fleet", heard.fleet, now_s)
            or processes_fault("controller", heard.controller, now_s)
            or (outdated if heard.outdated else ""),
        },
    )


def camera_health(
    heard: Heard[CameraSaid], detector: str, refusal: str, desk: str, now_s: float, now_at: float
) -> CameraHealth:
    """How one camera is, from what its process said.

    ``detector``, ``refusal`` and ``desk`` say why the detector cannot look, nothing may or can be compared, and no
    alert is taken; empty: it is. ``now_s`` is steady time, ``now_at`` wall time.
    """
    said, age_s = heard.said, heard.age_s(now_s)
    if said is None:
        return CameraHealth(STARTING, refusal=refusal)
    if said.state == ENDED:
        return CameraHealth(ENDED, None, said.problem)
    refusal = refusal or said.looks.cannot or (NO_ANSWER if said.looks.unanswered_s > UNANSWERED_S else "")
    if fault := heard.fault(now_s):
        since = said.blind_since if said.state == BLIND else now_at - age_s
        return CameraHealth(BLIND, since, fault, refusal)
    if said.state != LIVE:
        return CameraHealth(said.state, said.blind_since, said.problem, refusal)
    unseen_s = _unseen_s(said, age_s)
    if detector or unseen_s > max(UNSEEN_S, SLOW_TIMES * said.looks.detect_s):
        why = detector or "the detector gives no answer"
        return CameraHealth(BLIND, now_at - unseen_s, f"its frames are not looked at: {why}", refusal)
    if said.looks.detected_age_s is None:
        return CameraHealth(CONNECTING, None, "", refusal)
    return CameraHealth(LIVE, None, "", refusal, _warning(said, desk))


def _with_clock(found: CameraHealth, ahead_s: float) -> CameraHealth:
    """With a warning where the camera's machine has another time than the matcher's."""
    if abs(ahead_s) <= CLOCKS_APART_S:
        return replace(found, clock_ahead_s=ahead_s)
    clocks = (
        f"its machine's clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the matcher's: its "
        "alerts are misdated; look at both machines' time servers"
    )
    return replace(found, clock_ahead_s=ahead_s, warning="; ".join(filter(None, (clocks, found.warning))))


def processes_fault(name: str, found: Sequence[Heard[ModelSaid]], now_s: float, least: int | None = None) -> str:
    """Why the processes of a deployment cannot be relied upon; empty when all answer and have loaded.

    Where ``least`` of them have, those that are only being started are no fault: there are to be more of them.
    """
    if not found:
        return f"the {name} has no process; one is being started"
    wrong = _faults(found, now_s)
    if least is not None and len(found) - len(wrong) >= least:
        wrong = [one for one in wrong if one != BEGINS]
    if not wrong:
        return ""
    which = f"the {name}" if len(found) == 1 else f"{len(wrong)} of {len(found)} processes of the {name}"
    return _named(which, wrong[0])


def _faults(found: Sequence[Heard[ModelSaid]], now_s: float) -> list[str]:
    """Of those processes that cannot be relied upon, why."""
    faults = [one.fault(now_s) or ("" if one.said and one.said.loaded else BEGINS) for one in found]
    return [one for one in faults if one]


def _named(what: str, fault: str) -> str:
    """A fault with what it is of, as a clause.

    >>> _named("the matcher", "is being started"), _named("the matcher", SILENT)
    ('the matcher is being started', 'the matcher: its process does not answer')
    """
    return f"{what}{' ' if fault.startswith('is ') else ': '}{fault}" if fault else ""


def _unseen_s(said: CameraSaid, age_s: float) -> float:
    """How long frames have waited to be looked at: at the detector, or for a chain that takes none while they come."""
    looks = said.looks
    waiting_s = looks.waiting_s + age_s if looks.waiting_s else 0.0
    if looks.detected_age_s is None or not said.fps:
        return waiting_s
    return max(waiting_s, looks.detected_age_s - said.frame_age_s - 2.0 / said.fps)


def _warning(said: CameraSaid, desk: str) -> str:
    looks = said.looks
    if looks.raising_s > UNSEEN_S:
        return f"an alert waits for the desk{': ' + desk if desk else ''}"
    if looks.passages < FEW_PASSAGES or 2 * looks.glimpsed <= looks.passages:
        return ""
    return (
        f"too few looks: {looks.glimpsed} of the last {looks.passages} passages had fewer than the {looks.needed} "
        f"that an alert needs; {looks.fps:.1f} of {said.fps:.1f} frames a second are looked at"
    )


def _unanswered(cameras: Mapping[str, CameraHealth]) -> str:
    """Of which cameras it compares nothing, though it answers whoever asks how it is."""
    names = sorted(name for name, one in cameras.items() if one.refusal == NO_ANSWER)
    return f"gives no answer to {', '.join(names)}" if names else ""


def _cameras_fault(heard: Mapping[str, Heard[CameraSaid]], health: Mapping[str, CameraHealth], now_s: float) -> str:
    """A process that is missing, or no camera that sees. One that cannot be reached is no fault of the site."""
    missing = sorted(name for name, one in health.items() if one.state == STARTING)
    if missing:
        return f"not started: {', '.join(missing)}"
    dead = sorted(name for name, one in heard.items() if health[name].state != ENDED and one.fault(now_s))
    if dead:
        return f"no answer: {', '.join(dead)}"
    if health and not any(one.state == LIVE for one in health.values()):
        return "none is live: " + ", ".join(f"{name} {one.state}" for name, one in sorted(health.items()))
    return ""
