"""How a site is, by what its processes said: every state and every reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from lfr_ray.health import (
    DIED,
    NO_ANSWER,
    SILENT,
    SILENT_S,
    UNANSWERED_S,
    UNSEEN_S,
    CameraHealth,
    DeskSaid,
    Heard,
    Looks,
    MatcherSaid,
    ModelSaid,
    SiteHeard,
    camera_health,
    processes_fault,
    site_health,
)

NOW_S, NOW_AT = 500.0, 1_700_000_000.0


@dataclass(frozen=True)
class Camera:
    state: str = "live"
    blind_since: float | None = None
    problem: str = ""
    fps: float = 10.0
    frame_age_s: float = 0.05
    looks: Looks = Looks(fps=10.0, detected_age_s=0.1)  # noqa: RUF009


def heard(said: Any, age_s: float = 0.3, **fields: Any) -> Heard[Any]:
    return Heard(said, NOW_S - age_s, **fields)


LIVE, LOADED = heard(Camera()), heard(ModelSaid(True))
STILL = replace(Camera(), frame_age_s=3.0, looks=Looks(detected_age_s=2.9))
"""No frame has come for three seconds, and the last one was looked at."""


def looking(**looks: Any) -> Camera:
    return Camera(looks=replace(Camera().looks, **looks))


@pytest.mark.parametrize(
    ("of_camera", "health"),
    [
        (Heard(), CameraHealth("starting")),
        (Heard(died=True), CameraHealth("starting")),
        (LIVE, CameraHealth("live")),
        (heard(Camera("connecting")), CameraHealth("connecting")),
        (heard(Camera("blind", 12.0, "refused")), CameraHealth("blind", 12.0, "refused")),
        (heard(Camera("ended", None, "no such file"), 60.0), CameraHealth("ended", None, "no such file")),
        (heard(Camera(), died=True), CameraHealth("blind", NOW_AT - 0.3, DIED)),
        (heard(Camera(), SILENT_S + 0.1), CameraHealth("blind", NOW_AT - 1.6, SILENT)),
        (heard(Camera(), SILENT_S - 0.1), CameraHealth("live")),
        (heard(Camera("blind", 12.0, "refused"), 2.0), CameraHealth("blind", 12.0, SILENT)),
        (heard(looking(detected_age_s=None)), CameraHealth("connecting")),
        (heard(STILL), CameraHealth("live")),
        (heard(looking(cannot="no fit")), CameraHealth("live", refusal="no fit")),
        (heard(looking(unanswered_s=UNANSWERED_S)), CameraHealth("live")),
        (heard(looking(unanswered_s=UNANSWERED_S + 0.1)), CameraHealth("live", refusal=NO_ANSWER)),
    ],
)
def test_a_camera_is(of_camera: Heard[Any], health: CameraHealth) -> None:
    found = camera_health(of_camera, "", "", "", NOW_S, NOW_AT)
    assert replace(found, since=None) == replace(health, since=None)
    assert found.since == pytest.approx(health.since)


@pytest.mark.parametrize(
    "looks",
    [
        {"waiting_s": UNSEEN_S},  # and the answer is 0.3 s old
        {"detected_age_s": UNSEEN_S + 0.5},  # frames come, and the chain takes none
        {"waiting_s": 4.0, "detect_s": 1.0},
    ],
)
def test_a_camera_whose_frames_nobody_looks_at_is_blind(looks: dict[str, float]) -> None:
    found = camera_health(heard(looking(**looks)), "", "", "", NOW_S, NOW_AT)
    assert found.state == "blind"
    assert found.problem == "its frames are not looked at: the detector gives no answer"
    assert found.since is not None
    assert found.since < NOW_AT - 1.0


def test_a_detector_that_is_always_slow_does_not_make_blind() -> None:
    assert camera_health(heard(looking(waiting_s=2.0, detect_s=1.0)), "", "", "", NOW_S, NOW_AT).state == "live"


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ({"passages": 4, "glimpsed": 4, "needed": 3}, ""),
        ({"passages": 10, "glimpsed": 5, "needed": 3}, ""),
        ({"passages": 10, "glimpsed": 6, "needed": 3, "fps": 2.0}, "too few looks: 6 of the last 10 passages"),
        ({"passages": 10, "glimpsed": 6, "needed": 3, "fps": 2.0}, "2.0 of 10.0 frames a second"),
        ({"raising_s": 2.0}, "an alert waits for the desk: the disk is full"),
    ],
)
def test_a_camera_is_warned_of(looks: dict[str, Any], words: str) -> None:
    found = camera_health(heard(looking(**looks)), "", "", "the disk is full", NOW_S, NOW_AT)
    assert found.state == "live"
    assert words in found.warning
    assert bool(found.warning) == bool(words)


@pytest.mark.parametrize(
    ("processes", "fault"),
    [
        ([LOADED], ""),
        ([], "the embedder has no process; one is being started"),
        ([Heard()], "the embedder is being started"),
        ([heard(ModelSaid(False))], "the embedder is being started"),
        ([heard(ModelSaid(True), 2.0)], f"the embedder: {SILENT}"),
        ([LOADED, heard(ModelSaid(True), died=True)], f"1 of 2 processes of the embedder: {DIED}"),
    ],
)
def test_a_model_is(processes: list[Heard[ModelSaid]], fault: str) -> None:
    assert processes_fault("embedder", processes, NOW_S) == fault


@pytest.mark.parametrize(
    ("processes", "fault"),
    [
        ([LOADED, LOADED, Heard(), heard(ModelSaid(False))], ""),
        ([LOADED, Heard()], "1 of 2 processes of the detector is being started"),
        ([LOADED, LOADED, heard(ModelSaid(True), 2.0)], f"1 of 3 processes of the detector: {SILENT}"),
        ([LOADED, LOADED, heard(ModelSaid(True), died=True), Heard()], f"1 of 4 processes of the detector: {DIED}"),
    ],
)
def test_more_processes_on_their_way_are_no_fault(processes: list[Heard[ModelSaid]], fault: str) -> None:
    """Serve makes more of a detector than the least, as cameras need it: they load, or wait for a node."""
    heard_of_all = SiteHeard(models={"detector": processes}, least={"detector": 2})
    assert processes_fault("detector", processes, NOW_S, least=2) == fault
    assert site_health(heard_of_all, NOW_S, NOW_AT).parts["models"] == fault


GOOD = SiteHeard(
    cameras={"pier": LIVE, "gate": LIVE},
    models={"detector": [LOADED], "embedder": [LOADED]},
    fleet=[LOADED],
    controller=[LOADED],
    matcher=heard(MatcherSaid()),
    desk=heard(DeskSaid()),
)
FROZEN = heard(ModelSaid(True), 2.0)
BLIND = heard(Camera("blind", 12.0, "refused"))


def test_a_site_that_is_well_is_ready() -> None:
    health = site_health(GOOD, NOW_S, NOW_AT)
    assert health.ready
    assert set(health.parts) == {"cameras", "models", "matcher", "desk", "list", "authority", "site"}
    assert set(health.cameras.values()) == {CameraHealth("live")}


@pytest.mark.parametrize(
    ("change", "part", "reason"),
    [
        ({"cameras": {"pier": BLIND, "gate": BLIND}}, "cameras", "none is live: gate blind, pier blind"),
        ({"cameras": {"pier": LIVE, "gate": Heard()}}, "cameras", "not started: gate"),
        ({"cameras": {"pier": LIVE, "gate": heard(Camera(), died=True)}}, "cameras", "no answer: gate"),
        ({"models": {"detector": [FROZEN], "embedder": [LOADED]}}, "models", f"the detector: {SILENT}"),
        ({"models": {"detector": [LOADED], "embedder": []}}, "models", "the embedder has no process; one is being"),
        ({"matcher": Heard()}, "matcher", "the matcher is being started"),
        ({"matcher": heard(MatcherSaid(), 2.0)}, "matcher", SILENT),
        ({"matcher": heard(MatcherSaid(fault="the ledger was truncated"))}, "matcher", "the ledger was truncated"),
        ({"matcher": heard(MatcherSaid(replicas_fault="its replica is behind"))}, "matcher", "its replica is behind"),
        (
            {"cameras": {"pier": heard(looking(unanswered_s=4.0)), "gate": LIVE}},
            "matcher",
            "gives no answer to pier",
        ),
        ({"matcher": heard(MatcherSaid(list_fault="damaged"))}, "list", "damaged"),
        ({"matcher": heard(MatcherSaid(authority="it has expired"))}, "authority", "it has expired"),
        ({"desk": heard(DeskSaid(), died=True)}, "desk", DIED),
        ({"desk": heard(DeskSaid(fault="the disk is full"))}, "desk", "the disk is full"),
        ({"fleet": [FROZEN]}, "site", f"the fleet: {SILENT}"),
        ({"controller": [FROZEN]}, "site", f"the controller: {SILENT}"),
        ({"outdated": ["desk", "pier"]}, "site", "another one: desk, pier"),
        ({"refused": "nothing encrypts them"}, "site", "nothing encrypts them"),
        ({"lacking": "node 10.0.0.3: lfr_ray 0.0.1"}, "models", "node 10.0.0.3: lfr_ray 0.0.1"),
    ],
)
def test_a_site_with_one_fault_says_which_part_and_why(change: dict[str, Any], part: str, reason: str) -> None:
    health = site_health(replace(GOOD, **change), NOW_S, NOW_AT)
    assert not health.ready
    assert {name for name, fault in health.parts.items() if fault} >= {part}
    assert reason in health.parts[part]


def test_one_camera_that_cannot_be_reached_is_no_fault_of_the_site() -> None:
    cameras = {"pier": LIVE, "gate": BLIND, "mast": heard(Camera("ended"))}
    health = site_health(replace(GOOD, cameras=cameras), NOW_S, NOW_AT)
    assert health.ready
    assert [one.state for one in health.cameras.values()] == ["live", "blind", "ended"]


def test_without_a_detector_every_camera_is_blind_and_without_an_embedder_nothing_is_compared() -> None:
    no_detector = site_health(replace(GOOD, models={"detector": [FROZEN], "embedder": [LOADED]}), NOW_S, NOW_AT)
    assert {one.state for one in no_detector.cameras.values()} == {"blind"}
    no_embedder = site_health(replace(GOOD, models={"detector": [LOADED], "embedder": [FROZEN]}), NOW_S, NOW_AT)
    assert {one.refusal for one in no_embedder.cameras.values()} == {f"the embedder: {SILENT}"}
    no_matcher = site_health(replace(GOOD, matcher=heard(MatcherSaid(), 2.0)), NOW_S, NOW_AT)
    assert {one.refusal for one in no_matcher.cameras.values()} == {f"the matcher: {SILENT}"}


@pytest.mark.parametrize("model", ["detector", "embedder"])
def test_while_one_of_two_processes_works_cameras_are_as_they_say_themselves(model: str) -> None:
    found = site_health(replace(GOOD, models={**GOOD.models, model: [LOADED, FROZEN]}), NOW_S, NOW_AT)
    assert found.cameras == site_health(GOOD, NOW_S, NOW_AT).cameras
    assert found.parts["models"].startswith(f"1 of 2 processes of the {model}")


def test_a_refusal_is_of_the_cameras_that_the_matcher_names_now() -> None:
    refused = heard(MatcherSaid(refusals={"pier": "outside its hours", "gate": ""}))
    health = site_health(replace(GOOD, matcher=refused), NOW_S, NOW_AT)
    assert [one.refusal for one in health.cameras.values()] == ["outside its hours", ""]
