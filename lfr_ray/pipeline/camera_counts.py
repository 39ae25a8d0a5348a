"""What one camera's chain counts and times, and how far it comes with its frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from lfr_ray.camera.frame_pace import rate
from lfr_ray.clock import Clock
from lfr_ray.health import Looks
from lfr_ray.metrics import Meter
from lfr_ray.structured_logs import get_logger

RATE_WINDOW_S = 10.0
"""The rate of frames that are looked at is measured over so long."""

LATELY_S, LATELY_PASSAGES = 60.0, 20
"""So many passages, and none older, say whether there are enough looks at each."""

UNANSWERED_LATELY_S = 10.0
"""Nothing is concluded from a question without an answer that was given up longer ago."""

SMOOTHING = 0.1

DETECT, MATCH, ALERT = "detect_seconds", "match_seconds", "capture_to_alert_seconds"
ANSWER = "capture_to_answer_seconds"

log = get_logger()


class CameraCounts:
    """A meter that adds the camera's name to every count."""

    def __init__(self, meter: Meter, clock: Clock, camera: str) -> None:
        self._meter = meter
        self._clock = clock
        self._camera = camera
        self._under_way: dict[str, list[float]] = {}
        """Steady times at which what is under way began, by name."""
        self._came_s: dict[str, float] = {}
        """Steady time of the newest success, by name."""
        self._given_up: tuple[float, float] | None = None
        """Of the questions to the matcher without an answer since its newest one: the first's begin, the last's end."""
        self._first_s: float | None = None
        self._looked_s: deque[float] = deque(maxlen=1024)
        self._detect_s = 0.0
        self._answer_s: float | None = None
        self._passages: deque[tuple[float, bool]] = deque(maxlen=LATELY_PASSAGES)

    def add(self, name: str, by: float = 1, **labels: str) -> None:
        """Count something of this camera."""
        self._meter.count(name, by, camera=self._camera, **labels)

    def lasted(self, name: str, seconds: float, **labels: str) -> None:
        """Note a duration."""
        self._meter.time(name, seconds, camera=self._camera, **labels)
        self._came_s[name] = self._clock.steady_s()
        if name == DETECT:
            self._looked_s.append(self._came_s[name])
            self._detect_s += (SMOOTHING if self._detect_s else 1.0) * (seconds - self._detect_s)
        elif name == MATCH:
            self._given_up = None
        elif name == ANSWER:
            before_s = seconds if self._answer_s is None else self._answer_s
            self._answer_s = before_s + SMOOTHING * (seconds - before_s)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the block took, unless it failed."""
        began_s = self._clock.steady_s()
        try:
            with self.under_way(name):
                yield
        except BaseException:  # given up by whoever asked, too
            if name == MATCH:
                first_s, _ = self._given_up or (began_s, 0.0)
                self._given_up = min(first_s, began_s), self._clock.steady_s()
            raise
        self.lasted(name, self._clock.steady_s() - began_s)

    @contextmanager
    def under_way(self, name: str) -> Iterator[None]:
        """While the block runs, how long it has run is seen in :meth:`looks`."""
        began_s = self._clock.steady_s()
        if name == DETECT and self._first_s is None:
            self._first_s = began_s
        begun = self._under_way.setdefault(name, [])
        begun.append(began_s)
        try:
            yield
        finally:
            begun.remove(began_s)

    def failed(self, stage: str, error: Exception) -> None:
        """Count and log a failure. Only its kind is logged: its text could quote data."""
        self.add("stage_failures_total", stage=stage)
        log.warning("stage failed", camera=self._camera, stage=stage, error=type(error).__name__)

    def passed(self, looks: int, needed: int) -> None:
        """Somebody of whom a view was good enough has passed, with so many looks at the face."""
        glimpsed = looks < needed
        self._passages.append((self._clock.steady_s(), glimpsed))
        if glimpsed:
            self.add("faces_glimpsed_total")

    def looks(self, needed: int, cannot: str = "") -> Looks:
        """How far the chain comes, where an alert needs so many looks.

        ``cannot`` says why nothing of this camera can be judged, or is empty.
        """
        now_s = self._clock.steady_s()
        lately = [glimpsed for at_s, glimpsed in self._passages if now_s - at_s <= LATELY_S]
        return Looks(
            fps=rate(self._looked_s, self._first_s, now_s, RATE_WINDOW_S),
            faces_seen=int(self._meter.value("faces_seen_total", camera=self._camera)),
            faces_compared=int(self._meter.value("faces_compared_total", camera=self._camera)),
            waiting_s=self._oldest_s(DETECT, now_s),
            detect_s=self._detect_s,
            detected_age_s=None if self._first_s is None else now_s - self._came_s.get(DETECT, self._first_s),
            compared_age_s=self._age_s(MATCH, now_s),
            unanswered_s=self._unanswered_s(now_s),
            raising_s=self._oldest_s(ALERT, now_s),
            raised_age_s=self._age_s(ALERT, now_s),
            passages=len(lately),
            glimpsed=sum(lately),
            needed=needed,
            cannot=cannot,
            answer_s=self._answer_s,
        )

    def _unanswered_s(self, now_s: float) -> float:
        begun_s = [now_s, *self._under_way.get(MATCH, ())]
        if self._given_up is not None and now_s - self._given_up[1] <= UNANSWERED_LATELY_S:
            begun_s.append(self._given_up[0])
        since_s: float = max(min(begun_s), self._came_s.get(MATCH, 0.0))
        return now_s - since_s

    def _oldest_s(self, name: str, now_s: float) -> float:
        return now_s - min(self._under_way.get(name, ()), default=now_s)

    def _age_s(self, name: str, now_s: float) -> float | None:
        came_s = self._came_s.get(name)
        return None if came_s is None else now_s - came_s
