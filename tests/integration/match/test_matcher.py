"""The matcher over a real store: permission first, then the exact answer, and the list followed as it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lfr_ray.config import EvidenceConfig, MatchConfig
from lfr_ray.errors import ConfigError, ModelError, StoreError
from lfr_ray.match.matcher import RELOAD_EVERY_S, Matcher
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_calibration import Calibration, GenuineFit, TailFit
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.records import Answer, Probe

Make = Callable[..., EnrolledImage]
NOW = 1.8e9
MODEL = "m1"
CALIBRATION = Calibration(threshold=0.6, view_threshold=0.5, list_size=500, relative=0.8, data="made up")
CARD = ModelCard(
    id=MODEL, task="embed", family="f", title="t", licence="l", commercial_use=True, origin="o", vector_length=128,
    chip=ChipSpec(width_px=1, height_px=1, template_px=((0, 0),) * 5), calibration=CALIBRATION,
)  # fmt: skip


class RecordingPermission:
    """Lets through what is not named, and remembers what it was asked."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.asked: list[tuple[str, float, str, str]] = []
        self._refused = refused or {}

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        self.asked.extend((one.camera, one.captured_at, watchlist_hash, one.model) for one in probes)
        return [self._refused.get(one.camera, "") for one in probes]

    def status(self) -> str:
        return ""


