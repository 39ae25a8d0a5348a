"""A printed face and a live one, through the whole chain with the attack models."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.config import AttackConfig
from lfr_ray.detect.attack import DEFAULT_CARDS, AttackCheck, load_attack_check
from lfr_ray.models.catalogue import card
from lfr_ray.records import Picture
from tests.integration.data.chain import RealChain, people

pytestmark = pytest.mark.footage

FRAMES = 14
"""One of the faces is turned so far that only every third look passes the gate."""


@pytest.fixture(scope="module")
def attacks(shared_models: Path) -> AttackCheck:
    cards = [card(name) for name in DEFAULT_CARDS]
    return load_attack_check(cards, device="cpu", weights={one.id: shared_models / one.file for one in cards})


def picture(path: Path) -> Picture:
    return np.asarray(cv2.imread(str(path))[..., ::-1], np.uint8)


@pytest.mark.parametrize(("name", "is_live"), [("image_T1", True), ("image_F1", False), ("image_F2", False)])
def test_a_face_on_paper_does_not_alert_and_a_live_one_does(
    shared_data: Path, attacks: AttackCheck, tmp_path: Path, name: str, is_live: bool
) -> None:
    file = shared_data / "spoof" / f"{name}.jpg"
    watchlist, shown = people(shared_data, tmp_path / "people", {"listed": file}, 8), picture(file)
    unaware = RealChain(watchlist, tmp_path / "unaware")
    assert [one.match.entry_id for one in unaware.passes(shown, FRAMES)] == ["listed"], (
        "the matcher alone takes it for real"
    )
    watchful = RealChain(watchlist, tmp_path / "watchful", attacks, attack=AttackConfig(threshold=0.5))
    assert len(watchful.passes(shown, FRAMES)) == is_live
    assert (watchful.meter.value("matches_withheld_total", camera="gate", reason="attack") > 0) != is_live
