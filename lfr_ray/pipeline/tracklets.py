"""What one camera knows of the people before it right now, and how it forgets them.

A tracklet is one track from its first to its last detection. Vectors and pictures of passers-by are kept here and
nowhere else: in memory, in one object per camera, until the track ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from lfr_ray.config import EvidenceConfig
from lfr_ray.records import VIEW_KINDS, Floats, Picture, Probe, Quality, View
from lfr_ray.track.best_shot import TakenViews, choose, spaced

SHOWN_VIEWS = 1 + len(VIEW_KINDS)
"""Of one tracklet: an alert's face, and its other views. They are apart in time, as all views that are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class BestView:
    """One of the best views so far, as an officer would want to see it: its quality, the face with some margin."""

    quality: Quality
    crop: Picture = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ComparedView:
    """What is kept of a view: its vector ``float32 (D,)``, its weight, the covered half, the second model's chip."""

    vector: Floats = field(repr=False)
    weight: float
    covered: str
    second_chip: Picture | None = field(repr=False)


@dataclass(slots=True, eq=False)
class Tracklet:
    """One person before one camera, as far as is known.

    Attributes:
        taken: The views that were chosen.
        views: Those of them that have a vector, by their frame's index.
        newest_at: Wall time of the newest of these views.
        acquired: A view has passed the quality limits.
        looks: Frames in which the face was seen.
        comparisons: Comparisons under way that hold the tracklet.
        ended_s: Steady time at which the track ended, or None.
    """

    track: int
    taken: TakenViews = field(default_factory=TakenViews)
    views: dict[int, ComparedView] = field(default_factory=dict, repr=False)
    best: tuple[BestView, ...] = field(default=(), repr=False)
    newest_at: float = 0.0
    acquired: bool = False
    looks: int = 0
    alerted: bool = False
    comparisons: int = 0
    ended_s: float | None = None

    def fused(self) -> dict[int, ComparedView]:
        """The views that are fused, by their frame's index, in order: those with the same half of the face covered.

        Somebody who lifts a mask has views of both kinds; those count that are worth more together.
        """
        worth: dict[str, float] = {}
        for view in self.views.values():
            worth[view.covered] = worth.get(view.covered, 0.0) + view.weight
        most = max(sorted(worth), key=lambda covered: worth[covered], default="")
        return {index: view for index, view in sorted(self.views.items()) if view.covered == most}

    def clear(self) -> None:
        """Keep nothing that shows or could be compared with the person, also where somebody still holds this object."""
        self.views.clear()
        self.best = ()
        self.taken = replace(self.taken, kept=())


