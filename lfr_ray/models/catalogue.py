"""The cards that travel with the software, and cards that an operator brings along."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from lfr_ray.config import load_yaml, parse_section
from lfr_ray.errors import NotFoundError
from lfr_ray.models.cards import ModelCard

SUFFIX = ".yaml"


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
        parse_section(ModelCard, yaml.safe_load(entry.read_text(encoding="utf-8")), f"zoo/{entry.name}")
        for entry in zoo.iterdir()
        if entry.name.endswith(SUFFIX)
    ]
    return tuple(sorted(found, key=lambda found_card: found_card.id))


def card(card_id: str) -> ModelCard:
    """The card with this id, or the one in this file when the id ends in ``.yaml``.

    Raises:
        NotFoundError: No such card.
        ConfigError: A file that is not a card.
    """
    if card_id.endswith(SUFFIX):
        return card_from_yaml(Path(card_id))
    for known in cards():
        if known.id == card_id:
            return known
    raise NotFoundError(
        "there is no model card with this id",
        got=card_id,
        allowed=", ".join(known.id for known in cards()) + ", or the path of a card's .yaml file",
        next_step="see `lfr models list`",
    )
