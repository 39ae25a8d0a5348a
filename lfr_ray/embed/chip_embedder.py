"""What every embedder of the zoo shares: chips in, unit vectors out, and a network that was tried before it is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfr_ray.array_checks import check_array
from lfr_ray.embed.embedder_self_test import check_vectors, probe_chips, settled
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ChipSpec, ModelCard
from lfr_ray.models.choose_runtime import open_torch
from lfr_ray.models.device_and_self_test import Device, Network
from lfr_ray.records import Embedded, Floats, Picture

BUILDERS = {
    "arcface": "lfr_ray.embed.arcface:build",
    "edgeface": "lfr_ray.embed.edgeface:build",
    "mobilefacenet": "lfr_ray.embed.mobilefacenet:build",
    "open_clip": "lfr_ray.embed.open_clip:build",
}
"""Families whose files are torch checkpoints -> who makes the network; see :mod:`lfr_ray.models.torch_to_openvino`."""

LARGEST_BATCH = 8
"""Chips of one call on a CPU: more at once take longer, not less."""


class ChipEmbedder:
    """An embedder around a network that takes chips and gives vectors as its first output.

    The card needs a chip and a vector length; ``mirror`` averages each chip's vector with that of its mirror image.

    Raises:
        ModelError: The card is incomplete, or the network gives no such vectors for it: another length, not finite,
            one and the same for all pictures, or not what the card states for its probe chip.
    """

    equal_views = True
    """A chip and its mirror image count the same, however long the vector of each is."""

    def __init__(self, card: ModelCard, network: Network, *, mirror: bool) -> None:
        self.chip = chip_of(card)
        self.card = card
        self.mirror = mirror
        self.network = settled(network, self.chip.width_px, self.chip.height_px)
        chips = probe_chips(self.chip.width_px, self.chip.height_px)
        vectors = self._unit(self.raw(np.concatenate((chips, chips[:1, :, :, ::-1]))))
        check_vectors(card, vectors[:3], vectors[3:])

    def embed(self, chips: Picture) -> Floats:
        """See :meth:`lfr_ray.models.cards.Embedder.embed`."""
        return self.judged(chips).vectors

    def judged(self, chips: Picture) -> Embedded:
        """See :meth:`lfr_ray.models.cards.Embedder.judged`."""
        self._check(chips)
        if not self.mirror or not len(chips):
            plain = self._unit(self.raw(chips))
            return Embedded(plain, np.ones(len(plain), np.float32))
        raw = self.raw(np.concatenate((chips, chips[:, :, ::-1])))
        units = self._unit(raw)
        one, other = np.split(units if self.equal_views else raw, 2)
        plain, mirrored = np.split(units, 2)
        return Embedded(self._unit(one + other), (plain * mirrored).sum(axis=1, dtype=np.float32))

    def raw(self, chips: Picture) -> Floats:
        """The network's own vectors: not of unit length, not mirrored; the errors are those of :meth:`embed`."""
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
    """The embedder of the card families in ``BUILDERS``; a checkpoint that is a program needs ``trust``."""

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
