"""How many audit records a second become durable?"""

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
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_verify import verify_ledger
from lfr_ray.govern.trust_file import site_key, trusted_keys

LEAST_PER_S = 2000


def event(number: int) -> Event:
    return Event(
        "decision",
        "alert decided",
        deployment="airshow-1",
        actor="op-1",
        subject=f"alert-{number}",
        facts={"event_id": number, "decision": "engage", "seconds_after_alert": 7.25, "similarity": 0.9712},
    )


def batched_per_s(ledger: Ledger, records: int, batch: int) -> float:
    """One caller with many records at once."""
    start_s = time.perf_counter()
    for first in range(0, records, batch):
        ledger.append_many([event(number) for number in range(first, first + batch)])
    return records / (time.perf_counter() - start_s)


def threaded_per_s(ledger: Ledger, records: int, threads: int) -> float:
    """Many callers with one record each, that wait for the disk together."""
    each = records // threads

    def work() -> None:
        for number in range(each):
            ledger.append(event(number))

    callers = [threading.Thread(target=work) for _ in range(threads)]
    start_s = time.perf_counter()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return each * threads / (time.perf_counter() - start_s)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=10_000)
    options.add_argument("--batch", type=int, default=100)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", help="where the ledger lies; default: the temporary folder")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = DataDir(Path(name))
        key = site_key(folder)
        trusted = trusted_keys(folder)
        with Ledger(folder, key, trusted) as ledger:
            batched_per_s(ledger, chosen.batch, chosen.batch)
            batched = [batched_per_s(ledger, chosen.records, chosen.batch) for _ in range(chosen.rounds)]
            alone = statistics.median(batched_per_s(ledger, 50, 1) for _ in range(3))
            threads = {str(count): threaded_per_s(ledger, 40 * count, count) for count in (8, 64)}
        start_s = time.perf_counter()
        verdict = verify_ledger(folder, trusted)
        verified_per_s = verdict.records / (time.perf_counter() - start_s)
    met = statistics.median(batched) >= LEAST_PER_S and verdict.holds
    write_result(
        "ledger",
        "How many audit records a second become durable?",
        {
            "records_per_s": statistics.median(batched),
            "records_per_s_slowest_round": min(batched),
            "batch": chosen.batch,
            "one_at_a_time_per_s": alone,
            "one_each_by_threads_per_s": threads,
            "verified_per_s": verified_per_s,
            "records_verified": verdict.records,
        },
        f"at least {LEAST_PER_S} records a second, each flushed to the disk before it is acknowledged",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
