"""Faces on paper, cloth and screens: a presentation-attack score for every face of a picture.

Several small networks look at the face with more or less of its surroundings, because the edge of a page or of a
telephone gives most away; their probabilities are averaged. A score needs the whole picture, not the aligned chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from lfr_ray.checks import check_array, check_picture
from lfr_ray.errors import ConfigError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.loading import DeclaredUse, load_model
from lfr_ray.models.networks import open_torch
from lfr_ray.models.runtime import Device
from lfr_ray.records import Floats, Picture

FAMILIES = {"minifasnet": "lfr_ray.detect.attack:AttackModel"}
"""Family -> class, as for detectors."""

BUILDER = "lfr_ray.detect.minifasnet:build"

SIDE_PX = 80
REAL = 1
"""Of the network's three classes: 0 and 2 are paper and screens."""

DEFAULT_CARDS = ("minifasnet_v2", "minifasnet_v1se")
"""The two that are meant to be asked together: the face and a little, and the face and a lot around it."""


class AttackModel:
    """The attack model of the card family ``minifasnet``.

    Args:
        card: The model's card; ``context`` says how many times the box is enlarged.
        path: Its verified checkpoint.
        device: Where it runs.
        trust: See :func:`~lfr_ray.models.checkpoint.read_checkpoint`.
    """

    reads_pickles = True

    def __init__(self, card: ModelCard, path: Path, device: Device, *, trust: bool = False) -> None:
        self.card = card
        sides = (SIDE_PX, SIDE_PX)
        self.network, _ = open_torch(card, path, device, BUILDER, side_px=sides, batch=1, trust=trust)

    def probability_real(self, picture: Picture, boxes: Floats) -> Floats:
        """How probable it is that each face is there in person, as this model alone sees it.

        Args:
            picture: ``uint8 (H, W, 3)`` RGB, the whole picture.
            boxes: ``float32 (N, 4)`` in its pixels.

        Returns:
            ``float32 (N,)``, 0..1.

        Raises:
            ShapeError: Not such arrays.
            ModelError: The network's output is unusable.
        """
        check_picture("picture", picture)
        check_array("boxes", boxes, ("N", 4), np.float32, finite=True)
        if len(boxes) == 0:
            return np.zeros((0,), np.float32)
        crops = np.stack([crop_around(picture, box, self.card.context) for box in boxes])
        return self.network.run(crops)[0][:, REAL]


class AttackCheck:
    """All attack models together.

    Args:
        models: At least one.

    Raises:
        ConfigError: There is none.
    """

    def __init__(self, models: Sequence[AttackModel]) -> None:
        if not models:
            raise ConfigError("an attack check needs a model", allowed=", ".join(DEFAULT_CARDS))
        self.models = tuple(models)

    def scores(self, picture: Picture, boxes: Floats) -> Floats:
        """Attack score of each face: 0 a person, 1 a picture of one.

        Args:
            picture: ``uint8 (H, W, 3)`` RGB, the whole picture.
            boxes: ``float32 (N, 4)`` in its pixels.

        Returns:
            ``float32 (N,)``: one minus the models' mean probability of a real face.

        Raises:
            ShapeError: Not such arrays.
            ModelError: A network's output is unusable.
        """
        real = np.stack([model.probability_real(picture, boxes) for model in self.models])
        scores: Floats = 1.0 - real.mean(axis=0)
        return scores


def load_attack_check(
    cards: Sequence[ModelCard],
    *,
    device: str = "auto",
    weights: Mapping[str, Path] | None = None,
    threads: int | None = None,
    declared_use: DeclaredUse = "test",
    trust: bool = False,
) -> AttackCheck:
    """An attack check that is ready to run.

    Args:
        cards: Cards of task ``attack``, see ``DEFAULT_CARDS``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        weights: Card id -> file instead of the one that the card finds.
        threads: Compute threads of this process; None leaves them as they are.
        declared_use: ``operational``, ``research`` or ``test``; the cards' licences must allow it.
        trust: Unpack a checkpoint that is a pickled program (in a process of its own).

    Raises:
        ConfigError: No card.
        LicenceError: A licence forbids the declared use.
        ModelError: A weight file that is missing, altered or of another kind.
        ResourceError: The device is not there.
    """
    given = weights or {}
    return AttackCheck(
        [
            load_model(
                card,
                "attack",
                FAMILIES,
                device=device,
                weights=given.get(card.id),
                threads=threads,
                declared_use=declared_use,
                trust=trust,
            )
            for card in cards
        ]
    )


def crop_around(picture: Picture, box: Floats, context: float) -> Picture:
    """The face and its surroundings: the box enlarged about its middle, moved to lie inside the picture.

    Where the picture is too small for that, the box is enlarged less, the same in both directions.

    Args:
        picture: ``uint8 (H, W, 3)``.
        box: ``float32 (4,)``.
        context: How many times as wide and high.

    Returns:
        ``uint8 (80, 80, 3)``.
    """
    height, width = picture.shape[:2]
    box_width, box_height = max(1.0, float(box[2] - box[0])), max(1.0, float(box[3] - box[1]))
    times = min(context, (width - 1) / box_width, (height - 1) / box_height)
    wide, high = box_width * times, box_height * times
    left = min(max(0.0, float(box[0] + box[2] - wide) / 2), width - wide)
    top = min(max(0.0, float(box[1] + box[3] - high) / 2), height - high)
    part = picture[int(top) : int(top + high) + 1, int(left) : int(left + wide) + 1]
    return np.asarray(cv2.resize(part, (SIDE_PX, SIDE_PX)), np.uint8)
