"""How many times as many frames a second does `lfr watch` look at as face_recognition's own loop, on two clips?

    python -m benchmarks.end_to_end CLIP_360P CLIP_1080P --watchlist DIR [--rounds 5] [--peer-frames 40 12]

Ours is the installed command over the whole clip, without the time in which it starts. The peers run their own loops
over a part of it, in turns with ours: face_recognition as its example does (``benchmarks/watch.py``); deepface and
facenet-pytorch where they are installed and load without fetching anything, which the result says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import watch
from benchmarks.record import write_result

LEAST_TIMES = (12.0, 60.0)
OFFLINE = {"HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""Where a peer would fetch its weights, it fails at once."""

Loop = Callable[[np.ndarray], Any]


def frames_of(clip: Path, most: int) -> Iterator[np.ndarray]:
    """Frames in RGB, as the peers' examples read them."""
    import cv2

    video = cv2.VideoCapture(str(clip))
    for _ in range(most):
        good, frame = video.read()
        if not good:
            return
        yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


def facenet_pytorch() -> Loop:
    """MTCNN, and a vector of every face."""
    import torch

    peer = importlib.import_module("facenet_pytorch")
    detector, embedder = peer.MTCNN(keep_all=True), peer.InceptionResnetV1(pretrained="vggface2").eval()

    def loop(picture: np.ndarray) -> None:
        faces = detector(picture)
        if faces is not None:
            with torch.inference_mode():
                embedder(faces)

    return loop


def deepface() -> Loop:
    """Its defaults: OpenCV's detector and VGG-Face."""
    represent = importlib.import_module("deepface.DeepFace").represent
    return lambda picture: represent(picture, enforce_detection=False)


def other_peers(clips: list[Path], frames: list[int]) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Frames a second of each peer on each clip; and why the others were left out."""
    speeds: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    os.environ.update(OFFLINE)
    for name, load in {"facenet_pytorch": facenet_pytorch, "deepface": deepface}.items():
        try:
            loop = load()
            loop(next(frames_of(clips[0], 1)))
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a peer may raise anything where it cannot fetch)
            line = (str(error).splitlines() or [""])[0].encode("ascii", "ignore").decode()
            said = line.replace(str(Path.home()), "~").strip()
            left_out[name] = f"does not load without fetching: {type(error).__name__}: {said[:120]}"
            continue
        speeds[name] = []
        for clip, most in zip(clips, frames, strict=True):
            began_s, seen = time.monotonic(), 0
            for picture in frames_of(clip, most):
                loop(picture)
                seen += 1
            speeds[name].append(round(seen / (time.monotonic() - began_s), 3))
    return speeds, left_out


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs=2)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-frames", type=int, nargs=2, default=[40, 12])
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    met = True
    for clip, most, least in zip(chosen.clips, chosen.peer_frames, LEAST_TIMES, strict=True):
        pairs, alerted = [], set()
        for number in range(chosen.rounds):
            result = watch.ours(clip, chosen.watchlist)
            theirs = watch.peer(clip, chosen.watchlist, most, skip=number * most)
            pairs.append((result["speed"]["frames_per_s"], theirs))
            alerted |= {alert["entry_id"] for alert in result["alerts"]}
            print(f"{clip.name}: lfr watch {pairs[-1][0]:.1f} frames/s, face_recognition {theirs:.2f}", file=sys.stderr)
        source, ratios = result["sources"][0], [mine / theirs for mine, theirs in pairs]
        met = met and statistics.median(ratios) >= least
        figures[f"{source['width']}x{source['height']}"] = {
            "clip": clip.name,
            "frames_per_s": statistics.median(mine for mine, _ in pairs),
            "face_recognition_frames_per_s": statistics.median(theirs for _, theirs in pairs),
            "ratio": statistics.median(ratios),
            "ratios": ratios,
            "alerted": sorted(alerted),
        }
    figures["other_peers_frames_per_s"], figures["left_out"] = other_peers(chosen.clips, chosen.peer_frames)
    write_result(
        "end_to_end",
        "How many times as many frames a second does `lfr watch` look at as face_recognition's own loop, on two clips?",
        figures,
        f"at least {LEAST_TIMES[0]:g} times at 640x360 and {LEAST_TIMES[1]:g} times at 1080p",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
