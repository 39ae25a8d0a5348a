"""A run over recordings: how many are read at a time, what becomes of one that fails, and what the result says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.camera.footage_interface import SourceInfo
from lfr_ray.camera.recording_files import Recording, Rejected
from lfr_ray.config import CameraConfig
from lfr_ray.errors import ConfigError, ResourceError
from lfr_ray.govern.face_counters import CameraCounters
from lfr_ray.metrics import Meter, Snapshot
from lfr_ray.pipeline.camera_run import EndOfRecording
from lfr_ray.records import AlertPage
from lfr_ray.retrospective_run import FootageRun, Progress

ALONE = """
import sys
import lfr_ray.cli.watch, lfr_ray.retrospective_run, lfr_ray.site.open_site
import lfr_ray.actors.desk_actor, lfr_ray.actors.matcher_actor, lfr_ray.enrol.import_folder
import lfr_ray.alert.webhook_delivery, lfr_ray.site.timed_tasks
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.models.card_catalogue import card
load_detector(card("centerface"), device="cpu")
print(sorted({"ray", "torch", "fastapi", "onnxruntime", "ultralytics"} & set(sys.modules)))
"""


def recording(name: str) -> Recording:
    return Recording(CameraConfig(name=name, url=f"{name}.mp4", pace="full"), SourceInfo(64, 48, 25.0, 10, live=False))


Run = Callable[[Recording], Coroutine[Any, Any, None]]


class Scripted:
    """A place where recordings end as a script says; every one has ten frames."""

    detector: Any = None
    embedders: Sequence[Any] = ()

    def __init__(self, run: Run, at_once: int = 2) -> None:
        self._run = run
        self.at_once = at_once
        self.under_way = self.most_under_way = 0
        self.closed = self.ended = False

    def start(self, recordings: Sequence[Recording]) -> None:
        self.started = [one.camera.name for one in recordings]

    async def open(self) -> None:
        pass

    async def run_to_end(self, recording: Recording) -> EndOfRecording:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self._run(recording)
        finally:
            self.under_way -= 1
        meter = Meter()
        meter.count("frames_total", 10, camera=recording.camera.name)
        return EndOfRecording(meter.snapshot(), CameraReader(recording.camera).status())

    def frames_under_way(self) -> int:
        return 3 * self.under_way

    async def counted(self) -> Snapshot:
        return Meter().snapshot()

    async def alerts(self, query: Any) -> AlertPage:
        return AlertPage((), None, 0)

    async def keep_up(self, seen: dict[str, CameraCounters]) -> None:
        self.seen = seen

    async def close(self) -> None:
        assert not self.under_way, "it is closed only when nothing runs any more"
        self.closed = True

    def end(self) -> None:
        self.ended = True


async def at_once(_recording: Recording) -> None:
    await asyncio.sleep(0)


def test_every_recording_is_run_and_no_more_at_a_time_than_suit_the_place() -> None:
    place, seen = Scripted(at_once), []
    recordings = [recording(name) for name in "abcde"]
    with FootageRun(place) as run:
        run.place.start(recordings)
        result = run.watch(recordings, lambda progress: seen.append((progress.recordings_done, progress.frames)))
    assert place.started == list("abcde")
    assert place.most_under_way == 2
    assert result.by_label("frames_total", "camera") == dict.fromkeys("abcde", 10)
    assert seen[-1] == (5, 50)
    assert (place.closed, place.ended, result.problems) == (True, True, {})


def test_a_process_that_dies_costs_its_recording_alone() -> None:
    async def b_dies(one: Recording) -> None:
        if one.camera.name == "b":
            raise ResourceError("a process of the site has died")

    place = Scripted(b_dies)
    with FootageRun(place) as run:
        left_out = [Rejected("/tape/d.mp4", "the file is not a video; got: Jo Day.mp4: text")]
        result = run.watch([recording(name) for name in "abc"], left_out=left_out)
    assert result.by_label("frames_total", "camera") == {"a": 10, "c": 10}
    assert result.problems == {"b": ["its process ended; the rest of the recording was not seen"]}
    assert {name: (one.frames, one.problems) for name, one in place.seen.items()} == {
        "a": (10, ()),
        "b": (0, tuple(result.problems["b"])),
        "c": (10, ()),
        "d.mp4": (0, ("the file is not a video",)),
    }


@pytest.mark.parametrize("error", [ConfigError("the rules are wrong"), KeyboardInterrupt()])
def test_what_ends_one_recording_otherwise_ends_them_all_and_nothing_stays_open(error: BaseException) -> None:
    async def b_fails(one: Recording) -> None:
        if one.camera.name == "b":
            raise error
        await asyncio.Event().wait()

    place = Scripted(b_fails)
    with pytest.raises(type(error)), FootageRun(place) as run:
        run.watch([recording("a"), recording("b")])
    assert (place.closed, place.ended, place.under_way) == (True, True, 0)


def test_how_far_it_is_counts_the_frames_of_recordings_that_go_on() -> None:
    seen: list[Progress] = []
    noted = asyncio.Event()

    async def until_noted(_recording: Recording) -> None:
        await noted.wait()

    def note(progress: Progress) -> None:
        seen.append(progress)
        noted.set()

    with FootageRun(Scripted(until_noted)) as run:
        run.watch([recording("a")], note)
    assert [one.frames for one in seen] == [3, 10]


def test_nothing_of_it_loads_ray_or_torch() -> None:
    outcome = subprocess.run([sys.executable, "-W", "ignore", "-c", ALONE], capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines() == ["[]"]
