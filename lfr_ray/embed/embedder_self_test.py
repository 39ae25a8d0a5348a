"""Chips that every program can make again, and what an embedder must do with them before it is trusted.

A wrong colour order, mean or scale breaks no program: the vectors merely get worse. Where a card states the first
numbers of the vector that the model's own reference gives for the probe chip, such a card is refused at loading.
"""

from __future__ import annotations

import numpy as np

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import Network, half_if_same
from lfr_ray.records import Floats, Picture

TOLERANCE = 0.05
"""Largest difference, as a share of the stated numbers' length: half precision needs less, another input far more."""

SAME = 1 - 1e-5
"""Vectors of different chips that are more similar than this are one constant vector."""

LEAST_COSINE = 0.999
"""Half precision is used where every probe chip's vector is at least so similar to that of single precision."""


def settled(network: Network, width_px: int, height_px: int) -> Network:
    """The network in half precision where it gives the same vectors for chips of this size, else the network itself."""

    def same(*both: Network) -> bool:
        chips = probe_chips(width_px, height_px)
        return same_vectors(*(one.run(chips)[0].reshape(len(chips), -1) for one in both))

    return half_if_same(network, same)


def same_vectors(full: Floats, half: Floats) -> bool:
    """Every vector ``(N, D)`` of the first points where the second's does; False where one has no length."""
    lengths = np.linalg.norm(full, axis=1) * np.linalg.norm(half, axis=1)
    return bool(((full * half).sum(axis=1) >= LEAST_COSINE * lengths).all() and (lengths > 0).all())


def probe_chips(width_px: int, height_px: int) -> Picture:
    """Three chips that differ in everything: coloured waves (the probe chip), their mirrored negative, and noise.

    Returns:
        ``uint8 (3, height_px, width_px, 3)`` RGB.
    """
    y, x = np.mgrid[0:height_px, 0:width_px]
    # Each channel has waves of its own, so that exchanging two of them makes another picture.
    waves = (np.sin(x / 17 + 2 * y / 31), np.cos(x / 11 - y / 23), np.sin(x * y / 900))
    smooth = np.stack([(127.5 + 120 * wave).astype(np.uint8) for wave in waves], axis=2)
    noise = np.random.default_rng(0).integers(0, 256, smooth.shape, np.uint8)
    return np.stack((smooth, 255 - smooth[:, ::-1], noise))


def check_vectors(card: ModelCard, vectors: Floats, reordered: Floats) -> None:
    """Refuse a model that cannot tell pictures apart, or whose card describes another input.

    ``vectors`` are unit vectors of :func:`probe_chips`, without mirroring; ``reordered`` is that of the probe chip with
    red and blue exchanged, ``(1, D)``.

    Raises:
        ModelError: One vector for all pictures, or other numbers than the card states for the probe chip.
    """
    similarity = vectors @ vectors.T
    if float(similarity.min()) > SAME:
        raise ModelError(
            f"the model {card.id} gives the same vector for every picture",
            got=f"three different chips, similarity at least {similarity.min():.6f}",
            allowed="vectors that differ from picture to picture",
            next_step="the file is broken, or the card's mean and scale drive every input to the same value",
        )
    if not card.probe or _away(card, vectors[0]) <= TOLERANCE:
        return
    other = "BGR" if card.colour == "RGB" else "RGB"
    raise ModelError(
        f"the model {card.id} does not do with its probe chip what its card states",
        got=f"{_away(card, vectors[0]):.2f} of the stated length away, colour order {card.colour}",
        allowed=f"at most {TOLERANCE:g}",
        next_step=f"the card's colour order is wrong: state {other}"
        if _away(card, reordered[0]) <= TOLERANCE
        else "check the card's colour order, mean, scale and chip",
    )


def _away(card: ModelCard, vector: Floats) -> float:
    stated = np.array(card.probe, np.float32)
    if len(stated) > len(vector):
        return float("inf")
    return float(np.linalg.norm(vector[: len(stated)] - stated) / np.linalg.norm(stated))
