"""Destroyed content is found wherever it is, and nothing else is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError, NotFoundError
from lfr_ray.govern.erasure_fingerprints import Fingerprints, ScanKey, fingerprints_of, scan_key
from lfr_ray.govern.leftover_scan import BLOCK_BYTES, SHARED_MEMORY, Scanner

KEY = ScanKey.create()


def picture(seed: int, side: int = 160) -> bytes:
    """A JPEG with structure, as a photograph has: smooth areas, edges and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side]
    grey = 128 + 60 * np.sin(rows / rng.uniform(5, 30)) * np.cos(columns / rng.uniform(5, 30))
    colour = grey[..., None] + rng.normal(0, 12, (side, side, 3))
    return encode_jpeg(np.clip(colour, 0, 255).astype(np.uint8))


def vector(seed: int, length: int = 128) -> bytes:
    values = np.random.default_rng(seed).normal(size=length).astype("<f4")
    return (values / np.linalg.norm(values)).tobytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    offset=st.one_of(st.integers(0, 3 * BLOCK_BYTES), st.integers(-700, 700).map(lambda near: BLOCK_BYTES + near)),
    seed=st.integers(0, 5),
    tail=st.integers(0, 5000),
    is_picture=st.booleans(),
)
def test_it_is_found_at_any_offset_of_any_file(
    tmp_path: Path, offset: int, seed: int, tail: int, is_picture: bool
) -> None:
    item = picture(seed) if is_picture else vector(seed)
    wanted = fingerprints_of(KEY, [item])
    (tmp_path / "inner").mkdir(exist_ok=True)
    rng = np.random.default_rng(seed + 100)
    (tmp_path / "inner" / "any.bin").write_bytes(rng.bytes(offset) + item + rng.bytes(tail))
    report = Scanner(KEY, {"d1": wanted}).scan([tmp_path])
    assert report.items_found("d1") == 1
    assert offset <= report.findings[0].offset < offset + len(item)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 9), page=st.integers(0, 100))
def test_a_single_page_that_is_left_is_found(tmp_path: Path, seed: int, page: int) -> None:
    """A database keeps large values in pages; whichever whole page is left gives it away."""
    item = picture(seed, 260)
    pages = [item[start : start + 4092] for start in range(0, len(item) - 4092, 4092)]
    left = pages[page % len(pages)]
    (tmp_path / "page").write_bytes(os.urandom(1000) + left + os.urandom(1000))
    assert Scanner(KEY, {"d1": fingerprints_of(KEY, [item])}).scan([tmp_path]).items_found("d1") == 1


def test_what_lost_its_name_in_shared_memory_is_found_behind_a_hole(tmp_path: Path) -> None:
    """As in Ray's object store: a deleted file of a gigabyte, mostly holes, open in a process that works on a site."""
    item = os.urandom(3000)  # nobody else on this machine looks for it
    wanted = {"d1": fingerprints_of(KEY, [item])}
    with tempfile.TemporaryFile(dir=SHARED_MEMORY) as store:
        store.truncate(1 << 30)
        store.seek(900 << 20)
        store.write(item)
        store.flush()
        assert Scanner(KEY, wanted).scan([SHARED_MEMORY, tmp_path]).items_found("d1") == 0, "of another site"
        with (tmp_path / "ledger").open("w"):
            assert Scanner(KEY, wanted).scan([SHARED_MEMORY, tmp_path]).items_found("d1") == 1


def test_other_pictures_of_the_same_kind_are_no_finding(tmp_path: Path) -> None:
    """JPEGs share their tables; the fingerprints must not."""
    wanted = fingerprints_of(KEY, [picture(seed) for seed in range(50)] + [vector(seed) for seed in range(50)])
    for seed in range(50, 150):
        (tmp_path / f"{seed}.jpg").write_bytes(picture(seed) + vector(seed))
    report = Scanner(KEY, {"d1": wanted}).scan([tmp_path])
    assert report.clean
    assert report.files == 100


def test_every_item_is_told_apart(tmp_path: Path) -> None:
    items = [picture(seed) for seed in range(20)] + [vector(seed) for seed in range(20)]
    wanted = fingerprints_of(KEY, items)
    assert wanted.items == 40
    assert wanted.unseen == 0
    (tmp_path / "some").write_bytes(b"".join(items[3:8]) + b"".join(items[30:33]))
    found = Scanner(KEY, {"d1": wanted}).scan([tmp_path])
    assert sorted(one.item for one in found.findings) == [3, 4, 5, 6, 7, 30, 31, 32]


