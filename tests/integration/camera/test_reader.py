"""The camera's thread: recordings, plugged-in footage, faults of every kind."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lfr_ray.camera.camera_reader import CameraReader, CameraStatus
from lfr_ray.camera.footage_interface import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.give_way import GiveWay
from lfr_ray.camera.newest_frame import EveryFrame, NewestFrame
from lfr_ray.camera.reconnect import ReconnectConfig
from lfr_ray.config import CameraConfig
from lfr_ray.errors import StreamError
from lfr_ray.records import Frame
from tests.integration.camera.clips import Clips
from tests.mailboxes import next_frame

PIXELS = np.zeros((48, 64, 3), np.uint8)


class SyntheticSource:
    """Footage out of nothing, with a fault after some frames."""

    def __init__(self, config: CameraConfig, frames: int = 20, *, fault: Callable[[], None] | None = None) -> None:
        self.counts = SourceCounts()
        self.info = SourceInfo(64, 48, 10.0, frames, live=False)
        self._frames, self._fault = frames, fault
        self.closed = False

    def pictures(self) -> Iterator[DecodedPicture]:
        for index in range(self._frames):
            self.counts.decoded += 1
            yield DecodedPicture.ready(index / 10, PIXELS)
        if self._fault is not None:
            self._fault()

    def close(self) -> None:
        self.closed = True


def config(url: Path | str, **fields: object) -> CameraConfig:
    return CameraConfig.model_validate({"name": "gate", "url": str(url), **fields})


def synthetic(
    make: Callable[[CameraConfig], SyntheticSource],
    **fields: object,
) -> CameraReader:
    patience = ReconnectConfig(first_s=0.02, longest_s=0.05)
    camera = config("toy:one", pace="full", **fields)
    return CameraReader(camera, schemes={"toy": make}, reconnect=patience).start()


def taken(reader: CameraReader) -> list[Frame]:
    frames = []
    while not reader.mailbox.ended:
        frame = next_frame(reader.mailbox, 10)
        if frame is not None:
            frames.append(frame)
    return frames


def pictures(folder: Path, count: int) -> Path:
    for index in range(count):
        Image.fromarray(PIXELS + np.uint8(index)).save(folder / f"{index:03}.png")
    return folder


def test_pace_full_gives_every_frame_to_a_slow_reader(tmp_path: Path) -> None:
    reader = CameraReader(config(pictures(tmp_path, 12), pace="full")).start()
    assert isinstance(reader.mailbox, EveryFrame)
    frames = []
    while not reader.mailbox.ended:
        time.sleep(0.02)
        frame = next_frame(reader.mailbox, 10)
        if frame is not None:
            frames.append(int(frame.pixels[0, 0, 0]))
    assert frames == list(range(12))
    status = reader.status()
    assert (status.state, status.frames, status.dropped, status.blind_since) == ("ended", 12, 0, None)
    assert reader.stop()


def test_a_recording_that_waits_for_its_reader_is_not_blind(tmp_path: Path) -> None:
    reader = CameraReader(config(pictures(tmp_path, 9), pace="full", stall_s=0.1)).start()
    time.sleep(0.5)
    assert reader.status().state == "live"
    assert len(taken(reader)) == 9


def test_what_cannot_be_opened_ends_with_its_reason(tmp_path: Path) -> None:
    reader = CameraReader(config(tmp_path / "nothing.mp4")).start()
    assert taken(reader) == []
    status = reader.status()
    assert status.state == "ended"
    assert "does not exist" in status.problem


def test_a_scheme_that_nobody_opens_ends_with_its_reason_and_no_password() -> None:
    reader = CameraReader(config("ftp://officer:hunter2@10.0.0.7/x")).start()
    assert taken(reader) == []
    assert "scheme" in reader.status().problem
    assert "hunter2" not in repr(reader.status())


def test_plugged_in_footage_is_read_and_closed() -> None:
    made: list[SyntheticSource] = []

    def make(camera: CameraConfig) -> SyntheticSource:
        made.append(SyntheticSource(camera))
        return made[-1]

    reader = synthetic(make)
    assert [frame.index for frame in taken(reader)] == list(range(20))
    reader.stop()
    assert made[0].closed
    assert reader.info == SourceInfo(64, 48, 10.0, 20, live=False)
    assert (reader.status().width_px, reader.status().height_px) == (64, 48)


@pytest.mark.parametrize(("pace", "watched"), [("live", True), ("full", False)])
def test_a_live_camera_s_decoding_is_watched_by_its_own_thread(
    pace: str, watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    decoded: list[int] = []

    def look(_: GiveWay, counts: Callable[[], SourceCounts]) -> None:
        threads.add(threading.get_ident())
        decoded.append(counts().decoded)

    monkeypatch.setattr(GiveWay, "look", look)
    reader = CameraReader(config("toy:one", pace=pace), schemes={"toy": lambda one: SyntheticSource(one, 5)}).start()
    assert taken(reader)
    reader.stop()
    assert len(threads) == (1 if watched else 0)
    assert decoded == ([*range(1, 6)] if watched else [])
    assert threading.get_ident() not in threads


def test_plugged_in_footage_loops() -> None:
    reader = synthetic(SyntheticSource, on_end="loop")
    frames = [next_frame(reader.mailbox, 10) for _ in range(50)]
    reader.stop()
    assert [frame.index for frame in frames if frame is not None] == list(range(50))
    np.testing.assert_allclose([frame.captured_s for frame in frames if frame is not None], np.arange(50) / 10)


def test_no_fault_of_a_driver_ends_a_looping_camera() -> None:
    faults: list[BaseException] = [StreamError("gone"), RuntimeError("hunter2"), MemoryError(), ValueError("x")]

    def fault() -> None:
        if faults:
            raise faults.pop()

    seen: list[CameraStatus] = []
    readers: list[CameraReader] = []

    def make(camera: CameraConfig) -> SyntheticSource:
        seen.extend(one.status() for one in readers)
        return SyntheticSource(camera, 3, fault=fault)

    reader = synthetic(make, on_end="loop")
    readers.append(reader)
    while reader.status().reconnects < 4:
        next_frame(reader.mailbox, 0.05)
    reader.stop()
    problems = [status.problem for status in seen if status.state == "blind"]
    assert problems == ["the decoder failed (ValueError)", "the decoder failed (MemoryError)",
                        "the decoder failed (RuntimeError)", "gone"]  # fmt: skip
    assert "hunter2" not in repr(seen)
    assert reader.status().state == "ended"


def test_stop_returns_soon_although_the_driver_hangs() -> None:
    released = threading.Event()

    def hang() -> None:
        released.wait(20)

    reader = synthetic(lambda camera: SyntheticSource(camera, 1, fault=hang))
    assert next_frame(reader.mailbox, 10) is not None
    started_s = time.monotonic()
    assert not reader.stop()
    assert time.monotonic() - started_s < 2
    assert reader.mailbox.ended
    released.set()
    assert reader.stop()
    assert reader.status().state == "ended"


def test_no_frame_is_kept_while_the_next_one_is_waited_for() -> None:
    """A camera that hangs must not remember the last face that it saw."""
    released, hanging = threading.Event(), threading.Event()
    alive: list[weakref.ref[np.ndarray]] = []

    class Forgetful(SyntheticSource):
        def pictures(self) -> Iterator[DecodedPicture]:
            for index in range(2):
                pixels = np.zeros((48, 64, 3), np.uint8)
                alive.append(weakref.ref(pixels))
                yield DecodedPicture.ready(index / 10, pixels)
                del pixels
            hanging.set()
            released.wait(20)

    reader = synthetic(Forgetful)
    assert next_frame(reader.mailbox, 10) is not None
    assert next_frame(reader.mailbox, 10) is not None
    assert hanging.wait(10)
    assert [one() for one in alive] == [None, None]
    released.set()
    reader.stop()


def test_no_picture_waits_for_python_to_look_for_circles(tmp_path: Path) -> None:
    """A picture that only the next search for circles takes away stays for minutes in a process that runs for long."""
    url = str(Clips(tmp_path, 30)())
    found = gc.garbage
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        assert len(taken(CameraReader(config(url, pace="full")).start())) == 30
        gc.collect()
        held = [type(one).__name__ for one in found if type(one).__module__.startswith(("av.", "lfr_ray.", "numpy"))]
    finally:
        gc.set_debug(0)
        found.clear()
        gc.enable()
    assert held == []


def test_stopping_forgets_the_frames_that_nobody_took() -> None:
    reader = synthetic(SyntheticSource)
    while reader.status().frames < 2:
        time.sleep(0.01)
    reader.stop()
    assert reader.mailbox.ended
    assert next_frame(reader.mailbox, 0) is None


def test_stop_frees_a_thread_that_waits_for_room() -> None:
    reader = synthetic(SyntheticSource)
    time.sleep(0.2)
    assert reader.stop()
    assert reader.status().frames <= 3


def test_stop_before_start_and_twice_is_harmless() -> None:
    reader = CameraReader(config("toy:one"), NewestFrame())
    assert reader.stop()
    assert reader.stop()
    assert reader.mailbox.ended


def test_the_default_mailbox_keeps_the_newest() -> None:
    assert isinstance(CameraReader(config("rtsp://127.0.0.1:1/x")).mailbox, NewestFrame)


@pytest.mark.footage
def test_a_real_clip_at_live_pace_counts_what_nobody_looked_at(shared_data: Path) -> None:
    clip = shared_data / "videos" / "headpose_pair.mp4"
    reader = CameraReader(config(clip, max_fps=30)).start()
    frames = 0
    while not reader.mailbox.ended:
        time.sleep(0.25)
        frames += next_frame(reader.mailbox, 1) is not None
    status = reader.status()
    assert status.frames == 56
    assert frames + status.dropped == 56
    assert frames < 30


def test_a_decoder_has_no_threads_of_its_own(tmp_path: Path) -> None:
    """They would take the cores from the models."""
    threads = Path("/proc/self/task")
    before = len(list(threads.iterdir()))
    reader = CameraReader(config(Clips(tmp_path, 30)(), pace="full")).start()
    try:
        assert next_frame(reader.mailbox, 10) is not None
        assert len(list(threads.iterdir())) == before + 1, "the camera's own"
    finally:
        reader.stop()
