"""Detectors by the family that their card names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfr_ray.models.cards import Detector, ModelCard
from lfr_ray.models.load_from_card import Loading, load_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

FAMILIES = {
    "centerface": "lfr_ray.detect.centerface:CenterFace",
    "retinaface": "lfr_ray.detect.retinaface:RetinaFace",
    "simulated": "lfr_ray.detect.simulated_detector:SimulatedDetector",
    "scrfd": "lfr_ray.detect.scrfd:Scrfd",
    "ultralytics_face": "lfr_ray.detect.ultralytics_face:UltralyticsFace",
    "ultralytics_face_onnx": "lfr_ray.detect.ultralytics_face:UltralyticsFaceOnnx",
    "yunet": "lfr_ray.detect.yunet:YuNet",
}
"""Family -> class; nothing is imported before it is asked for."""


def load_detector(card: ModelCard, *, min_score: float = 0.5, **how: Unpack[Loading]) -> Detector:
    """A detector that is ready to run; detections below ``min_score`` are dropped.

    How it is loaded, and the errors: see :func:`~lfr_ray.models.load_from_card.load_model`.
    """
    detector: Detector = load_model(card, "detect", FAMILIES, how, min_score=min_score)
    return detector
