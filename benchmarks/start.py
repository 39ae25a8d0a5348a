"""How soon after its command is the first frame of a recording compared, and the demo's first alert there?

    python -m benchmarks.start CLIP --watchlist DIR [--rounds 3]

`lfr watch` gets the first picture of the clip alone: its end is the end of the command, which is later than the frame.
`lfr demo --headless` is watched until it tells its first alert. Files are warm
from a round before. Processor time is that of all processes of a command: it is the same beside other work.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import psutil

from benchmarks.record import write_result

LFR = [sys.executable, "-u", "-W", "ignore", "-c", "from lfr_ray.cli.main import run; run()"]
FIRST_FRAME_S, FIRST_ALERT_S = 6.0, 20.0


def first_picture(clip: Path, target: Path) -> Path:
    """A recording of the clip's first picture, as it is."""
    with av.open(str(clip)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        packet = next(whole.demux(video=0))
        packet.stream = stream
        part.mux(packet)
    return target


def processor_s(process: psutil.Process) -> float:
    """Of a process and of all that it started, while they live."""
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def watched(recording: Path, watchlist: Path) -> tuple[float, float]:
    """Seconds and processor seconds from the command to its end."""
    began_s = time.monotonic()
    running = psutil.Popen(
        [*LFR, "watch", str(recording), "--watchlist", str(watchlist)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    used_s = 0.0
    while running.poll() is None:
        used_s = processor_s(running)
        time.sleep(0.02)
    if running.returncode:
        raise SystemExit(f"lfr watch ended with {running.returncode}")
    return time.monotonic() - began_s, used_s


def alerted() -> tuple[float, float]:
    """Seconds and processor seconds from the command to the first alert that it tells."""
    began_s = time.monotonic()
    running = psutil.Popen(
        [*LFR, "demo", "--headless", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        next(line for line in running.stdout if "possible match" in line)
        return time.monotonic() - began_s, processor_s(running)
    finally:
        running.terminate()
        running.communicate()


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = first_picture(chosen.clip, Path(folder) / chosen.clip.name)
        frames = [watched(picture, chosen.watchlist) for _ in range(chosen.rounds + 1)][1:]
    alerts = [alerted() for _ in range(chosen.rounds + 1)][1:]
    frame_s, alert_s = (statistics.median(took_s for took_s, _ in some) for some in (frames, alerts))
    met = frame_s <= FIRST_FRAME_S and alert_s <= FIRST_ALERT_S
    write_result(
        "start",
        "How soon after its command is the first frame of a recording compared, and the demo's first alert there?",
        {
            "clip": chosen.clip.name,
            "watch_one_frame_s": frame_s,
            "watch_rounds_s": [took_s for took_s, _ in frames],
            "watch_processor_s": statistics.median(used_s for _, used_s in frames),
            "demo_first_alert_s": alert_s,
            "demo_rounds_s": [took_s for took_s, _ in alerts],
            "demo_processor_s": statistics.median(used_s for _, used_s in alerts),
        },
        f"a frame within {FIRST_FRAME_S:g} s, an alert within {FIRST_ALERT_S:g} s",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
