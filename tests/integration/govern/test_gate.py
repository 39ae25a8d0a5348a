"""The gate over a real site folder: what ends matching, how soon, and what is recorded of it."""

from __future__ import annotations

import resource
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.errors import StoreError
from lfr_ray.govern.authority import Officer
from lfr_ray.govern.authority_gate import FILE_EVERY_S, AuthorityGate
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.emergency_stop import breaker_pause, emergency_stop
from lfr_ray.govern.ledger_event import CLOCK_ACCEPTED, Event
from lfr_ray.govern.ledger_state import RATIFIED
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import closed, ratified
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.site.open_site import open_matcher
from tests.integration.govern.scene import HERE, LIST_HASH, Scene
from tests.trust_tree import TrustTree


@pytest.fixture
def scene(site: Any, trust_tree: TrustTree) -> Scene:
    return Scene(site, trust_tree)


def test_an_authority_in_force_permits(scene: Scene) -> None:
    assert scene.ask() == ""
    assert scene.gate.status() == ""
    assert scene.refusals() == []
    assert scene.gate.authority == scene.grant.authority


def test_it_ends_by_itself(scene: Scene) -> None:
    scene.site.clock.advance(3601)
    assert "ended" in scene.ask()
    assert "ended" in scene.gate.status()


def test_what_is_refused_names_its_reason(scene: Scene) -> None:
    assert "not among" in scene.ask(camera="other")
    assert "outside the authorised place" in scene.ask(camera="stolen")
    assert "not the one that was approved" in scene.ask(watchlist_hash="b" * 64)
    assert "not approved" in scene.ask(watchlist_hash="")
    assert "not the authorised dlib_resnet" in scene.ask(model="arcface")


def test_another_film_than_the_authorised_one_is_not_compared(site: Any, trust_tree: TrustTree) -> None:
    filmed_at, read = site.clock.wall_s(), {"van": ("f" * 64, site.clock.wall_s())}
    named = {"camera": "van", "sha256": "f" * 64, "begins_at": filmed_at, "stated_by": "sgt-3"}
    period = {"footage_from": filmed_at - 60, "footage_to": filmed_at + 3600}
    scene = Scene(site, trust_tree, kind="retrospective", recordings=(named,), where=None, **period)
    scene.gate = AuthorityGate(
        site.files, "airshow-1", scene.profile, scene.ledger, clock=site.clock, recordings=lambda camera: read[camera]
    )
    assert scene.ask() == ""
    read["van"] = "e" * 64, filmed_at
    site.clock.advance(1.1)
    assert "its content differs" in scene.ask()


def test_a_refusal_is_recorded_once_a_camera_and_minute(scene: Scene) -> None:
    for _ in range(50):
        scene.ask(camera="stolen")
        scene.site.clock.advance(0.1)
    scene.ask(camera="stolen", model="arcface")
    assert len(scene.refusals()) == 1
    scene.ask(watchlist_hash="")
    assert len(scene.refusals()) == 2
    scene.site.clock.advance(60)
    scene.ask(camera="stolen")
    records = scene.refusals()
    assert len(records) == 3
    assert records[0]["deployment"] == "airshow-1"
    assert records[0]["subject"] == "stolen"
    assert "outside the authorised place" in records[0]["reason"]


def test_no_deployment_no_comparison(scene: Scene) -> None:
    scene.site.files.grant("airshow-1").unlink()
    assert "no authority in force" in scene.ask()
    assert "lfr deployment open" in scene.ask()
    assert scene.gate.authority is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purpose": "another"}, "altered"),
        ({"ends_at": "2099-01-01"}, "at most 24 hours"),
        ({"deployment": "airshow-2"}, "altered"),
    ],
)
def test_an_authority_that_is_altered_on_disk_counts_for_nothing(
    scene: Scene, changes: dict[str, Any], reason: str
) -> None:
    assert scene.ask() == ""
    document = scene.grant.model_dump(mode="json")
    document["authority"].update(changes)
    scene.site.files.grant("airshow-1").write_bytes(canonical_json(document))
    assert reason in scene.ask()


