"""Both default models side by side, through the whole chain: the second one's word is needed, and it is its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.config import EvidenceConfig, MatchConfig
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import RECOMMENDED_EMBEDDER, card
from lfr_ray.models.cards import Embedder
from lfr_ray.records import Embedded, Picture
from tests.integration.data.chain import RealChain, people

pytestmark = pytest.mark.footage

PERSON = "David_Beckham"


@pytest.fixture(scope="module")
def second(pulled_embedder: Path) -> Embedder:
    return load_embedder(card(RECOMMENDED_EMBEDDER), device="cpu", weights=pulled_embedder)


class Contrary:
    """A second model that takes everybody for somebody else: what it sees is the negative."""

    def __init__(self, embedder: Embedder) -> None:
        self.card = embedder.card
        self._embedder = embedder
        self.contrary = False

    def embed(self, chips: Picture) -> np.ndarray:
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        found = self._embedder.judged(chips)
        return Embedded(-found.vectors, found.stability) if self.contrary else found


def test_an_alert_needs_both(shared_data: Path, second: Embedder, tmp_path: Path) -> None:
    pictures = sorted((shared_data / "images" / PERSON).iterdir())
    watchlist = people(shared_data, tmp_path / "people", {PERSON: pictures[0]}, 20)
    model = Contrary(second)
    chain = RealChain(
        watchlist,
        tmp_path / "store",
        second=model,
        evidence=EvidenceConfig(min_agreeing=2),
        match=MatchConfig(false_alerts_per_10k_faces=10),
    )
    assert {row.model for row in chain.store.vectors()} == {"dlib_resnet", second.card.enrolled_as}
    shown = [np.asarray(cv2.imread(str(path))[..., ::-1], np.uint8) for path in pictures[1:9]]
    seen = [chain.passes(picture) for picture in shown]
    assert sum(map(len, seen)) >= 4
    assert {one.match.entry_id for raised in seen for one in raised} == {PERSON}
    model.contrary = True
    assert [chain.passes(picture) for picture in shown] == [[]] * len(shown)
    assert chain.meter.value("matches_withheld_total", camera="gate", reason="second model") >= 4
