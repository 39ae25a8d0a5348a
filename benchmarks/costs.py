"""What does each stage cost on this machine, as `lfr plan` counts it?

    python -m benchmarks.costs --hardware NAME [--device cuda] [--frames 150]

Seconds of processor time (all threads of the process), so that other work on the machine counts little. It writes
`lfr_ray/plan/hardware/NAME.yaml` beside the result.

With `--device cuda` detection and embedding are wall time instead, a picture's share of a batch of eight: the card's
work and what its process does around it, on a machine that does nothing else. (Nobody has run that on a card yet.)

What a camera does besides (`chain_ms`) is the whole chain's time less that of decoding, detection and embedding. Where
that comes out below nothing, the table says 0.0: too little to be told from nothing, and not that it is free. The
result keeps the difference as it came out, and how many views were compared: where that is 0, as in the committed
result, the whole chain compared no face, and `chain_ms` has nothing of comparing in it.

Memory is not measured here: every table gets `MEMORY_MB`, rounded up from what `benchmarks.soak` reads of a running
site; what that does not read is assumed (Ray itself, replicas of several streams).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import yaml

from benchmarks.growth import SIZE_PX, film
from benchmarks.record import machine, write_result
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.recording_files import open_recordings
from lfr_ray.cli.watch import footage_site
from lfr_ray.config import AUTO, AuthorityConfig, CameraConfig, MatchConfig, SiteConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import available_devices
from lfr_ray.retrospective_run import FootageRun, LocalFootage

BATCHES = {"cpu": 1, "cuda": 8}
"""Canvases a call of the detector."""

SMALL_PX = (640, 360)
CANVASES_PX = ((640, 384), (1280, 736))
DETECTOR, FACES = "centerface", 10
HARDWARE = Path(__file__).resolve().parents[1] / "lfr_ray" / "plan" / "hardware"
MEMORY_MB = {"camera": 170.0, "detector": 400.0, "embedder": 450.0, "site": 1200.0, "node": 500.0}
"""Own memory (PSS) in `results/soak.json`: a camera 163 MB, a detector 259, an embedder 175, the six others of a site
866 together, of them the matcher 170. Assumed: more for detectors and embedders of several streams, 300 a node for Ray
itself, as much as the matcher for its replica on each other node."""

NOTES = """\
# chain_ms 0.0: too little to be told from nothing, not that it is free.
# memory_mb: not measured with the times; benchmarks/costs.py says where it is from.
"""


def spent_ms(work: Callable[[], Any], times: int, pictures: int) -> tuple[float, float]:
    """Processor time and wall time of one of the pictures of a call, milliseconds."""
    began_s = time.process_time(), time.perf_counter()
    for _ in range(times):
        work()
    ended_s = time.process_time(), time.perf_counter()
    cpu_ms, wall_ms = (
        (end_s - start_s) * 1000 / times / pictures for start_s, end_s in zip(began_s, ended_s, strict=True)
    )
    return cpu_ms, wall_ms


def smaller(path: Path, target: Path) -> Path:
    """The same recording in ``SMALL_PX``."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SMALL_PX, "yuv420p"
        for frame in source.decode(video=0):
            container.mux(stream.encode(frame.reformat(*SMALL_PX)))
        container.mux(stream.encode(None))
    return target


def decoded_ms(path: Path) -> float:
    """Of one frame: decoded, and made into the usual canvas."""
    source = open_source(CameraConfig(name="film", url=str(path), pace="full"))
    began_s = time.process_time()
    frames = sum(1 for frame in source.frames() if fit(frame.image, *CANVASES_PX[0]) is not None)
    took_ms = (time.process_time() - began_s) * 1000
    source.close()
    return took_ms / frames


def chained(site: SiteConfig, path: Path) -> tuple[float, float, float]:
    """Processor time of the whole chain over a recording, milliseconds; its frames, and views that were compared."""
    with FootageRun(LocalFootage(site)) as run:
        recordings = open_recordings([path]).recordings
        run.place.start(recordings)
        began_s = time.process_time()
        result = run.watch(recordings)
        took_ms = (time.process_time() - began_s) * 1000
    return took_ms, result.total("frames_total"), result.total("views_embedded_total")