def test_a_damaged_authority_counts_for_nothing(scene: Scene) -> None:
    for content in (b"", b"{", b"[]", b"\xff\xfe", b'{"authority": {}}'):
        scene.site.files.grant("airshow-1").write_bytes(content)
        assert "no authority in force" in scene.ask()


def test_a_key_that_is_no_longer_trusted_ends_matching_within_a_second(scene: Scene) -> None:
    assert scene.ask() == ""
    scene.tree.revoke(scene.officer, scene.now_s + 5)
    scene.site.clock.advance(1)
    assert "was revoked" in scene.ask()
    scene.tree.path(scene.officer).unlink()
    scene.site.clock.advance(1)
    assert "unknown key" in scene.ask()


def test_a_test_authority_does_not_permit_live_use(scene: Scene, site: Any) -> None:
    profile = load_profile("test")
    open_trial(site.files, trial_authority(profile, scene.now_s), profile, scene.now_s)
    gate = AuthorityGate(site.files, "trial", profile, scene.ledger, clock=site.clock, needed=("live",))
    assert "does not permit live use" in gate.refusal("any", scene.now_s, "", "any")
    trial = AuthorityGate(site.files, "trial", profile, scene.ledger, clock=site.clock, needed=("test",))
    assert trial.refusal("any", scene.now_s, "", "any") == ""
    british = AuthorityGate(site.files, "trial", scene.profile, scene.ledger, clock=site.clock)
    assert "made under the profile test" in british.refusal("any", scene.now_s, "", "any")


@pytest.mark.parametrize(("switch", "words"), [(emergency_stop, "was stopped"), (breaker_pause, "circuit breaker")])
def test_a_switch_ends_matching_at_the_next_comparison(scene: Scene, switch: Any, words: str) -> None:
    made = switch(scene.site.files)
    assert scene.ask() == ""
    made.set("op-1", "crowd disorder\nat the pier", scene.now_s)
    assert words in scene.ask()
    assert "crowd disorder at the pier" in scene.ask()
    assert "crowd disorder" in scene.refusals()[0]["reason"]
    assert made.clear()
    assert scene.ask() == ""


def test_a_stop_counts_for_the_very_next_comparison(scene: Scene) -> None:
    assert scene.ask() == ""
    emergency_stop(scene.site.files).set("op-1", "disorder", scene.now_s)
    # No time has passed since then.
    assert "was stopped" in scene.gate.refusal("van", scene.site.clock.wall_s(), LIST_HASH, "dlib_resnet")


def test_a_switch_that_says_nothing_still_ends_matching(scene: Scene) -> None:
    for content in (b"", b"\xff", b"[]", b'{"by": 1}'):
        scene.site.files.stop.write_bytes(content)
        assert "was stopped" in scene.ask()


def test_a_stop_on_a_full_disk_still_stops(scene: Scene) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        emergency_stop(scene.site.files).set("op-1", "disorder", scene.now_s)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "was stopped" in scene.ask()


def test_the_first_reason_of_a_stop_stays(scene: Scene) -> None:
    stop = emergency_stop(scene.site.files)
    first = stop.set("op-1", "disorder", scene.now_s)
    assert stop.set("op-2", "another", scene.now_s + 1) == first
    assert stop.read() == first


def test_a_ledger_that_cannot_be_written_ends_matching_within_a_second(scene: Scene) -> None:
    assert scene.ask() == ""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.site.path.stat().st_size + 10, hard))
    try:
        with pytest.raises(StoreError):
            scene.ledger.append(Event("decision", "alert decided"))
        scene.site.clock.advance(1)
        assert "ledger is out of order" in scene.ask()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    scene.site.clock.advance(1)
    assert scene.ask() == ""
    kinds = [record["kind"] for record in read_records(scene.site.files)]
    assert kinds[2:] == ["decision", "refusal"], "nothing is lost"


