"""`lfr watch` on real footage: the listed person and nobody else, the promised document, and bad input beside good."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Command, command

pytestmark = [pytest.mark.footage, pytest.mark.timeout(900)]

PEOPLE = ("Lin_Manuel_Miranda", "Barack_Obama", "Alex_Lacamoire", "Salma_Hayek")


@dataclass(frozen=True)
class Watched:
    """What one run gave."""

    started: Command
    code: int
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.started.stdout)
        return document


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A watchlist folder of four people, of whom one is in the footage."""
    folder = tmp_path_factory.mktemp("people")
    for name in PEOPLE:
        shutil.copytree(shared_data / "images" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, people: Path) -> Iterator[Watched]:
    """Two clips, one of them twice, with a text file and a missing file beside them."""
    folder = tmp_path_factory.mktemp("watch")
    temporary = folder / "temporary"
    temporary.mkdir()
    text = folder / "notes.mp4"
    text.write_text("Minutes of the meeting: nobody came.\n" * 50, encoding="utf-8")
    clip, other = (shared_data / "videos" / name for name in ("hamilton.mp4", "masked_wnx.mp4"))
    words = ("lfr", "watch", text, clip, folder / "missing.mp4", other, clip, "--watchlist", people, "--json", "-")
    with command(folder, *words, environment={"TMPDIR": str(temporary)}) as started:
        yield Watched(started, started.wait(), folder)


def test_the_document_is_the_promised_one(watched: Watched) -> None:
    document = watched.document
    promised = ["sources", "faces_seen", "faces_compared", "alerts", "watchlist", "speed"]
    assert list(document)[: len(promised)] == promised
    source, *_ = document["sources"]
    assert list(source)[:6] == ["name", "url", "width", "height", "frames", "seconds"]
    assert (source["name"], source["width"], source["height"]) == ("hamilton", 640, 360)
    assert source["url"].endswith("hamilton.mp4")
    assert set(document["watchlist"]) >= {"entries", "images", "rejected"}
    assert document["watchlist"]["entries"] == len(PEOPLE)
    assert [set(one) for one in document["watchlist"]["rejected"]] == [{"file", "reason"}] * len(
        document["watchlist"]["rejected"]
    )
    assert set(document["speed"]) >= {"wall_s", "frames_per_s", "latency_ms"}
    assert set(document["speed"]["latency_ms"]) == {"p50", "p95"}
    kinds = {"faces_seen": int, "faces_compared": int, "alerts": list}
    assert {name: type(document[name]) for name in kinds} == kinds


def test_every_frame_is_looked_at(watched: Watched, shared_data: Path) -> None:
    rows = (shared_data / "videos" / "videos.csv").read_text(encoding="utf-8").splitlines()
    columns = rows[0].split(",")
    (row,) = [dict(zip(columns, row.split(","), strict=False)) for row in rows if row.startswith("hamilton.mp4,")]
    sources = watched.document["sources"]
    assert sources[0]["frames"] == int(row["frames"])
    assert sources[0]["seconds"] == pytest.approx(int(row["frames"]) / float(row["fps"]), abs=0.1)
    speed = watched.document["speed"]
    assert speed["frames_per_s"] == pytest.approx(sum(one["frames"] for one in sources) / speed["wall_s"], rel=0.01)


def test_the_listed_person_is_alerted_and_nobody_else(watched: Watched) -> None:
    alerts = watched.document["alerts"]
    assert {alert["entry_id"] for alert in alerts} == {"Lin_Manuel_Miranda"}
    for alert in alerts:
        assert list(alert)[:11] == [
            *("id", "entry_id", "name", "category", "camera", "time_s", "similarity", "threshold"),
            *("views_agreeing", "views_compared", "box"),
        ]
        assert (alert["name"], alert["category"]) == ("Lin_Manuel_Miranda", "test")
        assert alert["threshold"] <= alert["similarity"] <= 1
        assert 3 <= alert["views_agreeing"] <= alert["views_compared"]
        assert 0 <= alert["time_s"] <= watched.document["sources"][0]["seconds"]
        left, top, right, bottom = alert["box"]
        assert 0 <= left < right <= 640
        assert 0 <= top < bottom <= 360


def test_counts_fit_together(watched: Watched) -> None:
    document = watched.document
    assert 0 < document["faces_compared"] <= document["faces_seen"]
    assert document["speed"]["latency_ms"]["p50"] <= document["speed"]["latency_ms"]["p95"]


def test_bad_input_beside_good_is_named_and_gives_exit_code_2(watched: Watched) -> None:
    assert watched.code == 2
    lines = [line for line in watched.started.stderr.splitlines() if line.startswith("left out: ")]
    assert len(lines) == 2
    for line, name in zip(lines, ("notes.mp4", "missing.mp4"), strict=True):
        assert re.match(rf"left out: \S+{name}: \w.+; got: .*{name}.*; (allowed: .+; )?next: \w", line), line
    assert [Path(one["file"]).name for one in watched.document["rejected_sources"]] == ["notes.mp4", "missing.mp4"]


def test_nothing_is_left(watched: Watched) -> None:
    assert watched.started.left() == {}
    temporary = list((watched.folder / "temporary").rglob("*"))
    assert [str(path) for path in temporary if path.is_file() or path.name.startswith("lfr-")] == []


def test_recordings_that_are_seen_at_once_are_told_apart(watched: Watched) -> None:
    document = watched.document
    frames = {one["name"]: one["frames"] for one in document["sources"]}
    assert list(frames) == ["hamilton", "masked_wnx", "hamilton-2"]
    assert frames["hamilton"] == frames["hamilton-2"] == 275
    assert {(one["camera"], one["entry_id"]) for one in document["alerts"]} == {
        ("hamilton", "Lin_Manuel_Miranda"),
        ("hamilton-2", "Lin_Manuel_Miranda"),
    }
    assert document["problems"] == []
