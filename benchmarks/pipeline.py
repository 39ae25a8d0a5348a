"""Does Ray cost anything? The same clip, models and cores: actors and deployments against one process.

    python -m benchmarks.pipeline CLIP [CLIP ...] --watchlist DIR

Both ways run in turn, in one sitting, after a warm-up; the figure is the median of the ratios. The processor time of
all processes together, for each frame, stands beside it: other work on the machine changes that less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil
import ray

from benchmarks.record import write_result
from lfr_ray.actors.footage_pool import ClusterFootage
from lfr_ray.actors.start_or_join_ray import start_local
from lfr_ray.camera.recording_files import Recording, open_recordings
from lfr_ray.cli.watch import footage_site
from lfr_ray.config import AUTO, AuthorityConfig, MatchConfig
from lfr_ray.enrol.import_folder import enrol_folder
from lfr_ray.models.cores_and_threads import usable_cores
from lfr_ray.pipeline.load_site_models import detector_of, embedder_of
from lfr_ray.retrospective_run import FootagePlace, FootageRun, LocalFootage, Progress
from lfr_ray.site.open_site import open_store


class Speed(NamedTuple):
    """Of one run."""

    frames_per_s: float
    processor_ms_a_frame: float


def processor_s(place: FootagePlace) -> float:
    """Processor time of this process and, on Ray, of everything that it started, while that lives."""
    this = psutil.Process()
    ours = [this] if isinstance(place, LocalFootage) else [this, *this.children(recursive=True)]
    return sum(one.cpu_times().user + one.cpu_times().system for one in ours)


def speed_of(place: FootagePlace, recordings: tuple[Recording, ...]) -> Speed:
    """Of one run over recordings, models being ready."""
    began: list[tuple[int, float]] = []

    def noted(now: Progress) -> None:
        if not began:
            began.append((now.frames, processor_s(place)))

    with FootageRun(place) as run:
        run.place.start(recordings)
        result = run.watch(recordings, noted)
        took_s = processor_s(place) - began[0][1]
    frames = sum(result.by_label("frames_total", "camera").values())
    return Speed(frames / result.wall_s, 1000 * took_s / (frames - began[0][0]))


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    recordings = open_recordings(arguments.clips).recordings
    with tempfile.TemporaryDirectory() as data_dir:
        authority = AuthorityConfig(kind="test")
        site = footage_site(Path(data_dir), authority, AUTO, "centerface", "auto", MatchConfig())
        enrol_folder(
            arguments.watchlist, open_store(site), detector_of(site), embedder_of(site, site.embedder), now=0.0
        )
        start_local()
        pairs = []
        for number in range(arguments.rounds + 1):
            alone = speed_of(LocalFootage(site), recordings)
            on_ray = speed_of(ClusterFootage(site), recordings)
            print(f"round {number}: one process {alone}, Ray {on_ray}", flush=True)
            if number:
                pairs.append((alone, on_ray))
        ray.shutdown()
    every_alone, every_on_ray = zip(*pairs, strict=True)
    ratios = [on_ray.frames_per_s / alone.frames_per_s for alone, on_ray in pairs]
    ratio = statistics.median(ratios)
    write_result(
        "pipeline",
        "How many frames a second on Ray, for each one in a single process with the same models and cores?",
        {
            "clips": [clip.name for clip in arguments.clips],
            "cores": usable_cores(),
            "one_process": {name: _median(every_alone, name) for name in Speed._fields},
            "ray": {name: _median(every_on_ray, name) for name in Speed._fields},
            "ratio": round(ratio, 3),
            "ratios": [round(one, 3) for one in ratios],
        },
        "at least 1.0",
        ratio >= 1.0,
    )
    return 0 if ratio >= 1.0 else 1


def _median(speeds: tuple[Speed, ...], name: str) -> float:
    return round(statistics.median(getattr(one, name) for one in speeds), 2)


if __name__ == "__main__":
    sys.exit(main())
