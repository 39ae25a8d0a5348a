"""Damage of every kind: all that can be had is had, and what is missing is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lfr_ray.camera.camera_reader import CameraReader, faults_of
from lfr_ray.camera.footage_interface import SourceCounts
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.config import CameraConfig
from lfr_ray.records import Frame
from tests.integration.camera.clips import FPS, FRAGMENTED, FRAMES, LENGTH_S, Clips, cut, filtered, small
from tests.mailboxes import next_frame


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Writes a clip of people with sound, once for each kind."""
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def small_clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int, str], Path]:
    """Writes a clip of a moving pattern, once for each codec."""
    folder = tmp_path_factory.mktemp("small")

    def made(codec: str, b_pictures: int, form: str) -> Path:
        path = folder / f"{codec}-{b_pictures}.{form}"
        return path if path.exists() else small(path, codec, b_pictures)

    return made


def read(path: Path) -> tuple[list[Frame], SourceCounts]:
    source = open_source(CameraConfig(name="gate", url=str(path), pace="full"))
    frames = list(source.frames())
    source.close()
    return frames, source.counts()


@pytest.mark.parametrize(
    "name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi", "clip.flv"], ids=["mp4", "mkv", "ts", "avi", "flv"]
)
def test_a_whole_recording_has_nothing_to_tell(write: Clips, name: str) -> None:
    frames, counts = read(write(name))
    assert len(frames) == FRAMES
    assert (counts.corrupt, counts.missing_s, counts.problems) == (0, 0.0, [])
    assert counts.expected in {FRAMES, None}
    assert counts.seconds == pytest.approx(LENGTH_S, abs=0.05)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_recording_without_its_end(write: Clips, tmp_path: Path, share: float) -> None:
    frames, counts = read(cut(write(), share, tmp_path))
    assert 0 < len(frames) < FRAMES
    assert counts.expected == FRAMES
    assert counts.missing_s == pytest.approx(LENGTH_S - len(frames) / FPS, abs=0.1)
    assert counts.seconds == pytest.approx(LENGTH_S, abs=0.05)
    assert any(problem.startswith("the last ") for problem in counts.problems)
    assert any(f"{len(frames)} of {FRAMES}" in problem for problem in counts.problems)


@pytest.mark.parametrize("gop", [10, 300], ids=["short fragments", "one fragment"])
def test_a_fragmented_recording_with_sound_gives_all_its_pictures(write: Clips, tmp_path: Path, gop: int) -> None:
    """Where the sound of a fragment is cut off, FFmpeg would end at the first sound that is missing."""
    whole = write("clip.mp4", gop=gop, **FRAGMENTED)
    frames, counts = read(cut(whole, 0.75, tmp_path))
    with av.open(str(whole)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.dts is not None]
    there = sum(end <= whole.stat().st_size * 0.75 for end in ends)
    assert len(frames) >= there - 1
    assert counts.problems


def test_damaged_pictures_are_counted(write: Clips, tmp_path: Path) -> None:
    frames, counts = read(filtered(write(), "noise=amount=1500", tmp_path))
    assert len(frames) > FRAMES * 0.8
    assert counts.corrupt > 10
    assert any(problem.startswith("damaged: ") for problem in counts.problems)


