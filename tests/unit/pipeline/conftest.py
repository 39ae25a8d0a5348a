"""A camera's chain in virtual time: its parts answer by script, and waiting costs nothing."""

from __future__ import annotations

import asyncio
import selectors
import weakref
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from lfr_ray.clock import FakeClock
from lfr_ray.config import CameraConfig, EmbedderConfig, SiteConfig
from lfr_ray.metrics import Meter, Timing
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.pipeline.camera_chain import CameraSteps
from lfr_ray.pipeline.checks_before_comparison import CoveredFaces
from lfr_ray.pipeline.order_of_checks import Checks, checks_for
from lfr_ray.records import Answer, Embedded, Faces, Floats, Frame, Match, Picture, Probe, Sighting

WIDTH_PX, HEIGHT_PX = 640, 360
FACE_PX = 90.0
INTERVAL_S = 0.1
# Of the face's box: eyes, nose tip, mouth corners of a level face seen from the front.
POINTS = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.562], [0.34, 0.75], [0.66, 0.75]], np.float32)
TEXTURE = np.random.default_rng(7).integers(40, 220, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a fake clock: where it would wait, the clock is moved."""

    def __init__(self, clock: FakeClock) -> None:
        self._fake = clock
        super().__init__(_Jumping(clock))

    def time(self) -> float:
        return self._fake.steady_s()


class _Jumping(selectors.DefaultSelector):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._fake = clock

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everything waits for ever"
        self._fake.advance(max(0.0, timeout))
        return super().select(0)


class FixedDetector:
    """Finds a face wherever the script puts one; its answers take ``takes_s`` of each frame."""

    def __init__(self, people: Callable[[int], Iterable[tuple[float, float]]]) -> None:
        self._people = people
        self.takes_s: Callable[[int], float] = lambda index: 0.02
        self.waited_s = 0.0
        self.fails: Callable[[int], bool] = lambda index: False
        self.under_way = self.most_under_way = self.index = 0

    async def detect(self, canvas: Picture) -> Faces:
        if canvas.any():  # what is blank is asked to learn how long it takes now
            self.index = frame_index(canvas)
        index = self.index
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.takes_s(index))
        finally:
            self.under_way -= 1
        if self.fails(index):
            raise RuntimeError("the replica died")
        corners = np.array(list(self._people(index)), np.float32).reshape(-1, 2)
        boxes = np.concatenate([corners, corners + np.float32(FACE_PX)], axis=1)
        points = corners[:, None] + POINTS * np.float32(FACE_PX)
        return Faces(boxes, np.full(len(corners), 0.9, np.float32), points.astype(np.float32), waited_s=self.waited_s)


class FixedEmbedder:
    """Gives every chip the same direction, and remembers weakly what it gave."""

    def __init__(self) -> None:
        self._given: list[weakref.ref[Floats]] = []

    async def embed(self, chips: Picture) -> Floats:
        vectors = np.zeros((len(chips), 128), np.float32)
        vectors[:, 0] = 1.0
        self._given.append(weakref.ref(vectors))
        return vectors

    @property
    def alive(self) -> int:
        """Calls of which somebody still holds a vector."""
        return sum(one() is not None for one in self._given)

    @property
    def calls(self) -> int:
        """Calls so far."""
        return len(self._given)


class FixedMatcher:
    """Answers every probe with ``answer``, after ``takes_s``."""

    def __init__(self, answer: Callable[[Probe], Answer]) -> None:
        self.answer = answer
        self.takes_s: Callable[[], float] = lambda: 0.01
        self.probes: list[tuple[int, bool, int]] = []
        """Track, whether it is judged by itself, and number of views of each probe."""
        self.asked: list[tuple[int, float, int]] = []
        """Track, wall time of the newest view and number of views of each probe."""

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        self.probes += [(probe.track, probe.single, len(probe.vectors)) for probe in probes]
        self.asked += [(probe.track, probe.captured_at, len(probe.vectors)) for probe in probes]
        await asyncio.sleep(self.takes_s())
        return [self.answer(probe) for probe in probes]


class ListingDesk:
    """Keeps what it acknowledged; ``verdict`` may raise instead."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.verdict: Callable[[int], None] = lambda attempt: None
        self.attempts: list[tuple[str, float]] = []
        self.acknowledged: list[Sighting] = []

    async def raise_alert(self, sighting: Sighting) -> None:
        self.attempts.append((sighting.key, self._clock.steady_s()))
        self.verdict(len(self.attempts))
        self.acknowledged.append(sighting)


class ListedFrames:
    """Frames at their own pace; behind the last one it ends, stays silent for ever, or fails."""

    def __init__(self, clock: FakeClock, frames: int, *, then: str = "end", first: int = 0) -> None:
        self._clock = clock
        self._indices = iter(range(first, first + frames))
        self._then = then
        self.pauses_s: dict[int, float] = {}
        self.interval_s = INTERVAL_S
        self.single = False
        self._given: list[weakref.ref[Picture]] = []

    @property
    def alive(self) -> int:
        """Frames whose pixels somebody still holds."""
        return sum(one() is not None for one in self._given)

    async def get_async(self) -> Frame | None:
        index = next(self._indices, None)
        if index is not None:
            await asyncio.sleep(self.pauses_s.get(index, self.interval_s))
            return self._frame(index)
        if self._then == "silence":
            await asyncio.Event().wait()
        if self._then == "fault":
            raise OSError("the driver failed")
        return None

    def _frame(self, index: int) -> Frame:
        pixels = TEXTURE.copy()
        pixels[0, 0] = (*divmod(index, 256), 0)
        self._given.append(weakref.ref(pixels))
        moment_s = index * self.interval_s
        return Frame("gate", index, moment_s, self._clock.wall_s(), pixels, self._clock.steady_s(), self.single)


class Chain:
    """One camera's chain with its scripted parts."""

    def __init__(
        self,
        people: Callable[[int], Iterable[tuple[float, float]]],
        *,
        occlusion: Any = None,
        site: SiteConfig | None = None,
        second: ModelCard | None = None,
        more: Callable[[Checks], Checks] = lambda checks: checks,
        **camera: Any,
    ) -> None:
        self.clock = FakeClock()
        self.meter = Meter()
        self.detector = FixedDetector(people)
        self.embedder = FixedEmbedder()
        self.matcher = FixedMatcher(lambda probe: Answer(deployment="test"))
        self.desk = ListingDesk(self.clock)
        self.stability: Callable[[Picture], float] = lambda chip: 1.0
        self.second_chips: list[tuple[int, ...]] = []
        # The faces here are noise: what covers them is the test's to say.
        plain = EmbedderConfig(covered_views=False)
        site = (site or SiteConfig(site="pier")).model_copy(update={"embedder": plain})
        checks = checks_for(site, card("dlib_resnet"), self, second)
        if occlusion is not None:
            checks = Checks((CoveredFaces(occlusion), *checks.views), checks.matches)
        self.steps = CameraSteps(
            CameraConfig(name="gate", url="demo:gate", **camera),
            site,
            card("dlib_resnet"),
            self,
            self.clock,
            self.meter,
            run_id="run",
            checks=more(checks),
        )

    async def detect(self, canvas: Picture) -> Faces:
        return await self.detector.detect(canvas)

    async def embed(self, chips: Picture) -> Embedded:
        vectors = await self.embedder.embed(chips)
        return Embedded(vectors, np.array([self.stability(chip) for chip in chips], np.float32))

    async def embed_second(self, chips: Picture) -> Embedded:
        self.second_chips.append(chips.shape)
        return await self.embed(chips)

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        return await self.matcher.match(probes)

    async def raise_alert(self, sighting: Sighting) -> None:
        await self.desk.raise_alert(sighting)

    def frames(self, count: int, **options: Any) -> ListedFrames:
        return ListedFrames(self.clock, count, **options)

    def run(self, job: Coroutine[Any, Any, Any]) -> Any:
        """Run a job to its end in virtual time."""
        loop = VirtualLoop(self.clock)
        try:
            return loop.run_until_complete(asyncio.wait_for(job, 3600))
        finally:
            loop.run_until_complete(_cancel_all())
            loop.close()

    def count(self, name: str, **labels: str) -> int:
        """A counter of this camera."""
        return int(self.meter.value(name, camera="gate", **labels))

    def timing(self, name: str) -> Timing:
        """A duration, over all labels."""
        (timing,) = [one for (key, _), one in self.meter.snapshot().timings.items() if key == name]
        return timing


async def _cancel_all() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def until(reached: Callable[[], object]) -> None:
    """Wait, in virtual time."""
    while not reached():  # noqa: ASYNC110  (there is no event to wait for: what is looked at are counters)
        await asyncio.sleep(0.001)


def frame_index(canvas: Picture) -> int:
    """Which frame a canvas was made from."""
    return int(canvas[0, 0, 0]) * 256 + int(canvas[0, 0, 1])


def found(probe: Probe) -> Answer:
    """Possibly the one person on the list."""
    views = len(probe.vectors)
    match = Match("entry-1", "Nobody Listed", "test", "", 0.99, 0.96, 2.0, "", views, views, 1)
    return Answer(match=match, deployment="test", watchlist_jpeg=b"\xff\xd8list\xff\xd9")


@pytest.fixture
def chain() -> Callable[..., Chain]:
    """Makes chains; ``people`` says where faces are in the frame of an index."""
    return Chain


@pytest.fixture
def possibly_listed() -> Callable[[Probe], Answer]:
    """The matcher's answer to one who may be listed."""
    return found
