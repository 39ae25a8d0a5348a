"""Recordings: made here with known content, damaged in every way, and real ones."""

from __future__ import annotations

import csv
import itertools
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from lfr_ray.camera import decode_video
from lfr_ray.camera.open_footage import PacedSource, open_source
from lfr_ray.clock import FakeClock, SlowClock
from lfr_ray.config import CameraConfig
from lfr_ray.errors import SourceError, StreamError
from lfr_ray.records import Frame

GREY_STEP = 5
"""Lossy codecs shift neighbouring grey values; these stay apart."""


def drawn(index: int, width_px: int, height_px: int) -> np.ndarray:
    """A grey that tells the frame's number, with a red square in the top left corner."""
    picture = np.full((height_px, width_px, 3), 20 + GREY_STEP * (index % 40), np.uint8)
    picture[: height_px // 4, : width_px // 4] = (230, 20, 20)
    return picture


def write_video(
    path: Path,
    frames: int = 30,
    *,
    size: tuple[int, int] = (160, 96),
    fps: int = 10,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rotation: int = 0,
    gop: int = 10,
    options: dict[str, str] | None = None,
) -> Path:
    width_px, height_px = size
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, pixels
        stream.gop_size, stream.bit_rate = gop, 4_000_000
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(drawn(index, width_px, height_px), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def opened(url: Path | str, **fields: object) -> PacedSource:
    return open_source(CameraConfig.model_validate({"name": "gate", "url": str(url), "pace": "full", **fields}))


def read_all(url: Path | str, **fields: object) -> tuple[list[Frame], PacedSource]:
    source = opened(url, **fields)
    try:
        return list(source.frames()), source
    finally:
        source.close()


def grey_of(frame: Frame) -> int:
    return round((float(frame.pixels[-20:, -20:].mean()) - 20) / GREY_STEP)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        (".mp4", "libx264", "yuv420p"),
        (".mkv", "libx264", "yuv444p"),
        (".avi", "mpeg4", "yuv420p"),
        (".ts", "libx264", "yuv420p"),
        (".mov", "mjpeg", "yuvj420p"),
        (".mp4", "libx265", "yuv420p10le"),
        (".webm", "libvpx-vp9", "yuv420p"),
    ],
)
def test_every_frame_in_order_with_its_time(tmp_path: Path, suffix: str, codec: str, pixels: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {codec}")
    frames, source = read_all(write_video(tmp_path / f"clip{suffix}", codec=codec, pixels=pixels))
    assert [grey_of(frame) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    np.testing.assert_allclose([frame.captured_s for frame in frames], np.arange(30) / 10, atol=0.002)
    for frame in frames:
        assert frame.camera == "gate"
        assert (frame.pixels.shape, frame.pixels.dtype) == ((96, 160, 3), np.uint8)
        assert frame.pixels.flags.c_contiguous
        assert abs(frame.captured_at - time.time()) < 60
        assert abs(frame.pixels[8, 12].astype(int) - (230, 20, 20)).max() < 12
    info = source.info
    assert (info.width_px, info.height_px, info.live) == (160, 96, False)
    assert info.fps == pytest.approx(10)
    assert info.frames in {30, None}
    assert source.counts().problems == []


def test_frames_stay_valid_after_the_source_is_closed(tmp_path: Path) -> None:
    frames, _ = read_all(write_video(tmp_path / "clip.mp4"))
    assert [grey_of(frame) for frame in frames] == list(range(30))


def test_odd_widths_are_contiguous_and_unshifted(tmp_path: Path) -> None:
    frames, _ = read_all(write_video(tmp_path / "clip.mkv", 3, size=(162, 98), codec="ffv1", pixels="bgr0"))
    assert frames[0].pixels.flags.c_contiguous
    np.testing.assert_array_equal(frames[1].pixels, drawn(1, 162, 98))


@pytest.mark.parametrize(("rotation", "corner"), [(90, "bottom left"), (-90, "top right"), (180, "bottom right")])
def test_rotation_is_honoured(tmp_path: Path, rotation: int, corner: str) -> None:
    """The stored picture has its red square top left; ``rotation`` is counter-clockwise."""
    frames, source = read_all(write_video(tmp_path / "clip.mp4", 3, rotation=rotation))
    picture = frames[0].pixels
    height_px, width_px = picture.shape[:2]
    assert (width_px, height_px) == ((160, 96) if rotation == 180 else (96, 160))
    assert (source.info.width_px, source.info.height_px) == (width_px, height_px)
    y = 6 if "top" in corner else height_px - 6
    x = 6 if "left" in corner else width_px - 6
    assert picture[y, x, 0] > 200
    assert picture[y, x, 1] < 60


def test_the_matrix_that_phones_write_for_upright_film_turns_clockwise(tmp_path: Path) -> None:
    """Checked against the file format itself: matrix (0 1 / -1 0) shows the stored top left at the top right."""
    path = write_video(tmp_path / "phone.mp4", 2)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one, minus_one = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    data[at : at + 8] = bytes(4) + one
    data[at + 12 : at + 20] = minus_one + bytes(4)
    path.write_bytes(bytes(data))
    picture = read_all(path)[0][0].pixels
    assert picture.shape == (160, 96, 3)
    assert picture[6, -6, 0] > 200
    assert picture[6, 6, 0] < 60


def test_the_resolution_may_change_in_the_middle(tmp_path: Path) -> None:
    parts = [write_video(tmp_path / f"{size[0]}.ts", 10, size=size) for size in ((160, 96), (320, 192))]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, _ = read_all(joined)
    shapes = [frame.pixels.shape for frame in frames]
    assert shapes[0] == (96, 160, 3)
    assert shapes[-1] == (192, 320, 3)
    assert len(frames) >= 18
    assert all(later.captured_s > sooner.captured_s for sooner, later in pairwise(frames))


def test_a_truncated_recording_gives_what_decodes_and_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 40, size=(320, 192), options={"crf": "1"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    frames, source = read_all(path)
    assert 10 < len(frames) < 40
    assert [grey_of(frame) for frame in frames[:10]] == list(range(10))
    assert any("pictures could be decoded" in problem for problem in source.counts().problems)


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.ts", 40, size=(320, 192), options={"crf": "1"})
    data = bytearray(path.read_bytes())
    begin, end = len(data) // 2, len(data) * 7 // 10
    data[begin:end:50] = b"\xa5" * len(data[begin:end:50])
    path.write_bytes(bytes(data))
    frames, source = read_all(path)
    assert 20 < len(frames) <= 40
    assert source.counts().corrupt > 0
    assert [grey_of(frame) for frame in frames[:15]] == list(range(15))
    assert grey_of(frames[-1]) == 39


def test_a_hole_in_a_recording_is_reported(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", 40, codec="mjpeg", pixels="yuvj420p", size=(320, 192))
    data = bytearray(path.read_bytes())
    begin = len(data) // 2
    data[begin : begin + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(bytes(data))
    frames, source = read_all(path)
    assert 20 < len(frames) < 40
    assert source.counts().problems[0] == f"damaged: {len(frames)} of 40 pictures could be decoded"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", r"not a video; got: .*empty\.mp4: 0 bytes"),
        ("text.mp4", b"this is a text file, not a video\n" * 50, r"text\.mp4"),
        ("list.mp4", b"ffconcat version 1.0\nfile other.mp4\n", r"list\.mp4"),
        ("songs.mp4", b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/x.ts\n", r"songs\.mp4"),
        ("noise.mp4", bytes(range(256)) * 200, r"noise\.mp4"),
        ("ansi.mp4", b"\x1b[1;31mred\x1b[0m text\r\n" * 200, r"ansi\.mp4"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        opened(path)
    assert caught.value.exit_code == 2
    assert caught.value.allowed
    assert caught.value.next_step


def test_a_playlist_reaches_no_other_file(tmp_path: Path) -> None:
    write_video(tmp_path / "other.ts", 5)
    for name, text in (
        ("clip.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n"),
        ("clip2.mp4", "ffconcat version 1.0\nfile other.ts\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(SourceError):
            opened(tmp_path / name)


def test_missing_recording(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"does not exist; got: .*nothing\.mp4; allowed: .*next: "):
        opened(tmp_path / "nothing.mp4")


def test_a_recording_without_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match=r"no video stream; got: .*sound\.mp4: audio"):
        opened(path)


def test_a_recording_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    whole = write_video(tmp_path / "whole.mkv", 10)
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(SourceError, match="cannot be decoded"):
        opened(path)


def test_a_named_pipe_and_a_missing_device_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        opened(tmp_path / "pipe.mp4")
    # A device may be plugged in later, so that its camera is blind and not wrong.
    with pytest.raises(StreamError, match=r"does not exist; got: /dev/video97; next: .*plugged in"):
        opened("/dev/video97")


def test_pictures_of_a_size_that_nobody_needs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_video, "MAX_PIXELS", 2_000_000)
    path = write_video(tmp_path / "huge.mp4", 1, size=(2_000, 1_200))
    with pytest.raises(SourceError, match=r"too large; got: .*2000x1200 pixels; allowed: up to 2 megapixels"):
        opened(path)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """No temporary file, no log, no cache: a subprocess with empty folders of its own."""
    clip = write_video(tmp_path / "clip.mp4", 20)
    home = tmp_path / "home"
    home.mkdir()
    program = f"""
import asyncio
from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.config import CameraConfig
reader = CameraReader(CameraConfig(name="gate", url={str(clip)!r}, pace="full")).start()
frames = 0
while not reader.mailbox.ended:
    frames += asyncio.run(reader.mailbox.get_async(5)) is not None
assert frames == 20
"""
    places = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=home,
        env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(home.rglob("*")) == []


def test_a_loop_goes_on_with_time_and_numbers(tmp_path: Path) -> None:
    source = opened(write_video(tmp_path / "clip.mp4", 10), on_end="loop")
    frames = list(itertools.islice(source.frames(), 25))
    source.close()
    assert [frame.index for frame in frames] == list(range(25))
    np.testing.assert_allclose([frame.captured_s for frame in frames], np.arange(25) / 10, atol=0.002)
    assert [grey_of(frame) for frame in frames[10:20]] == list(range(10))


def test_pace_live_plays_at_the_recordings_speed_and_skips(tmp_path: Path) -> None:
    source = opened(write_video(tmp_path / "clip.mp4", 30, fps=25), pace="live", max_fps=10)
    started_s = time.monotonic()
    frames = [(time.monotonic() - started_s, frame) for frame in source.frames()]
    source.close()
    assert len(frames) == 12
    assert source.counts().skipped == 18
    for released_s, frame in frames:
        assert released_s == pytest.approx(frame.captured_s, abs=0.25)
    assert frames[-1][0] > 1.0


def test_waiting_for_a_frame_ends_at_once_when_stopped(tmp_path: Path) -> None:
    stopping = threading.Event()
    camera = CameraConfig(name="gate", url=str(write_video(tmp_path / "slow.mp4", 5, fps=1)), pace="live")
    source = open_source(camera, stopping=stopping)
    threading.Timer(0.3, stopping.set).start()
    started_s = time.monotonic()
    assert len(list(source.frames())) == 1
    assert time.monotonic() - started_s < 0.9
    source.close()


def test_a_fake_clock_paces_without_waiting(tmp_path: Path) -> None:
    from lfr_ray.camera.camera_address import parse_address
    from lfr_ray.camera.decode_video import VideoFootage

    clock = SlowClock(machine := FakeClock(), 10.0)
    path = write_video(tmp_path / "clip.mp4", 20, fps=10)

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            machine.advance(timeout or 0.0)
            return False

    stopping = Stopping()
    source = PacedSource(
        CameraConfig(name="gate", url=str(path), max_fps=5),
        lambda: VideoFootage(parse_address(str(path)), clock=clock, stopping=stopping, stall_s=5),
        clock=clock,
        stopping=stopping,
    )
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(0, 20, 2))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(18.0)


def test_ffmpeg_prints_nothing(tmp_path: Path) -> None:
    """Neither about damaged files nor about addresses: its messages hold whole URLs."""
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(4000))
    program = f"""
from lfr_ray.camera.open_footage import open_source
from lfr_ray.config import CameraConfig
from tests.mailboxes import next_frame
for url in ({str(tmp_path / "broken.mp4")!r}, "rtsp://admin:hunter2@127.0.0.1:1/x", "http://admin:hunter2@127.0.0.1:1/x"):
    try:
        open_source(CameraConfig(name="gate", url=url))
    except Exception as error:
        import traceback
        traceback.print_exc()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    assert "hunter2" not in done.stderr
    assert done.stderr.count("Traceback") == 3
    for line in done.stderr.splitlines():
        assert not line.startswith("[")


@pytest.mark.footage
def test_real_clips_give_every_frame(shared_data: Path) -> None:
    with (shared_data / "videos" / "videos.csv").open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for name in ("hamilton.mp4", "zoom_out_s20.mp4", "carphone_qcif.mp4", "masked_wnx.mp4", "interview_1.mp4"):
        source = opened(shared_data / "videos" / name)
        last_s, count = -1.0, 0
        for frame in source.frames():
            assert frame.captured_s > last_s
            last_s, count = frame.captured_s, count + 1
        source.close()
        assert count == int(rows[name]["frames"])
        assert (source.info.width_px, source.info.height_px) == (
            int(rows[name]["width"]),
            int(rows[name]["height"]),
        )
        assert last_s == pytest.approx((count - 1) / float(rows[name]["fps"]), rel=0.05)
