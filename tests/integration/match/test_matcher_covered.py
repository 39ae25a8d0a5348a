"""Covered faces in the matcher: compared with the views that match what is visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lfr_ray.match.decide_match import fuse
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_calibration import CoveredFit, GenuineFit, ScoreNorm, TailFit
from tests.integration.match.test_matcher import CALIBRATION, CARD, NOW, make_matcher, noisy, only, probe

Make = Callable[..., EnrolledImage]
TAIL = TailFit(start=0.3, start_rate=0.01, shape=-0.1, scale=0.05, comparisons=10**5, p_value=0.5)
FIT = CoveredFit(
    threshold=0.7, view_threshold=0.55, list_size=500, tail=TAIL,
    genuine=GenuineFit(mean=1.6, sd=0.4, pairs=100, identities=50),
)  # fmt: skip
COVERED_CARD = CARD.model_copy(
    update={"calibration": CALIBRATION.model_copy(update={"covered": {"lower": FIT, "upper": FIT}})}
)


def with_views(make_image: Make, number: int, picture: int = 0) -> EnrolledImage:
    """A picture whose covered views are vectors of their own."""
    views = {"lower": make_image(number + 500, picture).vector, "upper": make_image(number + 700, picture).vector}
    return replace(make_image(number, picture), covered=views)


def test_a_covered_face_is_compared_with_the_views_that_match_it(store: WatchlistStore, make_image: Make) -> None:
    images = [with_views(make_image, number, picture) for number in range(40) for picture in range(2)]
    store.put(images)
    target = images[7]
    matcher = make_matcher(store, card=COVERED_CARD)
    lower, upper = (
        replace(probe(noisy(target.covered[region], 4, 0.1)), covered=region) for region in ("lower", "upper")
    )
    plain = probe(noisy(target.vector, 4, 0.1))
    found = matcher.match([lower, plain, upper, replace(plain, covered="lower"), replace(lower, covered="")], NOW)
    told = [(one.match.entry_id, one.match.covered) if one.match else None for one in found]
    entry = target.entry.entry_id
    assert told == [(entry, "lower"), (entry, ""), (entry, "upper"), None, None]
    assert found[0].watchlist_jpeg == target.jpeg, "the picture that the covered view was made of"
    assert found[0].match is not None
    assert found[0].match.threshold == pytest.approx(0.7, abs=0.1)
    assert found[0].match.threshold != CALIBRATION.threshold
    assert found[0].match.probability is not None
    assert found[1].match is not None
    assert found[1].match.probability is None, "the card has a fit for covered faces only"


def test_covered_faces_are_normalised_where_the_card_has_fits_for_that(store: WatchlistStore, make_image: Make) -> None:
    store.put([with_views(make_image, number) for number in range(40)])
    target = with_views(make_image, 7)
    seen = replace(probe(noisy(target.covered["lower"], 4, 0.1)), covered="lower")
    rule = ScoreNorm(weight=0.5, share=0.1, least=3, min_entries=20)
    plain = FIT.model_copy(update={"threshold": 0.5})
    fits = (plain, plain.model_copy(update={"score_norm": rule, "short_tail": TAIL, "short_genuine": FIT.genuine}))
    found = []
    for fit in fits:
        known = CALIBRATION.model_copy(update={"covered": {"lower": fit}})
        matcher = make_matcher(store, card=CARD.model_copy(update={"calibration": known}))
        found.append(only(matcher.match([seen], NOW)).match)
    before, after = found
    assert before is not None
    assert after is not None
    vectors = np.stack([with_views(make_image, number).covered["lower"] for number in range(40)])
    similarities = fuse(seen.vectors, seen.weights)[None] @ vectors.T
    assert before.similarity == pytest.approx(float(similarities[0, 7]), abs=1e-3)
    expected = float(ScoreNormaliser(vectors, rule).normalised(similarities)[0, 7])
    assert after.similarity == pytest.approx(expected, abs=1e-3)
    assert abs(after.similarity - before.similarity) > 0.005


def test_a_list_without_covered_views_says_so_instead_of_finding_nobody(
    store: WatchlistStore, make_image: Make
) -> None:
    store.put([make_image(number) for number in range(5)])
    matcher = make_matcher(store, card=COVERED_CARD)
    answer = only(matcher.match([replace(probe(noisy(make_image(1).vector, 4)), covered="lower")], NOW))
    assert "no views of faces whose lower half is covered: import it again" in answer.refused
    assert only(matcher.match([probe(noisy(make_image(1).vector, 4))], NOW)).match is not None


def test_an_expired_entry_has_expired_for_covered_faces_too(store: WatchlistStore, make_image: Make) -> None:
    short = replace(with_views(make_image, 1), entry=replace(make_image(1).entry, expires_at=NOW + 5))
    store.put([short, *(with_views(make_image, number) for number in range(2, 40))])
    matcher = make_matcher(store, card=COVERED_CARD)
    seen = replace(probe(noisy(short.covered["lower"], 4, 0.1)), covered="lower")
    assert only(matcher.match([seen], NOW)).match is not None
    assert only(matcher.match([replace(seen, captured_at=NOW + 6)], NOW + 6)).match is None
