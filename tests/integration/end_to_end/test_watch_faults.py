"""`lfr watch` on footage as people have it: every result that can be had, every fault named once, the exit status."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from typer.testing import CliRunner

from lfr_ray.camera.demo_source import DemoSource, write_watchlist
from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.cli import watch
from lfr_ray.cli.output import report, stderr
from lfr_ray.cli.signals import Ending
from lfr_ray.config import AuthorityConfig, CameraConfig, MatchConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.face_counters import totals
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.models.card_catalogue import FALLBACK_EMBEDDER
from tests.integration.camera.clips import FRAGMENTED, Clips, cut, filtered, small
from tests.trust_tree import TrustTree

pytestmark = pytest.mark.timeout(300)

LISTED = "demo-touchline"
FRAMES = 30
DAMAGE: dict[str, Callable[[Clips, Path], Path]] = {
    "cut": lambda clips, into: cut(clips(), 0.6, into),
    "cut-fragments": lambda clips, into: cut(clips(gop=10, **FRAGMENTED), 0.75, into),
    "noise": lambda clips, into: filtered(clips(), "noise=amount=1500", into),
    "dropped": lambda clips, into: filtered(clips(), "noise=drop='between(n,10,20)'", into),
}
"""Footage that is there in part."""


@dataclass
class Watch:
    """The command in this process."""

    people: Path

    def __call__(self, *words: object) -> tuple[int, dict[str, Any], str]:
        """Exit status, document and stderr."""
        result = CliRunner().invoke(watch.app, [*map(str, words), "--watchlist", str(self.people), "--json", "-"])
        if isinstance(result.exception, LfrError):
            return report(result.exception), {}, str(result.exception)
        return result.exit_code, json.loads(result.stdout), result.stderr


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"), FRAMES)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setattr(stderr, "_width", 2000)  # rich would break lines
    return Watch(write_watchlist(tmp_path / "people"))


def stills(folder: Path, count: int) -> None:
    """Photographs of the listed person, in every format."""
    source = DemoSource(CameraConfig(name="gate", url="demo:pier"))
    for index, picture in enumerate(source.pictures()):
        if index == 4 * count:
            return
        if not index % 4:
            ending = ("jpg", "png", "webp", "bmp", "tif", "JPG")[index // 4 % 6]
            Image.fromarray(picture.convert()).save(folder / f"still-{index // 4:02}.{ending}")


@pytest.mark.parametrize("kind", DAMAGE)
def test_footage_that_is_incomplete_gives_status_1(run: Watch, clips: Clips, tmp_path: Path, kind: str) -> None:
    code, document, _ = run(DAMAGE[kind](clips, tmp_path))
    (source,) = document["sources"]
    assert code == 1
    assert source["frames"] > 0
    assert source["damaged"] or source["missing_s"] > 0
    assert document["problems"]


def test_what_was_not_looked_at_is_told(run: Watch, clips: Clips) -> None:
    code, document, _ = run(clips(), "--fps", 5)
    (source,) = document["sources"]
    assert (code, source["frames"], source["not_looked_at"]) == (0, 6, {"fps": FRAMES - 6, "motion": 0})
    speed = document["speed"]
    assert speed["footage_hours_per_hour"] == pytest.approx(source["seconds"] / speed["wall_s"], rel=0.1)


def test_where_nothing_moves_the_detector_is_asked_once_a_second(run: Watch, tmp_path: Path) -> None:
    _, document, _ = run(small(tmp_path / "still.mp4", "libx264", frames=FRAMES, step_px=0), "--motion")
    (source,) = document["sources"]
    assert (source["frames"], source["not_looked_at"]) == (FRAMES, {"fps": 0, "motion": FRAMES - 2})


def test_what_is_whole_gives_status_0_and_what_cannot_be_used_2(run: Watch, clips: Clips, tmp_path: Path) -> None:
    perhaps = filtered(
        small(tmp_path / "even.mkv", "mjpeg", frames=FRAMES), "noise=drop='eq(n,17)'", tmp_path, "less.mkv"
    )
    code, document, _ = run(clips(), perhaps)
    assert (code, document["problems"], document["sources"][0]["missing_s"]) == (0, [], 0.0)
    assert [one["possibly_dropped"] for one in document["sources"]] == [0, 1]
    (tmp_path / "words.mp4").write_text("words")
    code, _, said = run(tmp_path / "words.mp4")
    assert code == 2
    assert said.count("words.mp4") >= 1
    code, document, _ = run(clips(), tmp_path / "words.mp4")
    assert code == 2, "a file that somebody named"
    assert document["sources"][0]["frames"] == FRAMES


def test_a_still_that_cannot_be_read_gives_status_1(run: Watch, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    stills(folder, 3)
    assert run(folder)[0] == 0
    (folder / "torn.jpg").write_bytes((folder / "still-00.jpg").read_bytes()[:300])
    code, document, _ = run(folder)
    assert code == 1
    assert (document["sources"][0]["expected"], document["sources"][0]["damaged"]) == (4, 1)
    assert [one["problem"].count("torn.jpg") for one in document["problems"]] == [1]


def test_a_folder_of_forty_files_of_which_ten_are_broken(run: Watch, clips: Clips, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    stills(folder, 20)
    for ending in ("mp4", "mkv", "ts", "avi", "flv"):
        shutil.copy(clips(f"clip.{ending}"), folder / f"whole-{ending}.{ending}")
    shutil.copy(clips(), folder / "without-ending")
    for name in ("notes.txt", "list.csv", "thumbs.db", ".hidden.mp4"):
        (folder / name).write_text("not footage")
    for kind, damage in DAMAGE.items():
        damage(clips, tmp_path).rename(folder / f"{kind}.mp4")
    no_index = clips(movflags="disable_chpl").read_bytes()
    (folder / "no-index.mp4").write_bytes(no_index[: no_index.index(b"moov") - 4])
    (folder / "words.mp4").write_text("words")
    (folder / "empty.mkv").touch()
    (folder / "torn.jpg").write_bytes((folder / "still-00.jpg").read_bytes()[:300])
    (folder / "empty.png").touch()
    (folder / "words.jpg").write_text("words")
    assert len(list(folder.iterdir())) == 40

    code, document, said = run(folder)

    assert code == 1
    sources = {one["name"]: one for one in document["sources"]}
    whole = {name: one for name, one in sources.items() if name.startswith(("whole-", "without"))}
    assert {one["frames"] for one in whole.values()} == {FRAMES}
    assert {(one["damaged"], one["missing_s"]) for one in whole.values()} == {(0, 0.0)}
    assert len(whole) == 6
    assert sources["mixed"]["frames"] == 20
    told = [(one["camera"], one["problem"]) for one in document["problems"]]
    assert len(told) == len(set(told))
    assert {camera for camera, _ in told} == {*DAMAGE, "mixed"}
    for name in ("torn.jpg", "empty.png", "words.jpg"):
        assert sum(name in problem for _, problem in told) == 1
    rejected = [Path(one["file"]).name for one in document["rejected_sources"]]
    assert sorted(rejected) == ["empty.mkv", "no-index.mp4", "words.mp4"]
    for name in rejected:
        assert sum(line.startswith("left out: ") and name in line for line in said.splitlines()) == 1
    assert {one["entry_id"] for one in document["alerts"]} == {LISTED}
    assert {one["camera"] for one in document["alerts"]} >= {"mixed", *whole}


def test_what_was_missing_is_in_the_ledger(clips: Clips, tmp_path: Path, trust_tree: TrustTree) -> None:
    """Without a grant nothing is compared, and what was looked at is on record all the same."""
    footage = DAMAGE["cut"](clips, tmp_path)
    (tmp_path / "words.mp4").write_text("words")
    (tmp_path / "data").mkdir(mode=0o700)
    trust_tree.site(DataDir(tmp_path / "data"))
    authority = AuthorityConfig(kind="retrospective", deployment="case-1")
    site = watch.footage_site(tmp_path / "data", authority, FALLBACK_EMBEDDER, "centerface", "cpu", MatchConfig())
    opened = open_recordings([footage, tmp_path / "words.mp4"], "2026-08-22T14:05:00Z")
    watch.run_footage(site, opened, None, "", Ending(tmp_path))
    recorded = totals(read_records(DataDir(tmp_path / "data")), "case-1")
    with av.open(str(clips())) as container:
        expected = container.streams.video[0].frames
    found = recorded["clip"]
    assert 0 < found.frames < found.expected == expected
    assert found.missing_s == pytest.approx((expected - found.frames) / 25, abs=0.1)
    assert any("are missing" in one for one in found.problems)
    assert len(recorded["words.mp4"].problems) == 1
