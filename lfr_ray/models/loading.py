"""From a card to a model that runs: the same few steps for every family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.runtime import choose_device, set_threads
from lfr_ray.models.weights import find_weights, verify_weights


def load_model(
    card: ModelCard,
    task: str,
    families: Mapping[str, str],
    *,
    device: str,
    weights: Path | None,
    threads: int | None,
    **options: Any,
) -> Any:
    """Find, verify and build a model.

    Args:
        card: The model's card.
        task: What the card must be for.
        families: ``family -> "module:Class"``; a module is imported only when its family is asked for.
        device: See :func:`~lfr_ray.models.runtime.choose_device`.
        weights: A file instead of the one that the card names; its hash must be the card's all the same.
        threads: Compute threads of this process, or None to leave them as they are.
        options: Passed on to the class, after card, path and device.

    Raises:
        ModelError: Another task or family, or a weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
    """
    if card.task != task:
        raise ModelError(f"the model {card.id} is for another task", got=card.task, allowed=task)
    if card.family not in families:
        raise ModelError(
            f"no code here reads the family of model {card.id}",
            got=card.family,
            allowed=", ".join(sorted(families)),
            next_step="correct `family` in the card",
        )
    chosen = choose_device(device)
    if threads is not None:
        set_threads(threads)
    path = find_weights(card, weights)
    verify_weights(card, path)
    module, _, name = families[card.family].partition(":")
    return getattr(importlib.import_module(module), name)(card, path, chosen, **options)
