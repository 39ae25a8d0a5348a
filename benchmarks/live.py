"""Two cameras of 10 frames a second on one machine: how long from capture to alert, and until a stranger is forgotten?

    python -m benchmarks.live [--seconds 90]

The demo's two rendered scenes, looped, on a whole live site: Ray, Serve, matcher and desk. The first figure is the time
from the capture of the view that completes the evidence to the durable alert; the second from a track's end to its data
being dropped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import write_result
from lfr_ray.metrics import Snapshot, Timing, merged, percentile_s

ALERT_LIMIT_S, FORGET_LIMIT_S = 0.25, 1.0
STAGES = ("detect_seconds", "embed_seconds", "match_seconds", "capture_to_answer_seconds")


def durations_between(before: Snapshot, after: Snapshot, name: str) -> Timing:
    """What was timed between two moments, over all cameras."""
    found = Timing()
    for key, timing in after.timings.items():
        if key[0] == name:
            known = before.timings.get(key, Timing()).count
            found.newest_s += timing.newest_s[max(0, len(timing.newest_s) - (timing.count - known)) :]
    return found


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0)
    arguments = parser.parse_args()
    from lfr_ray.site_file import read_site_file
    from lfr_ray.site_start_stop import live_site

    with tempfile.TemporaryDirectory() as data_dir:
        file = read_site_file(Path("serve_configs/local.yaml"), {"data_dir": data_dir}, port=0)
        with live_site(file) as site:
            time.sleep(10)  # every graph is compiled by now
            before = merged(site.snapshots())
            time.sleep(arguments.seconds)
            after = merged(site.snapshots())
    alert, forget = (
        durations_between(before, after, name)
        for name in ("capture_to_alert_seconds", "track_end_to_forgotten_seconds")
    )
    frames = sum(v - before.values.get(key, 0.0) for key, v in after.values.items() if key[0] == "frames_total")
    alert_s, forget_s = percentile_s(alert, 0.95), percentile_s(forget, 0.99)
    met = alert_s is not None and forget_s is not None and alert_s < ALERT_LIMIT_S and forget_s < FORGET_LIMIT_S
    write_result(
        "live",
        "Two cameras of 10 frames a second: how long from capture to alert, and until a stranger is forgotten?",
        {
            "seconds": arguments.seconds,
            "frames_per_s_both": round(frames / arguments.seconds, 2),
            "alerts": len(alert.newest_s),
            "capture_to_alert_p50_ms": _ms(percentile_s(alert, 0.5)),
            "capture_to_alert_p95_ms": _ms(alert_s),
            "passages": len(forget.newest_s),
            "track_end_to_forgotten_p99_ms": _ms(forget_s),
            "stages_p50_p95_ms": {
                name.removesuffix("_seconds"): [
                    _ms(percentile_s(durations_between(before, after, name), share)) for share in (0.5, 0.95)
                ]
                for name in STAGES
            },
        },
        "capture to alert p95 under 250 ms, track end to forgotten p99 under 1,000 ms",
        met,
    )
    return 0 if met else 1


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s * 1000, 1)


if __name__ == "__main__":
    sys.exit(main())
