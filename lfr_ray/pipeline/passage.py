"""What one camera knows of the people passing it right now, and how it forgets them.

A passage is one track from its first to its last detection. This file holds the only place where vectors and
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
class Passage:
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
        """The views of the passage that can be fused, in order: with the same part of the face covered.

        Somebody who lifts a mask has views of both kinds; those count that are worth more together.
        """
        worth: dict[str, float] = {}
        for key, covered in self.covered.items():
            worth[covered] = worth.get(covered, 0.0) + self.weights[key]
        most = max(sorted(worth), key=lambda covered: worth[covered], default="")
        return sorted(key for key, covered in self.covered.items() if covered == most)


class Passages:
    """Every passage of one camera."""

    def __init__(self, config: EvidenceConfig, camera: str, model: str) -> None:
        self._config = config
        self._camera = camera
        self._model = model
        self._living: dict[int, Passage] = {}

    def __len__(self) -> int:
        return len(self._living)

    def wants(self, track: int, quality: Quality, frame_index: int, captured_s: float) -> bool:
        """Whether this view is worth a comparison; if so its place is taken now.

        A passage that has led to an alert wants no more views: the decision is a person's from there on.
        """
        passage = self._living.get(track)
        if passage is None:
            passage = self._living[track] = Passage(track)
        if quality.accepted:
            passage.compared = True
        if passage.alerted or passage.ended_s is not None:
            return False
        choice, passage.shots = choose(self._config, passage.shots, quality, frame_index, captured_s)
        if choice.take:
            passage.busy += 1
        if choice.drop is not None:
            passage.drop(choice.drop)
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
        passage = self._living.get(view.track)
        if passage is None or passage.alerted:
            return None
        if not any(key == view.frame_index for _, key in passage.shots.kept):
            return None
        passage.vectors[view.frame_index] = vector
        passage.weights[view.frame_index] = view.quality.value
        passage.covered[view.frame_index] = view.covered
        if view.second_chip is not None:
            passage.second_chips[view.frame_index] = view.second_chip
        passage.newest_at = max(passage.newest_at, view.captured_at)
        if passage.portrait is None or view.quality.value > passage.portrait.quality.value:
            passage.portrait = Portrait(view.captured_s, view.captured_at, view.box, view.quality, crop)
        views = passage.alike()
        if view.frame_index not in views or len(views) < self._config.min_views:
            return None
        return self._probe(passage, views)

    def withdraw(self, track: int, frame_index: int) -> None:
        """A wanted view could not be compared: its place is free for another one."""
        passage = self._living.get(track)
        if passage is not None:
            passage.drop(frame_index)
            kept = tuple(one for one in passage.shots.kept if one[1] != frame_index)
            passage.shots = replace(passage.shots, kept=kept)

    def settle(self, track: int) -> None:
        """A wanted view has been dealt with, whatever came of it."""
        passage = self._living.get(track)
        if passage is not None:
            passage.busy = max(0, passage.busy - 1)

    def alerted(self, track: int) -> Portrait | None:
        """Mark a passage as alerted, once.

        Returns:
            Its best view; None when it has been alerted before, or is forgotten already.
        """
        passage = self._living.get(track)
        if passage is None or passage.alerted or passage.portrait is None:
            return None
        passage.alerted = True
        return passage.portrait

    def for_second_model(self, track: int) -> tuple[Picture, Floats] | None:
        """The passage's views that count, as the second model wants them, and their weights; None when it is over."""
        passage = self._living.get(track)
        views = [] if passage is None else [key for key in passage.alike() if key in passage.second_chips]
        if passage is None or not views:
            return None
        weights = np.array([passage.weights[key] for key in views], np.float32)
        return np.stack([passage.second_chips[key] for key in views]), weights

    def mean_attack_score(self, track: int, score: float) -> float:
        """Take in the attack score of a view that matched; the mean of the passage's scores so far."""
        passage = self._living.get(track)
        if passage is None:
            return score
        passage.attack_scores.append(score)
        return sum(passage.attack_scores) / len(passage.attack_scores)

    def end(self, tracks: tuple[int, ...], now_s: float) -> None:
        """These tracks are over; they are forgotten as soon as no comparison of theirs is under way."""
        for track in tracks:
            passage = self._living.get(track)
            if passage is not None and passage.ended_s is None:
                passage.ended_s = now_s

    def forget(self, now_s: float, limit_s: float) -> list[Forgotten]:
        """Drop everything about ended passages.

        Args:
            now_s: Now, on the clock that was given to ``end``.
            limit_s: A passage is dropped after so long even if a comparison is still under way.
        """
        done = [
            passage
            for passage in self._living.values()
            if passage.ended_s is not None and (passage.busy == 0 or now_s - passage.ended_s >= limit_s)
        ]
        forgotten = []
        for passage in done:
            assert passage.ended_s is not None
            del self._living[passage.track]
            forgotten.append(Forgotten(passage.track, passage.compared, passage.alerted, now_s - passage.ended_s))
        return forgotten

    def clear(self) -> None:
        """Drop everything about everybody."""
        self._living.clear()

    def clear_vectors(self) -> None:
        """No authority is in force: keep nothing that could be compared later."""
        for passage in self._living.values():
            passage.vectors.clear()
            passage.weights.clear()
            passage.covered.clear()
            passage.second_chips.clear()
            passage.portrait = None
            passage.shots = replace(passage.shots, kept=(), best=0.0)

    def _probe(self, passage: Passage, views: list[int]) -> Probe:
        return Probe(
            camera=self._camera,
            track=passage.track,
            captured_at=passage.newest_at,
            model=self._model,
            vectors=np.stack([passage.vectors[key] for key in views]),
            weights=np.array([passage.weights[key] for key in views], np.float32),
            covered=passage.covered[views[0]],
        )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """That a passage was dropped, and how long that took; nothing about the person."""

    track: int
    compared: bool
    alerted: bool
    after_s: float
