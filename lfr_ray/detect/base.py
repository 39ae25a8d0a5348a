"""Detectors by the family that their card names."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.loading import load_model

FAMILIES = {
    "centerface": "lfr_ray.detect.centerface:CenterFace",
}
"""Family -> class; nothing is imported before it is asked for."""


def load_detector(
    card: ModelCard,
    *,
    device: str = "auto",
    weights: Path | None = None,
    min_score: float = 0.5,
    threads: int | None = None,
) -> Detector:
    """A detector that is ready to run.

    Args:
        card: From :func:`lfr_ray.models.catalogue.card`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        weights: A file instead of the one that the card finds.
        min_score: Detections below are dropped.
        threads: Compute threads of this process; None leaves them as they are.

    Raises:
        ModelError: A weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
    """
    detector: Detector = load_model(
        card, "detect", FAMILIES, device=device, weights=weights, threads=threads, min_score=min_score
    )
    return detector
