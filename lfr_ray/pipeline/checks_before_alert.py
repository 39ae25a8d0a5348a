"""Checks of a possible match: may an alert be raised?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lfr_ray.embed.align import cut_chips
from lfr_ray.errors import RefusedError
from lfr_ray.models.cards import ModelCard, chip_spec
from lfr_ray.pipeline.checks_before_comparison import ViewCheck
from lfr_ray.pipeline.face_cutout import around
from lfr_ray.pipeline.stage_protocols import Stages
from lfr_ray.pipeline.tracklets import Tracklet
from lfr_ray.records import Frame, Match, Probe, View


@dataclass(frozen=True, slots=True, eq=False)
class PossibleMatch:
    """What a match check may look at: the deciding view, perhaps judged by itself (``single``), and where it was seen.

    No check keeps the tracklet: it must be forgotten in time.
    """

    frame: Frame
    view: View
    match: Match
    tracklet: Tracklet
    single: bool = False


class MatchCheck(Protocol):
    """One reason why a possible match is not raised. Later views of the tracklet may still lead to an alert.

    Attributes:
        reason: What ``matches_withheld_total`` counts a withheld match under.
    """

    reason: str

    async def confirms(self, possible: PossibleMatch) -> bool:
        """Whether an alert may be raised.

        Raises:
            RefusedError: The check may not be made; nothing is raised.
        """


class SecondModel(ViewCheck, MatchCheck):
    """An alert needs a second model that says the same person of the same views. It sees possible matches only.

    As a view check it refuses nothing: it cuts out the face as the second model wants it, while the frame is there.
    """

    reason = "second model"

    def __init__(self, embedder: ModelCard, stages: Stages) -> None:
        self._model = embedder.id
        self._chip = chip_spec(embedder)
        self._stages = stages

    def before_embedding(self, view: View, frame: Frame) -> View:
        """The view with the second model's chip."""
        part, at_px = around(frame, view.box, view.points, self._chip)
        return replace(view, second_chip=cut_chips(part, view.points[np.newaxis] - at_px, self._chip)[0])

    async def confirms(self, possible: PossibleMatch) -> bool:
        """Whether the second model finds the same entry."""
        fused = possible.tracklet.fused()
        views = [one for index, one in fused.items() if not possible.single or index == possible.view.frame_index]
        chips = [view.second_chip for view in views if view.second_chip is not None]
        weights = np.array([view.weight for view in views if view.second_chip is not None], np.float32)
        if not chips:
            return False
        embedded = await self._stages.embed_second(np.stack(chips))
        frame, view = possible.frame, possible.view
        probe = Probe(
            frame.camera,
            view.track,
            view.captured_at,
            self._model,
            embedded.vectors,
            weights,
            single=possible.single,
        )
        (answer,) = await self._stages.match([probe])
        if answer.refused:
            raise RefusedError(answer.refused)
        return answer.match is not None and answer.match.entry_id == possible.match.entry_id
