"""Whole passages through the whole chain: are the right people alerted, and nobody else?

    python -m benchmarks.passages CLIPS --watchlist DIR [--unseen ENTRY ...]

Runs `lfr evaluate CLIPS --videos` at one false alert in 10,000 faces. ``CLIPS/videos.csv`` says whom each clip shows;
``--unseen`` names those whom no view shows well enough to compare (smaller than 40 px, or turned away).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.record import write_result

ALERTS_PER_10K = 1.0


def evaluated(clips: Path, watchlist: Path) -> dict[str, Any]:
    """The command's own document."""
    words = ["evaluate", str(clips), "--videos", "--watchlist", str(watchlist), "--json", "-"]
    command = [sys.executable, "-c", "from lfr_ray.cli.main import run; run()", *words]
    done = subprocess.run([*command, "--false-alerts", f"{ALERTS_PER_10K:g}"], check=True, stdout=subprocess.PIPE)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--unseen", action="append", default=[])
    arguments = parser.parse_args()
    document = evaluated(arguments.clips, arguments.watchlist)
    passages, false = document["passages"], document["false_alerts"]
    visible = [one for one in passages["each"] if one["person"] not in arguments.unseen]
    found = sum(one["alert_s"] is not None for one in visible)
    met = found == len(visible) and false["count"] == 0
    write_result(
        "passages",
        "Whole passages on development clips: are the right people alerted, and nobody else?",
        {
            "recordings": document["recordings"],
            "minutes": round(document["hours"] * 60, 2),
            "watchlist_entries": document["watchlist"]["entries"],
            "false_alerts_per_10k_faces_asked_for": ALERTS_PER_10K,
            "tracks": document["tracks"],
            "tracks_compared": document["tracks_compared"],
            "listed_people_visible": len(visible),
            "listed_people_found": found,
            "listed_people_never_shown_well": len(passages["each"]) - len(visible),
            "false_alerts": false["count"],
            "false_alerts_per_hour_95_percent": [false["per_hour"]["low"], false["per_hour"]["high"]],
            "false_alerts_per_1000_tracks_95_percent": [
                false["per_1000_tracks"]["low"],
                false["per_1000_tracks"]["high"],
            ],
        },
        "everybody listed who is visible found, and no false alert",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
