"""Make the weights of the occlusion estimator (lfr_ray/embed/occlusion.py) from pictures of uncovered faces.

    python -m benchmarks.training.train_occlusion DIR --but mfr2 --out occlusion.npz

DIR holds images.csv (file, identity, attributes) and the pictures. What ``--but`` names in the attributes is left out
of the training, and so is every fifth person; ``benchmarks.covered`` measures on those.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.training.occluders import Draw, Painter, both, harmless, lower, photographed, upper
from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.occlusion import FEATURES, features
from lfr_ray.enrol.labelled_pictures import most_central
from lfr_ray.enrol.still_faces import detect_stills
from lfr_ray.enrol.subject_face import choose_subject
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Floats, Picture

EXAMPLES = 40_000
HIDDEN = 32
EPOCHS = 20
BATCH = 256
HELD_OUT_EVERY = 5
KINDS: tuple[tuple[float, Draw | None, tuple[int, int]], ...] = (
    (0.20, None, (0, 0)),
    (0.25, harmless, (0, 0)),
    (0.23, lower, (1, 0)),
    (0.23, upper, (0, 1)),
    (0.09, both, (1, 1)),
)
"""Share of the examples, what is drawn, and what is covered then."""


@dataclass(frozen=True)
class Shown:
    """One picture's subject, upright."""

    identity: str
    attributes: str
    chip: Picture


def shown(folder: Path, chip_card: str = "occlusion_hog") -> list[Shown]:
    """The subjects of all pictures of ``images.csv``, as chips of a card."""
    spec = card(chip_card).chip
    assert spec is not None
    detector = load_detector(card("centerface"), device="cpu")
    with (folder / "images.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    found = []
    for row in rows:
        picture = read_picture(folder / row["file"])
        (faces,) = detect_stills([picture], detector)
        if len(faces):
            subject = choose_subject(faces, picture.shape[1], picture.shape[0]).row
            if subject is None:
                subject = most_central(faces, picture.shape[1], picture.shape[0])
            chip = cut_chips(picture, faces.points[subject : subject + 1], spec)[0]
            found.append(Shown(row["identity"], row["attributes"], chip))
    return found


def held_out(people: list[str]) -> set[str]:
    """Every fifth person, in name order."""
    return set(sorted(set(people))[::HELD_OUT_EVERY])


def examples(chips: Picture, count: int, seed: int) -> tuple[Floats, Floats]:
    """Features and what is covered, of faces with things drawn over them."""
    painter = Painter(np.random.default_rng(seed), chips)
    seen, covered = np.zeros((count, FEATURES), np.float32), np.zeros((count, 2), np.float32)
    kinds = painter.random.choice(len(KINDS), count, p=[share for share, _, _ in KINDS])
    for row, kind in enumerate(kinds):
        chip = chips[painter.random.integers(len(chips))]
        _, draw, label = KINDS[kind]
        seen[row] = features(photographed(painter, chip if draw is None else draw(painter, chip)))
        covered[row] = label
    return seen, covered


def train(seen: Floats, covered: Floats) -> dict[str, Floats]:
    """Two layers, by gradient descent."""
    torch.manual_seed(0)
    mean = seen.mean(axis=0)
    network = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    inputs, labels = torch.from_numpy(seen - mean), torch.from_numpy(covered)
    steps = EPOCHS * -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs)).split(BATCH):
            loss = nn.functional.binary_cross_entropy_with_logits(network(inputs[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    first, second = network[1], network[3]
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    made = {
        "mean": mean,
        "first": first.weight.T.detach().numpy(),
        "first_offset": first.bias.detach().numpy(),
        "second": second.weight.T.detach().numpy(),
        "second_offset": second.bias.detach().numpy(),
    }
    return {name: values.astype(np.float16) for name, values in made.items()}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--but", default="mfr2", help="attributes that begin so are left out")
    options.add_argument("--out", type=Path, required=True)
    chosen = options.parse_args()
    pictures = [one for one in shown(chosen.folder) if not one.attributes.startswith(chosen.but)]
    kept_out = held_out([one.identity for one in pictures])
    chips = np.stack([one.chip for one in pictures if one.identity not in kept_out])
    print(f"{len(chips)} faces", file=sys.stderr)
    made = train(*examples(chips, EXAMPLES, seed=0))
    np.savez_compressed(chosen.out, allow_pickle=False, **made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
