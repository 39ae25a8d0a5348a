"""`python -m benchmarks [NAME...]`: runs every benchmark, or those named, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NOT_BENCHMARKS = {"__init__", "__main__", "record", "occluders", "train_occlusion"}
NEED_MORE = {
    "covered", "end_to_end", "gpu", "load", "passages", "pipeline", "quality", "recognition", "soak", "start", "watch",
    "zoo",
}  # fmt: skip
"""They ask for real pictures or clips, which are not part of the repository, for a card, or for an hour."""


def main() -> int:
    """Run them one after the other; 1 when a target was missed or a benchmark failed."""
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    chosen = sys.argv[1:] or [name for name in known if name not in NEED_MORE]
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        print(f"error: no such benchmark: {', '.join(unknown)}; allowed: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in sorted(NEED_MORE - set(chosen)):
        print(
            f"-- {name}: left out, it needs pictures, clips, a card or an hour: python -m benchmarks.{name} --help",
            file=sys.stderr,
        )
    missed = []
    for name in chosen:
        print(f"-- {name}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent, check=False).returncode:
            missed.append(name)
    if missed:
        print(f"missed or failed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