class Tracklets:
    """Every tracklet of one camera."""

    def __init__(self, config: EvidenceConfig, camera: str, model: str) -> None:
        self._config = config
        self._camera = camera
        self._model = model
        self._living: dict[int, Tracklet] = {}

    def __len__(self) -> int:
        return len(self._living)

    def __contains__(self, track: int) -> bool:
        return track in self._living

    def may_want(self, track: int, captured_s: float) -> bool:
        """Whether a view taken now would be worth a comparison, if it is good enough: else nobody need look at it."""
        tracklet = self._living.get(track)
        if tracklet is None:
            return True
        over = tracklet.alerted or tracklet.ended_s is not None
        return not over and spaced(self._config, tracklet.taken, captured_s)

    def look(self, track: int) -> Tracklet:
        """A face was seen in one more frame, however well."""
        tracklet = self._living.setdefault(track, Tracklet(track))
        tracklet.looks += 1
        return tracklet

    def wants(self, track: int, quality: Quality, frame_index: int, captured_s: float) -> bool:
        """Whether this view is worth a comparison; if so its place is taken now.

        A tracklet that has led to an alert wants no more views: the decision is a person's from there on.
        """
        tracklet = self.look(track)
        if quality.accepted:
            tracklet.acquired = True
        if tracklet.alerted or tracklet.ended_s is not None:
            return False
        choice, tracklet.taken = choose(self._config, tracklet.taken, quality, frame_index, captured_s)
        if choice.drop is not None:
            tracklet.views.pop(choice.drop, None)
        return choice.take

    def withdraw(self, view: View) -> None:
        """A wanted view could not be compared: its place is free for another one."""
        tracklet = self._living.get(view.track)
        if tracklet is not None:
            tracklet.views.pop(view.frame_index, None)
            kept = tuple(one for one in tracklet.taken.kept if one[1] != view.frame_index)
            tracklet.taken = replace(tracklet.taken, kept=kept)

    @contextmanager
    def held(self, views: Sequence[View]) -> Iterator[None]:
        """While these views are under comparison, their tracklets wait with being forgotten."""
        tracklets = [self._living[view.track] for view in views if view.track in self._living]
        for tracklet in tracklets:
            tracklet.comparisons += 1
        try:
            yield
        finally:
            for tracklet in tracklets:
                tracklet.comparisons -= 1

    def add(self, view: View, vector: Floats, crop: Picture, *, alone: bool = False) -> Probe | None:
        """Take in the vector ``float32 (D,)`` of a view that was wanted, and its face with some margin, for an officer.

        With ``alone`` each view is compared by itself while there are too few. Of covered faces nobody has measured
        what a single view is worth.

        Returns:
            What to compare now, or None: too few views yet, the view lost its place meanwhile, or it is not among
            those that are fused.
        """
        tracklet = self._living.get(view.track)
        if tracklet is None or tracklet.alerted:
            return None
        if not any(index == view.frame_index for _, index in tracklet.taken.kept):
            return None
        tracklet.views[view.frame_index] = ComparedView(vector, view.quality.value, view.covered, view.second_chip)
        tracklet.newest_at = max(tracklet.newest_at, view.captured_at)
        best = (*tracklet.best, BestView(view.quality, crop))
        tracklet.best = tuple(sorted(best, key=lambda one: -one.quality.value)[:SHOWN_VIEWS])
        views = tracklet.fused()
        if view.frame_index not in views:
            return None
        single = len(views) < self._config.min_views
        if single and (not alone or view.covered):
            return None
        compared = [views[view.frame_index]] if single else list(views.values())
        return Probe(
            camera=self._camera,
            track=tracklet.track,
            captured_at=tracklet.newest_at,
            model=self._model,
            vectors=np.stack([one.vector for one in compared]),
            weights=np.array([one.weight for one in compared], np.float32),
            covered=view.covered,
            single=single,
        )

    def awaiting_alert(self, track: int) -> Tracklet | None:
        """The tracklet, if it can lead to an alert: not forgotten, not cleared, and not alerted before."""
        tracklet = self._living.get(track)
        return None if tracklet is None or tracklet.alerted or not tracklet.best else tracklet

    def mark_alerted(self, track: int) -> tuple[BestView, ...]:
        """Mark a tracklet as alerted, once. Gives its best views, the best first; none when it cannot alert."""
        tracklet = self.awaiting_alert(track)
        if tracklet is None:
            return ()
        tracklet.alerted = True
        return tracklet.best

    def end(self, tracks: tuple[int, ...], now_s: float) -> int:
        """These tracks are over; they are forgotten as soon as no comparison of theirs is under way.

        Returns:
            Those of which anything is held.
        """
        over = [one for one in map(self._living.get, tracks) if one is not None and one.ended_s is None]
        for tracklet in over:
            tracklet.ended_s = now_s
        return len(over)

    def forget(self, now_s: float, limit_s: float) -> list[Forgotten]:
        """Drop everything about ended tracklets; after ``limit_s`` even if a comparison is still under way."""
        forgotten = []
        for track, tracklet in list(self._living.items()):
            if tracklet.ended_s is None:
                continue
            after_s = now_s - tracklet.ended_s
            if not tracklet.comparisons or after_s >= limit_s:
                del self._living[track]
                tracklet.clear()
                forgotten.append(Forgotten(tracklet.acquired, after_s, tracklet.looks))
        return forgotten

    def clear(self) -> None:
        """Drop everything about everybody."""
        self.clear_vectors()
        self._living.clear()

    def clear_vectors(self) -> None:
        """No authority is in force: keep nothing that could be compared later."""
        for tracklet in self._living.values():
            tracklet.clear()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A tracklet that was dropped: did a view pass the quality limits, how long after its end, in how many frames."""

    acquired: bool
    after_s: float
    looks: int
