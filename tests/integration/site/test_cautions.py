"""Relatives and close runners-up: from the list in the store to the caution that an officer reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import FakeClock
from lfr_ray.config import SiteConfig
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import EVERYTHING, Probe
from lfr_ray.site.open_site import SwitchPermission
from tests.integration.govern.station import image

NOW_S = 1_787_904_000.0


def near(vector: np.ndarray, similarity: float, seed: int) -> np.ndarray:
    """Another unit vector of that similarity."""
    other = np.random.default_rng(seed).normal(size=len(vector))
    other -= (other @ vector) * vector
    found = similarity * vector + np.sqrt(1 - similarity**2) * other / np.linalg.norm(other)
    return found.astype(np.float32)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ({}, ()),
        ({1: 0.97}, ("possible_relative", "small_margin")),
        ({1: None}, ("single_entry_list",)),
    ],
    ids=["strangers", "a sibling on the list", "nobody else"],
)
def test_a_sibling_on_the_list_is_a_caution(
    tmp_path: Path, make_sighting: Callable[..., Any], listed: dict[int, float | None], expected: tuple[str, ...]
) -> None:
    images = [image(number) for number in range(1 if listed.get(1, 0.0) is None else 6)]
    for number, similarity in listed.items():
        if similarity is not None:
            images[number] = replace(images[number], vector=near(images[0].vector, similarity, 7))
    store = WatchlistStore(tmp_path / "watchlist")
    store.put(images)
    permission = SwitchPermission(SiteConfig(site="pier", data_dir=tmp_path))
    matcher = Matcher(store, card("dlib_resnet"), permission, kind="test", deployment="test")
    matcher.reload(NOW_S)
    seen = np.stack([near(images[0].vector, 0.999, seed) for seed in range(5)])
    (answer,) = matcher.match([Probe("pier", 1, NOW_S, "dlib_resnet", seen, np.ones(5, np.float32))], NOW_S)
    assert answer.match is not None, answer
    database = Database.at(tmp_path / "desk.sqlite")
    desk = AlertService(AlertStore(database), AlertRules(), FakeClock(wall_s=NOW_S), cases=CaseRules())
    alert_id = desk.raise_alert(replace(make_sighting(), match=answer.match)).alert_id
    assert desk.get(alert_id, EVERYTHING).cautions == expected
    database.close()
