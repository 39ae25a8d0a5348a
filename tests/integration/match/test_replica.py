"""A replica of the matcher over a real store: it answers with the list that is permitted now, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ray import cloudpickle

from lfr_ray.actors import matcher_feed
from lfr_ray.actors.matcher_feed import MatcherFeed
from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.errors import ConflictError
from lfr_ray.match.matcher import RELOAD_EVERY_S, Matcher
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_in_memory import Gallery
from lfr_ray.match.watchlist_replica import ListReplica
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Answer, Probe
from tests.integration.match.test_both import both
from tests.integration.match.test_matcher import NOW, RecordingPermission, make_matcher, noisy, probe, stranger

Make = Callable[..., EnrolledImage]
NOBODY = Answer(deployment="d1")


class Switch(RecordingPermission):
    """A permission that can be taken away."""

    why = ""

    def status(self) -> str:
        return self.why


def heads(probes: list[Probe]) -> list[Probe]:
    empty = np.zeros((0, 0), np.float32)
    return [replace(one, vectors=empty, weights=empty) for one in probes]


def asked(replica: ListReplica, matcher: Matcher, probes: list[Probe], now_s: float = NOW) -> list[Answer | None]:
    """As the replica's process asks: the matcher sees no vector."""
    return replica.answers(probes, matcher.permit(heads(probes), now_s))


def replica_of(matcher: Matcher) -> ListReplica:
    replica = ListReplica()
    replica.take(matcher.permit([], NOW).version, matcher.carried())
    return replica


def test_nobody_is_answered_there_and_whoever_may_be_somebody_is_left_to_the_matcher(
    store: WatchlistStore, make_image: Make
) -> None:
    store.put([make_image(number) for number in range(6)])
    matcher, listed = make_matcher(store), probe(noisy(make_image(3).vector, 5))
    replica = replica_of(matcher)
    assert asked(replica, matcher, [probe(stranger()), listed]) == [NOBODY, None]
    assert matcher.match([listed], NOW)[0].match is not None
    one_view = probe(noisy(make_image(3).vector, 1))
    assert asked(replica, matcher, [one_view]) == [NOBODY], "no evidence, here as there"
    assert asked(replica, matcher, [replace(listed, model="m2")]) == [None], "another model's is none of its"


def test_what_goes_to_another_node_says_of_nobody_who_they_are(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(number) for number in range(3)])
    matcher = make_matcher(store)
    matcher.reload(NOW)
    carried = cloudpickle.dumps(matcher.carried())
    for image in store.all():
        assert image.vector.tobytes() in carried, "the search would find it"
        told = (image.entry.name, image.entry.entry_id, image.entry.action, image.image_id, image.file_sha256)
        assert not [one for one in told if one.encode() in carried]
        assert image.jpeg[:40] not in carried


def test_an_older_list_answers_nothing_and_the_new_one_knows_who_was_added(
    store: WatchlistStore, make_image: Make
) -> None:
    store.put([make_image(number) for number in range(6)])
    matcher, added = make_matcher(store), probe(noisy(make_image(7).vector, 5))
    replica = replica_of(matcher)
    assert asked(replica, matcher, [added]) == [NOBODY]
    store.put([make_image(7)])
    later = NOW + RELOAD_EVERY_S
    assert asked(replica, matcher, [added, probe(stranger())], later) == [None, None]
    replica.take(matcher.permit([], later).version, matcher.carried())
    assert asked(replica, matcher, [added, probe(stranger())], later) == [None, NOBODY]


