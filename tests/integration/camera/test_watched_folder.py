"""A folder that is a camera: pictures come in every way in which cameras and people bring them."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.camera.reconnect import ReconnectConfig
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.config import CameraConfig
from tests.mailboxes import next_frame

SIDE_PX = 64


def jpeg(grey: int) -> bytes:
    noise = np.random.default_rng(grey).integers(0, 8, (SIDE_PX, SIDE_PX, 3))
    return encode_jpeg((noise + grey).astype(np.uint8))


class Seen:
    """What a camera gave so far: the mean grey of each picture, in tens."""

    def __init__(self, fields: dict[str, object]) -> None:
        config = CameraConfig.model_validate({"name": "gate", "folder": "watch", **fields})
        self.greys: list[int] = []
        self.reader = CameraReader(config, reconnect=ReconnectConfig(first_s=0.1, longest_s=0.2)).start()
        self._taking = threading.Thread(target=self._take, daemon=True)
        self._taking.start()
        time.sleep(0.7)  # the watching has begun

    def _take(self) -> None:
        while not self.reader.mailbox.ended:
            frame = next_frame(self.reader.mailbox, 0.2)
            if frame is not None:
                self.greys.append(round(float(frame.pixels.mean()) / 10) * 10)

    def wait_for(self, *greys: int, within_s: float = 8.0) -> None:
        until_s = time.monotonic() + within_s
        while self.greys != list(greys):
            assert time.monotonic() < until_s, f"wanted {greys}, got {self.greys}: {self.reader.status()}"
            time.sleep(0.05)
        time.sleep(0.6)
        assert self.greys == list(greys), "nothing comes twice"

    def stop(self) -> None:
        self.reader.stop()
        self._taking.join(3)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    started: list[Seen] = []

    def start(**fields: object) -> Seen:
        started.append(Seen({"url": str(tmp_path), **fields}))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_new_pictures_come_once_each_and_old_ones_not(watch: Callable[..., Seen], tmp_path: Path) -> None:
    (tmp_path / "old.jpg").write_bytes(jpeg(10))
    seen = watch()
    (tmp_path / "a.jpg").write_bytes(jpeg(50))
    seen.wait_for(50)
    (tmp_path / "b.JPG").write_bytes(jpeg(80))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.jpg").write_bytes(jpeg(110))
    os.mkfifo(tmp_path / "pipe.jpg")
    seen.wait_for(50, 80)
    status = seen.reader.status()
    assert (status.state, status.frames, status.corrupt, status.problems) == ("live", 2, 0, ())


def test_a_picture_that_is_written_in_halves_comes_when_it_is_whole(watch: Callable[..., Seen], tmp_path: Path) -> None:
    seen = watch()
    data = jpeg(50)
    with (tmp_path / "a.jpg").open("wb") as file:
        for part in (data[: len(data) // 3], data[len(data) // 3 : len(data) // 2], data[len(data) // 2 :]):
            file.write(part)
            file.flush()
            time.sleep(0.6)
    seen.wait_for(50)
    assert seen.reader.status().corrupt == 0


def test_what_is_renamed_into_place_comes_once(watch: Callable[..., Seen], tmp_path: Path) -> None:
    seen = watch()
    (tmp_path / "upload.tmp").write_bytes(jpeg(50))
    (tmp_path / "upload.tmp").rename(tmp_path / "a.jpg")
    seen.wait_for(50)
    (tmp_path / "partial.jpg").write_bytes(jpeg(80))
    time.sleep(0.8)
    (tmp_path / "partial.jpg").rename(tmp_path / "b.jpg")
    shutil.copy(tmp_path / "a.jpg", tmp_path / "copy.jpg")
    os.utime(tmp_path / "a.jpg")
    seen.wait_for(50, 80)


def test_a_snapshot_that_is_overwritten_comes_each_time(watch: Callable[..., Seen], tmp_path: Path) -> None:
    seen = watch()
    for grey in (50, 80, 110):
        (tmp_path / "snapshot.jpg").write_bytes(jpeg(grey))
        time.sleep(1.0)
    seen.wait_for(50, 80, 110)
    part = tmp_path / "snapshot.part"
    part.write_bytes(jpeg(140))
    part.replace(tmp_path / "snapshot.jpg")
    seen.wait_for(50, 80, 110, 140)


def test_folders_by_date_are_watched_as_they_appear(watch: Callable[..., Seen], tmp_path: Path) -> None:
    seen = watch()
    day = tmp_path / "2026" / "08" / "22"
    day.mkdir(parents=True)
    (day / "14-05-00.jpg").write_bytes(jpeg(50))
    seen.wait_for(50)
    (day / "14-05-01.jpg").write_bytes(jpeg(80))
    seen.wait_for(50, 80)
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.png").write_bytes(jpeg(110))
    elsewhere.rename(tmp_path / "moved")
    seen.wait_for(50, 80, 110)


def test_a_burst_loses_nothing(watch: Callable[..., Seen], tmp_path: Path) -> None:
    seen = watch(max_fps=1)
    greys = [20 + 10 * index for index in range(18)]
    for index, grey in enumerate(greys):
        (tmp_path / f"{index:02}.jpg").write_bytes(jpeg(grey))
    seen.wait_for(*greys)


def test_a_damaged_picture_is_named_and_the_others_come(
    watch: Callable[..., Seen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfr_ray.camera.watched_folder.DAMAGED_S", 1.0)
    seen = watch()
    (tmp_path / "broken.jpg").write_bytes(jpeg(50)[:600])
    (tmp_path / "whole.jpg").write_bytes(jpeg(80))
    seen.wait_for(80)
    time.sleep(1.0)
    status = seen.reader.status()
    assert status.corrupt == 1
    assert "broken.jpg" in status.problems[0]


def test_pictures_are_removed_after_use_only_where_that_is_asked_for(
    watch: Callable[..., Seen], tmp_path: Path
) -> None:
    (tmp_path / "waiting.jpg").write_bytes(jpeg(50))
    seen = watch(folder="watch-and-remove")
    (tmp_path / "new.jpg").write_bytes(jpeg(80))
    seen.wait_for(50, 80)
    assert list(tmp_path.iterdir()) == []
    assert list(seen.reader.removed) == [hashlib.sha256(jpeg(grey)).hexdigest() for grey in (50, 80)]


def test_a_folder_that_vanishes_is_blind_and_comes_back(watch: Callable[..., Seen], tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    seen = watch(url=str(folder))
    shutil.rmtree(folder)
    until_s = time.monotonic() + 5
    while seen.reader.status().state != "blind":
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert "folder" in seen.reader.status().problem
    folder.mkdir()
    time.sleep(1.0)
    Image.fromarray(np.full((SIDE_PX, SIDE_PX, 3), 50, np.uint8)).save(folder / "a.png")
    seen.wait_for(50)
