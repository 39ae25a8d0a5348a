"""The matcher under a real authority on a real list: what stops it, and that nothing is compared then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.emergency_stop import emergency_stop
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import signed
from lfr_ray.govern.trial_deployment import trial_authority
from lfr_ray.govern.trust_file import site_key
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Answer, Probe

MODEL = "dlib_resnet"


def image(number: int) -> EnrolledImage:
    vector = np.random.default_rng(number).normal(size=128).astype(np.float32)
    vector /= np.linalg.norm(vector)
    entry = Entry(f"e{number}", f"Person {number}", "test")
    jpeg = b"\xff\xd8" + np.random.default_rng(number).bytes(2000)
    return EnrolledImage(entry, f"{number:064x}", MODEL, vector, 0.9, 80.0, jpeg, "op-1", 1.0)


class Post:
    """A matcher with an approved list of ten, and the authority bound to it."""

    def __init__(self, site: Any) -> None:
        self.site, self.clock = site, site.clock
        self.ledger: Ledger = site.ledger()
        self.store = WatchlistStore(site.data_dir / "watchlist")
        self.store.put([image(number) for number in range(10)])
        now_s = self.clock.wall_s()
        approval = self.store.approve("insp-7", now_s)
        profile = load_profile("test")
        authority = trial_authority(
            profile, now_s, watchlist_sha256=approval.content_hash, model=MODEL, cameras=("pier",), duration_s=3600
        )
        signed(authority, site_key(site.files), now_s).save(site.files)
        self.gate = AuthorityGate(site.files, "trial", profile, self.ledger, clock=self.clock)
        self.matcher = Matcher(self.store, card(MODEL), self.gate, kind="test", deployment="trial")
        self.matcher.reload(now_s)

    def ask(self, number: int = 3, camera: str = "pier") -> Answer:
        self.clock.advance(1.5)
        vectors = np.repeat(image(number).vector[None], 5, axis=0)
        probe = Probe(camera, 1, self.clock.wall_s(), MODEL, vectors, np.ones(5, np.float32))
        return self.matcher.match([probe], self.clock.wall_s())[0]


@pytest.fixture
def post(site: Any) -> Post:
    return Post(site)


def test_under_the_authority_the_right_person_is_found(post: Post) -> None:
    answer = post.ask()
    assert answer.refused == ""
    assert answer.match is not None
    assert answer.match.entry_id == "e3"


def test_a_list_that_was_changed_since_is_not_compared_with(post: Post) -> None:
    post.ask()
    WatchlistStore(post.site.data_dir / "watchlist").put([image(77)])
    answer = post.ask()
    assert answer.match is None
    assert "the watchlist is not approved" in answer.refused
    post.store.approve("insp-8", post.clock.wall_s())
    post.matcher.reload(post.clock.wall_s())
    answer = post.ask()
    assert answer.match is None
    assert "not the one that was approved" in answer.refused, "another list needs another authority"


def test_a_list_altered_on_disk_is_not_compared_with(post: Post) -> None:
    assert post.ask().match is not None
    jpeg = image(5).jpeg
    changed = 0
    for path in (post.site.data_dir / "watchlist").rglob("data/*.lance"):
        data = path.read_bytes()
        if jpeg in data:
            path.write_bytes(data.replace(jpeg, jpeg[:-20] + bytes(20)))
            changed += 1
    assert changed == 1
    fresh = Matcher(post.store, card(MODEL), post.gate, kind="test", deployment="trial")
    post.matcher = fresh
    answer = post.ask()
    assert answer.match is None
    assert "not as it was written" in answer.refused


def test_an_approval_forged_on_disk_does_not_help(post: Post) -> None:
    post.store.put([image(77)])
    forged = post.store.content_hash()
    path = post.site.data_dir / "watchlist" / "approval.json"
    path.write_text(f'{{"approved_by": "insp-7", "approved_at": 1.0, "content_hash": "{forged}"}}')
    post.matcher.reload(post.clock.wall_s())
    assert "not the one that was approved" in post.ask().refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda post: emergency_stop(post.site.files).set("op-1", "disorder", 1.0), "was stopped: disorder"),
        (lambda post: post.clock.advance(3700), "authority ended"),
        (lambda post: post.clock.set_wall_s(post.clock.wall_s() - 600), "clock was set backwards"),
        (lambda post: (post.site.data_dir / "deployments" / "trial.json").unlink(), "no authority in force"),
    ],
)
def test_what_ends_matching_is_said_and_recorded(post: Post, change: Any, words: str) -> None:
    assert post.ask().match is not None
    change(post)
    answer = post.ask()
    assert answer.match is None
    assert words in answer.refused
    (record,) = [one for one in read_records(post.site.files) if one["kind"] == "refusal"]
    assert words in record["reason"]
    assert record["subject"] == "pier"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "truncated"),
        (lambda path: path.unlink(), "removed"),
        (lambda path: path.rename(path.with_suffix(".old")), "removed"),
    ],
)
def test_a_ledger_that_is_tampered_with_ends_matching(post: Post, damage: Any, words: str) -> None:
    post.ledger.append(Event("decision", "alert decided"))
    assert post.ask().match is not None
    damage(post.site.path)
    answer = post.ask()
    assert answer.match is None
    assert f"the ledger was {words}" in answer.refused or f"the ledger file was {words}" in answer.refused


def test_another_camera_is_not_compared(post: Post) -> None:
    assert "not among" in post.ask(camera="private").refused