def test_what_is_lawfully_there_again_is_no_finding(tmp_path: Path) -> None:
    listed_again, gone = picture(1), picture(2)
    (tmp_path / "list").write_bytes(listed_again + gone)
    wanted = {"d1": fingerprints_of(KEY, [listed_again, gone])}
    report = Scanner(KEY, wanted, fingerprints_of(KEY, [listed_again])).scan([tmp_path])
    assert [one.item for one in report.findings] == [1]


def test_what_is_too_short_or_uniform_is_counted_as_unseen() -> None:
    prints = fingerprints_of(KEY, [b"short", bytes(5000), b"ab" * 500, vector(1)])
    assert prints.items == 4
    assert prints.unseen == 3


def test_nothing_wanted_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(1000))
    assert Scanner(KEY, {}).scan([tmp_path]).clean
    assert Scanner(KEY, {"d": fingerprints_of(KEY, [])}).scan([tmp_path, tmp_path / "none"]).clean


def test_links_are_not_followed_and_each_file_is_read_once(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(picture(1))
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside / "a")
    (inside / "folder").symlink_to(outside)
    os.link(outside / "a", inside / "hard")
    report = Scanner(KEY, {"d1": fingerprints_of(KEY, [picture(1)])}).scan([inside, inside])
    assert report.files == 1
    assert [Path(one.file).name for one in report.findings] == ["hard"]


def test_a_file_that_cannot_be_read_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    report = Scanner(KEY, {}).scan([tmp_path])
    assert not report.clean
    assert report.unreadable == (str(tmp_path / "a"),)


def test_fingerprints_come_back_from_their_file(tmp_path: Path) -> None:
    prints = fingerprints_of(KEY, [picture(1), vector(2), b"x"])
    path = tmp_path / "d1.watchlist.scan"
    prints.save(path)
    assert path.stat().st_mode & 0o077 == 0
    back = Fingerprints.load(path)
    assert (back.windows == prints.windows).all()
    assert back.named() == prints.named()
    assert back.unseen == 1
    with pytest.raises(NotFoundError):
        Fingerprints.load(tmp_path / "none.scan")


@pytest.mark.parametrize("damage", [b"", b"hello", b"PK\x03\x04rubbish"])
def test_damaged_fingerprints_are_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "d1.scan"
    path.write_bytes(damage)
    with pytest.raises(IntegrityError, match="damaged"):
        Fingerprints.load(path)


def test_the_fingerprints_hold_none_of_the_content(tmp_path: Path) -> None:
    items = [picture(seed) for seed in range(5)]
    prints = fingerprints_of(KEY, items)
    path = tmp_path / "d1.scan"
    prints.save(path)
    assert Scanner(KEY, {"d1": prints}).scan([tmp_path]).clean
    stored = path.read_bytes()
    for item in items:
        assert not any(item[start : start + 8] in stored for start in range(600, len(item) - 8, 8))


def test_another_site_cannot_test_a_guess() -> None:
    assert fingerprints_of(KEY, [picture(1)]).named() != fingerprints_of(ScanKey.create(), [picture(1)]).named()


def test_the_scan_key_is_made_once_and_private(tmp_path: Path) -> None:
    files = DataDir(tmp_path)
    assert scan_key(files) == scan_key(files)
    assert files.scan_key.stat().st_mode & 0o077 == 0
    assert scan_key(files).secret not in repr(scan_key(files))


@settings(deadline=None)
@given(multiplier=st.integers(2**24 + 1, 2**32 - 1), data=st.binary(min_size=64, max_size=300))
def test_the_rolling_hash_is_the_polynomial(multiplier: int, data: bytes) -> None:
    key = ScanKey(multiplier=multiplier | 1, secret="0" * 64)
    rolled = key.rolling(np.frombuffer(data, np.uint8), key.powers(512))
    for offset in (0, len(rolled) // 2, len(rolled) - 1):
        window = data[offset : offset + 64]
        assert (
            rolled[offset] == sum(byte * pow(multiplier | 1, place, 2**32) for place, byte in enumerate(window)) % 2**32
        )
