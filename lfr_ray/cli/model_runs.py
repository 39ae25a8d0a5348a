"""What of a model would run on this machine: tried, not guessed."""

from __future__ import annotations

from typing import Any

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.errors import LfrError
from lfr_ray.models.cards import ModelCard


def runs_here(card: ModelCard, device: str = "auto") -> str:
    """Device, runtime and precision with which a model runs here, or why it does not.

    Half precision is used only where the processor has it and the model gives the same with it, so that the model is
    loaded.
    """
    try:
        if card.task == "occlusion":
            return "cpu, numpy, float32"
        load: Any = load_detector if card.task == "detect" else load_embedder
        network = load(card, device=device).network
    except LfrError as error:
        return f"not here: {error}"
    return f"{network.device}, {network.runtime}, {network.precision}"
