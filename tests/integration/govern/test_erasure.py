"""Erasure on a real disk: destroyed, proved, finished after a crash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.durable_files import exclusive
from lfr_ray.errors import ConflictError, IntegrityError
from lfr_ray.govern.destruction_receipt import SignedReceipt, load_receipt
from lfr_ray.govern.erase_deployment import Erasure, unfinished
from lfr_ray.govern.erasure_fingerprints import scan_key
from lfr_ray.govern.leftover_scan import Scanner
from lfr_ray.shred_files import shred
from lfr_ray.site.erasable_stores import ErasableFiles


class Pictures:
    """An erasable store over a folder of files, one item each, that can break down after some of them."""

    label = "pictures"
    notes = ()

    def __init__(self, folder: Path, break_after: int = 10**9, stays: Sequence[bytes] = ()) -> None:
        self.folder, self.break_after, self.stays = folder, break_after, stays

    def contents(self) -> Iterator[bytes]:
        for path in sorted(self.folder.iterdir()):
            yield path.read_bytes()

    def destroy(self) -> Mapping[str, int]:
        files = 0
        for path in sorted(self.folder.iterdir()):
            if files == self.break_after:
                raise KeyboardInterrupt
            shred(path)
            files += 1
        return {"files": files}

    def kept(self) -> Iterator[bytes]:
        return iter(self.stays)


@pytest.fixture
def pictures(site: Any) -> Path:
    folder: Path = site.data_dir / "pictures"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(12):
        (folder / f"{number}.bin").write_bytes(rng.bytes(5000))
    return folder


def erasure(site: Any, *stores: Any, **options: Any) -> Erasure:
    return Erasure(
        site.files,
        "airshow-1",
        stores,
        roots=options.pop("roots", [site.data_dir]),
        key=site.key,
        scan=scan_key(site.files),
        clock=site.clock,
        **options,
    )


def run(made: Erasure) -> SignedReceipt:
    return made.run("insp-7", "the event is over", ledger_head=lambda: f"0:{'0' * 64}")


def test_what_is_destroyed_is_proved(site: Any, pictures: Path) -> None:
    stages: list[str] = []
    made = erasure(site, Pictures(pictures), on_stage=stages.append)
    signed = run(made)
    part = signed.receipt.parts[0]
    assert (part.items, part.found_before, part.found_after) == (12, 12, 0)
    assert part.counts == {"files": 12}
    assert len(set(part.digests)) == 12
    assert signed.receipt.notes == ()
    assert not list(pictures.iterdir())
    assert signed.fault(site.trusted) == ""
    assert load_receipt(site.files, "airshow-1") == signed
    assert len(stages) == 4
    assert unfinished(site.files) == ["airshow-1"]
    made.finish()
    assert unfinished(site.files) == []


def test_a_receipt_that_is_altered_proves_nothing(site: Any, pictures: Path) -> None:
    run(erasure(site, Pictures(pictures)))
    path = site.data_dir / "receipts" / "airshow-1.json"
    document = json.loads(path.read_text())
    document["receipt"]["parts"][0]["counts"]["files"] = 13
    path.write_text(json.dumps(document))
    assert "altered" in load_receipt(site.files, "airshow-1").fault(site.trusted)


def test_a_copy_somewhere_else_denies_the_receipt(site: Any, pictures: Path) -> None:
    copy = site.data_dir / "somewhere" / "backup.tar"
    copy.parent.mkdir()
    copy.write_bytes(os.urandom(777) + (pictures / "3.bin").read_bytes() + os.urandom(99))
    made = erasure(site, Pictures(pictures))
    with pytest.raises(IntegrityError, match=r"1 items, in backup\.tar") as caught:
        run(made)
    assert "close again" in caught.value.next_step
    assert not (site.data_dir / "receipts" / "airshow-1.json").exists()
    copy.unlink()
    assert "interrupted" in run(made).receipt.notes[0]


def test_what_another_machine_holds_denies_it_and_one_that_did_not_answer_is_named(
    site: Any, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "memory").write_bytes((pictures / "3.bin").read_bytes())
    away = "the memory of node 10.0.0.9 was not searched: no answer"
    made = erasure(site, Pictures(pictures), elsewhere=lambda scanner: ([scanner.scan([tmp_path / "memory"])], [away]))
    with pytest.raises(IntegrityError, match="1 items, in memory"):
        run(made)
    (tmp_path / "memory").write_bytes(b"")
    receipt = run(made).receipt
    assert receipt.notes[-1] == away
    assert receipt.scanned_files == 1 + len([path for path in site.data_dir.rglob("*") if path.is_file()]) - 1


def test_what_lawfully_stays_is_no_reason_to_deny_it(site: Any, pictures: Path) -> None:
    held = (pictures / "3.bin").read_bytes()
    (site.data_dir / "held.bin").write_bytes(held)
    assert run(erasure(site, Pictures(pictures, stays=[held]))).fault(site.trusted) == ""


@pytest.mark.parametrize("break_after", [0, 1, 5, 11])
def test_a_crash_in_the_middle_is_finished(site: Any, pictures: Path, break_after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(erasure(site, Pictures(pictures, break_after)))
    assert len(list(pictures.iterdir())) == 12 - break_after
    assert unfinished(site.files) == ["airshow-1"]
    signed = run(erasure(site, Pictures(pictures)))
    part = signed.receipt.parts[0]
    assert (part.items, part.found_before, part.found_after) == (12, 12, 0)
    assert "interrupted" in signed.receipt.notes[0]
    assert not list(pictures.iterdir())


CRASH = """
import os, sys
from pathlib import Path
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.erase_deployment import Erasure
from lfr_ray.govern.erasure_fingerprints import scan_key
from lfr_ray.govern.trust_file import site_key
from lfr_ray import shred_files
from lfr_ray.site.erasable_stores import ErasableFiles
data_dir = DataDir(Path(sys.argv[1]))
calls = 0
real = shred_files.shred
def dying(path):
    global calls
    calls += 1
    if calls > int(sys.argv[2]):
        os._exit(9)
    real(path)
