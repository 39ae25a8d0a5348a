"""A writer that dies at any point leaves the old list or the new one, and nothing of a removed person."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray import shred_files
from lfr_ray.data_dir import WatchlistDir
from lfr_ray.durable_files import locked
from lfr_ray.errors import StoreError
from lfr_ray.match import watchlist_store_on_disk
from lfr_ray.match.lancedb_table import Table
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore

Make = Callable[..., EnrolledImage]
Search = Callable[[Path, bytes], list[str]]


class Dies(BaseException):
    """Stands for the end of the process: no code of ours catches it, so the disk is left as it is."""


def die_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, calls: int, when: str) -> None:
    """Make the ``calls``-th call of a function the last thing that happens."""
    real = getattr(owner, name)
    count = 0

    def dying(*args: object, **kwargs: object) -> object:
        nonlocal count
        count += 1
        if count == calls and when == "before":
            raise Dies
        answer = real(*args, **kwargs)
        if count == calls and when == "after":
            raise Dies
        return answer

    monkeypatch.setattr(owner, name, dying)


POINTS = [
    (Table, "delete", 1, "before"),
    (Table, "delete", 1, "after"),
    (Table, "rewrite", 1, "after"),
    (watchlist_store_on_disk, "link_all", 1, "after"),
    (watchlist_store_on_disk, "link_all", 2, "after"),
    (Table, "clean", 1, "after"),
    (shred_files, "shred", 2, "after"),
    (watchlist_store_on_disk, "shred_unlinked", 1, "after"),
]


@pytest.mark.parametrize(("owner", "name", "calls", "when"), POINTS)
def test_a_removal_that_dies_is_finished_by_the_next_reader(
    store: WatchlistStore,
    make_image: Make,
    found_in: Search,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    calls: int,
    when: str,
) -> None:
    images = [make_image(number) for number in range(30)]
    store.put(images[:15])
    store.put(images[15:])
    with monkeypatch.context() as patch:
        die_at(patch, owner, name, calls, when)
        with pytest.raises(Dies):
            store.remove("e0007")
    after = WatchlistStore(store.folder)
    ids = {entry.entry_id for entry in after.entries()}
    everybody = {image.entry.entry_id for image in images}
    assert ids == (everybody if (name, when) == ("delete", "before") else everybody - {"e0007"})
    if "e0007" not in ids:
        assert not found_in(store.folder, images[7].jpeg[1000:1064])
        assert not found_in(store.folder, images[7].vector.tobytes()[:64])
    assert sorted(path.name for path in store.folder.iterdir()) == ["entries.lance", "lock"]
    assert {image.image_id for image in after.all()} == {
        image.image_id for image in images if image.entry.entry_id in ids
    }


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [(shred_files, "shred", 1), (shred_files, "shred", 4), (watchlist_store_on_disk, "shred_tree", 1)],
)
def test_a_destruction_that_dies_is_finished_by_the_next_reader(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, calls: int
) -> None:
    store.put([make_image(number) for number in range(10)])
    store.approve("second", 1.0)
    with monkeypatch.context() as patch:
        die_at(patch, owner, name, calls, "after")
        with pytest.raises(Dies):
            store.destroy()
    assert WatchlistDir(store.folder).destroying.exists()
    assert WatchlistStore(store.folder).all() == ()
    assert [path.name for path in store.folder.rglob("*")] == ["lock"]


def test_while_a_destruction_cannot_be_finished_nothing_is_read(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put([make_image(1)])
    with monkeypatch.context() as patch:
        die_at(patch, shred_files, "shred", 1, "before")
        with pytest.raises(Dies):
            store.destroy()
    with locked(WatchlistDir(store.folder).lock, shared=True), pytest.raises(StoreError, match="being destroyed"):
        store.all()
    assert store.all() == ()


def test_a_full_disk_in_the_middle_of_a_removal_does_not_stop_readers(
    store: WatchlistStore, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put([make_image(number) for number in range(5)])

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shred_files, "overwrite", full)
        with pytest.raises(StoreError, match="cannot be written") as caught:
            store.remove("e0001")
        assert "No space left" in caught.value.got
        assert len(store.entries()) == 4
        assert WatchlistDir(store.folder).unfinished.exists()
    assert len(store.entries()) == 4
    assert not WatchlistDir(store.folder).unfinished.exists()


ADDS = """
import sys
sys.path.insert(0, sys.argv[2])
from conftest import image
from lfr_ray.match.watchlist_store import WatchlistStore
store = WatchlistStore(sys.argv[1])
print("ready", flush=True)
for number in range(100, 2000, 10):
    store.put([image(entry, picture) for entry in range(number, number + 10) for picture in range(2)])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after_s", [0.04, 0.3])
def test_killed_in_the_middle_of_an_import(
    store: WatchlistStore, make_image: Make, found_in: Search, after_s: float
) -> None:
    store.put([make_image(number) for number in range(5)])
    here = str(Path(__file__).parent)
    writer = subprocess.Popen([sys.executable, "-c", ADDS, str(store.folder), here], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "ready"
    time.sleep(after_s)
    writer.send_signal(signal.SIGKILL)
    committed = [int(line) for line in writer.communicate()[0].split()]
    images = WatchlistStore(store.folder).all()
    numbers = sorted(int(image.entry.entry_id[1:]) for image in images)
    added = numbers[5:]
    assert numbers[:5] == list(range(5))
    assert len(added) % 20 == 0, "a chunk is there as a whole or not at all"
    assert len(added) // 20 in (len(committed), len(committed) + 1)
    stored = {image.image_id for image in images}
    for number in (100 + len(added) // 2, 101 + len(added) // 2):
        lost = make_image(number)
        assert lost.image_id not in stored
        assert not found_in(store.folder, lost.jpeg[1000:1064]), "files that no list refers to are destroyed"


def test_two_writers_take_turns(store: WatchlistStore, make_image: Make) -> None:
    here = str(Path(__file__).parent)
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from conftest import image
from lfr_ray.match.watchlist_store import WatchlistStore
store, first = WatchlistStore(sys.argv[1]), int(sys.argv[3])
for number in range(first, first + 12):
    store.put([image(number)])
    if number % 4 == 3:
        store.remove(f"e{number:04}")
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(store.folder), here, str(first)], stderr=subprocess.PIPE)
        for first in (0, 100)
    ]
    errors = [writer.communicate()[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], errors
    kept = {f"e{first + number:04}" for first in (0, 100) for number in range(12) if (first + number) % 4 != 3}
    assert {entry.entry_id for entry in store.entries()} == kept
    assert len(store.all()) == len(kept)
