"""How does the time of a frame grow with the faces in it: 1, 10 and 100?

    python -m benchmarks.growth [--frames 100] [--rounds 3]

A 1080p recording is made of the astronaut's photograph (scikit-image's): so many copies of her face on grey, each
wandering a little. Nobody is on the list. The whole chain of `lfr watch` runs over it in this process.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.record import write_result
from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.cli.watch import footage_site
from lfr_ray.config import AUTO, AuthorityConfig, MatchConfig
from lfr_ray.models.weight_files import package_file
from lfr_ray.retrospective_run import FootageRun, LocalFootage

FACES, SIZE_PX, TILE_PX, WANDER_PX = (1, 10, 100), (1920, 1080), 128, 3
HEAD = slice(20, 200), slice(135, 315)
"""Rows and columns of the photograph with the head: at this size its face is found on the detector's canvas."""
MOST_TIMES = 10.0


def film(path: Path, faces: int, frames: int) -> Path:
    """A recording with so many faces in every frame."""
    photograph = package_file("skimage", "data/astronaut.png")
    if photograph is None:
        sys.exit("error: the photograph is not installed: pip install scikit-image")
    tile = cv2.resize(read_picture(photograph)[HEAD], (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    columns = math.ceil(math.sqrt(faces * SIZE_PX[0] / SIZE_PX[1]))
    step_px = min(SIZE_PX[0] // columns, SIZE_PX[1] // math.ceil(faces / columns))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
        stream.bit_rate = 8_000_000
        for index in range(frames):
            picture = np.full((SIZE_PX[1], SIZE_PX[0], 3), 120, np.uint8)
            shift = round(WANDER_PX * (1 + math.sin(index / 5)))
            for number in range(faces):
                top, left = (step_px * place for place in divmod(number, columns))
                part = picture[top + shift : top + shift + TILE_PX, left : left + TILE_PX]
                part[:] = tile[: part.shape[0], : part.shape[1]]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    times_ms: dict[int, list[float]] = {faces: [] for faces in FACES}
    detected = {}
    with tempfile.TemporaryDirectory() as folder:
        films = {faces: film(Path(folder, f"{faces}.mp4"), faces, chosen.frames) for faces in FACES}
        site = footage_site(
            Path(folder, "data"), AuthorityConfig(kind="test"), AUTO, "centerface", "auto", MatchConfig()
        )
        for number in range(chosen.rounds + 1):
            for faces, path in films.items():
                with FootageRun(LocalFootage(site)) as run:
                    recordings = open_recordings([path]).recordings
                    run.place.start(recordings)
                    result = run.watch(recordings)
                looked = result.total("frames_total")
                detected[faces] = result.total("faces_detected_total") / looked
                if number:
                    times_ms[faces].append(result.wall_s * 1000 / looked)
    ratios = [many / few for few, many in zip(times_ms[FACES[0]], times_ms[FACES[-1]], strict=True)]
    met = statistics.median(ratios) <= MOST_TIMES and detected[FACES[-1]] >= 0.9 * FACES[-1]
    write_result(
        "growth",
        "How does the time of a frame grow with the faces in it: 1, 10 and 100?",
        {
            "size_px": list(SIZE_PX),
            "frames": chosen.frames,
            "ms_a_frame": {str(faces): statistics.median(times_ms[faces]) for faces in FACES},
            "faces_detected_a_frame": {str(faces): detected[faces] for faces in FACES},
            "times_as_long_with_100": statistics.median(ratios),
            "rounds": ratios,
        },
        f"100 faces, of which 90 are found, at most {MOST_TIMES:g} times as long as one",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
