"""What one camera knows of the people passing it right now, and how it forgets them.

A tracklet is one track from its first to its last detection. This file holds the only place where vectors and
pictures of passers-by live: in memory, in one object per camera, until the track ends. There is no
other copy, so forgetting is one ``del``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lfr_ray.config import EvidenceConfig
from lfr_ray.records import Floats, Picture, Probe, Quality, View
from lfr_ray.track.best_shot import Shots, choose


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """The best view so far, as an officer would want to see it."""

    captured_s: float
    captured_at: float
    box: Floats = field(repr=False)
    quality: Quality
    crop: Picture = field(repr=False)


@dataclass(slots=True, eq=False)
class Tracklet:
    """One person's way past one camera, as far as it is known."""

    track: int
    shots: Shots = field(default_factory=Shots)
    vectors: dict[int, Floats] = field(default_factory=dict, repr=False)
    weights: dict[int, float] = field(default_factory=dict, repr=False)
    covered: dict[int, str] = field(default_factory=dict)
    second_chips: dict[int, Picture] = field(default_factory=dict, repr=False)
    portrait: Portrait | None = field(default=None, repr=False)
    newest_at: float = 0.0
    compared: bool = False
    alerted: bool = False
    attack_scores: list[float] = field(default_factory=list)
    busy: int = 0
    ended_s: float | None = None

    def drop(self, key: int) -> None:
        """One view less."""
        for of_view in (self.vectors, self.weights, self.covered, self.second_chips):
            of_view.pop(key, None)

    def alike(self) -> list[int]:
        """The views of the tracklet that can be fused, in order: with the same part of the face covered.

        Somebody who lifts a mask has views of both kinds; those count that are worth more together.
        """
        worth: dict[str, float] = {}
        for key, covered in self.covered.items():
            worth[covered] = worth.get(covered, 0.0) + self.weights[key]
        most = max(sorted(worth), key=lambda covered: worth[covered], default="")
        return sorted(key for key, covered in self.covered.items() if covered == most)


