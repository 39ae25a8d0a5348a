"""The second half of a camera's chain: chosen views are embedded, matched, checked, and raised as alerts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lfr_ray.clock import Clock
from lfr_ray.embed.covered_regions import joined, with_painted
from lfr_ray.errors import RefusedError
from lfr_ray.models.cards import ModelCard, chip_spec
from lfr_ray.pipeline.camera_counts import ANSWER, CameraCounts
from lfr_ray.pipeline.checks_before_alert import PossibleMatch
from lfr_ray.pipeline.order_of_checks import Checks
from lfr_ray.pipeline.others_nearby import OthersNearby
from lfr_ray.pipeline.send_sightings import AlertSender
from lfr_ray.pipeline.sighting import sighting_of
from lfr_ray.pipeline.stage_protocols import Stages
from lfr_ray.pipeline.tracklets import Tracklets
from lfr_ray.records import Answer, Floats, Frame, Match, Picture, Probe, View


@dataclass(frozen=True, slots=True, eq=False)
class ChosenViews:
    """The faces of one frame that are worth a comparison: views, and each face cut out with some margin.

    ``others``: of each track, the boxes of everybody else in this frame and those before it.
    ``alone``: a view may be judged by itself, as there may be no other of the same face.
    """

    frame: Frame
    views: list[View]
    crops: list[Picture] = field(repr=False)
    others: dict[int, Floats]
    alone: bool = False
    worked: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """When each part's process worked on it, wall times."""


@dataclass(slots=True, eq=False, repr=False)
class Comparison:
    """Compares the views of one camera; ``run_id`` is what :func:`~lfr_ray.pipeline.sighting.sighting_of` has of it."""

    embedder: ModelCard
    stages: Stages
    tracklets: Tracklets
    others_nearby: OthersNearby
    checks: Checks
    alerts: AlertSender
    clock: Clock
    counts: CameraCounts
    run_id: str
    refusal: str = ""
    """Why the matcher made no comparison the last time it was asked; empty when it did."""

    async def compare(self, chosen: ChosenViews) -> None:
        """Embed and match the views of one frame, and raise what comes of it."""
        probes = await self._embed(chosen)
        if not probes:
            return
        with self.counts.timed("match_seconds"):
            answers = await self.stages.match([probe for _, probe in probes])
        self.counts.lasted(ANSWER, self.clock.steady_s() - chosen.frame.seen_s)
        for (view, probe), answer in zip(probes, answers, strict=True):
            if answer.refused:
                self._refused(answer.refused)
                self.tracklets.clear_vectors()
                continue
            self.refusal = ""
            if answer.match is not None:
                await self._check_and_raise(chosen, view, answer, answer.match, probe.single)

    async def _embed(self, chosen: ChosenViews) -> list[tuple[View, Probe]]:
        """What is to be compared now: the tracklets of those views whose vectors pass the checks."""
        covered = [view.covered for view in chosen.views]
        chips = with_painted(np.stack([view.chip for view in chosen.views]), covered, chip_spec(self.embedder))
        with self.counts.timed("embed_seconds"):
            embedded = await self.stages.embed(chips)
        chosen.worked["embed"] = embedded.worked
        self.counts.add("views_embedded_total", len(chosen.views))
        vectors, stability = joined(embedded.vectors, covered), embedded.stability[: len(covered)]
        probes = []
        for view, vector, stable, crop in zip(chosen.views, vectors, stability, chosen.crops, strict=True):
            refusing = next((one for one in self.checks.views if not one.accepts_embedded(view, float(stable))), None)
            if refusing is not None:
                self.counts.add("views_rejected_total", reason=refusing.reason)
                self.tracklets.withdraw(view)
                continue
            probe = self.tracklets.add(view, vector, crop, alone=chosen.alone)
            if probe is not None:
                probes.append((view, probe))
        return probes

    async def _check_and_raise(
        self, chosen: ChosenViews, view: View, answer: Answer, match: Match, single: bool
    ) -> None:
        tracklet = self.tracklets.awaiting_alert(view.track)
        if tracklet is None:
            return
        possible = PossibleMatch(chosen.frame, view, match, tracklet, single)
        for check in self.checks.matches:
            try:
                confirmed = await check.confirms(possible)
            except RefusedError as error:
                self._refused(error.what)
                return
            if not confirmed:
                self.counts.add("matches_withheld_total", reason=check.reason)
                return
        # Meanwhile it may have been forgotten, or alerted by another view.
        best = self.tracklets.mark_alerted(view.track)
        if best:
            others = np.concatenate([chosen.others[view.track], self.others_nearby.others(view)])
            sighting = sighting_of(possible, others, best, answer, model=self.embedder.id, run_id=self.run_id)
            self.alerts.send(sighting, chosen.frame.seen_s, chosen.worked | {"match": answer.worked})

    def _refused(self, why: str) -> None:
        self.refusal = why
        self.counts.add("comparisons_refused_total")
