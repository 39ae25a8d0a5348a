"""Does Ray cost anything? The same clip, models and cores: actors and deployments against one process.

    python -m benchmarks.pipeline CLIP --watchlist DIR

Both ways run in turn, in one sitting, after a warm-up; the figure is the median of the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import ray

from benchmarks.record import write_result
from lfr_ray.actors.cluster import start_local
from lfr_ray.actors.resources import usable_cores
from lfr_ray.camera.reader import CameraReader
from lfr_ray.clock import SystemClock
from lfr_ray.config import AuthorityConfig, CameraConfig, DetectorConfig, EmbedderConfig, SiteConfig
from lfr_ray.detect.base import load_detector
from lfr_ray.embed.base import load_embedder
from lfr_ray.metrics import Meter
from lfr_ray.models.catalogue import card


def in_one_process(site: SiteConfig, clip: Path, matcher: object, desk: object, models: tuple[object, object]) -> float:
    """Frames a second of ``pipeline/steps.py`` in this process."""
    from lfr_ray.pipeline.checks import checks_for
    from lfr_ray.pipeline.stages import LocalStages
    from lfr_ray.pipeline.steps import CameraSteps

    async def run() -> float:
        camera = CameraConfig(name=clip.stem, url=str(clip), pace="full")
        clock, meter = SystemClock(), Meter()
        stages = LocalStages(*models, matcher, desk, clock.wall_s)
        embedder = card(site.embedder.model)
        run_id, checks = str(time.time()), checks_for(site, embedder, stages)
        steps = CameraSteps(camera, site, embedder, stages, clock, meter, run_id=run_id, checks=checks)
        began_s = time.monotonic()
        reader = CameraReader(camera, clock=clock).start()
        await steps.run(reader.mailbox)
        wall_s = time.monotonic() - began_s
        stages.close()
        return meter.value("frames_total", camera=camera.name) / wall_s

    return asyncio.run(run())


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cores = usable_cores()
    with tempfile.TemporaryDirectory() as data_dir:
        site = SiteConfig(
            site="benchmark",
            data_dir=Path(data_dir),
            authority=AuthorityConfig(kind="test"),
            detector=DetectorConfig(replicas=cores, cpus=0.3),
            embedder=EmbedderConfig(cpus=0.3),
            camera_cpus=0.05,
        )
        start_local()
        from lfr_ray.camera.recordings import open_recordings
        from lfr_ray.data_dir import DataDir
        from lfr_ray.enrol.importer import enrol_folder
        from lfr_ray.govern.ledger import open_ledger
        from lfr_ray.retrospective import FootageRun
        from lfr_ray.site.open import open_alerts, open_matcher, open_store

        models = (
            load_detector(card(site.detector.model), threads=cores),
            load_embedder(card(site.embedder.model), threads=cores),
        )
        store = open_store(site)
        enrol_folder(arguments.watchlist, store, *models, now=time.time())
        matcher, desk = open_matcher(site, open_ledger(DataDir(site.data_dir))), open_alerts(site)
        matcher.reload(time.time())
        recordings = open_recordings([arguments.clip]).recordings
        pairs = []
        for number in range(arguments.rounds + 1):
            alone = in_one_process(site, arguments.clip, matcher, desk, models)
            with FootageRun(site) as run:
                run.prepare(recordings)
                result = run.watch(recordings)
            on_ray = sum(result.frames_by_camera().values()) / result.wall_s
            print(f"round {number}: one process {alone:.1f} frames/s, Ray {on_ray:.1f}")
            if number:
                pairs.append((alone, on_ray))
        ray.shutdown()
    ratio = statistics.median(on_ray / alone for alone, on_ray in pairs)
    write_result(
        "pipeline",
        "How many frames a second on Ray, for each one in a single process with the same models and cores?",
        {
            "clip": arguments.clip.name,
            "cores": cores,
            "one_process_frames_per_s": round(statistics.median(one for one, _ in pairs), 2),
            "ray_frames_per_s": round(statistics.median(one for _, one in pairs), 2),
            "ratio": round(ratio, 3),
            "ratios": [round(on_ray / alone, 3) for alone, on_ray in pairs],
        },
        "at least 1.0",
        ratio >= 1.0,
    )


if __name__ == "__main__":
    main()
