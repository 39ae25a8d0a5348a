"""What does matching cost under an authority, against matching without?

Processor time of the calling thread, which waits for nothing in either: so that other work on the machine counts
little; NumPy multiplies in that thread. What the gate looks at now and then it looks at by that time as well, as if the
thread ran all the time. Short turns, A B B A, and the median of their ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded

import numpy as np

from benchmarks.record import write_result
from lfr_ray.clock import SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.govern.trust_file import site_key, trusted_keys
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Probe

MOST_RATIO = 1.05
MODEL = "dlib_resnet"
LENGTH = 128


def vectors(rng: np.random.Generator, count: int) -> np.ndarray:
    found = rng.normal(size=(count, LENGTH)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def fill(store: WatchlistStore, entries: int) -> None:
    rng = np.random.default_rng(0)
    images = []
    for number, vector in enumerate(vectors(rng, entries)):
        entry = Entry(f"e{number}", f"entry {number}", "test")
        images.append(EnrolledImage(entry, f"{number:064x}", MODEL, vector, 0.9, 80.0, b"jpeg", "op", 1.0))
    store.put(images)


class ProcessorClock(SystemClock):
    """Time goes on while this thread works: by processor time, read before each call of either matcher.

    To read it is a system call, ten times as slow as the time that a site's gate reads.
    """

    def __init__(self) -> None:
        self._now_s = time.thread_time()

    def tick(self) -> None:
        """Read the time."""
        self._now_s = time.thread_time()

    def steady_s(self) -> float:
        """As it was read last."""
        return self._now_s


class Permitted:
    """A permission that asks nobody."""

    def refusals(self, probes: Sequence[Probe], watchlist_hash: str) -> list[str]:
        """Nothing is refused."""
        return [""] * len(probes)

    def status(self) -> str:
        """Nothing is refused."""
        return ""


def open_matcher(store: WatchlistStore, permission: Permission) -> Matcher:
    matcher = Matcher(store, card(MODEL), permission, kind="test", deployment="trial")
    matcher.reload(time.time())
    return matcher


def processor_s(matcher: Matcher, clock: ProcessorClock, probes: list[Probe], calls: int) -> float:
    began_s = time.thread_time()
    for _ in range(calls):
        clock.tick()
        matcher.match(probes, time.time())
    return time.thread_time() - began_s


def turns(
    free: Matcher, gated: Matcher, clock: ProcessorClock, probes: list[Probe], rounds: int, calls: int
) -> list[tuple[float, float]]:
    """Processor time of so many rounds, without and with the gate; the first is a warm-up."""
    found = []
    for _ in range(rounds + 1):
        first, second, third, last = (processor_s(one, clock, probes, calls) for one in (free, gated, gated, free))
        found.append((first + last, second + third))
    return found[1:]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=500)
    options.add_argument("--views", type=int, default=5)
    options.add_argument("--rounds", type=int, default=201)
    options.add_argument("--calls", type=int, default=40)
    chosen = options.parse_args()
    rng = np.random.default_rng(1)
    figures: dict[str, object] = {"entries": chosen.entries, "views": chosen.views}
    with tempfile.TemporaryDirectory() as name:
        data_dir = DataDir(Path(name))
        store = WatchlistStore(data_dir.watchlist)
        fill(store, chosen.entries)
        profile = load_profile("test")
        authority = trial_authority(profile, time.time(), watchlist_sha256="", model=MODEL, cameras=("pier",))
        open_trial(data_dir, authority, profile, time.time())
        key = site_key(data_dir)
        with Ledger(data_dir, key, trusted_keys(data_dir)) as ledger:
            place, clock = {"pier": (51.8, 1.1)}, ProcessorClock()
            gate = AuthorityGate(data_dir, "trial", profile, ledger, clock=clock, positions=place, needed=("test",))
            gated, free = open_matcher(store, gate), open_matcher(store, Permitted())
            ratios = {}
            for batch in (1, 8):
                weights = np.ones(chosen.views, np.float32)
                probes = [
                    Probe("pier", track, time.time(), MODEL, vectors(rng, chosen.views), weights)
                    for track in range(batch)
                ]
                now_s = time.time()
                if any(answer.refused for answer in gated.match(probes, now_s)):
                    raise AssertionError("the gate refuses: nothing would be compared")
                calls = chosen.calls // batch
                pairs = turns(free, gated, clock, probes, chosen.rounds, calls)
                low, ratios[batch], high = statistics.quantiles([under / without for without, under in pairs], n=4)
                without_s, under_s = (statistics.median(side) for side in zip(*pairs, strict=True))
                figures[f"batch_{batch}"] = {
                    "without_ms": without_s * 500 / calls,
                    "under_the_gate_ms": under_s * 500 / calls,
                    "ratio": ratios[batch],
                    "ratio_quartiles": [low, high],
                }
            start_s = time.thread_time()
            for _ in range(20_000):
                gate.refusals(probes[:1], "")
            figures["one_question_us"] = (time.thread_time() - start_s) / 20_000 * 1e6
    met = max(ratios.values()) < MOST_RATIO
    write_result(
        "gate",
        "What does matching cost under an authority, against matching without?",
        figures,
        f"at most {MOST_RATIO:g} times, one passage a call and eight",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
