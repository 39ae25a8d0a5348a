"""The two lists of checks that a camera's chain goes through: a new check is a class in a file, and one line here."""

from __future__ import annotations

from dataclasses import dataclass

from lfr_ray.config import SiteConfig
from lfr_ray.embed.occlusion import occlusion_for
from lfr_ray.models.cards import ModelCard
from lfr_ray.pipeline.checks_before_alert import MatchCheck, SecondModel
from lfr_ray.pipeline.checks_before_comparison import CoveredFaces, Stability, ViewCheck
from lfr_ray.pipeline.stage_protocols import Stages


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks in the order in which they are asked; the first one that refuses decides."""

    views: tuple[ViewCheck, ...] = ()
    matches: tuple[MatchCheck, ...] = ()


def checks_for(site: SiteConfig, embedder: ModelCard, stages: Stages, second: ModelCard | None = None) -> Checks:
    """The checks that a site asks for; ``second`` is the second embedder, where an alert needs two models.

    Raises:
        ModelError: The weights of the occlusion estimator cannot be used.
    """
    occlusion = occlusion_for(embedder) if site.embedder.covered_views else None
    stability = site.quality.min_stability
    if stability is None and embedder.calibration is not None:
        stability = embedder.calibration.min_stability
    two_models = None if second is None else SecondModel(second, stages)
    views = (
        None if occlusion is None else CoveredFaces(occlusion),
        two_models,
        None if stability is None else Stability(stability),
    )
    return Checks(tuple(one for one in views if one), () if two_models is None else (two_models,))