shred_files.shred = dying
files = ErasableFiles([data_dir.root / "pictures"])
made = Erasure(
    data_dir, "airshow-1", [files], roots=[data_dir.root], key=site_key(data_dir), scan=scan_key(data_dir)
)
made.run("insp-7", "over", ledger_head=lambda: "0:" + "0" * 64)
"""


def test_a_killed_process_is_finished_by_the_next(site: Any, pictures: Path) -> None:
    assert site.key
    done = subprocess.run([sys.executable, "-c", CRASH, str(site.data_dir), "7"], check=False)
    assert done.returncode == 9
    assert len(list(pictures.iterdir())) == 5
    signed = run(erasure(site, ErasableFiles([pictures])))
    assert signed.receipt.parts[0].items == 12
    assert not pictures.exists()


def test_two_closings_at_once(site: Any, pictures: Path) -> None:
    lock = site.files.erasure_lock("airshow-1")
    with exclusive(lock, "x"), pytest.raises(ConflictError, match=f"already under way; got: process {os.getpid()}"):
        run(erasure(site, Pictures(pictures)))
    assert len(list(pictures.iterdir())) == 12
    run(erasure(site, Pictures(pictures)))


def test_storage_that_hides_its_content_is_said_in_the_receipt(site: Any, pictures: Path) -> None:
    """A search that cannot see what is there before the erasure proves little afterwards."""
    import gzip

    class Packed(Pictures):
        def contents(self) -> Iterator[bytes]:
            return (gzip.decompress(path.read_bytes()) for path in sorted(self.folder.iterdir()))

    rng = np.random.default_rng(8)
    for path in pictures.iterdir():
        path.write_bytes(gzip.compress(bytes(rng.integers(0, 40, 5000, dtype=np.uint8))))
    signed = run(erasure(site, Packed(pictures)))
    assert signed.receipt.notes == ("pictures: the search saw 0 of 12 items before the erasure, not all of them",)


def test_the_fingerprints_find_it_again_for_ever(site: Any, pictures: Path) -> None:
    from lfr_ray.govern.erasure_fingerprints import Fingerprints

    item = (pictures / "7.bin").read_bytes()
    run(erasure(site, Pictures(pictures)))
    prints = Fingerprints.load(site.data_dir / "receipts" / "airshow-1.pictures.scan")
    scanner = Scanner(scan_key(site.files), {"airshow-1": prints})
    assert scanner.scan([site.data_dir]).clean
    (site.data_dir / "restored.bak").write_bytes(item[1000:4000])
    assert [one.item for one in scanner.scan([site.data_dir]).findings] == [9], "the order of their names"


def test_a_file_is_overwritten_before_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"secret" * 1000)
    os.link(path, tmp_path / "other-name")
    shred(path)
    assert not path.exists()
    assert (tmp_path / "other-name").read_bytes() == bytes(6000), "the bytes behind every name are gone"
    shred(path)


def test_a_folder_of_files_is_destroyed_with_its_folders(site: Any, tmp_path: Path) -> None:
    root = tmp_path / "recordings"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "c").write_bytes(b"x" * 100)
    (root / "d").write_bytes(b"y" * 50)
    files = ErasableFiles([root, tmp_path / "none"])
    assert files.destroy() == {"files": 2, "bytes": 150}
    assert not root.exists()
    assert files.destroy() == {"files": 0, "bytes": 0}


def test_damaged_journals_say_so(site: Any, pictures: Path) -> None:
    made = erasure(site, Pictures(pictures))
    path = site.data_dir / "receipts" / "airshow-1.erasing"
    path.parent.mkdir(parents=True, exist_ok=True)
    for content in ("{", '{"surprise": 1}'):
        path.write_text(content)
        with pytest.raises(IntegrityError, match="journal is damaged"):
            run(made)
    shutil.rmtree(path.parent)
