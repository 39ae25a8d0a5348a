"""Does Ray cost anything? The same clip, models and cores: actors and deployments against one process.

    python -m benchmarks.pipeline CLIP [CLIP ...] --watchlist DIR

Both ways run in turn, in one sitting, after a warm-up; the figure is the median of the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import ray

from benchmarks.record import write_result
from lfr_ray.actors.cluster import start_local
from lfr_ray.actors.footage import ClusterFootage
from lfr_ray.camera.recordings import Recording, open_recordings
from lfr_ray.cli.watch import footage_site
from lfr_ray.config import AUTO, AuthorityConfig, MatchConfig
from lfr_ray.enrol.importer import enrol_folder
from lfr_ray.models.cores import usable_cores
from lfr_ray.pipeline.load import detector_of, embedder_of
from lfr_ray.retrospective import FootagePlace, FootageRun, LocalFootage
from lfr_ray.site.open import open_store


def frames_per_s(place: FootagePlace, recordings: tuple[Recording, ...]) -> float:
    """Of one run over recordings, models being ready."""
    with FootageRun(place) as run:
        run.prepare(recordings)
        result = run.watch(recordings)
    return sum(result.frames_by_camera().values()) / result.wall_s


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
            alone = frames_per_s(LocalFootage(site), recordings)
            on_ray = frames_per_s(ClusterFootage(site), recordings)
            print(f"round {number}: one process {alone:.1f} frames/s, Ray {on_ray:.1f}")
            if number:
                pairs.append((alone, on_ray))
        ray.shutdown()
    ratio = statistics.median(on_ray / alone for alone, on_ray in pairs)
    write_result(
        "pipeline",
        "How many frames a second on Ray, for each one in a single process with the same models and cores?",
        {
            "clips": [clip.name for clip in arguments.clips],
            "cores": usable_cores(),
            "one_process_frames_per_s": round(statistics.median(one for one, _ in pairs), 2),
            "ray_frames_per_s": round(statistics.median(one for _, one in pairs), 2),
            "ratio": round(ratio, 3),
            "ratios": [round(on_ray / alone, 3) for alone, on_ray in pairs],
        },
        "at least 1.0",
        ratio >= 1.0,
    )
    return 0 if ratio >= 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
