"""What does it cost to cut out one face and to judge it?"""

from __future__ import annotations

import argparse
import sys
from functools import partial

import cv2
import numpy as np

from benchmarks.record import median_ms, write_result
from lfr_ray.config import QualityConfig
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.view_quality import assess
from lfr_ray.models.card_catalogue import card

MOST_CUT_MS = 0.5
MOST_JUDGE_MS = 0.3
SIZES_PX = (40, 150, 300, 600)
"""Width of the face square in the picture: enlarged, about as it is, halved once, halved twice."""

LARGEST_PX = 300
"""The target is for faces up to this size; a larger one costs what reading its pixels costs."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=25)
    options.add_argument("--threads", type=int, default=1, help="threads of OpenCV")
    chosen = options.parse_args()
    cv2.setNumThreads(chosen.threads)
    spec = card("dlib_resnet").chip
    assert spec is not None
    picture = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    template = np.array(spec.template_px, np.float32)
    cut = {}
    for size_px in SIZES_PX:
        points = (template - 75) * (size_px / 100) + np.array([960, 540], np.float32)
        batch = np.repeat(points[None], 8, axis=0)
        spent_ms = median_ms(partial(cut_chips, picture, batch, spec), rounds=chosen.rounds)
        cut[str(size_px)] = spent_ms / len(batch)
    chip = cut_chips(picture, points[None], spec)[0]
    box = np.array([800, 400, 1100, 760], np.float32)
    gate = QualityConfig()
    judge_ms = median_ms(lambda: assess(box, points, 0.9, chip, gate), rounds=chosen.rounds, calls=20)
    worst_ms = max(spent_ms for size_px, spent_ms in cut.items() if int(size_px) <= LARGEST_PX)
    met = worst_ms <= MOST_CUT_MS and judge_ms <= MOST_JUDGE_MS
    write_result(
        "chips",
        "How long does it take to cut out one 150 px chip, and to judge it?",
        {"threads": chosen.threads, "cut_ms_by_face_size_px": cut, "judge_ms": judge_ms},
        f"at most {MOST_CUT_MS:g} ms to cut (faces up to {LARGEST_PX} px) and {MOST_JUDGE_MS:g} ms to judge",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