class Tracklets:
    """Every tracklet of one camera."""

    def __init__(self, config: EvidenceConfig, camera: str, model: str) -> None:
        self._config = config
        self._camera = camera
        self._model = model
        self._living: dict[int, Tracklet] = {}

    def __len__(self) -> int:
        return len(self._living)

    def wants(self, track: int, quality: Quality, frame_index: int, captured_s: float) -> bool:
        """Whether this view is worth a comparison; if so its place is taken now.

        A tracklet that has led to an alert wants no more views: the decision is a person's from there on.
        """
        tracklet = self._living.get(track)
        if tracklet is None:
            tracklet = self._living[track] = Tracklet(track)
        if quality.accepted:
            tracklet.compared = True
        if tracklet.alerted or tracklet.ended_s is not None:
            return False
        choice, tracklet.shots = choose(self._config, tracklet.shots, quality, frame_index, captured_s)
        if choice.take:
            tracklet.busy += 1
        if choice.drop is not None:
            tracklet.drop(choice.drop)
        return choice.take

    def add(self, view: View, vector: Floats, crop: Picture) -> Probe | None:
        """Take in a view's vector.

        Args:
            view: A view that was wanted.
            vector: ``float32 (D,)``, unit length.
            crop: The face with some margin, for the officer if it comes to an alert.

        Returns:
            What to compare now, or None: too few views yet, the view lost its place meanwhile, or it is not among
            those that count.
        """
        tracklet = self._living.get(view.track)
        if tracklet is None or tracklet.alerted:
            return None
        if not any(key == view.frame_index for _, key in tracklet.shots.kept):
            return None
        tracklet.vectors[view.frame_index] = vector
        tracklet.weights[view.frame_index] = view.quality.value
        tracklet.covered[view.frame_index] = view.covered
        if view.second_chip is not None:
            tracklet.second_chips[view.frame_index] = view.second_chip
        tracklet.newest_at = max(tracklet.newest_at, view.captured_at)
        if tracklet.portrait is None or view.quality.value > tracklet.portrait.quality.value:
            tracklet.portrait = Portrait(view.captured_s, view.captured_at, view.box, view.quality, crop)
        views = tracklet.alike()
        if view.frame_index not in views or len(views) < self._config.min_views:
            return None
        return self._probe(tracklet, views)

    def withdraw(self, track: int, frame_index: int) -> None:
        """A wanted view could not be compared: its place is free for another one."""
        tracklet = self._living.get(track)
        if tracklet is not None:
            tracklet.drop(frame_index)
            kept = tuple(one for one in tracklet.shots.kept if one[1] != frame_index)
            tracklet.shots = replace(tracklet.shots, kept=kept)

    def settle(self, track: int) -> None:
        """A wanted view has been dealt with, whatever came of it."""
        tracklet = self._living.get(track)
        if tracklet is not None:
            tracklet.busy = max(0, tracklet.busy - 1)

    def alerted(self, track: int) -> Portrait | None:
        """Mark a tracklet as alerted, once.

        Returns:
            Its best view; None when it has been alerted before, or is forgotten already.
        """
        tracklet = self._living.get(track)
        if tracklet is None or tracklet.alerted or tracklet.portrait is None:
            return None
        tracklet.alerted = True
        return tracklet.portrait

    def for_second_model(self, track: int) -> tuple[Picture, Floats] | None:
        """The tracklet's views that count, as the second model wants them, and their weights; None when it is over."""
        tracklet = self._living.get(track)
        views = [] if tracklet is None else [key for key in tracklet.alike() if key in tracklet.second_chips]
        if tracklet is None or not views:
            return None
        weights = np.array([tracklet.weights[key] for key in views], np.float32)
        return np.stack([tracklet.second_chips[key] for key in views]), weights

    def mean_attack_score(self, track: int, score: float) -> float:
        """Take in the attack score of a view that matched; the mean of the tracklet's scores so far."""
        tracklet = self._living.get(track)
        if tracklet is None:
            return score
        tracklet.attack_scores.append(score)
        return sum(tracklet.attack_scores) / len(tracklet.attack_scores)

    def end(self, tracks: tuple[int, ...], now_s: float) -> None:
        """These tracks are over; they are forgotten as soon as no comparison of theirs is under way."""
        for track in tracks:
            tracklet = self._living.get(track)
            if tracklet is not None and tracklet.ended_s is None:
                tracklet.ended_s = now_s

    def forget(self, now_s: float, limit_s: float) -> list[Forgotten]:
        """Drop everything about ended tracklets.

        Args:
            now_s: Now, on the clock that was given to ``end``.
            limit_s: A tracklet is dropped after so long even if a comparison is still under way.
        """
        done = [
            tracklet
            for tracklet in self._living.values()
            if tracklet.ended_s is not None and (tracklet.busy == 0 or now_s - tracklet.ended_s >= limit_s)
        ]
        forgotten = []
        for tracklet in done:
            assert tracklet.ended_s is not None
            del self._living[tracklet.track]
            forgotten.append(Forgotten(tracklet.track, tracklet.compared, tracklet.alerted, now_s - tracklet.ended_s))
        return forgotten

    def clear(self) -> None:
        """Drop everything about everybody."""
        self._living.clear()

    def clear_vectors(self) -> None:
        """No authority is in force: keep nothing that could be compared later."""
        for tracklet in self._living.values():
            tracklet.vectors.clear()
            tracklet.weights.clear()
            tracklet.covered.clear()
            tracklet.second_chips.clear()
            tracklet.portrait = None
            tracklet.shots = replace(tracklet.shots, kept=(), best=0.0)

    def _probe(self, tracklet: Tracklet, views: list[int]) -> Probe:
        return Probe(
            camera=self._camera,
            track=tracklet.track,
            captured_at=tracklet.newest_at,
            model=self._model,
            vectors=np.stack([tracklet.vectors[key] for key in views]),
            weights=np.array([tracklet.weights[key] for key in views], np.float32),
            covered=tracklet.covered[views[0]],
        )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """That a tracklet was dropped, and how long that took; nothing about the person."""

    track: int
    compared: bool
    alerted: bool
    after_s: float