@pytest.mark.parametrize("gop", [10, 25, 300])
def test_dropped_pictures_are_told_and_the_others_come(write: Clips, tmp_path: Path, gop: int) -> None:
    frames, counts = read(filtered(write(gop=gop), "noise=drop='not(mod(n+1,4))'", tmp_path))
    assert len(frames) > (FRAMES - FRAMES // 4) * 0.85
    assert counts.expected == pytest.approx(FRAMES, abs=7)
    assert counts.corrupt > 20
    assert counts.missing_s > 0.5
    assert counts.seconds == pytest.approx(LENGTH_S, abs=0.1)
    assert counts.problems


def test_a_single_picture_that_was_dropped_is_told(write: Clips, tmp_path: Path) -> None:
    frames, counts = read(filtered(write(), "noise=drop='eq(n,77)'", tmp_path))
    assert (len(frames), counts.expected, counts.corrupt) == (FRAMES - 1, FRAMES, 1)
    assert counts.missing_s == pytest.approx(1 / FPS, abs=0.01)
    assert len(counts.problems) == 1


@pytest.mark.parametrize("form", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize(
    ("codec", "b_pictures"),
    [("libx264", 0), ("libx264", 3), ("libx265", 0), ("libx265", 3), ("mpeg4", 0), ("mpeg4", 2), ("mjpeg", 0)],
)
def test_dropped_pictures_of_any_kind_are_told(
    small_clips: Callable[[str, int, str], Path], tmp_path: Path, codec: str, b_pictures: int, form: str
) -> None:
    """Surely where pictures are numbered or counted; where only the times say it, as possible."""
    if (form == "avi" and codec == "libx265") or (form == "ts" and codec == "mjpeg"):
        pytest.skip("there is no such file")
    whole = small_clips(codec, b_pictures, "mp4" if form == "mkv" else form)
    frames, counts = read(filtered(whole, "noise=drop='not(gte(n,0))'", tmp_path, f"whole.{form}"))
    assert (len(frames), counts.corrupt, counts.possibly_dropped, counts.problems) == (FRAMES, 0, 0, [])
    for dropped in ("eq(n,77)", "between(n,60,61)", "not(mod(n+1,9))"):
        frames, counts = read(filtered(whole, f"noise=drop='{dropped}'", tmp_path, f"dropped.{form}"))
        assert len(frames) < FRAMES
        if codec in {"libx264", "libx265"} and form != "avi":
            assert counts.corrupt >= 1, dropped
            assert counts.problems, dropped
            assert counts.missing_s >= 0.039, dropped
        else:
            assert counts.problems or counts.possibly_dropped, dropped
        assert counts.missing_s < 5, dropped


def test_a_hole_is_told_with_its_times(write: Clips, tmp_path: Path) -> None:
    _, counts = read(filtered(write(), "noise=drop='between(n,40,109)'", tmp_path))
    assert counts.missing_s == pytest.approx(70 / FPS, abs=0.3)
    assert any(problem.startswith("no picture from 1.") for problem in counts.problems)


def test_a_clip_that_was_cut_without_encoding_is_whole(write: Clips, tmp_path: Path) -> None:
    """An edit list hides the pictures before the cut; they are not missing."""
    whole, target = write(), tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(target), "w") as container:
        video = source.streams.video[0]
        copied = container.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                late = int(0.3 / video.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - late, packet.dts - late, copied
                container.mux(packet)
    frames, counts = read(target)
    assert FRAMES - 10 <= len(frames) <= FRAMES
    assert counts.problems == []


@pytest.mark.parametrize("offsets_s", [(0.0, 37_600.0, 0.0), (37_600.0, 0.0, 37_600.0), (0.0, 37_600.0, 37_600.0)])
def test_a_transport_stream_whose_clock_jumps(write: Clips, tmp_path: Path, offsets_s: tuple[float, ...]) -> None:
    """Ahead for two seconds, back for two seconds, and ahead for good."""
    parts = []
    for index, offset_s in enumerate(offsets_s):
        part = tmp_path / f"{index}.ts"
        with av.open(str(write())) as source, av.open(str(part), "w", options={"muxdelay": "0"}) as container:
            video = source.streams.video[0]
            copied = container.add_stream_from_template(video)
            for number, packet in enumerate(one for one in source.demux(video) if one.dts is not None):
                if number // 50 != index:
                    continue
                moved = int(offset_s / video.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + moved, packet.dts + moved, copied
                container.mux(packet)
        parts.append(part.read_bytes())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    frames, counts = read(joined)
    times_s = [frame.captured_s for frame in frames]
    assert len(times_s) == FRAMES
    assert times_s == pytest.approx([index / FPS for index in range(FRAMES)], abs=0.25)
    assert times_s == sorted(times_s)
    assert counts.seconds == pytest.approx(LENGTH_S, abs=0.25)


def test_a_variable_rate_keeps_its_times_and_its_length(write: Clips, tmp_path: Path) -> None:
    """Two of three pictures of the second half were never filmed; nothing is missing."""
    path, shown = tmp_path / "phone.mp4", [one for one in range(FRAMES) if one < 75 or one % 3 == 0]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt, video.max_b_frames = 64, 48, "yuv420p", 0
        for index in shown:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    frames, counts = read(path)
    assert [frame.captured_s for frame in frames] == pytest.approx([index / FPS for index in shown], abs=0.001)
    assert counts.seconds == pytest.approx(LENGTH_S, abs=0.15)
    assert (counts.corrupt, counts.missing_s, counts.problems) == (0, 0.0, [])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_all_eight_orientations_of_a_phone(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    """The stored picture is red at the top left and green at the top right; FFmpeg mirrors after it has turned."""
    stored = np.full((96, 160, 3), 60, np.uint8)
    stored[:32, :48], stored[:32, -48:] = (230, 20, 20), (20, 230, 20)
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.set_display_rotation(rotation, hflip=mirrored)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode(None))
    source = open_source(CameraConfig(name="gate", url=str(path), pace="full"))
    shown = next(iter(source.frames())).pixels
    wanted = np.rot90(stored, rotation // 90)
    alternatives = [wanted[:, ::-1], np.rot90(stored[:, ::-1], rotation // 90)] if mirrored else [wanted]
    near = [one for one in alternatives if one.shape == shown.shape and np.abs(one.astype(int) - shown).mean() < 8]
    assert near, "it is turned, and mirrored where it says so"
    assert (source.info.width_px, source.info.height_px) == shown.shape[1::-1]
    if not mirrored:
        assert np.abs(wanted[:, ::-1].astype(int) - shown).mean() > 20


def test_a_folder_of_everything_gives_each_what_it_is(write: Clips, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "whole.mp4").write_bytes(write().read_bytes())
    cut(write(), 0.6, folder).rename(folder / "cut.mp4")
    for name in ("a.jpg", "b.PNG"):
        Image.new("RGB", (64, 48)).save(folder / name)
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:100])
    (folder / "words.mp4").write_text("words")
    (folder / "empty.mkv").touch()
    (folder / "notes.txt").write_text("not looked at")
    (folder / ".hidden.mp4").write_text("not looked at")
    opened = open_recordings([folder, write()])
    assert [one.camera.name for one in opened.recordings] == ["mixed", "cut", "whole", "clip"]
    assert [one.info.stills for one in opened.recordings] == [True, False, False, False]
    assert [(Path(one.file).name, one.inside) for one in opened.rejected] == [("empty.mkv", True), ("words.mp4", True)]
    assert [(one.inside) for one in open_recordings([folder / "words.mp4"]).rejected] == [False]


def test_names_and_files_that_nobody_expects_stop_nothing(write: Clips, tmp_path: Path) -> None:
    folder, clip = tmp_path / "odd", write().read_bytes()
    (folder / "sub").mkdir(parents=True)
    for name in (b"new\nline.mp4", b"n" * 240 + b".mp4", b"bad\xff.mp4", b"[red].mp4", b"sub/inside.mp4"):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(clip)
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "round.mp4").symlink_to("round.mp4")
    (folder / "around").symlink_to(folder)
    (folder / "photo.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    Image.new("RGB", (64, 48)).save(folder / "a.jpg")
    for name in ("pipe.mp4", "pipe.jpg"):
        os.mkfifo(folder / name)
    opened = open_recordings([folder])
    assert [one.camera.name for one in opened.recordings] == ["odd", "[red]", "new_line", "n" * 120]
    assert {Path(one.file).name: one.reason.partition(";")[0] for one in opened.rejected} == {
        "around": "folders inside a folder are not searched",
        "bad\ufffd.mp4": "the file's name is no text in UTF-8",
        "gone.mp4": "the recording does not exist",
        "photo.HEIC": "pictures of this format are not read",
        "pipe.mp4": "the file is not a video",
        "round.mp4": "the recording does not exist",
        "sub": "folders inside a folder are not searched",
    }
    assert all(one.inside for one in opened.rejected)
    frames, counts = read(folder)
    assert (len(frames), counts.expected) == (1, 2)
    assert counts.problems == ["the picture is no file; got: pipe.jpg"], "nobody waits for a pipe"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    os.seteuid(65_534)
    try:
        opened = open_recordings([closed])
    finally:
        os.seteuid(0)
    assert "cannot be read" in opened.rejected[0].reason or "does not exist" in opened.rejected[0].reason


def test_a_folder_of_videos_alone_is_no_folder_of_pictures(write: Clips, tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes(write().read_bytes())
    opened = open_recordings([tmp_path])
    assert ([one.camera.name for one in opened.recordings], opened.rejected) == (["one"], ())


def test_faults_reach_the_cameras_status(write: Clips, tmp_path: Path) -> None:
    camera = CameraConfig(name="gate", url=str(cut(write(), 0.6, tmp_path)), pace="full")
    reader = CameraReader(camera).start()
    while not reader.mailbox.ended:
        next_frame(reader.mailbox, 1)
    status = reader.status()
    assert (status.state, status.expected) == ("ended", FRAMES)
    assert status.missing_s == pytest.approx(LENGTH_S - status.frames / FPS, abs=0.1)
    assert status.seconds == pytest.approx(LENGTH_S, abs=0.05)
    assert faults_of(status) == list(status.problems)
    assert len(status.problems) == len(set(status.problems)) >= 2
