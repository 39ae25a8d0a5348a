"""`lfr plan --simulate`: the planned site with its real processes, whose models wait instead of computing."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lfr_ray.camera.simulated_frames import SimulatedFootage
from lfr_ray.cli.output import stderr, table
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError, ResourceError
from lfr_ray.metrics import Snapshot, merged
from lfr_ray.models.cores_and_threads import usable_cores
from lfr_ray.models.simulated_models import DETECTOR, EMBEDDER
from lfr_ray.plan.measured_costs import HardwareCosts
from lfr_ray.plan.node_sizing import Crowd, Node, Plan
from lfr_ray.plan.predicted_rates import Performance, streams_of
from lfr_ray.site_file import IMPORT_PATH, read_site_file

FRAMES_A_CORE = 7.0
"""So many looks a second leave a core some time to itself; with more wanted, time passes more slowly."""

PROCESSES_A_CORE = 4
"""So many cameras' processes this machine has room for; with more cameras, several are in one."""

CALM = {
    "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "1.0",
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "10000",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_memory_monitor_refresh_ms": "0",
}
"""What processes of Ray and Serve tell each other many times a second keeps a machine with eight nodes in name full."""

TOO_BUSY = "try a larger --slower, fewer cameras, or a larger machine"
MOST_BUSY = 0.9
READY_S, SETTLE_S, LEAST_WAITS = 300.0, 3.0, 2


def slower_for(cameras: int, fps: float) -> float:
    """How many times as slowly everything has to pass on this machine, for cameras of each so many frames a second."""
    return max(1.0, cameras * fps / (FRAMES_A_CORE * usable_cores()))


def simulated_document(
    site: SiteConfig, costs: HardwareCosts, crowd: Crowd, found: Plan, slower: float, data_dir: Path
) -> tuple[dict[str, Any], int]:
    """A site file of the plan, with waiting models and cameras that are none, and how many cameras a process has.

    All planned replicas are there from the start, as time passes more slowly for them and not for Serve: that it adds
    and takes away is not tried. Neither is a second embedder.

    Raises:
        ConfigError: The costs are those of a GPU.
    """
    if costs.device != "cpu":
        raise ConfigError("only a plan for processors can be simulated", got=costs.device, allowed="cpu")
    together = math.ceil(found.cameras / (PROCESSES_A_CORE * usable_cores()))
    canvas = {"width_px": site.detector.width_px, "height_px": site.detector.height_px}

    def camera(number: int) -> dict[str, Any]:
        footage = SimulatedFootage(
            **canvas,
            fps=crowd.fps,
            people_per_min=crowd.people_per_min,
            free_s=2.0 * site.track.lost_s,
            decode_ms=costs.decode.of_ms(crowd.width_px, crowd.height_px),
            within_s=1 / site.cameras[0].max_fps,
            cameras=min(together, found.cameras - number * together),
            slower=slower,
        )
        return {"name": f"camera-{number}", "url": footage.url, "max_fps": site.cameras[0].max_fps}

    def model(kind: str, ms: float, replicas: int, units: float) -> dict[str, Any]:
        return {"model": f"{kind}{ms * slower:.4f}", "replicas": replicas, "cpus": units, "streams": streams_of(units)}

    detect_ms = costs.detect.of_ms(site.detector.width_px, site.detector.height_px)
    args = {
        "site": "simulated",
        "data_dir": str(data_dir),
        "authority": {"kind": "test"},
        "device": "cpu",
        "encrypted_network": "nobody: noise travels between processes of one machine",
        "resources_wait_s": READY_S,
        "camera_cpus": found.camera_cpus * together,
        "frames_in_flight": site.frames_in_flight,
        "cameras": [camera(number) for number in range(math.ceil(found.cameras / together))],
        "detector": canvas | model(DETECTOR, detect_ms, found.detectors, found.detector_units),
        "embedder": model(EMBEDDER, costs.embed_ms, found.embedders, found.embedder_units),
        "evidence": site.evidence.model_dump(),
        "track": site.track.model_dump(),
    }
    application = {"name": "lfr", "route_prefix": "/", "import_path": IMPORT_PATH, "args": args}
    return {"proxy_location": "HeadOnly", "applications": [application]}, together


def simulate(
    site: SiteConfig, costs: HardwareCosts, crowd: Crowd, found: Plan, node: Node, *,
    seconds: float, slower: float, address: str, folder: Path,
) -> tuple[Performance, int, float]:  # fmt: skip
    """Run the planned site for a while: so many seconds, everything so many times as slowly.

    ``address`` is that of a Ray cluster that runs; empty: one with the planned nodes that work is started
    here, the first of which is its head as well.

    Returns:
        What was measured, how many cameras each of their processes had, and how busy this machine was.

    Raises:
        ResourceError: Not every camera gives pictures in time.
    """
    from lfr_ray.site_start_stop import live_site

    document, together = simulated_document(site, costs, crowd, found, slower, folder / "data")
    path = folder / "simulated.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    file = read_site_file(path, port=0)
    with _cluster(found.nodes, node, address) as joined, live_site(file, joined, stderr.print) as live:
        until_s = time.monotonic() + READY_S
        while (begun := _looked_at(merged(live.snapshots()))) < found.cameras:
            if time.monotonic() > until_s:
                raise ResourceError(
                    "not every simulated camera gives pictures", got=f"{begun} of {found.cameras} after {READY_S:g} s"
                )
            time.sleep(1.0)
        settle_s, most = settling(site, slower)
        stderr.print(f"all cameras run; measured for {seconds:g} s, in {LEAST_WAITS * settle_s:.0f} s at the earliest")
        wait_while_failing(lambda: merged(live.snapshots()), lambda: time.sleep(settle_s), most)
        before, began_s, idle_s = merged(live.snapshots()), time.monotonic(), _idle_s()
        time.sleep(seconds)
        after, took_s = merged(live.snapshots()), time.monotonic() - began_s
        busy = 1 - (_idle_s() - idle_s) / took_s / (os.cpu_count() or 1)
        refuse_begun_anew(before, after)
    return _measured(before, after, took_s / slower, costs, site, found, slower), together, busy


