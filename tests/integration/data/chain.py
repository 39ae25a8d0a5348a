"""One camera's whole chain over a few pictures, with the real models, list and matcher, in this process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfr_ray.clock import SystemClock
from lfr_ray.config import AuthorityConfig, CameraConfig, SiteConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.enrol.import_folder import enrol_folder
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import SamePermission
from lfr_ray.match.two_models import TwoModelMatcher
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.metrics import Meter
from lfr_ray.models.card_catalogue import card
from lfr_ray.pipeline.camera_chain import CameraSteps
from lfr_ray.pipeline.order_of_checks import checks_for
from lfr_ray.pipeline.stage_protocols import FrameSource, LocalModels
from lfr_ray.records import Answer, Frame, Picture, Probe, Sighting
from tests.integration.match.test_matcher import RecordingPermission

FRAMES = 6
INTERVAL_S = 0.15
NOW_S = 1.8e9


class LocalStages(LocalModels):
    """All stages in this process; it keeps what is raised."""

    def __init__(self, matcher: Any, *models: Any) -> None:
        super().__init__(*models)
        self._matcher = matcher
        self.sightings: list[Sighting] = []

    async def match(self, probes: Sequence[Probe]) -> list[Answer]:
        return self._matcher.match(probes, NOW_S + 5)

    async def raise_alert(self, sighting: Sighting) -> None:
        self.sightings.append(sighting)


class Shown:
    """A picture seen for a while by a camera that shakes a little."""

    def __init__(self, picture: Picture, frames: int) -> None:
        self._picture = picture
        self._frames = frames
        self._index = -1

    async def get_async(self) -> Frame | None:
        self._index += 1
        if self._index == self._frames:
            return None
        shift = np.random.default_rng(self._index).integers(0, 5, 2)
        padded = np.pad(self._picture, ((24, 24), (24, 24), (0, 0)), mode="edge")
        height, width = self._picture.shape[0] + 40, self._picture.shape[1] + 40
        pixels = np.ascontiguousarray(padded[shift[0] : shift[0] + height, shift[1] : shift[1] + width])
        moment = self._index * INTERVAL_S
        return Frame("gate", self._index, moment, NOW_S + moment, pixels, 0.0)


def people(data: Path, folder: Path, named: Mapping[str, Path], others: int) -> Path:
    """A watchlist folder: these people with these pictures, and so many others, one picture each."""
    rest = sorted(one for one in (data / "images").iterdir() if one.is_dir() and one.name not in named)
    pictures = {**named, **{one.name: min(one.iterdir()) for one in rest[:others]}}
    for name, picture in pictures.items():
        (folder / name).mkdir(parents=True)
        shutil.copy(picture, folder / name)
    return folder


class RealChain:
    """Models and a list that several passages are compared with.

    Args:
        watchlist: A watchlist folder.
        folder: Where its store may lie.
        second: A second embedder, whose agreement an alert then needs.
        site: Fields of the site.
    """

    def __init__(self, watchlist: Path, folder: Path, second: Any = None, **site: Any) -> None:
        self._card = card("dlib_resnet")
        self._detector = load_detector(card("centerface"), device="cpu")
        self._embedder = load_embedder(self._card, device="cpu")
        self._site = SiteConfig(site="pier", authority=AuthorityConfig(kind="test"), **site)
        self.store = WatchlistStore(folder / "watchlist")
        enrol_folder(watchlist, self.store, self._detector, self._embedder, now=NOW_S)
        self._second = second
        permitted, config = RecordingPermission(), self._site.match
        beside = () if second is None else (second.card.enrolled_as,)
        rules: dict[str, Any] = {"evidence": self._site.evidence, "kind": "test"}
        first = Matcher(self.store, self._card, permitted, config=config, other_models=beside, **rules)
        self._matcher: Any = first
        if second is not None:
            enrol_folder(watchlist, self.store, self._detector, second, now=NOW_S, only_this_folder=True)
            same, own = SamePermission(permitted, self._card.id), (self._card.enrolled_as,)
            other = Matcher(self.store, second.card, same, config=config, other_models=own, **rules)
            self._matcher = TwoModelMatcher(first, other, second.card.id)
        self.meter = Meter()

    def passes(self, picture: Picture, frames: int = FRAMES) -> list[Sighting]:
        """What is raised while this picture is before the camera."""
        return self.watches(Shown(picture, frames))

    def watches(self, source: FrameSource) -> list[Sighting]:
        """What is raised over these frames."""

        async def run() -> list[Sighting]:
            stages = LocalStages(self._matcher, self._detector, self._embedder, self._second)
            steps = CameraSteps(
                CameraConfig(name="gate", url="demo:gate", pace="full"),
                self._site,
                self._card,
                stages,
                SystemClock(),
                self.meter,
                run_id="run",
                checks=checks_for(self._site, self._card, stages, None if self._second is None else self._second.card),
            )
            await steps.run(source)
            stages.close()
            return stages.sightings

        return asyncio.run(run())
