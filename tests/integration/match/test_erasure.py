"""Removed means removed: the disk is searched for the name, the picture and the vector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.errors import NotFoundError
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore

Make = Callable[..., EnrolledImage]
Search = Callable[[Path, bytes], list[str]]


def traces(image: EnrolledImage) -> list[bytes]:
    """What would be left of a person: name, id in text, picture, vector, and parts of both."""
    return [
        image.entry.name.encode(),
        image.entry.entry_id.encode(),
        image.jpeg[:40],
        image.jpeg[1000:1064],
        image.jpeg[-64:],
        image.vector.tobytes()[:64],
        image.vector.tobytes()[-64:],
        *(vector.tobytes()[:64] for vector in image.covered.values()),
        image.file_sha256.encode(),
    ]


def remaining(folder: Path, image: EnrolledImage, found_in: Search) -> list[bytes]:
    return [trace for trace in traces(image) if found_in(folder, trace)]


@pytest.mark.parametrize("total", [1, 2, 5, 60])
@pytest.mark.parametrize("joined", [False, True])
def test_one_person_among_many(
    store: WatchlistStore, make_image: Make, found_in: Search, total: int, joined: bool
) -> None:
    # A sixtieth is below the tenth of a file from which LanceDB alone would write the file anew.
    images = [
        make_image(number, covered={"lower": make_image(number + 500).vector, "upper": make_image(number + 700).vector})
        for number in range(total)
    ]
    for start in range(0, total, 20):
        store.put(images[start : start + 20])
    if joined:
        store.tidy()
    gone = images[total // 2]
    # Texts may be stored packed, so that not every trace is found before; picture and vector are.
    before = remaining(store.folder, gone, found_in)
    assert set(traces(gone)[2:-1]) <= set(before), "the search would find what it looks for"
    store.remove(gone.entry.entry_id)
    assert remaining(store.folder, gone, found_in) == []
    assert {image.image_id for image in store.all()} == {one.image_id for one in images if one is not gone}
    for other in images[:3]:
        if other is not gone:
            assert set(traces(other)[2:-1]) <= set(remaining(store.folder, other, found_in))


def test_several_at_once_and_all_their_pictures(store: WatchlistStore, make_image: Make, found_in: Search) -> None:
    images = [make_image(number, picture) for number in range(12) for picture in range(3)]
    store.put(images)
    store.remove("e0003", "e0007")
    for image in images:
        gone = image.entry.entry_id in ("e0003", "e0007")
        assert bool(found_in(store.folder, image.jpeg[1000:1064])) != gone
    assert len(store.all()) == 30


def test_a_single_picture(store: WatchlistStore, make_image: Make, found_in: Search) -> None:
    images = [make_image(1, picture) for picture in range(3)] + [make_image(2)]
    store.put(images)
    store.remove_pictures(images[0].image_id)
    assert not found_in(store.folder, images[0].jpeg[1000:1064])
    assert not found_in(store.folder, images[0].vector.tobytes()[:64])
    assert len(store.images("e0001")) == 2
    store.remove_pictures(images[3].image_id)
    assert [entry.entry_id for entry in store.entries()] == ["e0001"]


def test_what_is_replaced_is_erased(store: WatchlistStore, make_image: Make, found_in: Search) -> None:
    old = make_image(1, jpeg=b"OLDPICTURE" * 50, vector=make_image(99).vector)
    store.put([old, *(make_image(number) for number in range(2, 40))])
    store.tidy()
    assert found_in(store.folder, b"OLDPICTURE")
    store.put([make_image(1)])
    assert not found_in(store.folder, b"OLDPICTURE")
    assert not found_in(store.folder, old.vector.tobytes()[:64])
    assert len(store.all()) == 39


def test_erasure_can_be_put_off_to_the_end_of_an_import(
    store: WatchlistStore, make_image: Make, found_in: Search
) -> None:
    store.put([make_image(1, jpeg=b"OLDPICTURE" * 50), *(make_image(number) for number in range(2, 40))])
    store.put([make_image(1)], erase=False)
    assert found_in(store.folder, b"OLDPICTURE")
    WatchlistStore(store.folder).tidy()
    assert not found_in(store.folder, b"OLDPICTURE")


def test_an_unknown_entry_removes_nobody(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    with pytest.raises(NotFoundError):
        store.remove("e0001", "nobody")
    with pytest.raises(NotFoundError):
        store.remove("x' OR 'a'='a")
    assert len(store.all()) == 1


def test_ids_with_quotes_are_removed(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1, entry_id="O'Neil"), make_image(2)])
    store.remove("O'Neil")
    assert [entry.entry_id for entry in store.entries()] == ["e0002"]


def test_destruction_leaves_an_empty_folder(store: WatchlistStore, make_image: Make, found_in: Search) -> None:
    images = [make_image(number) for number in range(30)]
    store.put(images[:20])
    store.put(images[20:])
    store.approve("second", 1.0)
    content_hash = store.content_hash()
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    links = []
    for number, path in enumerate(files):
        # A second name for every file shows what the destroyed bytes have become.
        links.append(store.folder.parent / f"link{number}")
        links[-1].hardlink_to(path)
    done = store.destroy()
    assert (done.entries, done.images, done.content_hash) == (30, 30, content_hash)
    assert done.files == len(files) - 1
    assert done.size_bytes > 30 * 3000
    assert len(set(done.jpeg_sha256)) == len(set(done.vector_sha256)) == 30
    assert [path.name for path in store.folder.rglob("*")] == ["lock"]
    assert all(not link.read_bytes().strip(b"\0") for link in links), "overwritten before they were removed"
    assert store.all() == ()
    assert store.approval(2.0) is None


def test_destroying_twice_or_nothing(store: WatchlistStore, make_image: Make) -> None:
    assert store.destroy().files == 0
    store.put([make_image(1)])
    store.destroy()
    assert (store.destroy().entries, store.destroy().files) == (0, 0)
    store.put([make_image(2)])
    assert [entry.entry_id for entry in store.entries()] == ["e0002"]


def test_bytes_are_overwritten_when_an_entry_is_removed(store: WatchlistStore, make_image: Make) -> None:
    images = [make_image(number) for number in range(20)]
    store.put(images)
    # A file that is held open can be read after its removal: what was in it must not be there any more.
    held = [path.open("rb") for path in (store.folder / "entries.lance" / "data").iterdir()]
    assert any(images[3].jpeg[1000:1064] in stream.read() for stream in held)
    store.remove("e0003")
    for stream in held:
        with stream:
            stream.seek(0)
            assert not stream.read().strip(b"\0")
    assert sorted(path.name for path in store.folder.iterdir()) == ["entries.lance", "lock"]
