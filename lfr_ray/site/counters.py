"""What one camera has counted, in the ledger's terms, from its counters."""

from __future__ import annotations

from collections.abc import Mapping

from lfr_ray.govern.counters import CameraCounters
from lfr_ray.metrics import Snapshot, percentile_s


def counters_of(counted: Snapshot, camera: str, watched_s: float, blind_s: float) -> CameraCounters:
    """One camera's totals since it was started.

    Args:
        counted: The camera's counters.
        camera: Its name.
        watched_s: Time during which it gave pictures.
        blind_s: Time during which it should have and did not.
    """
    totals = {name: _total(counted, name, camera) for name in ("frames", "faces_seen", "faces_compared")}
    return CameraCounters(
        frames=totals["frames"],
        faces_seen=totals["faces_seen"],
        faces_compared=totals["faces_compared"],
        watched_s=round(watched_s, 1),
        blind_s=round(blind_s, 1),
        rejected=_rejected(counted, camera),
        latency_ms=_latency_ms(counted, camera),
    )


def _total(counted: Snapshot, name: str, camera: str) -> int:
    return int(counted.values.get((f"{name}_total", (("camera", camera),)), 0))


def _rejected(counted: Snapshot, camera: str) -> dict[str, int]:
    found = {}
    for (name, labels), value in counted.values.items():
        own: Mapping[str, str] = dict(labels)
        if name == "views_rejected_total" and own.get("camera") == camera:
            found[own["reason"]] = int(value)
    return found


def _latency_ms(counted: Snapshot, camera: str) -> dict[str, float]:
    timing = counted.timings.get(("capture_to_alert_seconds", (("camera", camera),)))
    found = {"p50": percentile_s(timing, 0.5), "p95": percentile_s(timing, 0.95)}
    return {name: round(value_s * 1000, 1) for name, value_s in found.items() if value_s is not None}
