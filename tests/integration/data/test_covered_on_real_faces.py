"""People in real masks, through the whole chain: found by what is visible, and never somebody else."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfr_ray.config import EmbedderConfig, EvidenceConfig, MatchConfig
from lfr_ray.records import LOWER, Picture
from tests.integration.data.chain import RealChain, people

pytestmark = pytest.mark.footage

LIST_SIZE = 30
ALERTS_PER_10K = 10.0
MOST = 3
"""Pictures of a person, for the time that they take."""
VIEWS = EvidenceConfig(min_agreeing=2)


@pytest.fixture(scope="module")
def masked(shared_data: Path) -> dict[str, list[Picture]]:
    """Pictures of people in masks, by person; whoever has an uncovered picture as well."""
    found: dict[str, list[Picture]] = {}
    with (shared_data / "images.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if "mask:" in row["attributes"]:
                picture = cv2.imread(str(shared_data / row["file"]))
                found.setdefault(row["identity"], []).append(
                    np.asarray(cv2.resize(picture, None, fx=1.5, fy=1.5)[..., ::-1], np.uint8)
                )
    return found


def chain(shared_data: Path, folder: Path, named: dict[str, Path], *, covered_views: bool) -> RealChain:
    watchlist = folder / "people"
    if not watchlist.exists():
        people(shared_data, watchlist, named, LIST_SIZE - len(named))
    return RealChain(
        watchlist,
        folder / f"views-{covered_views}",
        evidence=VIEWS,
        match=MatchConfig(false_alerts_per_10k_faces=ALERTS_PER_10K),
        embedder=EmbedderConfig(covered_views=covered_views),
    )


def test_more_people_in_masks_are_found_and_nobody_is_taken_for_another(
    shared_data: Path, masked: dict[str, list[Picture]], tmp_path: Path
) -> None:
    with (shared_data / "images.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "nomask" in row["attributes"] and row["identity"] in masked]
    named = {row["identity"]: shared_data / row["file"] for row in reversed(rows)}
    found: dict[bool, list[str]] = {}
    for covered_views in (False, True):
        one = chain(shared_data, tmp_path, named, covered_views=covered_views)
        sightings = [(name, one.passes(picture)) for name in named for picture in masked[name][:MOST]]
        found[covered_views] = [name for name, raised in sightings for _ in raised]
        for name, raised in sightings:
            for sighting in raised:
                assert sighting.match.entry_id == name
                assert sighting.match.covered == (LOWER if covered_views else "")
    assert len(found[True]) > len(found[False]), found
