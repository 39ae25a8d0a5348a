"""Each camera with a detector of its own, 1 to 8 of them: how much of a detector's time is left of what one has alone?

    python -m benchmarks.cluster_efficiency [--cameras 1 2 4 8] [--seconds 60]

The real processes, two cameras a node, with models that wait as long as the table of costs says: where two cores would
decide, waiting decides. Each camera wants half as much again as its detector can do, so none should ever be idle; the
figure is frames looked at for each second of a detector, against a single camera's.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.record import write_result
from lfr_ray.cli.simulate import simulate
from lfr_ray.plan.measured_costs import costs_of
from lfr_ray.plan.node_sizing import Crowd, Node, plan
from lfr_ray.site_file import read_site_file

LEAST = 0.95
WANTED = 1.5
WAIT_S = 0.8
"""A detector's time for one picture: eight of them then ask this machine for ten messages a second."""


def measured(cameras: int, seconds: float) -> dict[str, Any]:
    """What so many cameras and detectors did."""
    costs = costs_of()
    site = read_site_file(Path("serve_configs/local.yaml")).site
    detect_s = costs.detect.of_ms(site.detector.width_px, site.detector.height_px) / 1000
    one = site.cameras[0].model_copy(update={"max_fps": WANTED / detect_s})
    site = site.model_copy(update={"cameras": (one,) * cameras, "frames_in_flight": 2})
    crowd, node = Crowd(fps=WANTED / detect_s), Node(16.0, 0.0, 64.0, 10_000.0)
    nodes = math.ceil(cameras / 2)
    found = replace(
        plan(site, costs, node, crowd),
        nodes=nodes, detectors=cameras, detector_units=1.0, embedders=nodes, embedder_units=1.0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        did, _, busy = simulate(
            site, costs, crowd, found, node,
            seconds=seconds, slower=WAIT_S / detect_s, address="", folder=Path(folder),
        )  # fmt: skip
    return {"nodes": nodes, "detectors_work": did.detectors, "fps_a_camera": did.fps, "machine_busy": busy}


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    found = {cameras: measured(cameras, chosen.seconds) for cameras in sorted(chosen.cameras)}
    rates = [one["detectors_work"] for one in found.values()]
    efficiency = min(rates) / rates[0]
    write_result(
        "cluster_efficiency",
        "Each camera with a detector of its own, 1 to 8 of them: how much of a detector's time is left of what one has "
        "alone?",
        {"efficiency": efficiency, "seconds": chosen.seconds, "by_cameras": {str(n): one for n, one in found.items()}},
        f"at least {LEAST:.0%} of a single camera's",
        efficiency >= LEAST,
    )
    return 0 if efficiency >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
