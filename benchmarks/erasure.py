"""How long does it take to destroy a watchlist of 10,000 people and to prove it?"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.record import write_result
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.erase_deployment import Erasure
from lfr_ray.govern.erasure_fingerprints import Fingerprints, fingerprints_of, scan_key
from lfr_ray.govern.leftover_scan import Scanner
from lfr_ray.govern.trust_file import site_key
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.site.erasable_stores import ErasableWatchlist

MOST_PROOF_S = 60.0
VECTOR_LENGTH = 128
CHUNK = 500


def fill(store: WatchlistStore, entries: int, picture_bytes: int) -> None:
    """Entries with noise for pictures: like a JPEG's body, noise does not compress."""
    rng = np.random.default_rng(0)
    for first in range(0, entries, CHUNK):
        images = []
        for number in range(first, min(first + CHUNK, entries)):
            vector = rng.normal(size=VECTOR_LENGTH).astype(np.float32)
            images.append(
                EnrolledImage(
                    Entry(f"e{number}", f"entry {number}", "suspect", nominal_id=f"N{number}"),
                    f"{number:064x}",
                    "dlib_resnet",
                    vector / np.linalg.norm(vector),
                    0.9,
                    80.0,
                    b"\xff\xd8" + rng.bytes(picture_bytes - 2),
                    "op-1",
                    1.0,
                )
            )
        store.put(images)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=10_000)
    options.add_argument("--picture-bytes", type=int, default=12_000, help="a face cut out with some margin")
    options.add_argument("--folder", help="where the list lies; default: the temporary folder")
    chosen = options.parse_args()
    stages: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder, data_dir = Path(name), DataDir(Path(name))
        store = WatchlistStore(data_dir.watchlist)
        fill(store, chosen.entries, chosen.picture_bytes)
        store.tidy()
        key = scan_key(data_dir)
        made = Erasure(
            data_dir,
            "airshow-1",
            [ErasableWatchlist(store)],
            roots=[folder],
            key=site_key(data_dir),
            scan=key,
            on_stage=lambda stage: stages.append((stage, time.perf_counter())),
        )
        signed = made.run("op-1", "the event is over", ledger_head=lambda: f"0:{'0' * 64}")
        done_s = time.perf_counter()
        # Proving it once more, as an auditor does, on as much storage as the list had taken.
        size_bytes = chosen.entries * (chosen.picture_bytes + 4 * VECTOR_LENGTH)
        (folder / "other.bin").write_bytes(np.random.default_rng(1).bytes(size_bytes))
        prints = Fingerprints.load(data_dir.fingerprints("airshow-1", "watchlist"))
        start_s = time.perf_counter()
        clean = Scanner(key, {"airshow-1": prints}, fingerprints_of(key, [])).scan([folder])
        audit_s = time.perf_counter() - start_s
    part = signed.receipt.parts[0]
    ends = [at for _, at in stages[1:]] + [done_s]
    spent = {stage: end - at for (stage, at), end in zip(stages, ends, strict=True)}
    total_s = done_s - stages[0][1]
    met = clean.clean and part.items == part.found_before == 2 * chosen.entries and total_s < MOST_PROOF_S > audit_s
    write_result(
        "erasure",
        "How long does it take to destroy a watchlist of 10,000 people and to prove it?",
        {
            "entries": chosen.entries,
            "picture_bytes": chosen.picture_bytes,
            "total_s": total_s,
            "stages_s": spent,
            "items": part.items,
            "found_before": part.found_before,
            "found_after": part.found_after,
            "search_again_s": audit_s,
            "searched_mb": clean.size_bytes / 1e6,
            "searched_mb_per_s": clean.size_bytes / 1e6 / audit_s,
        },
        f"fingerprints, search, destruction and search again together in under {MOST_PROOF_S:g} s; "
        "before, every picture and vector is found, afterwards none",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
