"""What every benchmark shares: interleaved timing, and one JSON file a result."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"

PACKAGES = (
    "torch",
    "torchvision",
    "onnxruntime",
    "openvino",
    "numpy",
    "opencv-python",
    "dlib",
    "ray",
    "lancedb",
    "av",
    "faiss-cpu",
)
"""Whose versions a result names, where they are installed."""


OTHERS_SHARE = 0.1
"""A turn in which other processes used more than this share of the machine is disturbed, and is repeated."""

PAUSE_S, SETTLE_S = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways of doing the same, timed in turns.

    Attributes:
        ours_ms: Median time of ours.
        theirs_ms: Median time of the other.
        ratio: Median over the rounds of theirs / ours: how many times as fast ours is.
        low: Lower quartile of that ratio.
        high: Upper quartile.
        rounds: Turns that count.
        disturbed: Of them, how many other processes disturbed; 0 unless patience ran out.
    """

    ours_ms: float
    theirs_ms: float
    ratio: float
    low: float
    high: float
    rounds: int
    disturbed: int = 0


def compare(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    rounds: int,
    warm_up: int = 2,
    calls: int = 1,
    patience_s: float = 120.0,
) -> Comparison:
    """Time two callables in turns: A B A B, so that whatever else the machine does meets both alike.

    Args:
        ours: Does the work once, and has finished it when it returns.
        theirs: The same work done by the other.
        rounds: Timed turns of each.
        warm_up: Turns of each before, untimed.
        calls: Calls per turn; a turn's time is their mean.
        patience_s: For so long turns that other processes disturbed are repeated; then they count as well.
    """
    for _ in range(warm_up):
        ours()
        theirs()
    calm: list[tuple[float, float]] = []
    disturbed: list[tuple[float, float]] = []
    until_s = time.monotonic() + patience_s
    while len(calm) < rounds and (time.monotonic() < until_s or len(calm) + len(disturbed) < rounds):
        (mine_s, mine_share), (other_s, other_share) = _turn(ours, calls), _turn(theirs, calls)
        turn = mine_s, other_s
        if max(mine_share, other_share) <= OTHERS_SHARE:
            calm.append(turn)
        else:
            disturbed.append(turn)
            time.sleep(PAUSE_S)  # calmer moments are waited for, not burnt
    added = disturbed[-(rounds - len(calm)) :] if len(calm) < rounds else []
    return _summary([*calm, *added], len(added))


def _summary(turns: list[tuple[float, float]], disturbed: int) -> Comparison:
    ratios = [theirs / ours for ours, theirs in turns]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    return Comparison(
        ours_ms=statistics.median(ours for ours, _ in turns) * 1000,
        theirs_ms=statistics.median(theirs for _, theirs in turns) * 1000,
        ratio=statistics.median(ratios),
        low=low,
        high=high,
        rounds=len(turns),
        disturbed=disturbed,
    )


def _busy_s() -> tuple[float, float, float]:
    """Now, seconds that all processors were busy, and those of them that were ours (0 where nobody says)."""
    own = os.times()
    own_s = own.user + own.system + own.children_user + own.children_system
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)[1:9]]
    except (OSError, ValueError):
        return time.monotonic(), own_s, own_s
    user, nice, system, _idle, _wait, irq, soft, steal = fields
    return time.monotonic(), (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK"), own_s


def _others_share(before: tuple[float, float, float]) -> float:
    """The share of all processors' time since then that other processes used."""
    then_s, busy_then_s, own_then_s = before
    now_s, busy_s, own_s = _busy_s()
    others_s = (busy_s - busy_then_s) - (own_s - own_then_s)
    return others_s / ((now_s - then_s) * (os.cpu_count() or 1))


def median_ms(work: Callable[[], Any], *, rounds: int, warm_up: int = 2, calls: int = 1) -> float:
    """Median time of one call, in milliseconds."""
    times = [_mean_s(work, calls) for _ in range(warm_up + rounds)][warm_up:]
    return statistics.median(times) * 1000


def write_result(name: str, question: str, figures: Mapping[str, Any], target: str, met: bool) -> Path:
    """Write ``results/<name>.json`` and print it.

    Args:
        name: File name without ending; begins with the benchmark's own name.
        question: What was asked, ending in a question mark.
        figures: What was measured; units in the keys. Numbers are rounded to four digits.
        target: What had to be reached, in words.
        met: Whether it was.

    Returns:
        The file.
    """
    document = {
        "name": name,
        "question": question,
        "target": target,
        "met": bool(met),
        "figures": _rounded(dict(figures)),
        "machine": machine(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": versions(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    print(text, end="")
    print(f"{'met' if met else 'NOT MET'}: {target}", file=sys.stderr)
    return path


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    found: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_bytes() / 2**30),
        "load_before": round(os.getloadavg()[0], 1),
    }
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            found["gpu"] = torch.cuda.get_device_name()
    return found


def versions() -> dict[str, str]:
    """Python's version and those of the packages that the figures depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _turn(work: Callable[[], Any], calls: int) -> tuple[float, float]:
    """Mean time of one side's turn, and the share of the machine that other processes used in it.

    It begins when the other side's threads have stopped waiting for more work.
    """
    time.sleep(SETTLE_S)
    before = _busy_s()
    mean_s = _mean_s(work, calls)
    return mean_s, _others_share(before)


def _mean_s(work: Callable[[], Any], calls: int) -> float:
    start_s = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start_s) / calls


def _rounded(value: Any) -> Any:
    """Four significant digits: more would claim a precision that no run repeats."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