def noisy(vector: np.ndarray, views: int, noise: float = 0.5, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    raw = vector + noise * random.standard_normal((views, len(vector))) / np.sqrt(len(vector))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def probe(vectors: np.ndarray, camera: str = "gate", captured_at: float = NOW, model: str = MODEL) -> Probe:
    return Probe(camera, 1, captured_at, model, vectors, np.ones(len(vectors), np.float32))


def stranger(views: int = 5, seed: int = 77) -> np.ndarray:
    return noisy(np.random.default_rng(seed).standard_normal(128), views, 0.01)


def make_matcher(store: WatchlistStore, **changes: Any) -> Matcher:
    permission = changes.pop("permission", RecordingPermission())
    card = changes.pop("card", CARD)
    return Matcher(store, card, permission, **({"kind": "test", "deployment": "d1"} | changes))


def only(answers: list[Answer]) -> Answer:
    assert len(answers) == 1
    return answers[0]


def test_the_right_person_and_everything_about_the_match(store: WatchlistStore, make_image: Make) -> None:
    images = [make_image(number, picture) for number in range(8) for picture in range(2)]
    store.put(images)
    target = images[6]
    answers = make_matcher(store).match([probe(stranger()), probe(noisy(target.vector, 5))], NOW)
    assert answers[0] == Answer(deployment="d1")
    found = answers[1].match
    assert found is not None
    assert (found.entry_id, found.name, found.category, found.action) == ("e0003", target.entry.name, "suspect", "stop")
    assert found.similarity > 0.8
    assert (found.threshold, found.list_size) == (0.6, 8)
    assert (found.views_agreeing, found.views_compared) == (5, 5)
    assert found.runner_up.startswith("e0")
    assert 0.3 < found.margin < 1.2
    assert answers[1].watchlist_jpeg == target.jpeg, "the picture that the passage is nearest to"
    assert answers[1].deployment == "d1"


def test_one_view_is_no_evidence(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    vector = make_image(1).vector
    known = make_matcher(store)
    assert only(known.match([probe(noisy(vector, 2))], NOW)).match is None
    assert only(known.match([probe(noisy(vector, 3))], NOW)).match is not None
    lax = make_matcher(store, evidence=EvidenceConfig(min_views=1, min_agreeing=1))
    assert only(lax.match([probe(noisy(vector, 1))], NOW)).match is not None


def test_one_view_by_itself_needs_a_fit_and_more_similarity(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(number) for number in range(3)])
    vector = make_image(1).vector
    clear, doubtful = (replace(probe(noisy(vector, 1, noise)), single=True) for noise in (0.2, 1.1))
    without = only(make_matcher(store).match([clear], NOW))
    assert "no fit of single pictures" in without.refused
    tail = TailFit(start=0.3, start_rate=0.01, shape=-0.1, scale=0.08, comparisons=10**6, p_value=0.5)
    card = CARD.model_copy(update={"calibration": CALIBRATION.model_copy(update={"tail": tail})})
    known = make_matcher(store, card=card)
    answers = known.match([clear, doubtful, probe(noisy(vector, 3, 0.8))], NOW)
    assert [one.match is not None for one in answers] == [True, False, True]
    single, fused = answers[0].match, answers[2].match
    assert single is not None
    assert fused is not None
    assert (single.entry_id, single.views_compared) == ("e0001", 1)
    assert single.threshold > fused.threshold


def test_permission_is_asked_before_and_its_refusal_compares_nothing(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put([make_image(1)])
    content_hash = store.approve("second", NOW - 5).content_hash
    permission = RecordingPermission({"closed": "no authority at this camera"})
    known = make_matcher(store, permission=permission)
    vectors = noisy(make_image(1).vector, 4)
    answers = known.match([probe(vectors, "closed"), probe(vectors, "open", NOW - 1)], NOW)
    assert answers[0] == Answer(refused="no authority at this camera", deployment="d1")
    assert answers[1].match is not None
    assert permission.asked == [("closed", NOW, content_hash, MODEL), ("open", NOW - 1, content_hash, MODEL)]
    from lfr_ray.match.watchlist_in_memory import Gallery

    def compared(*args: object) -> None:
        raise AssertionError("a comparison was made")

    monkeypatch.setattr(Gallery, "search", compared)
    assert [answer.refused for answer in known.match([probe(vectors, "closed")] * 3, NOW)] == [
        "no authority at this camera"
    ] * 3


def test_a_list_that_is_not_approved_has_no_hash_for_the_permission(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    permission = RecordingPermission()
    known = make_matcher(store, permission=permission)
    known.match([probe(stranger())], NOW)
    store.approve("second", NOW)
    known.match([probe(stranger())], NOW + RELOAD_EVERY_S)
    store.put([make_image(2)])
    known.match([probe(stranger())], NOW + 2 * RELOAD_EVERY_S)
    assert [bool(watchlist_hash) for _, _, watchlist_hash, _ in permission.asked] == [False, True, False]
    assert known.state(NOW).approved is False


def test_what_was_permitted_is_compared_with_that_list_and_no_other(store: WatchlistStore, make_image: Make) -> None:
    """Another list may come in another thread while the permission is asked."""
    store.put([target := make_image(1)])

    class ListComesMeanwhile(RecordingPermission):
        def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
            store.put([make_image(2)])
            matcher.reload(NOW)
            return super().refusals(probes, watchlist_hash)

    matcher = make_matcher(store, permission=ListComesMeanwhile())
    other = make_image(2).vector
    answers = matcher.match([probe(noisy(target.vector, 5)), probe(noisy(other, 5))], NOW)
    assert [answer.match is not None for answer in answers] == [True, False]


def test_closed_means_closed(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    known = make_matcher(store, permission=RecordingPermission({"gate": "stopped"}))
    assert only(known.match([probe(noisy(make_image(1).vector, 4))], NOW)).refused == "stopped"


def test_expiry_counts_at_the_moment_of_matching(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1, expires_at=NOW + 10), make_image(2, expires_at=None)])
    vectors = noisy(make_image(1).vector, 4)
    known = make_matcher(store)
    found = only(known.match([probe(vectors)], NOW)).match
    assert found is not None
    assert found.list_size == 2
    assert only(known.match([probe(vectors)], NOW + 9.9)).match is not None
    assert only(known.match([probe(vectors)], NOW + 10)).match is None
    assert only(known.match([probe(vectors, captured_at=NOW + 10)], NOW)).match is None
    assert only(known.match([probe(vectors, captured_at=NOW - 99)], NOW + 11)).match is None, "an old recording"
    state = known.state(NOW + 10)
    assert (state.entries, state.expired) == (1, 1)
    late = make_matcher(store)
    late.reload(NOW + 10)
    assert (late.state(NOW + 10).entries, late.state(NOW + 10).expired, late.state(NOW + 10).images) == (1, 1, 1)


def test_test_entries_are_compared_in_tests_and_recordings_only(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1, category="test"), make_image(2)])
    vectors = noisy(make_image(1).vector, 4)
    for kind, found in (("test", True), ("retrospective", True), ("live", False)):
        answer = only(make_matcher(store, kind=kind).match([probe(vectors)], NOW))
        assert (answer.match is not None) == found, kind
    assert only(make_matcher(store, kind="live").match([probe(noisy(make_image(2).vector, 4))], NOW)).match is not None


def test_categories_that_the_authority_does_not_name_are_not_compared(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), make_image(2, category="missing-or-at-risk")])
    known = make_matcher(store, categories={"missing-or-at-risk"})
    assert only(known.match([probe(noisy(make_image(1).vector, 4))], NOW)).match is None
    assert only(known.match([probe(noisy(make_image(2).vector, 4))], NOW)).match is not None
    assert known.state(NOW).entries == 1


