"""`lfr evaluate --videos` on real footage of which it is known whom it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.processes import command

pytestmark = [pytest.mark.timeout(900)]

LISTED = ("Lin_Manuel_Miranda", "Alex_Lacamoire", "Salma_Hayek")


@pytest.mark.footage
def test_passages_and_false_alerts_are_counted_against_the_truth(shared_data: Path, tmp_path: Path) -> None:
    people, footage = tmp_path / "people", tmp_path / "footage"
    for name in LISTED:
        shutil.copytree(shared_data / "images" / name, people / name)
    footage.mkdir()
    for file in ("hamilton.mp4", "talk_man_d12.mp4"):
        (footage / file).symlink_to(shared_data / "videos" / file)
    truth = "file,who\nhamilton.mp4,Lin_Manuel_Miranda|unknown\ntalk_man_d12.mp4,unknown\n"
    (footage / "videos.csv").write_text(truth, encoding="utf-8")
    words = ("lfr", "evaluate", footage, "--videos", "--watchlist", people, "--json", "-")
    with command(tmp_path / "out", *words) as started:
        assert started.wait() == 0, started.stderr[-3000:]
        document = json.loads(started.stdout)
    assert document["recordings"] == 2
    assert document["watchlist"]["entries"] == len(LISTED)
    assert (document["passages"]["mated"], document["passages"]["found"]) == (1, 1)
    (passage,) = document["passages"]["each"]
    assert (passage["file"], passage["person"]) == ("hamilton.mp4", "Lin_Manuel_Miranda")
    assert 0 < passage["alert_s"] < 10
    assert document["false_alerts"]["count"] == 0
    assert document["false_alerts"]["per_hour"]["low"] == 0.0
    assert document["false_alerts"]["per_hour"]["high"] > 100  # seconds of footage prove little, and say so
    assert document["tracks"] >= document["tracks_compared"] > 0
