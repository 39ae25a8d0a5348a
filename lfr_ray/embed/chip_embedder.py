"""What every embedder of the zoo shares: chips in, unit vectors out, and a network that was tried before it is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfr_ray.checks import check_array
from lfr_ray.embed.probe import check_vectors, probe_chips, settled
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.models.networks import open_torch
from lfr_ray.models.runtime import Device, Network
from lfr_ray.records import Embedded, Floats, Picture

BUILDERS = {
    "arcface": "lfr_ray.embed.arcface:build",
    "edgeface": "lfr_ray.embed.edgeface:build",
    "mobilefacenet": "lfr_ray.embed.mobilefacenet:build",
    "open_clip": "lfr_ray.embed.open_clip:build",
}
"""Families whose files are torch checkpoints -> who makes the network; see :mod:`lfr_ray.models.converted`."""

LARGEST_BATCH = 8
"""Chips of one call on a CPU: more at once take longer, not less."""


class ChipEmbedder:
    """An embedder around a network whose only output of interest is a vector a chip.

    Args:
        card: The model's card; needs a chip and a vector length.
        network: Takes chips, gives vectors as its first output.
        mirror: Average each chip's vector with that of its mirror image.

    Raises:
        ModelError: The card is incomplete, or the network gives no such vectors for it: another length, not finite,
            one and the same for all pictures, or not what the card states for its probe chip.
    """

    def __init__(self, card: ModelCard, network: Network, *, mirror: bool) -> None:
        self.chip = chip_of(card)
        self.card = card
        self.mirror = mirror
        self.network = settled(network, self.chip.width_px, self.chip.height_px)
        chips = probe_chips(self.chip.width_px, self.chip.height_px)
        vectors = self._unit(self.raw(np.concatenate((chips, chips[:1, :, :, ::-1]))))
        check_vectors(card, vectors[:3], vectors[3:])

    def embed(self, chips: Picture) -> Floats:
        """Unit vectors of aligned chips; see :class:`lfr_ray.models.cards.Embedder`.

        Raises:
            ShapeError: Not ``uint8 (N, height, width, 3)`` of the card's chip.
            ModelError: The network's output is unusable.
        """
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        """The same vectors, and how stable each is; see :class:`lfr_ray.models.cards.Embedder`.

        Raises:
            ShapeError: Not ``uint8 (N, height, width, 3)`` of the card's chip.
            ModelError: The network's output is unusable.
        """
        self._check(chips)
        if not self.mirror or not len(chips):
            plain = self._unit(self.raw(chips))
            return Embedded(plain, np.ones(len(plain), np.float32))
        # Each view counts the same, however long its vector is.
        plain, mirrored = np.split(self._unit(self.raw(np.concatenate((chips, chips[:, :, ::-1])))), 2)
        return Embedded(self._unit(plain + mirrored), (plain * mirrored).sum(axis=1, dtype=np.float32))

    def raw(self, chips: Picture) -> Floats:
        """The network's own vectors: not of unit length, not mirrored.

        Raises:
            ShapeError: Not ``uint8 (N, height, width, 3)`` of the card's chip.
            ModelError: The network's output is unusable.
        """
        self._check(chips)
        if len(chips) == 0:
            return np.zeros((0, self.card.vector_length), np.float32)
        found = self.network.run(chips)[0]
        vectors: Floats = found.reshape(len(found), -1)
        if vectors.shape != (len(chips), self.card.vector_length):
            raise ModelError(
                f"the model {self.card.id} gives vectors of another length than its card states",
                got=f"output {found.shape} for {len(chips)} chips",
                allowed=f"({len(chips)}, {self.card.vector_length})",
                next_step="correct `vector_length` in the card, or use the file that it describes",
            )
        return vectors

    def _check(self, chips: Picture) -> None:
        check_array("chips", chips, ("N", self.chip.height_px, self.chip.width_px, 3), np.uint8)

    def _unit(self, raw: Floats) -> Floats:
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        if bool((length < np.finfo(np.float32).tiny).any()):
            raise ModelError(f"the model {self.card.id} gave a vector of no length", got="all numbers zero")
        vectors: Floats = raw / length
        return vectors


class TorchEmbedder(ChipEmbedder):
    """The embedder of the card families in ``BUILDERS``.

    Args:
        card: The model's card.
        path: Its verified checkpoint.
        device: Where it runs.
        mirror: Average each chip's vector with that of its mirror image.
        trust: See :func:`~lfr_ray.models.checkpoint.read_checkpoint`.
    """

    reads_pickles = True

    def __init__(
        self, card: ModelCard, path: Path, device: Device, *, mirror: bool = True, trust: bool = False
    ) -> None:
        chip = chip_of(card)
        side_px = (chip.height_px, chip.width_px)
        builder = BUILDERS[card.family]
        network, _ = open_torch(card, path, device, builder, side_px=side_px, batch=LARGEST_BATCH, trust=trust)
        super().__init__(card, network, mirror=mirror)


def chip_of(card: ModelCard, width_px: int | None = None, height_px: int | None = None) -> ChipSpec:
    """The card's chip, checked against what the network takes (None: any).

    Raises:
        ModelError: No chip, no vector length, or a chip of another size.
    """
    if card.chip is None or card.vector_length == 0:
        missing = "chip" if card.chip is None else "vector_length"
        raise ModelError(
            f"the card of model {card.id} does not say what an embedder needs",
            got=f"no {missing}",
            allowed="chip (width_px, height_px, template_px) and vector_length",
            next_step=f"add `{missing}` to the card",
        )
    chip = card.chip
    if (width_px or chip.width_px, height_px or chip.height_px) != (chip.width_px, chip.height_px):
        raise ModelError(
            f"the card of model {card.id} has another chip than its file takes",
            got=f"{chip.width_px}x{chip.height_px}",
            allowed=f"{width_px or 'any'}x{height_px or 'any'}",
            next_step="correct `chip` in the card",
        )
    return chip