def test_vectors_of_another_model_are_refused_and_the_others_answered(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    good = noisy(make_image(1).vector, 4)
    broken = good.copy()
    broken[1, 2] = np.nan
    answers = make_matcher(store).match(
        [probe(good, model="m2"), probe(good), probe(good[:, :64].copy()), probe(broken)], NOW
    )
    assert "m2" in answers[0].refused
    assert MODEL in answers[0].refused
    assert answers[1].match is not None
    assert "wrong shape" in answers[2].refused
    assert "not finite" in answers[3].refused


def test_a_list_of_another_model_matches_nobody_and_says_so(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), replace(make_image(2), model="m2")])
    known = make_matcher(store)
    with pytest.raises(ModelError) as caught:
        known.reload(NOW)
    assert "m2" in caught.value.got
    assert f"lfr watchlist import DIR --site SITE.yaml --model {MODEL}" in caught.value.next_step
    assert "enrolled with another model" in only(known.match([probe(stranger())], NOW)).refused
    store.put([replace(make_image(2), model=MODEL)])
    assert only(known.match([probe(noisy(make_image(2).vector, 4))], NOW + RELOAD_EVERY_S)).match is not None


def test_a_list_whose_faces_were_cut_out_in_another_way_is_refused(store: WatchlistStore, make_image: Make) -> None:
    """Same model and file, another chip: the vectors look alike, and no threshold holds for them."""
    store.put([make_image(1)])
    known = make_matcher(store, card=CARD.model_copy(update={"revision": 2}))
    with pytest.raises(ModelError) as caught:
        known.reload(NOW)
    assert (caught.value.got, caught.value.allowed) == (f"1 entries with {MODEL}", f"{MODEL}#2")
    assert caught.value.next_step.endswith(f"--model {MODEL}")
    store.put([replace(make_image(1), model=f"{MODEL}#2")])
    assert only(known.match([probe(noisy(make_image(1).vector, 4))], NOW + RELOAD_EVERY_S)).match is not None


