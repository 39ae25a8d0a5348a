"""How many times as many frames a second does `lfr watch` look at as face_recognition's own video loop?

    python -m benchmarks.watch CLIP --watchlist DIR --expect ENTRY [--expect ENTRY ...]

The peer runs as its own example does (``examples/facerec_from_video_file.py``: OpenCV frames, HOG detector, every face
of every frame encoded and compared) over a part of the clip; ours is the installed command over the whole clip.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.record import write_result

PEER_FRAMES = 60
"""Frames that the peer gets in one round: its speed does not change along the clip."""


def ours(clip: Path, watchlist: Path) -> dict[str, Any]:
    """The command's own result."""
    command = [sys.executable, "-c", "from lfr_ray.cli.main import run; run()", "watch", str(clip)]
    done = subprocess.run(
        [*command, "--watchlist", str(watchlist), "--json", "-"], check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def peer(clip: Path, watchlist: Path, frames: int, skip: int) -> float:
    """Frames a second of face_recognition's loop."""
    import cv2
    import face_recognition

    pictures = sorted(path for path in watchlist.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    known = [
        code
        for path in pictures
        for code in face_recognition.face_encodings(face_recognition.load_image_file(path))[:1]
    ]
    video = cv2.VideoCapture(str(clip))
    for _ in range(skip):
        video.read()
    began_s, seen = time.monotonic(), 0
    while seen < frames:
        good, frame = video.read()
        if not good:
            break
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        places = face_recognition.face_locations(rgb)
        for code in face_recognition.face_encodings(rgb, places):
            face_recognition.compare_faces(known, code, tolerance=0.5)
        seen += 1
    return seen / (time.monotonic() - began_s)


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--expect", action="append", default=[], help="An entry that must be alerted, and no other.")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pairs, results = [], []
    for number in range(arguments.rounds):
        result = ours(arguments.clip, arguments.watchlist)
        theirs = peer(arguments.clip, arguments.watchlist, PEER_FRAMES, skip=number * PEER_FRAMES)
        results.append(result)
        pairs.append((result["speed"]["frames_per_s"], theirs))
        print(f"round {number + 1}: lfr watch {pairs[-1][0]:.1f} frames/s, face_recognition {theirs:.2f}")
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    alerted = sorted({alert["entry_id"] for result in results for alert in result["alerts"]})
    found = all(sorted({a["entry_id"] for a in result["alerts"]}) == sorted(arguments.expect) for result in results)
    met = ratio >= 7 and found
    write_result(
        "watch",
        "How many times as many frames a second does `lfr watch` look at as face_recognition's own video loop?",
        {
            "clip": arguments.clip.name,
            "watchlist_entries": results[0]["watchlist"]["entries"],
            "expected": sorted(arguments.expect),
            "alerted": alerted,
            "frames_per_s": round(statistics.median(mine for mine, _ in pairs), 2),
            "peer_frames_per_s": round(statistics.median(theirs for _, theirs in pairs), 2),
            "ratio": round(ratio, 2),
            "ratios": [round(mine / theirs, 2) for mine, theirs in pairs],
        },
        "at least 7 times, with every listed person alerted and nobody else",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
