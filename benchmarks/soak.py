"""An hour with a process killed every minute: is an alert lost or doubled, and does anything grow?

    python -m benchmarks.soak [--seconds 3600] [--every 60]

Two recordings, cut out of the demo's footage, in a loop: a listed person to and fro for 5 s, then nobody for 5 s. So
each camera has to raise one alert every 10 s, also where the machine has other work. Each kind of process is killed
(SIGKILL) in turn. Own memory (PSS), open files and threads of each kind are read once everything has warmed up, and at
the end; processes that were killed are young then, as they are in operation.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.record import write_result
from lfr_ray.camera.demo_source import DemoSource
from lfr_ray.clock import parse_utc
from lfr_ray.config import CameraConfig

QUESTION = "An hour with a process killed every minute: is an alert lost or doubled, and does anything grow?"
FPS, STEPS, EMPTY = 10, 16, 14
PERIOD_S = (STEPS + EMPTY) / FPS
"""Of the film that is cut out as it is."""

LONG = {"walks": 3, "empty": 52}
LONG_PERIOD_S = (LONG["walks"] * STEPS + LONG["empty"]) / FPS
CAMERAS = {"pier": 30, "gate": 72}
"""Demo scene to its first frame with a listed person."""

TITLES = {
    "camera": "ray::CameraActor",
    "detector": "ray::ServeReplica:lfr:detector",
    "embedder": "ray::ServeReplica:lfr:embedder",
    "matcher": "ray::MatcherActor",
    "desk": "ray::DeskActor",
    "fleet": "ray::ServeReplica:lfr:fleet",
    "ingress": "ray::ServeReplica:lfr:ingress",
    "controller": "ray::ServeController",
    "proxy": "ray::ProxyActor",
}
KILLED = ("camera", "detector", "embedder", "matcher", "desk", "fleet", "ingress")
BROKEN_S = 30.0
"""For so long after a fault passages may be missed: what is then not seen is no alert that was lost."""

MOST_GROWTH, SPARE = 0.10, 2
SAMPLES, SAMPLE_S = 7, 3.0


def film(
    path: Path, scene: str, first: int, *, walks: int = 1, empty: int = EMPTY, times: int = 1, scale: int = 1
) -> None:
    """A person for a while, to and fro so many times, then nobody for so many frames; each frame so many times.

    Pictures of 640x360 are enlarged ``scale`` times: by 12 they are 8K. There is a key frame a second, as cameras give.
    """
    source = DemoSource(CameraConfig(name="film", url=f"demo:{scene}"))
    with av.open(str(path), "w") as container:
        options = {"crf": "18", "bf": "0", "g": str(FPS * times)} | ({"preset": "ultrafast"} if scale > 1 else {})
        stream = container.add_stream("libx264", rate=FPS * times, options=options)
        stream.width, stream.height, stream.pix_fmt = 640 * scale, 360 * scale, "yuv420p"
        steps = [one.convert() for one in itertools.islice(source.pictures(), first, first + STEPS)]
        there = [one for walk in range(walks) for one in (steps[::-1] if walk % 2 else steps)]
        shown = [*there, *[np.full((360, 640, 3), 118, np.uint8)] * empty]
        for pixels in itertools.chain.from_iterable(itertools.repeat(one, times) for one in shown):
            picture = av.VideoFrame.from_ndarray(pixels, "rgb24")
            container.mux(stream.encode(picture.reformat(stream.width, stream.height)))
        container.mux(stream.encode())


def processes() -> dict[str, list[int]]:
    """Processes that this one has started, by kind."""
    parents: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            if place.name.isdigit():
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    found = defaultdict(list)
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        if above != os.getpid():
            continue
        with suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            for kind, title in TITLES.items():
                if line.startswith(title):
                    found[kind].append(pid)
    return found


def held(pid: int) -> tuple[float, int, int]:
    """Own memory in MB, open files, threads."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    pss_kb = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return pss_kb / 1000, len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