def test_what_another_process_does_counts_from_the_next_second(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    vectors = noisy(make_image(2).vector, 4)
    known, other = make_matcher(store), WatchlistStore(store.folder)
    assert only(known.match([probe(vectors)], NOW)).match is None
    other.put([make_image(2)])
    assert only(known.match([probe(vectors)], NOW + RELOAD_EVERY_S)).match is not None
    other.remove("e0002")
    assert only(known.match([probe(vectors)], NOW + RELOAD_EVERY_S + 0.1)).match is None, "not even in the same second"
    other.put([make_image(2)])
    assert only(known.match([probe(vectors)], NOW - 3600)).match is not None, "the clock was set back"
    other.destroy()
    assert only(known.match([probe(vectors)], NOW)).match is None
    assert known.state(NOW).entries == 0


def test_pictures_of_somebody_who_is_matched_again_are_read_once_and_not_kept_beyond_the_list(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put([make_image(1)])
    read, shown = list[str](), store.shown
    monkeypatch.setattr(
        store, "shown", lambda entry_id, image_id: (read.append(entry_id), shown(entry_id, image_id))[1]
    )
    known, tracklet = make_matcher(store), probe(noisy(make_image(1).vector, 4))
    answers = [only(known.match([tracklet], NOW + later_s)) for later_s in (0.0, 0.1, RELOAD_EVERY_S)]
    assert {one.watchlist_jpeg for one in answers} == {make_image(1).jpeg}
    assert read == ["e0001"]
    WatchlistStore(store.folder).put([make_image(1, 1)])
    assert only(known.match([tracklet], NOW + RELOAD_EVERY_S + 0.1)).enrolled_jpegs == (make_image(1, 1).jpeg,)
    known.forget("closed")
    assert not known._read_pictures.cache_info().currsize


def test_a_damaged_list_matches_nobody_until_it_is_mended(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    vectors = noisy(make_image(1).vector, 4)
    known = make_matcher(store)
    assert only(known.match([probe(vectors)], NOW)).match is not None
    hidden = store.folder.parent / "hidden"
    manifests = store.folder / "entries.lance" / "_versions"
    manifests.rename(hidden)
    answer = only(known.match([probe(vectors)], NOW + RELOAD_EVERY_S))
    assert answer.match is None
    assert "cannot be read" in answer.refused
    assert "Lastname" not in answer.refused
    with pytest.raises(StoreError):
        known.reload(NOW)
    hidden.rename(manifests)
    assert only(known.match([probe(vectors)], NOW + 3 * RELOAD_EVERY_S)).match is not None


def test_forgotten_means_forgotten(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    known = make_matcher(store)
    known.reload(NOW)
    known.forget("the deployment is closed")
    answer = only(known.match([probe(noisy(make_image(1).vector, 4))], NOW + 100))
    assert answer.refused == "the deployment is closed"
    assert known.state(NOW).entries == 0


def test_relatives_of_the_match_are_named(store: WatchlistStore, make_image: Make) -> None:
    brother = noisy(make_image(1).vector, 1, 0.5)[0]
    store.put(
        [make_image(1), make_image(2, vector=brother), make_image(3, vector=brother, expires_at=NOW), make_image(4)]
    )
    found = only(make_matcher(store).match([probe(noisy(make_image(1).vector, 5, 0.3))], NOW)).match
    assert found is not None
    assert (found.entry_id, found.relatives, found.runner_up) == ("e0001", ("e0002",), "e0002")
    lead = make_matcher(store, config=MatchConfig(min_margin=found.margin + 0.1))
    assert only(lead.match([probe(noisy(make_image(1).vector, 5, 0.3))], NOW)).match is None


def test_batching_changes_no_answer(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(number, picture) for number in range(20) for picture in range(number % 3 + 1)])
    known = make_matcher(store)
    probes = [probe(noisy(make_image(number).vector, 3 + number % 5, 1.2, number)) for number in range(25)]
    together = known.match(probes, NOW)
    for one, answer in zip(probes, together, strict=True):
        alone = only(known.match([one], NOW))
        assert (alone.match is None) == (answer.match is None)
        if alone.match is not None and answer.match is not None:
            assert alone.match.entry_id == answer.match.entry_id
            assert alone.match.similarity == pytest.approx(answer.match.similarity, abs=1e-5)
    assert any(answer.match for answer in together)
    assert known.match([], NOW) == []


def test_a_threshold_below_the_floor_is_refused(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    with pytest.raises(ConfigError, match="below the floor"):
        make_matcher(store, config=MatchConfig(threshold=0.4)).reload(NOW)


def test_a_card_without_calibration_is_refused(store: WatchlistStore) -> None:
    with pytest.raises(ModelError, match="no calibration"):
        make_matcher(store, card=CARD.model_copy(update={"calibration": None}))


def test_an_empty_list_matches_nobody(store: WatchlistStore) -> None:
    known = make_matcher(store)
    assert only(known.match([probe(stranger())], NOW)) == Answer(deployment="d1")
    state = known.state(NOW)
    assert (state.entries, state.images, state.fault, state.approved) == (0, 0, "", False)


def test_the_probability_of_a_match_follows_the_fits_the_list_and_the_base_rate(
    store: WatchlistStore, make_image: Make
) -> None:
    store.put([make_image(number, 0) for number in range(8)])
    target = store.load().vectors[3]
    tail = TailFit(start=0.3, start_rate=0.01, shape=-0.1, scale=0.03, comparisons=10**6, p_value=0.5)
    genuine = GenuineFit(mean=1.5, sd=0.5, pairs=100, identities=50)
    fitted = CALIBRATION.model_copy(update={"fused_tail": tail, "fused_genuine": genuine})
    card = CARD.model_copy(update={"calibration": fitted})

    def stated(**changes: Any) -> float | None:
        answer = only(make_matcher(store, **changes).match([probe(noisy(target.vector, 5))], NOW))
        assert answer.match is not None
        return answer.match.probability

    usual = stated(card=card)
    assert usual is not None
    assert 0.0 < usual < 1.0
    rare = stated(card=card, config=MatchConfig(base_rate=1e-6))
    assert rare is not None
    assert rare < usual
    assert stated() is None  # a card without fits claims nothing


@pytest.mark.parametrize("kind", ["live", "retrospective"])
def test_a_provisional_calibration_is_for_tests_only(store: WatchlistStore, kind: str) -> None:
    card = CARD.model_copy(update={"calibration": CALIBRATION.model_copy(update={"provisional": True})})
    make_matcher(store, card=card)
    with pytest.raises(ModelError, match="provisional") as refused:
        make_matcher(store, card=card, kind=kind)
    assert "lfr calibrate DIR --model m1" in refused.value.next_step
