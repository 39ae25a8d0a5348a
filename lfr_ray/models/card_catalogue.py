"""The cards that travel with the software, and cards that an operator brings along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from lfr_ray.config import AUTO, EmbedderConfig, SiteConfig
from lfr_ray.errors import ModelError, NotFoundError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.simulated_models import simulated_card
from lfr_ray.models.weight_files import find_weights, verify_weights
from lfr_ray.strict_yaml import load_yaml, parse_section, parsed_yaml

SUFFIX = ".yaml"

RECOMMENDED_EMBEDDER = "mobilefacenet_ms1m_tflite"
FALLBACK_EMBEDDER = "dlib_resnet"
"""Travels with the installation, so that it is always there."""


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """Which embedder a site uses.

    Attributes:
        model: Card id, or the path of a card's file.
        reason: Why it is not the recommended one; empty where it is, and where a site names its own.
    """

    model: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.model} ({self.reason})" if self.reason else self.model


def card_from_yaml(path: Path) -> ModelCard:
    """Read one card.

    Raises:
        ConfigError: The file is missing, no YAML, or not a card.
    """
    return parse_section(ModelCard, load_yaml(path), str(path))


@cache
def cards() -> tuple[ModelCard, ...]:
    """Every card of the package, in the order of their ids."""
    zoo = resources.files("lfr_ray.models") / "zoo"
    found = [
        parse_section(ModelCard, parsed_yaml(entry.read_text(encoding="utf-8")), f"zoo/{entry.name}")
        for entry in zoo.iterdir()
        if entry.name.endswith(SUFFIX)
    ]
    return tuple(sorted(found, key=lambda found_card: found_card.id))


def card(card_id: str) -> ModelCard:
    """The card with this id, or the one in this file when the id ends in ``.yaml``; ``auto``: the default embedder's.

    Raises:
        NotFoundError: No such card.
        ConfigError: A file that is not a card.
    """
    if card_id == AUTO:
        card_id = choose_embedder(EmbedderConfig()).model
    if card_id.endswith(SUFFIX):
        return card_from_yaml(Path(card_id))
    if (simulated := simulated_card(card_id)) is not None:
        return simulated
    for known in cards():
        if known.id == card_id:
            return known
    raise NotFoundError(
        "there is no model card with this id",
        got=card_id,
        allowed=", ".join(known.id for known in cards()) + ", or the path of a card's .yaml file",
        next_step="see `lfr models list`",
    )


def choose_embedder(config: EmbedderConfig) -> EmbedderChoice:
    """Which embedder ``auto`` means on this machine, now.

    The recommended one where its file is there (or where ``weights`` says), is the right one, and its card is
    calibrated: without a calibration nothing can alert. Otherwise the one that travels with the installation.
    """
    if config.model != AUTO:
        return EmbedderChoice(config.model)
    recommended = card(RECOMMENDED_EMBEDDER)
    reason = ""
    if recommended.calibration is None:
        reason = "is not calibrated"
    else:
        try:
            verify_weights(recommended, find_weights(recommended, config.weights))
        except ModelError as error:
            missing = f"is not on this machine: `lfr models pull {RECOMMENDED_EMBEDDER}`"
            reason = f"has a file that is not the right one: {error.got}" if "not the one" in error.what else missing
    if reason:
        return EmbedderChoice(FALLBACK_EMBEDDER, f"{RECOMMENDED_EMBEDDER} {reason}")
    return EmbedderChoice(RECOMMENDED_EMBEDDER)


def resolve_embedder(config: EmbedderConfig) -> str:
    """The card id that a configuration means; see :func:`choose_embedder`."""
    return choose_embedder(config).model


def with_embedders(site: SiteConfig) -> SiteConfig:
    """The site with ``auto`` resolved, once, so that all its processes on all machines use the same model.

    Raises:
        ConfigError: Both embedders turn out to be the same.
    """
    embedder = site.embedder.model_copy(update={"model": resolve_embedder(site.embedder)})
    second = site.second_embedder
    if second is not None:
        second = second.model_copy(update={"model": resolve_embedder(second)})
    chosen = site.model_copy(update={"embedder": embedder, "second_embedder": second})
    return chosen if chosen == site else parse_section(SiteConfig, chosen.model_dump(), "the site with its models")
