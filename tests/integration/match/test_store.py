"""What is put in comes out again, whole, in any process, and the hash says whether it is the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lancedb
import numpy as np
import pytest

from lfr_ray.data_dir import WatchlistDir
from lfr_ray.errors import ConflictError, IntegrityError, NotFoundError, RefusedError, StoreError
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore

Make = Callable[..., EnrolledImage]


def same(one: EnrolledImage, other: EnrolledImage) -> bool:
    return one.digest() == other.digest() and one.imported_by == other.imported_by and one.jpeg == other.jpeg


def test_nothing_is_stored_and_nothing_is_made_by_looking(store: WatchlistStore) -> None:
    assert store.all() == store.entries() == store.vectors() == ()
    assert store.revision() == WatchlistStore(store.folder).revision()
    assert not store.folder.exists()
    with pytest.raises(NotFoundError):
        store.image("e0001")
    with pytest.raises(NotFoundError):
        store.remove("e0001")
    assert store.shown("e0001", "x") == (None, ())


def test_everything_comes_back(store: WatchlistStore, make_image: Make) -> None:
    images = [
        make_image(2, under_18=True, under_18_reason="why", priority=1, image_date=1.0, nominal_id="N", rationale="r"),
        make_image(1, 1),
        make_image(1, 0, expires_at=None, name="O'Neil; DROP TABLE"),
    ]
    store.put(images[:2])
    store.put(images[2:])
    found = WatchlistStore(store.folder).all()
    assert [one.entry.entry_id for one in found] == ["e0001", "e0001", "e0002"]
    for one in images:
        again = next(other for other in found if other.image_id == one.image_id)
        assert same(one, again)
        np.testing.assert_array_equal(one.vector, again.vector)
    assert len(store.entries()) == 2
    assert store.image("e0001") == images[1].jpeg, "the better picture"
    assert store.shown("e0001", images[2].image_id) == (images[2].jpeg, (images[1].jpeg,))
    assert store.shown("e0002", images[0].image_id) == (images[0].jpeg, ())
    assert len(store.images("e0001")) == 2


def test_names_are_in_no_repr(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1, rationale="seen in town")])
    text = repr(store.all()) + repr(store.vectors()) + repr(store.entries()) + repr(store.load())
    assert "Lastname" not in text
    assert "seen in town" not in text
    assert "JPEG" not in text


def test_the_same_picture_again_changes_nothing(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1), make_image(2)])
    before = store.content_hash()
    store.put([make_image(2), make_image(1)])
    assert len(store.all()) == 2
    assert store.content_hash() == before


def test_the_hash_tells_any_change_and_no_order(store: WatchlistStore, make_image: Make, tmp_path: Path) -> None:
    other = WatchlistStore(tmp_path / "other")
    empty = store.content_hash()
    store.put([make_image(1), make_image(2)])
    other.put([make_image(2)])
    assert len({empty, store.content_hash(), other.content_hash()}) == 3
    other.put([make_image(1, imported_by="somebody else", imported_at=0.0)])
    assert store.content_hash() == other.content_hash() == store.load().content_hash
    seen = {store.content_hash()}
    for change in (
        {"name": "Other"}, {"expires_at": 2e9 + 1}, {"expires_at": None}, {"category": "test"}, {"priority": 1},
        {"quality": 0.9}, {"jpeg": b"x"}, {"vector": make_image(7).vector}, {"legal_basis": "none"},
    ):  # fmt: skip
        other.put([make_image(1, **change)])
        seen.add(other.content_hash())
    assert len(seen) == 10


def test_two_models_share_the_table(store: WatchlistStore, make_image: Make) -> None:
    long = replace(make_image(1), model="m2", vector=np.full(512, 512**-0.5, np.float32))
    store.put([make_image(1), long])
    assert [len(row.vector) for row in store.vectors("m2")] == [512]
    assert len(store.vectors("m1")) == 1
    assert len(store.vectors()) == 2


def test_another_process_sees_every_commit(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    other = WatchlistStore(store.folder)
    assert len(other.entries()) == 1
    revision = other.revision()
    store.put([make_image(2)])
    assert len(other.entries()) == 2
    assert other.revision() != revision
    code = "from lfr_ray.match.watchlist_store import WatchlistStore as Store;"
    code += f"print(len(Store({str(store.folder)!r}).entries()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"


def test_approval_freezes_the_list(store: WatchlistStore, make_image: Make) -> None:
    with pytest.raises(ConflictError, match="empty"):
        store.approve("second", 10.0)
    store.put([make_image(1)])
    assert store.approval(10.0) is None
    approved = store.approve(" second ", 10.0)
    assert store.approval(10.0) == approved
    assert approved.content_hash == store.content_hash()
    assert WatchlistStore(store.folder).approval(99.0) == approved
    assert store.approval(9.0) is None, "not before it was given: the clock was set back"
    store.put([make_image(1)])
    assert store.approval(11.0) == approved, "the same content is the same list"
    store.put([make_image(1, name="Other")])
    assert store.approval(11.0) is None
    store.put([make_image(1)])
    assert store.approval(11.0) == approved
    store.put([make_image(2)])
    assert store.approval(11.0) is None
    store.remove("e0002")
    assert store.approval(11.0) == approved


@pytest.mark.parametrize("who", ["importer", " Importer ", "", "  "])
def test_who_imported_may_not_approve(store: WatchlistStore, make_image: Make, who: str) -> None:
    store.put([make_image(1), make_image(2, imported_by="another")])
    with pytest.raises(RefusedError, match="second person"):
        store.approve(who, 10.0)
    assert store.approval(10.0) is None


def test_an_approval_changes_the_revision(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    before = store.revision()
    store.approve("second", 10.0)
    assert store.revision() != before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"approved_by": "x"}', '{"approved_by":"x","approved_at":"y"}'])
def test_a_damaged_approval_is_named(store: WatchlistStore, make_image: Make, text: str) -> None:
    store.put([make_image(1)])
    store.approve("second", 10.0)
    WatchlistDir(store.folder).approval.write_text(text)
    with pytest.raises(IntegrityError, match="approval"):
        store.approval(11.0)


def test_views_of_covered_faces_come_back_and_count_for_the_hash(store: WatchlistStore, make_image: Make) -> None:
    views = {"lower": make_image(50).vector, "upper": make_image(51).vector}
    plain = make_image(1)
    store.put([plain, make_image(2)])
    before = store.content_hash()
    store.put([replace(plain, covered=views)])
    assert store.content_hash() != before
    (found,) = WatchlistStore(store.folder).images("e0001")
    assert found.covered.keys() == views.keys()
    for region, vector in views.items():
        np.testing.assert_array_equal(found.covered[region], vector)
    loaded = {row.entry.entry_id: row.covered for row in store.load().vectors}
    assert sorted(loaded["e0001"]) == ["lower", "upper"]
    assert loaded["e0002"] == {}
    told = store.destroy()
    assert len(told.vector_sha256) == 4, "two faces as they are, one with two views"


def test_a_table_of_an_older_version_says_what_to_do(store: WatchlistStore, make_image: Make) -> None:
    store.put([make_image(1)])
    lancedb.connect(str(store.folder)).open_table("entries").drop_columns(["embedding_lower"])
    with pytest.raises(StoreError, match="older version") as caught:
        WatchlistStore(store.folder).load()
    assert "import the watchlist again" in caught.value.next_step


def test_another_covered_view_is_another_content(make_image: Make) -> None:
    views = {"lower": make_image(50).vector, "upper": make_image(51).vector}
    image = replace(make_image(1), covered=views)
    swapped = replace(image, covered={"lower": views["upper"], "upper": views["lower"]})
    fewer = replace(image, covered={"lower": views["lower"]})
    assert len({one.digest() for one in (make_image(1), image, swapped, fewer)}) == 4
