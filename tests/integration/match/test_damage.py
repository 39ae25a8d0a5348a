"""Damaged, missing and foreign files: a clear error or the very same list, never a traceback or a wrong face."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.errors import IntegrityError, LfrError, StoreError
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore

Make = Callable[..., EnrolledImage]


def fill(store: WatchlistStore, make_image: Make) -> set[str]:
    store.put([make_image(number) for number in range(8)])
    store.put([make_image(number) for number in range(8, 12)])
    return {image.digest() for image in store.all()}


def read(folder: Path) -> tuple[set[str], StoreError | IntegrityError | None]:
    try:
        return {image.digest() for image in WatchlistStore(folder).all()}, None
    except (StoreError, IntegrityError) as error:
        return set(), error


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "one byte less": lambda content: content[:-1],
    "end overwritten": lambda content: content[:-40] + b"\xff" * 40,
    "middle overwritten": lambda content: (
        content[: len(content) // 2] + b"\xa5" * 64 + content[len(content) // 2 + 64 :]
    ),
    "foreign": lambda content: b"this is no table at all " * 20,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_file_of_the_table(store: WatchlistStore, make_image: Make, tmp_path: Path, damage: str) -> None:
    whole = fill(store, make_image)
    names = [path.relative_to(store.folder) for path in store.folder.rglob("*") if path.is_file()]
    said = 0
    for number, name in enumerate(names):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(store.folder, copy)
        (copy / name).write_bytes(DAMAGES[damage]((copy / name).read_bytes()))
        found, error = read(copy)
        if error is not None:
            said += 1
            assert error.next_step
            assert "Lastname" not in str(error)
            assert "JPEG" not in str(error)
        else:
            assert found in (whole, set()) or found < whole, "nothing that was not stored"
            if found != whole:
                # An older version is all that can be read: then the hash is not the approved one.
                assert WatchlistStore(copy).content_hash() != store.content_hash()
    assert said, "no damage was noticed at all"


def test_a_missing_data_file_is_named(store: WatchlistStore, make_image: Make) -> None:
    fill(store, make_image)
    next((store.folder / "entries.lance" / "data").iterdir()).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        store.all()


def test_a_table_without_versions_is_not_taken_for_an_empty_list(store: WatchlistStore, make_image: Make) -> None:
    fill(store, make_image)
    shutil.rmtree(store.folder / "entries.lance" / "_versions")
    with pytest.raises(StoreError):
        WatchlistStore(store.folder).all()


def test_another_face_under_a_known_name_is_noticed(store: WatchlistStore, make_image: Make) -> None:
    fill(store, make_image)
    pixels = make_image(3).jpeg[1000:1064]
    changed = 0
    for path in (store.folder / "entries.lance" / "data").iterdir():
        content = path.read_bytes()
        if pixels in content:
            path.write_bytes(content.replace(pixels, b"\x01" * 64))
            changed += 1
    assert changed == 1
    with pytest.raises(IntegrityError, match="not as it was written"):
        WatchlistStore(store.folder).load()
    with pytest.raises(IntegrityError):
        WatchlistStore(store.folder).content_hash()


def test_damaged_files_can_be_destroyed(store: WatchlistStore, make_image: Make) -> None:
    fill(store, make_image)
    for path in (store.folder / "entries.lance" / "data").iterdir():
        path.write_bytes(b"damaged")
    store.destroy()
    assert [path.name for path in store.folder.rglob("*")] == ["lock"]


def test_a_folder_that_cannot_be_written(tmp_path: Path, make_image: Make) -> None:
    (tmp_path / "file").write_text("x")
    store = WatchlistStore(tmp_path / "file" / "watchlist")
    with pytest.raises(StoreError) as caught:
        store.put([make_image(1)])
    assert caught.value.next_step


def test_errors_are_of_our_tree(store: WatchlistStore, make_image: Make) -> None:
    store.folder.mkdir()
    (store.folder / "entries.lance").mkdir()
    with pytest.raises(LfrError):
        store.all()