@contextmanager
def _cluster(nodes: int, node: Node, address: str) -> Iterator[str]:
    from lfr_ray.actors.start_or_join_ray import several_nodes

    if address:
        yield address
        return
    for name, value in CALM.items():
        os.environ.setdefault(name, value)
    stderr.print(f"starting {nodes} node(s) of Ray that work, with {node.cpus:g} cores each, in name ...")
    with several_nodes(nodes, node.cpus, stderr.print) as started:
        yield started


def _looked_at(counted: Snapshot) -> int:
    """Cameras of which frames were looked at."""
    return sum(1 for (name, _), value in counted.values.items() if name == "frames_total" and value > 0)


def settling(site: SiteConfig, slower: float) -> tuple[float, int]:
    """How long each wait before the measuring lasts, in seconds, and how many there are at most.

    Those in view when all cameras begin are compared at the same time, until no more views of them are wanted.
    """
    views_s = site.evidence.max_views * (site.evidence.spacing_s + 1 / site.cameras[0].max_fps)
    settle_s = SETTLE_S + views_s * slower / LEAST_WAITS
    return settle_s, max(LEAST_WAITS, math.ceil(READY_S / settle_s))


def wait_while_failing(counted: Callable[[], Snapshot], wait: Callable[[], None], most: int) -> None:
    """Wait at least twice and so often at most, until nothing failed between two waits, as when all begin."""
    before = math.inf
    for _ in range(most):
        wait()
        failed = sum(value for (name, _), value in counted().values.items() if name == "stage_failures_total")
        if failed == before:
            return
        before = failed


def refuse_begun_anew(before: Snapshot, after: Snapshot) -> None:
    """Refuse what was counted where a camera has fewer frames than before, or none: differences say nothing then.

    Raises:
        ResourceError: Processes ended meanwhile.
    """
    lost = sorted(
        str(labels)
        for (name, labels), value in before.values.items()
        if name == "frames_total" and after.values.get((name, labels), 0.0) < value
    )
    if lost:
        raise ResourceError(
            "processes of the simulated site ended while it measured, so that nothing can be said of the plan",
            got=f"{len(lost)} camera(s) began anew or did not answer: perhaps this machine was too busy",
            next_step=TOO_BUSY,
        )


def _measured(
    before: Snapshot, after: Snapshot, took_s: float, costs: HardwareCosts, site: SiteConfig, found: Plan, slower: float
) -> Performance:
    def counted(name: str) -> float:
        changed = {key: value - before.values.get(key, 0.0) for key, value in after.values.items() if key[0] == name}
        return sum(changed.values())

    def newest(name: str) -> list[float]:
        pairs = [(one, before.timings.get(key)) for key, one in after.timings.items() if key[0] == name]
        return [late for one, old in pairs for late in one.newest_s[-(one.count - (old.count if old else 0)) or None :]]

    detect_s = costs.detect.of_ms(site.detector.width_px, site.detector.height_px) / 1000
    answers_ms = [1000 * one for one in newest("capture_to_answer_seconds")]
    p50_ms, p95_ms = np.percentile(answers_ms, (50, 95)) if answers_ms else (None, None)
    return Performance(
        counted("frames_total") / took_s / found.cameras,
        len(newest("detect_seconds")) * detect_s / took_s / found.detectors / streams_of(found.detector_units),
        counted("views_embedded_total")
        * costs.embed_ms
        / 1000
        / took_s
        / found.embedders
        / streams_of(found.embedder_units),
        None if p50_ms is None else float(p50_ms),
        None if p95_ms is None else float(p95_ms),
    )


def _idle_s() -> float:
    """For how long the cores of this machine did nothing, together, since it started."""
    return float(Path("/proc/uptime").read_text(encoding="ascii").split()[1])


def document_of(
    expected: Performance, slower: float, measured: Performance, together: int, busy: float
) -> dict[str, Any]:
    """For programs."""
    return {
        "predicted": asdict(expected) | {"limit": expected.limit},
        "measured": asdict(measured) | {"limit": measured.limit},
        "slower": slower,
        "cameras_a_process": together,
        "machine_busy": round(busy, 3),
    }


def show(expected: Performance, slower: float, measured: Performance, together: int, busy: float) -> None:
    """For people."""
    names = {
        "fps": ("frames looked at a second and camera", "{:.2f}"),
        "detectors": ("detectors work", "{:.0%} of the time"),
        "embedders": ("embedders work", "{:.0%} of the time"),
        "p50_ms": ("capture to answer, half of them", "{:.0f} ms"),
        "p95_ms": ("capture to answer, 95 %", "{:.0f} ms"),
    }
    rows = []
    for name, (words, form) in names.items():
        pair = getattr(expected, name), getattr(measured, name)
        shown = ["-" if one is None else form.format(one) for one in pair]
        rows.append((words, *shown, f"{pair[1] / pair[0] - 1:+.0%}" if all(pair) else "-"))
    rows.append(("short first", expected.limit, measured.limit, ""))
    rows.append(("this machine's own cores", "", f"busy {busy:.0%} of the time", ""))
    title = f"simulated {slower:.3g} times as slowly, {together} camera(s) a process; figures at full speed"
    table(title, ("what", "predicted", "measured", "difference"), rows)
    if busy > MOST_BUSY:
        stderr.print(f"this machine was too busy to wait in time, so that it decides and not the plan: {TOO_BUSY}")
