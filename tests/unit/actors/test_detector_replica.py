"""A detector says for how long a picture waited for its turn, and when it was worked on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lfr_ray.actors import detector_replica, embedder_replica
from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.actors.embedder_replica import EmbedderReplica
from lfr_ray.config import DetectorConfig, EmbedderConfig, SiteConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.errors import ModelError
from lfr_ray.models import device_and_self_test
from lfr_ray.records import Faces, Picture


class Wide:
    """Finds one face, as wide as the picture and as high as its first value; it knows the batches that it was given."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def detect(self, pictures: Picture) -> list[Faces]:
        self.batches.append(pictures.shape[:3])
        boxes = [np.array([[0, 0, one.shape[1], one[0, 0, 0]]], np.float32) for one in pictures]
        return [replace(Faces.none(), boxes=one, scores=np.ones(1, np.float32)) for one in boxes]


CANVAS = np.zeros((32, 32, 3), np.uint8)


class Held:
    """A detector that gives no answer before it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def detect(self, pictures: Picture) -> list[Faces]:
        self.begun.release()
        assert self.let_go.wait(10.0)
        return [Faces.none() for _ in pictures]


async def two_at_once(replica: Any, held: Held, begun: int) -> tuple[Faces, Faces, float]:
    """Both answers, and for how long the model was held while it worked on so many."""
    asked = [asyncio.create_task(replica.detect(CANVAS)) for _ in range(2)]
    for _ in range(begun):
        assert await asyncio.to_thread(held.begun.acquire, timeout=10.0)
    began_s = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(lambda: None) for _ in range(20)))  # some time passes
    held_s = time.monotonic() - began_s
    held.let_go.set()
    first, second = await asyncio.gather(*asked)
    return first, second, held_s


def in_streams(streams: int) -> tuple[Faces, Faces, float]:
    """Two pictures at once for a replica with so many streams; see :func:`two_at_once`."""
    replica: Any = DetectorReplica.__new__(DetectorReplica)  # its model, without a weight file
    with ThreadPoolExecutor(streams) as replica._threads:
        replica._detector, replica._in_streams = (held := Held()), True
        return asyncio.run(two_at_once(replica, held, streams))


def waits_for_the_first(first: Faces, second: Faces, held_s: float) -> bool:
    return second.worked[0] >= first.worked[1] and second.waited_s >= held_s


def test_the_second_picture_waits_for_the_first_one() -> None:
    assert waits_for_the_first(*in_streams(1))


def test_with_a_stream_for_each_nobody_waits() -> None:
    first, second, _ = in_streams(2)
    assert second.worked[0] < first.worked[1]


def test_on_a_gpu_pictures_of_one_size_are_one_batch_and_each_gets_its_own_faces(batched: Callable[..., Any]) -> None:
    widths, wide = [32, 64, 32, 64, 64], Wide()

    async def together() -> list[Faces]:
        replica = batched(DetectorReplica, len(widths), _detector=wide)
        canvases = [np.full((32, width, 3), number, np.uint8) for number, width in enumerate(widths)]
        return list(await asyncio.gather(*map(replica.detect, canvases)))

    found = asyncio.run(together())
    assert [tuple(one.boxes[0, 2:]) for one in found] == [(width, number) for number, width in enumerate(widths)]
    assert sorted(wide.batches) == [(2, 32, 32), (3, 32, 64)]
    assert len({one.worked for one in found}) == 1


def test_on_a_gpu_a_picture_waits_for_the_batch_before(batched: Callable[..., Any]) -> None:
    held = Held()
    assert waits_for_the_first(*asyncio.run(two_at_once(batched(DetectorReplica, 1, _detector=held), held, 1)))


class Suspicious(Wide):
    """Fails with any batch in which a picture is white."""

    def detect(self, pictures: Picture) -> list[Faces]:
        found = super().detect(pictures)
        if pictures[:, 0, 0, 0].max() == 255:
            raise ModelError("values that are not finite")
        return found


def test_on_a_gpu_a_bad_picture_costs_only_its_own_camera(batched: Callable[..., Any]) -> None:
    async def together() -> list[Faces | BaseException]:
        replica = batched(DetectorReplica, 3, _detector=Suspicious())
        canvases = [np.full((32, 32, 3), value, np.uint8) for value in (1, 255, 3)]
        return list(await asyncio.gather(*map(replica.detect, canvases), return_exceptions=True))

    first, bad, last = asyncio.run(together())
    assert isinstance(bad, ModelError)
    assert isinstance(first, Faces)
    assert isinstance(last, Faces)
    assert (first.boxes[0, 3], last.boxes[0, 3]) == (1, 3)


@pytest.mark.parametrize("kind", [DetectorReplica, EmbedderReplica])
def test_a_replica_that_lost_its_gpu_says_so_to_serve(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    monkeypatch.setattr(device_and_self_test, "_LOST", [])
    replica = kind.__new__(kind)
    asyncio.run(replica.check_health())
    device_and_self_test.note_lost("AcceleratorError: CUDA error: unspecified launch failure")
    for _ in range(3):  # so often Serve asks before it replaces one
        with pytest.raises(ModelError, match=r"lost its GPU.*unspecified launch failure"):
            asyncio.run(replica.check_health())


@pytest.mark.parametrize(("in_streams", "most"), [(True, 1), (False, 12)])
@pytest.mark.parametrize("module", [detector_replica, embedder_replica])
def test_a_gpu_gets_each_size_of_batch_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, *, in_streams: bool, most: int
) -> None:
    tried: list[int] = []
    sides_px: list[tuple[int, int]] = []

    def self_test(_model: object, *, most: int, width_px: int = 0, height_px: int = 0) -> None:
        tried.append(most)
        sides_px.append((width_px, height_px))

    monkeypatch.setattr(module, "self_test", self_test)
    monkeypatch.setattr(module, "runs_in_streams", lambda _model: in_streams)
    is_detector = module is detector_replica
    monkeypatch.setattr(module, "detector_of" if is_detector else "embedder_of", lambda *_: object())
    site = SiteConfig(site="pier", detector=DetectorConfig(max_batch=12), embedder=EmbedderConfig(max_batch=12))
    if is_detector:
        monkeypatch.setattr(module, "give_way", lambda: None)  # this process goes on with other tests
    replica = (module.DetectorReplica if is_detector else module.EmbedderReplica)(site)
    replica._threads.shutdown()
    assert tried == [most]
    assert not is_detector or sides_px == [canvas_for(1920, 1080, site.detector)], "what a usual camera sends"
