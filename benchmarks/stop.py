"""How soon after the emergency stop does nobody compare any more, with eight cameras?"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.record import write_result
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.emergency_stop import emergency_stop
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.govern.trust_file import site_key, trusted_keys

MOST_S = 1.0


class Camera(threading.Thread):
    """Asks the gate over and over, as its matcher would, and notes when it was permitted last."""

    def __init__(self, gate: AuthorityGate, name: str) -> None:
        super().__init__(daemon=True)
        self.gate, self.camera = gate, name
        self.permitted_s = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        """Until it is told that the measurement is done."""
        while not self.done.is_set():
            if not self.gate.refusal(self.camera, time.time(), "", "any"):
                self.permitted_s = time.perf_counter()
            time.sleep(0.002)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cameras", type=int, default=8)
    options.add_argument("--stops", type=int, default=200)
    chosen = options.parse_args()
    late_s: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        data_dir = DataDir(Path(name))
        profile = load_profile("test")
        open_trial(data_dir, trial_authority(profile, time.time()), profile, time.time())
        trusted = trusted_keys(data_dir)
        stop = emergency_stop(data_dir)
        with Ledger(data_dir, site_key(data_dir), trusted) as ledger:
            cameras = [
                Camera(AuthorityGate(data_dir, "trial", profile, ledger), f"camera-{number}")
                for number in range(chosen.cameras)
            ]
            for camera in cameras:
                camera.start()
            for _ in range(chosen.stops):
                time.sleep(0.02)
                start_s = time.perf_counter()
                stop.set("op-1", "measured", time.time())
                time.sleep(0.1)
                late_s.append(max(0.0, max(camera.permitted_s for camera in cameras) - start_s))
                stop.clear()
            for camera in cameras:
                camera.done.set()
                camera.join()
    p99_s = statistics.quantiles(late_s, n=100)[98]
    met = p99_s < MOST_S
    write_result(
        "stop",
        "How soon after the emergency stop does nobody compare any more, with eight cameras?",
        {
            "cameras": chosen.cameras,
            "stops": chosen.stops,
            "p50_ms": statistics.median(late_s) * 1000,
            "p99_ms": p99_s * 1000,
            "longest_ms": max(late_s) * 1000,
        },
        f"p99 under {MOST_S:g} s from the command's first instruction to the last permitted comparison",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