def test_a_clock_set_backwards_ends_matching_until_it_is_accepted(scene: Scene) -> None:
    assert scene.ask() == ""
    scene.site.clock.advance(1800)
    assert scene.ask() == ""
    scene.site.clock.set_wall_s(scene.now_s + 900)
    assert "clock was set backwards" in scene.ask()
    scene.site.clock.advance(2)
    assert "clock was set backwards" in scene.ask()
    scene.ledger.append(Event("incident", CLOCK_ACCEPTED, actor="op-1", reason="time server repaired"))
    scene.site.clock.advance(1)
    assert "clock was set backwards" in scene.ask(), "anybody can write that; an officer signs it"
    scene.accept_clock(scene.approver)
    assert "clock was set backwards" in scene.ask(), "an approver is no authorising officer"
    scene.accept_clock(scene.officer)
    assert scene.ask() == ""


def test_a_clock_set_backwards_before_the_start_is_seen_in_the_ledger(scene: Scene) -> None:
    scene.site.clock.advance(1800)
    scene.ledger.append(Event("decision", "alert decided"))
    scene.site.clock.set_wall_s(scene.now_s + 900)
    fresh = AuthorityGate(scene.site.files, "airshow-1", scene.profile, scene.ledger, clock=scene.site.clock)
    assert "clock was set backwards" in fresh.refusal("van", scene.now_s + 900, LIST_HASH, "dlib_resnet")


def test_closing_ends_matching_at_the_next_comparison(scene: Scene) -> None:
    assert not scene.gate.closed
    closed(scene.grant, scene.site.key, "insp-7", scene.now_s).save(scene.site.files)
    assert "was closed" in scene.ask()
    assert scene.gate.closed


def test_a_receipt_keeps_a_deployment_closed(scene: Scene) -> None:
    receipts = scene.site.data_dir / "receipts"
    receipts.mkdir()
    (receipts / "airshow-1.json").write_text("{}")
    assert "data destroyed" in scene.ask()


def test_the_urgent_route_ends_without_ratification(scene: Scene, site: Any) -> None:
    inspector = scene.tree.officer("insp-9", "inspector")
    authority = scene.authority(
        authorising_officer=Officer(id="insp-9", rank="inspector"),
        urgent=True,
        urgent_reason="threat to life",
        starts_at=scene.now_s + 20 * 3600,
        ends_at=scene.now_s + 30 * 3600,
        deployment="airshow-1",
    )
    grant = scene.open(authority, inspector)
    site.clock.advance(21 * 3600)
    assert scene.ask() == ""
    site.clock.advance(4 * 3600)
    assert "was not ratified" in scene.ask()
    late = ratified(grant, scene.officer, scene.now_s + 3600)
    late.save(scene.site.files)
    assert "does not record the ratification" in scene.ask(), "its date was chosen later"
    scene.site.clock.set_wall_s(scene.now_s + 3600)
    scene.ledger.append(Event("authority", RATIFIED, "airshow-1", "supt-1"))
    scene.site.clock.set_wall_s(scene.now_s + 25 * 3600)
    scene.site.clock.advance(1)
    assert scene.ask() == ""


def test_the_threshold_and_weights_in_use_must_be_the_authorised(scene: Scene) -> None:
    arguments = (scene.site.files, "airshow-1", scene.profile, scene.ledger)
    low = AuthorityGate(*arguments, clock=scene.site.clock, threshold=0.5, positions=HERE)
    assert "below the authorised" in low.refusal("van", scene.now_s, LIST_HASH, "dlib_resnet")
    scene.open(scene.authority(model_sha256="c" * 64))
    other = AuthorityGate(*arguments, clock=scene.site.clock, model_sha256="d" * 64, positions=HERE)
    assert "weights" in other.refusal("van", scene.now_s, LIST_HASH, "dlib_resnet")