def test_the_same_content_read_anew_is_another_list(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    replica = replica_of(make_matcher(store))
    assert asked(replica, make_matcher(store), [probe(stranger())]) == [None], "of a matcher that was started anew"


def test_a_refusal_is_the_matchers_and_compares_nothing(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put([make_image(1)])
    matcher = make_matcher(store, permission=RecordingPermission({"closed": "no authority at this camera"}))
    replica = replica_of(matcher)

    def compared(*args: object) -> None:
        raise AssertionError("a comparison was made")

    monkeypatch.setattr(Gallery, "search", compared)
    refused = asked(replica, matcher, [probe(stranger(), "closed")])
    assert refused == [Answer(refused="no authority at this camera", deployment="d1")]


def test_without_an_authority_no_list_is_named_and_none_is_given(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    permission = Switch()
    matcher = make_matcher(store, permission=permission)
    feed, replica = MatcherFeed(Opening("the watchlist", lambda: matcher)), replica_of(matcher)
    version = replica.version
    assert feed.part(version, 0)
    permission.why = "matching was stopped"
    assert asked(replica, matcher, [probe(stranger())]) == [None]
    with pytest.raises(ConflictError):
        feed.part(version, 0)
    assert feed._carried == ("", b"")
    permission.why = ""
    assert feed.part(version, 0)
    feed._opening.get()
    feed._forget("the deployment was closed")
    assert feed._carried == ("", b""), "at once, whether or not anybody asks"
    assert matcher.permit([], NOW).version == ""
    with pytest.raises(ConflictError):
        feed.part(version, 0)


def test_expiry_counts_by_the_matchers_clock(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1, expires_at=NOW + 60), make_image(2)])
    matcher, gone = make_matcher(store), probe(noisy(make_image(1).vector, 5), captured_at=NOW)
    replica = replica_of(matcher)
    assert asked(replica, matcher, [gone], NOW + 59) == [None]
    assert asked(replica, matcher, [gone], NOW + 61) == [NOBODY]


def test_the_list_travels_in_parts_that_ray_does_not_put_into_shared_memory(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import ray_constants

    limit = getattr(ray_constants, "DEFAULT_MAX_DIRECT_CALL_OBJECT_SIZE", 100 * 1024)
    assert limit - 1000 > matcher_feed.PART_BYTES
    monkeypatch.setattr(matcher_feed, "PART_BYTES", 1000)
    store.put([make_image(number) for number in range(6)])
    matcher = make_matcher(store)
    feed = MatcherFeed(Opening("the watchlist", lambda: matcher))
    permit = feed.permit([], "192.0.2.7/abc", "")
    parts = [feed.part(permit.version, 0)]
    while parts[-1]:
        parts.append(feed.part(permit.version, len(parts)))
    assert len(parts) > 4
    assert len(cloudpickle.loads(b"".join(parts))[0].gallery) == 6
    feed._tidy()
    assert feed._carried[0] == permit.version, "asked for since the last look"
    feed._tidy()
    assert feed._carried == ("", b"")


def test_a_replica_that_stays_behind_is_named(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("lfr_ray.actors.matcher_feed.time.monotonic", lambda: now[0])
    store.put([make_image(1)])
    matcher = make_matcher(store)
    feed = MatcherFeed(Opening("the watchlist", lambda: matcher))
    version = feed.permit([], "near", "").version
    feed.permit([], "far", "")
    for now[0] in (101.0, 106.0, 112.0):
        feed.permit([], "near", version)
        feed.permit([], "far", "an older one")
    assert feed._behind_s() == {"near": 0.0, "far": 12.0}
    assert feed._replicas_fault() == "its replica is behind on node far: it compares for the cameras there"
    now[0] += matcher_feed.GONE_S
    assert feed._behind_s() == {"near": 0.0, "far": 0.0}, "they ask no more"
    assert feed._replicas_fault() == ""


def test_what_was_packed_of_an_older_list_goes_with_the_next_question(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), make_image(2)])
    matcher = make_matcher(store)
    feed = MatcherFeed(Opening("the watchlist", lambda: matcher))
    assert feed.part(feed.permit([], "far", "").version, 0)
    store.remove(make_image(1).entry.entry_id)
    matcher.reload(NOW)
    feed.permit([], "far", "")
    assert feed._carried == ("", b"")


def test_who_is_erased_leaves_both_models_where_replicas_answer(store: WatchlistStore, make_image: Make) -> None:
    store.put([replace(make_image(number), model=model) for number in (1, 2) for model in ("m1", "m2")])
    matcher = both(store, RecordingPermission())
    matcher.permit([], NOW)
    store.remove(make_image(1).entry.entry_id)
    matcher.permit([], NOW + RELOAD_EVERY_S)
    assert [one.state(NOW).entries for one in (matcher._first, matcher._second)] == [1, 1]


def test_of_two_models_the_first_has_replicas(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), replace(make_image(1), model="m2")])
    matcher = both(store, RecordingPermission())
    replica = ListReplica()
    replica.take(matcher.permit([], NOW).version, matcher.carried())
    assert replica.model == "m1"
    known, strange = probe(noisy(make_image(1).vector, 4)), probe(stranger())
    assert replica.answers([known, strange], matcher.permit(heads([known, strange]), NOW)) == [None, NOBODY]
