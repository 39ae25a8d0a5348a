"""Processes whose clocks stand two minutes apart: what is said, and that nothing counts longer or earlier for it."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.clock import CAMERA_AHEAD, FakeClock
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_verify import verify_ledger
from lfr_ray.people.tokens_and_sessions import People
from tests.integration.govern.scene import HERE, LIST_HASH, Scene
from tests.trust_tree import TrustTree

APART_S = 120.0


@pytest.fixture
def scene(site: Any, trust_tree: TrustTree) -> Scene:
    return Scene(site, trust_tree)


def elsewhere(scene: Scene, apart_s: float) -> FakeClock:
    """The clock of another process."""
    return FakeClock(wall_s=scene.site.clock.wall_s() + apart_s)


def gate_by(scene: Scene, clock: FakeClock) -> AuthorityGate:
    files, ledger = scene.site.files, scene.ledger
    return AuthorityGate(files, "airshow-1", scene.profile, ledger, clock=clock, positions=HERE)


def asked(gate: AuthorityGate, captured_at: float) -> str:
    return gate.refusal("van", captured_at, LIST_HASH, "dlib_resnet")


def test_a_camera_ahead_is_refused_in_words_and_one_behind_is_judged_by_our_clock_too(scene: Scene) -> None:
    scene.site.clock.advance(600)
    now_s = scene.site.clock.wall_s()
    assert asked(scene.gate, now_s + APART_S) == CAMERA_AHEAD
    assert asked(scene.gate, now_s - APART_S) == "", "it may as well have waited"
    scene.site.clock.advance(3600 - 600 + 60)
    assert "ended" in asked(scene.gate, scene.site.clock.wall_s() - APART_S), "by its clock it has a minute yet"


def test_a_matcher_behind_whoever_opened_the_deployment_compares_nothing_yet(scene: Scene) -> None:
    clock = elsewhere(scene, -APART_S)
    gate = gate_by(scene, clock)
    assert "clock was set backwards" in asked(gate, clock.wall_s())
    assert "set the clock right" in gate.status()
    clock.advance(APART_S)
    assert asked(gate, clock.wall_s()) == ""


def test_a_matcher_ahead_ends_with_its_own_clock(scene: Scene) -> None:
    gate = gate_by(scene, clock := elsewhere(scene, APART_S))
    assert asked(gate, clock.wall_s()) == ""
    clock.advance(3600 - APART_S + 1)
    assert "ended" in asked(gate, clock.wall_s())


@pytest.mark.parametrize("apart_s", [-APART_S, APART_S])
def test_a_ledger_holds_that_two_processes_write(scene: Scene, apart_s: float) -> None:
    scene.site.clock.advance(300)
    scene.ledger.append(Event("decision", "alert decided"))
    files, clock = scene.site.files, elsewhere(scene, apart_s)
    with Ledger(files, scene.site.key, scene.site.trusted, clock=clock) as other:
        other.append(Event("decision", "alert decided"))
    scene.site.clock.advance(1)
    assert ("set backwards" in scene.ask()) == (apart_s > 0), "who is behind the newest record compares nothing"
    scene.site.clock.advance(max(apart_s, 0.0))
    assert scene.ask() == ""
    assert verify_ledger(files, scene.site.trusted, []).holds


def test_a_token_counts_from_a_minute_before_it_was_made_and_no_longer_than_its_time(scene: Scene) -> None:
    people, now_s = People(scene.site.files), scene.site.clock.wall_s()
    ahead = people.add("pc-1", "officer", days=1, now_s=now_s + APART_S)
    behind = people.add("pc-2", "officer", days=1, now_s=now_s - APART_S)
    assert people.find(ahead, now_s) is None
    assert people.find(ahead, now_s + APART_S - 60) is not None
    assert people.find(behind, now_s) is not None
    assert people.find(behind, now_s + 86_400 - APART_S) is None