@pytest.mark.parametrize(
    ("asked", "compared_at"),
    [
        ({}, 0.97),
        ({"false_alerts_per_10k_faces": 10.0}, 0.97),
        ({"threshold": 0.98}, 0.98),
        ({"threshold": 0.96}, 0.97),
    ],
)
def test_what_was_signed_is_compared_with_unless_the_site_is_stricter(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, asked: dict[str, float], compared_at: float
) -> None:
    scene.open(scene.authority(threshold=0.97))
    scene.site.clock.advance(1.1 * FILE_EVERY_S)
    monkeypatch.setattr("lfr_ray.site.open_site.open_permission", lambda site, ledger: scene.gate)
    site = SiteConfig(site="pier", data_dir=scene.site.data_dir, match=MatchConfig(**asked))
    matcher = open_matcher(site, scene.ledger)
    assert matcher.state(scene.now_s).threshold == compared_at


days = [0]


class Day:
    """What should be true of the gate, kept in a few plain values beside the real one."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.clock, self.files = scene, scene.site.clock, scene.site.files
        for path in (self.files.stop, self.files.pause):
            path.unlink(missing_ok=True)
        self.clock.set_wall_s(max(self.clock.wall_s(), scene.ledger.head.latest_at))
        self.start_s = self.latest_s = scene.now_s = self.clock.wall_s()
        scene.accept_clock(scene.officer)
        scene.tree.enlist(scene.officer, "supt-1", "superintendent")
        # Each day is a deployment of its own: what was closed stays closed.
        days[0] += 1
        self.grant = scene.open(scene.authority(deployment=f"day-{days[0]}"))
        scene.gate = AuthorityGate(
            self.files,
            f"day-{days[0]}",
            scene.profile,
            scene.ledger,
            clock=self.clock,
            needed=("live",),
            positions=HERE,
        )
        self.stopped = self.off = False

    def wait(self) -> None:
        self.clock.advance(1300)

    def back(self) -> None:
        self.clock.set_wall_s(self.clock.wall_s() - 700)
        self.clock.advance(1)

    def stop(self) -> None:
        emergency_stop(self.files).set("op-1", "x", self.clock.wall_s())
        self.stopped = True

    def resume(self) -> None:
        emergency_stop(self.files).clear()
        self.stopped = False

    def close(self) -> None:
        closed(self.grant, self.scene.site.key, "op-1", self.clock.wall_s()).save(self.scene.site.files)
        self.off = True

    def distrust(self) -> None:
        self.scene.tree.path(self.scene.officer).unlink(missing_ok=True)
        self.clock.advance(1)
        self.off = True

    def accept(self) -> None:
        self.clock.advance(1)
        at_s = self.clock.wall_s()
        if self.scene.tree.path(self.scene.officer).exists():
            self.scene.accept_clock(self.scene.officer)
            self.latest_s = at_s
        self.clock.advance(1)

    def right(self) -> bool:
        now_s = self.clock.wall_s()
        backwards = now_s < self.latest_s - self.scene.profile.clock_tolerance_s
        if not self.stopped:
            self.latest_s = max(self.latest_s, now_s)
        # What was recorded while it was stopped counts too: a refusal, for one.
        self.latest_s = max(self.latest_s, self.scene.ledger.head.latest_at)
        in_time = self.start_s <= now_s <= self.start_s + 3600
        return in_time and not (backwards or self.stopped or self.off)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    steps=st.lists(
        st.sampled_from(["wait", "back", "stop", "resume", "close", "distrust", "accept"]), min_size=1, max_size=12
    )
)
@example(steps=["stop", "wait", "back", "resume"])
def test_whatever_happens_matching_is_on_only_when_everything_is_right(
    site: Any, trust_tree: TrustTree, steps: list[str]
) -> None:
    if not hasattr(site, "scene"):
        site.scene = Scene(site, trust_tree)
    day = Day(site.scene)
    for step in steps:
        getattr(day, step)()
        right = day.right()
        assert (day.scene.ask() == "") == right, (step, day.scene.ask())
        assert day.scene.ask(watchlist_hash="b" * 64)
        assert day.scene.ask(camera="other")