def grows(small: tuple[int, float], large: tuple[int, float]) -> dict[str, float]:
    """The line through two times, by millions of pixels; through nothing where it would cost less than that."""
    slope = (large[1] - small[1]) / (large[0] - small[0]) * 1e6
    fixed_ms = small[1] - slope * small[0] / 1e6
    if fixed_ms < 0:  # large pictures cost more than their share: the middle of both
        fixed_ms, slope = 0.0, (small[1] / small[0] + large[1] / large[0]) / 2 * 1e6
    return {"ms": round(fixed_ms, 3), "ms_per_mpx": round(slope, 3)}


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--device", choices=tuple(BATCHES), default="cpu")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--calls", type=int, default=40)
    chosen = parser.parse_args()
    if chosen.device not in available_devices():
        parser.error(f"this machine has no {chosen.device}: run it where the table is for")
    batch, on_cpu = BATCHES[chosen.device], chosen.device == "cpu"
    detector = load_detector(card(DETECTOR), device=chosen.device, threads=1)
    site = footage_site(Path("."), AuthorityConfig(kind="test"), AUTO, DETECTOR, chosen.device, MatchConfig())
    embedder = load_embedder(card(site.embedder.model), device=chosen.device, threads=1)
    chip = embedder.card.chip
    assert chip is not None
    noise = np.random.default_rng(0)
    canvases = [noise.integers(0, 256, (batch, height, width, 3), np.uint8) for width, height in CANVASES_PX]
    chips = noise.integers(0, 256, (8, chip.height_px, chip.width_px, 3), np.uint8)
    for warm in (lambda: [detector.detect(one) for one in canvases], lambda: embedder.embed(chips)):
        warm()
    detecting = [spent_ms(lambda one=one: detector.detect(one), chosen.calls, batch) for one in canvases]
    embedding = spent_ms(lambda: embedder.embed(chips), chosen.calls, len(chips))
    detect_ms, embed_ms = [one[not on_cpu] for one in detecting], embedding[not on_cpu]
    with tempfile.TemporaryDirectory() as folder:
        large = film(Path(folder, "large.mp4"), FACES, chosen.frames)
        small = smaller(large, Path(folder, "small.mp4"))
        decode_ms = [decoded_ms(one) for one in (small, large)]
        site = site.model_copy(update={"data_dir": Path(folder, "data")})
        longer = smaller(film(Path(folder, "longer.mp4"), FACES, 4 * chosen.frames), Path(folder, "longer_small.mp4"))
        runs = [chained(site, one) for one in (small, longer)]
    whole_ms, frames, views = (late - early for early, late in zip(*runs, strict=True))  # without what loading takes
    rest_ms = whole_ms / frames - decode_ms[0] - detecting[0][0] - views * embedding[0] / frames
    sizes = [width * height for width, height in (SMALL_PX, SIZE_PX, *CANVASES_PX)]
    table = {
        "id": chosen.hardware,
        "title": f"one core of {machine()['cpu']}, {'' if on_cpu else machine()['gpu'] + ', '}"
        f"{embedder.network.precision}",
        "device": chosen.device,
        "detector": detector.card.id,
        "embedder": embedder.card.id,
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "decode": grows((sizes[0], decode_ms[0]), (sizes[1], decode_ms[1])),
        "chain_ms": round(max(0.0, rest_ms), 3),
        "detect": grows((sizes[2], detect_ms[0]), (sizes[3], detect_ms[1])),
        "embed_ms": round(embed_ms, 3),
        "memory_mb": MEMORY_MB,
    }
    text = NOTES + yaml.safe_dump(table, sort_keys=False)
    (HARDWARE / f"{chosen.hardware}.yaml").write_text(text, encoding="utf-8")
    write_result(
        "costs" if on_cpu else f"costs_{chosen.device}",
        "What does each stage cost on this machine, as `lfr plan` counts it?",
        {
            "hardware": chosen.hardware,
            "models": [detector.card.id, embedder.card.id],
            "decode_ms": {"640x360": decode_ms[0], "1920x1080": decode_ms[1]},
            "detect_ms": {"640x384": detect_ms[0], "1280x736": detect_ms[1]},
            "embed_ms_a_mirrored_view": embed_ms,
            "whole_chain_ms_a_frame_640x360": whole_ms / frames,
            "rest_of_the_chain_ms_a_frame": rest_ms,
            "frames": frames,
            "views": views,
        },
        "none: a table for planning",
        met=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
