"""Does CenterFace in whole numbers of 8 bits find the same faces, and how much faster is it?

    python -m benchmarks.int8 --data DIR [--rounds 15]

Quantised after training (NNCF) with frames of the development clips, then compared with float32 and with bfloat16 in
one run: recall on the marked faces of crowds, where the smallest have 20 pixels on the canvas and where they have ten;
faces of the clips that float32 finds and it does not; and processor time of one thread. It is kept only where no face
is lost; nothing of it is part of the software otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino

from benchmarks.record import write_result
from benchmarks.zoo import _find, _hit, _marked, _read
from lfr_ray.detect.centerface import CenterFace
from lfr_ray.detect.letterbox import fit
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.openvino_runtime import OpenVinoNetwork, read_file
from lfr_ray.models.weight_files import find_weights
from lfr_ray.records import Faces, Picture

CANVAS_PX = (640, 384)
CROWD_CANVASES_PX = ((1280, 960), (640, 480))
LEAST_FACE_PX = 20.0
LEARNT, JUDGED = (0.0, 0.9), (0.05, 0.95)
"""Shares of a clip: where the first and the last frame are that it learns from, and that it is judged by."""
FRAMES_A_CLIP = 8


class Plain(CenterFace):
    """CenterFace around a network that it is given, in the precision that this has."""

    def __init__(self, network: OpenVinoNetwork) -> None:
        self.card, self.network, self.min_score, self._path = network.card, network, 0.5, Path()


def frames(clips: Path, between: tuple[float, float]) -> list[Picture]:
    """Canvases of every clip, evenly spaced."""
    found = []
    for path in sorted(clips.glob("*.mp4")):
        video = cv2.VideoCapture(str(path))
        length = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) - 2
        for at in np.linspace(between[0] * length, between[1] * length, FRAMES_A_CLIP):
            video.set(cv2.CAP_PROP_POS_FRAMES, int(at))
            good, frame = video.read()
            if good:
                found.append(fit(np.ascontiguousarray(frame[:, :, ::-1]), *CANVAS_PX)[0])
    return found


def in_8_bits(model: openvino.Model, pictures: list[Picture]) -> openvino.Model:
    """The model in 8 bits, its ranges learnt from pictures."""
    try:
        nncf = importlib.import_module("nncf")
    except ModuleNotFoundError:
        raise SystemExit("nncf is not installed; next: pip install 'nncf>=3.0'") from None
    model.reshape([1, 3, -1, -1])
    learnt = nncf.Dataset(pictures, lambda one: one.transpose(2, 0, 1)[np.newaxis].astype(np.float32))
    quantised: openvino.Model = nncf.quantize(model, learnt, subset_size=len(pictures))
    return quantised


def detector_of(model: openvino.Model, *, half: bool) -> Plain:
    """The detector around a model, on one thread."""
    described = card("centerface")
    network = OpenVinoNetwork(
        lambda height, width: model, model, Device("cpu", threads=1), described, batch=1, any_size=True
    )
    return Plain(network.faster() or network if half else network)


def recall(detector: Plain, marked: dict[Path, Any], canvas_px: tuple[int, int]) -> dict[str, int]:
    """Marked faces from 20 px that it finds, and how many there are."""
    hits = []
    for path, boxes in marked.items():
        faces = _find(detector, _read(path), canvas_px)
        hits += [_hit(box, faces) for box in boxes if np.sqrt(np.prod(box[2:] - box[:2])) >= LEAST_FACE_PX]
    return {"found": sum(hits), "of": len(hits)}


def lost(wanted: list[Faces], got: list[Faces]) -> int:
    """Faces of the first that the second has not."""
    return sum(not _hit(box, two) for one, two in zip(wanted, got, strict=True) for box in one.boxes)


def processor_ms(detectors: dict[str, Plain], picture: Picture, rounds: int) -> dict[str, float]:
    """Least processor time of one picture, in turns."""
    least = dict.fromkeys(detectors, float("inf"))
    for _ in range(rounds):
        for name, detector in detectors.items():
            began_s = time.process_time()
            detector.detect(picture[np.newaxis])
            least[name] = min(least[name], (time.process_time() - began_s) * 1000)
    return least


def main() -> int:
    """Measure and record."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with videos, and crowd")
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    path = find_weights(card("centerface"), None)
    model = read_file(path)
    whole = in_8_bits(read_file(path), frames(chosen.data / "videos", LEARNT))
    detectors = {
        "float32": detector_of(model, half=False),
        "bfloat16": detector_of(model, half=True),
        "int8": detector_of(whole, half=True),
    }
    marked, judged = _marked(chosen.data), frames(chosen.data / "videos", JUDGED)
    faces = {name: [one.detect(frame[np.newaxis])[0] for frame in judged] for name, one in detectors.items()}
    least_ms = processor_ms(detectors, judged[0], chosen.rounds)
    figures: dict[str, Any] = {"canvas_px": list(CANVAS_PX), "clip_frames": len(judged)}
    figures |= {"clip_faces": sum(map(len, faces["float32"])), "pictures_of_crowds": len(marked)}
    for name, detector in detectors.items():
        figures[name] = {
            "recall_from_20_px": {
                f"{width}x{height}": recall(detector, marked, (width, height)) for width, height in CROWD_CANVASES_PX
            },
            "clip_faces_lost": lost(faces["float32"], faces[name]),
            "processor_ms": least_ms[name],
        }
    kept, before = figures["int8"], figures["bfloat16"]
    met = kept["clip_faces_lost"] <= before["clip_faces_lost"] and all(
        kept["recall_from_20_px"][size]["found"] >= before["recall_from_20_px"][size]["found"]
        for size in before["recall_from_20_px"]
    )
    write_result(
        "int8",
        "Does CenterFace in whole numbers of 8 bits find the same faces, and how much faster is it?",
        figures,
        "no face fewer than in bfloat16; otherwise it is not kept",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
