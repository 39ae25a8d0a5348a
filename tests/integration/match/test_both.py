"""Two models on one list: each answers for its own vectors, one permission is asked for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lfr_ray.errors import ModelError
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import SamePermission
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.integration.match.test_matcher import CARD, NOW, RecordingPermission, noisy, probe

Make = Callable[..., EnrolledImage]
OTHER = CARD.model_copy(update={"id": "m2"})


def both(store: WatchlistStore, permission: RecordingPermission) -> TwoModelMatcher:
    first = Matcher(store, CARD, permission, kind="test", deployment="d1", other_models=("m2",))
    second = Matcher(
        store, OTHER, SamePermission(permission, CARD.id), kind="test", deployment="d1", other_models=("m1",)
    )
    return TwoModelMatcher(first, second, "m2")


@pytest.fixture
def listed(store: WatchlistStore, make_image: Make) -> WatchlistStore:
    """Each entry with a picture by each model; the second model's vectors are others."""
    store.put([make_image(number) for number in range(6)])
    store.put([replace(make_image(number), model="m2", vector=make_image(100 + number).vector) for number in range(6)])
    return store


def test_each_probe_is_answered_by_the_matcher_of_its_model(listed: WatchlistStore, make_image: Make) -> None:
    permission = RecordingPermission()
    matcher = both(listed, permission)
    first = probe(noisy(make_image(2).vector, 4))
    second = probe(noisy(make_image(104).vector, 4), model="m2")
    strange = probe(noisy(make_image(2).vector, 4), model="m2")
    found = matcher.match([second, first, strange], NOW)
    assert [one.match and one.match.entry_id for one in found] == ["e0004", "e0002", None]
    assert {model for *_, model in permission.asked} == {"m1"}, "the authority names the first model"
    assert len(permission.asked) == 3, "and is asked for every comparison"
    assert matcher.state(NOW).entries == 6


def test_a_refused_permission_refuses_both(listed: WatchlistStore, make_image: Make) -> None:
    matcher = both(listed, RecordingPermission({"gate": "stopped"}))
    probes = [probe(noisy(make_image(2).vector, 4)), probe(noisy(make_image(104).vector, 4), model="m2")]
    assert [one.refused for one in matcher.match(probes, NOW)] == ["stopped", "stopped"]


def test_an_entry_that_the_second_model_has_no_picture_of_never_agrees(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), make_image(2), replace(make_image(2), model="m2")])
    matcher = both(store, RecordingPermission())
    assert matcher.match([probe(noisy(make_image(1).vector, 4))], NOW)[0].match is not None
    assert matcher.match([probe(noisy(make_image(1).vector, 4), model="m2")], NOW)[0].match is None


def test_a_list_without_the_second_model_is_a_fault_of_both(store: WatchlistStore, make_image: Make) -> None:
    store.put([replace(make_image(1), model="m3")])
    matcher = both(store, RecordingPermission())
    with pytest.raises(ModelError, match="another model"):
        matcher.reload(NOW)
    assert "another model" in matcher.state(NOW).fault


def test_forgetting_forgets_both(listed: WatchlistStore, make_image: Make) -> None:
    matcher = both(listed, RecordingPermission())
    matcher.reload(NOW)
    matcher.forget("the deployment was closed")
    probes = [probe(noisy(make_image(2).vector, 4)), probe(noisy(make_image(104).vector, 4), model="m2")]
    assert [one.refused for one in matcher.match(probes, NOW)] == ["the deployment was closed"] * 2
