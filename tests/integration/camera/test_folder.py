"""Still pictures as a recording: a folder of them, a single one, an animation."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lfr_ray.camera.open_footage import PacedSource, open_source
from lfr_ray.config import CameraConfig
from lfr_ray.errors import SourceError
from lfr_ray.records import Frame


def grey(width_px: int, height_px: int) -> Image.Image:
    return Image.new("RGB", (width_px, height_px), (90, 90, 90))


def opened(path: Path) -> PacedSource:
    return open_source(CameraConfig(name="gate", url=str(path), pace="full"))


def read_all(path: Path) -> tuple[list[Frame], PacedSource]:
    source = opened(path)
    return list(source.frames()), source


def test_a_folder_of_pictures_by_name_with_the_bad_ones_reported(tmp_path: Path) -> None:
    for index in range(4):
        grey(64 + index, 48).save(tmp_path / f"{index}.png")
    (tmp_path / "1b.jpg").touch()
    (tmp_path / "2b.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "more").mkdir()
    frames, source = read_all(tmp_path)
    assert [frame.pixels.shape[1] for frame in frames] == [64, 65, 66, 67]
    assert [frame.captured_s for frame in frames] == [0, 1, 2, 3]
    assert (source.counts().decoded, source.counts().corrupt) == (4, 2)
    assert [problem.partition("got: ")[2].split(":")[0] for problem in source.counts().problems] == ["1b.jpg", "2b.jpg"]
    assert source.info.frames == 6
    assert source.info.fps == 1.0


def test_one_picture_is_a_recording_of_one_frame(tmp_path: Path) -> None:
    grey(64, 48).save(tmp_path / "gate.png")
    assert [frame.pixels.shape for frame in read_all(tmp_path / "gate.png")[0]] == [(48, 64, 3)]


def test_folders_without_a_usable_picture(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no picture"):
        opened(tmp_path)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(SourceError, match=r"none of the 1 pictures can be read; got: .*a\.jpg: 0 bytes"):
        opened(tmp_path)


def test_a_gif_is_a_recording(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (64, 48), (30 * index, 30 * index, 30 * index)) for index in range(6)]
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=100)
    assert len(read_all(tmp_path / "clip.gif")[0]) == 6
