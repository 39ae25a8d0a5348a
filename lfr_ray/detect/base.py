"""Detectors by the family that their card names."""

from __future__ import annotations

from pathlib import Path

from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.loading import DeclaredUse, load_model

FAMILIES = {
    "centerface": "lfr_ray.detect.centerface:CenterFace",
    "retinaface": "lfr_ray.detect.retinaface:RetinaFace",
    "simulated": "lfr_ray.detect.simulated:SimulatedDetector",
    "scrfd": "lfr_ray.detect.scrfd:Scrfd",
    "ultralytics_face": "lfr_ray.detect.ultralytics_face:UltralyticsFace",
    "ultralytics_face_onnx": "lfr_ray.detect.ultralytics_face:UltralyticsFaceOnnx",
    "yunet": "lfr_ray.detect.yunet:YuNet",
}
"""Family -> class; nothing is imported before it is asked for."""


def load_detector(
    card: ModelCard,
    *,
    device: str = "auto",
    weights: Path | None = None,
    min_score: float = 0.5,
    threads: int | None = None,
    streams: int = 1,
    declared_use: DeclaredUse = "test",
    trust: bool = False,
) -> Detector:
    """A detector that is ready to run.

    Args:
        card: From :func:`lfr_ray.models.catalogue.card`.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, ``intel_gpu`` or ``intel_npu``.
        weights: A file instead of the one that the card finds.
        min_score: Detections below are dropped.
        threads: Compute threads of this process, for all streams together; None leaves them as they are.
        streams: Pictures that a CPU works on at the same time, for callers with as many threads.
        declared_use: ``operational``, ``research`` or ``test``; the card's licence must allow it.
        trust: Unpack a checkpoint that is a pickled program (in a process of its own).

    Raises:
        LicenceError: The licence forbids the declared use.
        ModelError: A weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
    """
    detector: Detector = load_model(
        card,
        "detect",
        FAMILIES,
        device=device,
        weights=weights,
        threads=threads,
        streams=streams,
        declared_use=declared_use,
        trust=trust,
        min_score=min_score,
    )
    return detector
