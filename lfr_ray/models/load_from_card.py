"""From a card to a model that runs: the same few steps for every family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

from lfr_ray.errors import LicenceError, ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import choose_device, set_threads
from lfr_ray.models.weight_files import find_weights, verify_weights

DeclaredUse = Literal["operational", "research", "test"]
"""What a model is loaded for: real people's liberty, science, or trying the software out."""


class Loading(TypedDict, total=False):
    """How a model is loaded.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, ``intel_gpu`` or ``intel_npu``.
        weights: A file instead of the one that the card names; its hash must be the card's all the same.
        threads: Compute threads of this process, for all streams together; None leaves them as they are.
        streams: Batches that a CPU works on at the same time, for callers with as many threads.
        declared_use: What for; the card's licence must allow it.
        trust: A checkpoint that is a pickled program may be unpacked, in a process of its own.
    """

    device: str
    weights: Path | None
    threads: int | None
    streams: int
    declared_use: DeclaredUse
    trust: bool


def load_model(card: ModelCard, task: str, families: Mapping[str, str], how: Loading, **options: Any) -> Any:
    """Find, verify and build a model of this task.

    Of ``families``, ``family -> "module:Class"``, a module is imported only when its family is asked for; the class is
    given card, path, device and the options.

    Raises:
        LicenceError: The licence forbids the declared use.
        ModelError: Another task or family, or a weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
        TypeError: There is no such option: a misspelt use or device would be another one.
    """
    if unknown := how.keys() - Loading.__annotations__.keys():
        raise TypeError(f"no such option: {', '.join(sorted(unknown))}")
    check_licence(card, how.get("declared_use", "test"))
    if card.task != task:
        raise ModelError(f"the model {card.id} is for another task", got=card.task, allowed=task)
    if card.family not in families:
        raise ModelError(
            f"no code here reads the family of model {card.id}",
            got=card.family,
            allowed=", ".join(sorted(families)),
            next_step="correct `family` in the card",
        )
    module, _, name = families[card.family].partition(":")
    kind = getattr(importlib.import_module(module), name)
    threads = how.get("threads")
    chosen = choose_device(how.get("device", "auto"), threads, how.get("streams", 1))
    # Only families that read pickles can be told to trust one.
    if getattr(kind, "reads_pickles", False):
        options["trust"] = how.get("trust", False)
    if threads is not None:
        set_threads(threads)
    path = find_weights(card, how.get("weights"))
    verify_weights(card, path)
    return kind(card, path, chosen, **options)


def check_licence(card: ModelCard, declared_use: DeclaredUse) -> None:
    """Refuse a model whose licence does not permit what it is loaded for.

    Raises:
        LicenceError: An operational use of a model that is for research only.
    """
    if declared_use == "operational" and card.commercial_use is False:
        raise LicenceError(
            f"the licence of model {card.id} does not permit operational use",
            got=f"declared use {declared_use}, licence: {card.licence}",
            allowed="research, test",
            next_step="choose a model that may be used (`lfr models list`), or license this one and state it in a card",
        )
