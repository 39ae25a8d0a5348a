"""How many times as many faces a second does our dlib ResNet embed as dlib itself does?"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from benchmarks.record import compare, write_result
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.weight_files import find_weights

LEAST_RATIO = 15.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    options.add_argument("--batch", type=int, default=1, help="faces per call")
    options.add_argument("--rounds", type=int, default=9, help="timed turns of each")
    options.add_argument("--threads", type=int, default=1, help="compute threads of ours on a CPU; dlib has one")
    chosen = options.parse_args()
    try:
        import dlib
    except ImportError:
        print("error: dlib is not installed; next: pip install 'lfr-ray[bench]'", file=sys.stderr)
        return 2
    described = card("dlib_resnet")
    # One pass a face on both sides: neither averages with the mirror image.
    ours: Any = load_embedder(described, device=chosen.device, mirror=False, threads=chosen.threads)
    theirs = dlib.face_recognition_model_v1(str(find_weights(described)))
    chips = np.random.default_rng(0).integers(0, 256, (chosen.batch, 150, 150, 3), np.uint8)
    listed = list(chips)

    def embed() -> object:
        return ours.embed(chips)

    def describe() -> object:
        return theirs.compute_face_descriptor(listed, 0)

    raw = np.array(describe())
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    difference = float(np.abs(ours.embed(chips) - unit).max())
    many = compare(embed, describe, rounds=chosen.rounds, warm_up=1)
    figures = {
        "device": chosen.device,
        "batch": chosen.batch,
        "threads": chosen.threads,
        "precision": ours.network.precision,
        "ratio": many.ratio,
        "ratio_quartiles": [many.low, many.high],
        "rounds": many.rounds,
        "disturbed_rounds": many.disturbed,
        "ours_ms_per_face": many.ours_ms / chosen.batch,
        "dlib_ms_per_face": many.theirs_ms / chosen.batch,
        "ours_faces_per_s": 1000 * chosen.batch / many.ours_ms,
        "dlib_faces_per_s": 1000 * chosen.batch / many.theirs_ms,
        "largest_difference_of_unit_vectors": difference,
        "dlib_uses_avx": bool(dlib.USE_AVX_INSTRUCTIONS),
        "dlib_uses_cuda": bool(dlib.DLIB_USE_CUDA),
    }
    met = many.ratio >= LEAST_RATIO
    write_result(
        "embedder" if chosen.device == "cpu" else f"embedder_{chosen.device}",
        f"How many times dlib's own faces a second does our dlib ResNet reach, {chosen.batch} a call?",
        figures,
        f"at least {LEAST_RATIO:g} times",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
