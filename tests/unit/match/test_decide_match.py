"""The decision: enough views, agreeing, near enough, and nothing that depends on the order of the list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfr_ray.config import EvidenceConfig
from lfr_ray.errors import ShapeError
from lfr_ray.match.decide_match import NO_OTHER, NOT_COMPARED, Decision, decide, fuse
from lfr_ray.match.threshold import Thresholds

AT = Thresholds(fused=0.8, view=0.7, floor=0.7)
THREE = EvidenceConfig(min_views=3, min_agreeing=2, max_views=10)


def floats(rows: list[list[float]] | list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


GOOD_VIEWS = [[0.9, 0.1], [0.75, 0.2], [0.3, 0.6]]


def test_enough_evidence_alerts_and_says_why() -> None:
    found = decide(floats(GOOD_VIEWS), floats([0.85, 0.4]), AT, THREE)
    assert found == Decision(0, pytest.approx(0.85), pytest.approx(0.45), 1, 2, 3)


@pytest.mark.parametrize(
    ("views", "fused", "why"),
    [
        (GOOD_VIEWS[:2], [0.85, 0.4], "too few views"),
        (GOOD_VIEWS, [0.79, 0.4], "not near enough"),
        ([[0.9, 0.1], [0.69, 0.2], [0.3, 0.6]], [0.85, 0.4], "only one view reaches the view threshold"),
        ([[0.9, 0.1], [0.75, 0.76], [0.3, 0.6]], [0.85, 0.4], "only one view is nearest to it"),
        (GOOD_VIEWS, [0.85, 0.82], "too small a lead"),
    ],
)
def test_too_little_evidence_does_not(views: list[list[float]], fused: list[float], why: str) -> None:
    assert decide(floats(views), floats(fused), AT, THREE, min_margin=0.05) is None, why


def test_the_only_entry_has_no_runner_up() -> None:
    views = floats([[0.9], [0.9], [0.9]])
    found = decide(views, floats([0.9]), AT, THREE)
    assert found is not None
    assert (found.runner_up, found.margin) == (None, NO_OTHER)
    masked = decide(
        np.hstack([views, np.full((3, 1), NOT_COMPARED, np.float32)]), floats([0.9, NOT_COMPARED]), AT, THREE
    )
    assert masked == found


def test_an_empty_list_and_no_views_match_nobody() -> None:
    assert decide(np.zeros((5, 0), np.float32), np.zeros(0, np.float32), AT, THREE) is None
    assert decide(np.zeros((0, 4), np.float32), np.ones(4, np.float32), AT, EvidenceConfig()) is None


def test_arrays_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError):
        decide(np.zeros((3, 2), np.float32), np.zeros(3, np.float32), AT, THREE)


similarity = st.integers(-100, 100).map(lambda hundredths: np.float32(hundredths / 100))


@st.composite
def evidence(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    entries, views = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    own = [draw(st.lists(similarity, min_size=entries, max_size=entries)) for _ in range(views)]
    # Distinct fused similarities: which of two equal entries is named is not promised.
    fused = draw(st.lists(similarity, min_size=entries, max_size=entries, unique=True))
    return floats(own), floats(fused)  # type: ignore[arg-type]


LOW = Thresholds(fused=-0.2, view=-0.5, floor=-1.0)
ANY = EvidenceConfig(min_views=1, min_agreeing=1, max_views=10)


@given(evidence(), st.randoms())
def test_the_order_of_entries_changes_nothing(given_evidence: tuple[np.ndarray, np.ndarray], random: object) -> None:
    views, fused = given_evidence
    order = list(range(len(fused)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found, moved = decide(views, fused, LOW, ANY), decide(views[:, order], fused[order], LOW, ANY)
    assert (found is None) == (moved is None)
    if found is not None and moved is not None:
        assert order[moved.entry] == found.entry
        assert (None if moved.runner_up is None else order[moved.runner_up]) == found.runner_up
        assert (moved.similarity, moved.margin, moved.views_agreeing) == (
            found.similarity,
            found.margin,
            found.views_agreeing,
        )


@given(evidence(), st.randoms())
def test_the_order_of_views_changes_nothing(given_evidence: tuple[np.ndarray, np.ndarray], random: object) -> None:
    views, fused = given_evidence
    order = list(range(len(views)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert decide(views, fused, LOW, ANY) == decide(views[order], fused, LOW, ANY)


@given(evidence(), st.data())
def test_one_more_view_never_adds_more_than_one_that_agrees(
    given_evidence: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    views, fused = given_evidence
    more = floats([data.draw(st.lists(similarity, min_size=len(fused), max_size=len(fused)))])  # type: ignore[arg-type]
    before, after = decide(views, fused, LOW, ANY), decide(np.vstack([views, more]), fused, LOW, ANY)
    agreed_before = 0 if before is None else before.views_agreeing
    if after is not None:
        assert agreed_before <= after.views_agreeing <= agreed_before + 1 or before is None
        assert after.views_compared == len(views) + 1


@given(evidence(), st.data())
def test_an_entry_that_is_not_in_force_is_never_named(
    given_evidence: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    views, fused = given_evidence
    gone = data.draw(st.sets(st.integers(0, len(fused) - 1)))
    for entry in gone:
        views[:, entry] = NOT_COMPARED
        fused[entry] = NOT_COMPARED
    found = decide(views, fused, Thresholds(-1.0, -1.0, -1.0), ANY)
    if found is not None:
        assert found.entry not in gone
        assert found.runner_up not in gone


@given(evidence(), st.integers(1, 8), st.integers(1, 8))
def test_asking_for_more_never_alerts_more(
    given_evidence: tuple[np.ndarray, np.ndarray], least: int, agreeing: int
) -> None:
    views, fused = given_evidence
    strict = EvidenceConfig(min_views=least, min_agreeing=agreeing, max_views=10)
    if decide(views, fused, LOW, ANY) is None:
        assert decide(views, fused, LOW, strict) is None
    found = decide(views, fused, LOW, strict)
    if found is not None:
        assert found.views_compared >= least
        assert found.views_agreeing >= agreeing


def test_fusing_weighs_by_quality_and_gives_unit_length() -> None:
    vectors = floats([[1, 0], [0, 1]])
    np.testing.assert_allclose(fuse(vectors, floats([3, 1])), floats([3, 1]) / np.sqrt(10), atol=1e-6)
    np.testing.assert_allclose(fuse(vectors, floats([0, 0])), floats([1, 1]) / np.sqrt(2), atol=1e-6)


def test_views_that_cancel_out_are_near_nobody() -> None:
    assert not fuse(floats([[1, 0], [-1, 0]]), floats([1, 1])).any()


@settings(max_examples=50)
@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_fused_vectors_have_unit_length(views: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((views, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.linalg.norm(fuse(vectors, random.random(views).astype(np.float32))) == pytest.approx(1.0, abs=1e-5)


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ShapeError, match="not finite"):
        fuse(floats([[np.nan, 0]]), floats([1]))