def holdings() -> dict[str, dict[str, float]]:
    """The same of each kind: medians of a few looks at the largest of its processes."""
    looks = defaultdict(list)
    for _ in range(SAMPLES):
        for kind, pids in processes().items():
            with suppress(OSError):  # one has just ended
                looks[kind].append([max(column) for column in zip(*map(held, pids), strict=True)])
        time.sleep(SAMPLE_S)
    names = ("own_memory_mb", "open_files", "threads")
    return {
        kind: dict(zip(names, map(statistics.median, zip(*rows, strict=True)), strict=True))
        for kind, rows in sorted(looks.items())
    }


def judged(
    alerts: list[dict[str, Any]], faults: list[tuple[float, float]], period_s: float = LONG_PERIOD_S
) -> dict[str, Any]:
    """Alerts against the footage's truth: one a passage, but for those that came by while something was broken.

    Faults are from when to when.
    """
    found = {"alerts": len(alerts), "lost": 0, "doubled": 0, "passed_while_broken": 0}
    for camera in sorted({one["camera"] for one in alerts}):
        times = sorted(parse_utc(one["captured_at"]) for one in alerts if one["camera"] == camera)
        for before, after in itertools.pairwise(times):
            missed = round((after - before) / period_s) - 1
            broken = any(before < until and since - period_s < after for since, until in faults)
            found["doubled"] += after - before < period_s / 2 and not broken
            found["passed_while_broken" if broken else "lost"] += max(0, missed)
    return found


def soaked(seconds: float, every_s: float) -> dict[str, Any]:
    """What a site did and held over so long."""
    from lfr_ray.site_file import read_site_file
    from lfr_ray.site_start_stop import live_site

    faults: list[tuple[float, float]] = []
    killed: list[str] = []
    told: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for scene, first in CAMERAS.items():
            film(folder / f"{scene}.mp4", scene, first, **LONG)
        rows = [{"name": scene, "url": str(folder / f"{scene}.mp4"), "on_end": "loop"} for scene in CAMERAS]
        changes = {"data_dir": str(folder / "data"), "cameras": rows, "alert": {"cooldown_s": LONG_PERIOD_S / 2}}
        with live_site(read_site_file(Path("serve_configs/local.yaml"), changes, port=0)) as site:
            began_s = time.monotonic()
            after, start, kinds = 0, {}, itertools.cycle(KILLED)
            warm_s = min(300.0, seconds / 4)
            while (passed_s := time.monotonic() - began_s) < seconds:
                for event in site.events(after, 1.0):
                    after = event["id"]
                    if event["kind"] == "alert_raised":
                        told.add(event["alert_id"])
                if not start and passed_s >= warm_s:
                    start = holdings()
                due = passed_s >= warm_s + every_s * (len(killed) + 1) and passed_s < seconds - BROKEN_S
                if due and (pids := processes().get(kind := next(kinds))):
                    os.kill(pids[0], signal.SIGKILL)
                    faults.append((time.time(), time.time() + BROKEN_S))
                    killed.append(kind)
            end, alerts = holdings(), site.alerts()
    lost_of_told = len(told - {one["id"] for one in alerts})
    return {"seconds": seconds, "killed": killed, "start": start, "end": end, "lost_of_told": lost_of_told} | judged(
        alerts, faults
    )


def grown(figures: dict[str, Any]) -> list[str]:
    """Kinds that hold more than they did, with what."""
    over = []
    for kind, before in figures["start"].items():
        for what, was in before.items():
            spare = 0.0 if what == "own_memory_mb" else SPARE
            if figures["end"].get(kind, {}).get(what, 0.0) > was * (1 + MOST_GROWTH) + spare:
                over.append(f"{kind} {what}")
    return over


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--every", type=float, default=60.0, help="Seconds between two kills.")
    chosen = parser.parse_args()
    figures = soaked(chosen.seconds, chosen.every)
    figures["grown"] = grown(figures)
    figures["not_there_at_the_end"] = sorted(figures["start"].keys() - figures["end"].keys())
    wrong = ("lost", "lost_of_told", "doubled", "grown", "not_there_at_the_end")
    met = bool(figures["killed"]) and not any(figures[name] for name in wrong)
    write_result(
        "soak",
        QUESTION,
        figures,
        "no alert lost or doubled outside of what was broken; own memory, open files and threads of no kind of process "
        "grow by more than 10 %",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
