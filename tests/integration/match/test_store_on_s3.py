"""The watchlist in a bucket of a real S3 server: writers take turns, readers see whole lists, removed means removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lfr_ray.cli.watchlist_import import open_watchlist
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError, NotFoundError, StoreError
from lfr_ray.match import watchlist_store_on_s3
from lfr_ray.match.lancedb_table import Table
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.s3_bucket import Bucket
from lfr_ray.site.erasable_stores import ErasableWatchlist
from lfr_ray.site.open_site import open_store
from lfr_ray.strict_yaml import parse_section
from tests.object_storage import Storage, object_storage

Make = Callable[..., EnrolledImage]
ADDRESS = "s3://lists/site/a"


@pytest.fixture(params=[True, False], ids=["versions kept", "no versions"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    with object_storage(monkeypatch, versioned=request.param) as server:
        yield server


only_versioned = pytest.mark.parametrize("storage", [True], indirect=True, ids=["versions kept"])


def open_list() -> WatchlistStore:
    return WatchlistStore(Bucket(ADDRESS))


def test_a_list_lives_in_a_bucket_and_removed_means_removed(storage: Storage, make_image: Make) -> None:
    store, other = open_list(), open_list()
    assert store.entries() == ()
    before = other.revision()
    images = [make_image(number) for number in range(6)]
    store.put(images[:3])
    store.put(images[3:])
    assert other.revision() != before
    assert {image.image_id for image in other.all()} == {image.image_id for image in images}
    approved = store.approve("second", 10.0)
    assert other.approval(20.0) == approved
    assert storage.holds(images[2].jpeg[1000:1064]), "the search would find what it looks for"
    assert storage.holds(images[2].vector.tobytes()[:64])
    store.remove("e0002")
    assert not storage.holds(images[2].jpeg[1000:1064])
    assert not storage.holds(images[2].vector.tobytes()[:64])
    assert not storage.holds(b"Firstname0002")
    assert other.approval(20.0) is None, "another list than the one that was approved"
    assert len(other.load().vectors) == 5
    with pytest.raises(NotFoundError):
        other.images("e0002")


def test_a_destroyed_list_leaves_no_version_of_any_object(storage: Storage, make_image: Make) -> None:
    store = open_list()
    store.put([make_image(number) for number in range(3)])
    store.approve("second", 10.0)
    storage.client.create_multipart_upload(Bucket="lists", Key="site/a/entries.lance/data/begun.lance")
    storage.client.put_object(Bucket="lists", Key="site/another", Body=b"not ours")
    erasable = ErasableWatchlist(store)
    assert len(list(erasable.contents())) == 6
    gone = erasable.destroy()
    assert (gone["entries"], gone["images"]) == (3, 3)
    assert gone["files"] > 3
    assert "s3://lists/site/a" in erasable.notes[0]
    assert storage.names() == {"site/another", "site/a/lock"}
    assert not storage.client.list_multipart_uploads(Bucket="lists").get("Uploads")
    assert open_list().entries() == ()


@only_versioned
def test_writers_take_turns(storage: Storage, make_image: Make) -> None:
    faults: list[StoreError] = []

    def add(first: int) -> None:
        try:
            store = open_list()
            store.put([make_image(first, name="Replaced")])
            store.put([make_image(first + 1)])
            store.put([make_image(first)])
        except StoreError as error:
            faults.append(error)

    writers = [threading.Thread(target=add, args=(first,)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    reader = open_list()
    while any(writer.is_alive() for writer in writers):
        assert len(reader.load().vectors) <= 4
    assert faults == []
    assert len(reader.entries()) == 4
    assert not storage.holds(b"Replaced")


DIES = """
import sys, time
sys.path.insert(0, sys.argv[1])
from conftest import image
from lfr_ray.s3_bucket import Bucket
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.match.lancedb_table import Table
from lfr_ray.match.lancedb_table import Table
store = WatchlistStore(Bucket(sys.argv[2]))
store.put([image(number) for number in range(4)])
def stand_still(self):
    print("half done", flush=True)
    time.sleep(600)
Table.rewrite = stand_still
store.remove("e0001")
"""


@only_versioned
def test_what_a_killed_writer_began_is_finished(
    storage: Storage, make_image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlist_store_on_s3, "LEASE_S", 1.0)
    command = [sys.executable, "-c", DIES, str(Path(__file__).parent), ADDRESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half done\n"
        writer.send_signal(signal.SIGKILL)
    gone = make_image(1).jpeg[1000:1064]
    assert storage.holds(gone)
    reader = open_list()
    assert len(reader.entries()) == 3, "readers do not wait"
    until_s = time.monotonic() + 120
    while storage.holds(gone) and time.monotonic() < until_s:
        reader.revision()  # as the matcher asks, once a second
        time.sleep(0.5)
    assert not storage.holds(gone)
    reader.put([make_image(9)])
    assert len(reader.entries()) == 4


@only_versioned
def test_storage_that_refuses_to_delete_is_named(storage: Storage, make_image: Make) -> None:
    store = open_list()
    store.put([make_image(number) for number in range(3)])
    held = next(one for one in storage.versions() if "/data/" in one["Key"] and one["IsLatest"])
    place = {"Bucket": "lists", "Key": held["Key"], "VersionId": held["VersionId"]}
    storage.client.put_object_legal_hold(**place, LegalHold={"Status": "ON"})
    with pytest.raises(StoreError, match="cannot be destroyed") as caught:
        store.remove("e0001")
    assert "AccessDenied" in caught.value.got
    assert "object lock" in caught.value.allowed
    assert len(store.entries()) == 2
    storage.client.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    store.entries()
    assert not storage.holds(make_image(1).jpeg[1000:1064]), "the next reader finishes it"


@only_versioned
def test_storage_that_forgets_goes_away_and_comes_back(storage: Storage, make_image: Make) -> None:
    store = open_list()
    store.put([make_image(number) for number in range(3)])
    known = store.revision()
    storage.stop()
    with pytest.raises(StoreError, match="object storage") as caught:
        store.load()
    assert "secret" not in str(caught.value)
    assert ADDRESS in caught.value.got
    assert store.revision() != known, "a matcher notices"
    storage.start_again()
    assert store.revision() == known
    assert len(store.load().vectors) == 3
    data = next(one["Key"] for one in storage.versions() if "/data/" in one["Key"] and one["IsLatest"])
    storage.client.delete_object(Bucket="lists", Key=data)
    with pytest.raises(StoreError, match="cannot be read") as caught:
        open_list().load()
    assert "lost objects" in caught.value.next_step


@only_versioned
def test_a_lost_lock_is_told(storage: Storage, make_image: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchlist_store_on_s3, "LEASE_S", 0.5)
    store = open_list()

    def rewrite(self: Table) -> None:
        Bucket(ADDRESS).write("lock", b"somebody else's")
        time.sleep(0.5)

    store.put([make_image(1), make_image(2)])
    monkeypatch.setattr(Table, "rewrite", rewrite)
    with pytest.raises(StoreError, match="lock was lost"):
        store.remove("e0001")


@only_versioned
def test_what_is_missing_in_the_environment_or_the_storage_is_told(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="cannot be listed") as caught:
        WatchlistStore(Bucket("s3://no-such-bucket/a")).entries()
    assert "NoSuchBucket" in caught.value.got
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    with pytest.raises(StoreError, match="cannot be listed") as caught:
        open_list().entries()
    assert "NoCredentials" in caught.value.got
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "nonsense")
    with pytest.raises(ConfigError, match="environment"):
        open_list()


@only_versioned
def test_a_site_names_its_bucket_and_credentials_lie_in_a_file(
    storage: Storage, make_image: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = key\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    site = SiteConfig(site="pier", data_dir=tmp_path / "data", watchlist_store=ADDRESS)
    open_store(site).put([make_image(1)])
    assert len(open_store(site).entries()) == 1
    assert len(open_watchlist(site).entries()) == 1, "what `lfr watchlist --site` works on"
    assert not (tmp_path / "data").exists()
    with pytest.raises(ConfigError, match="not valid") as caught:
        parse_section(SiteConfig, {"site": "pier", "watchlist_store": "s3://key:hidden@lists/a"}, "site.yaml")
    assert "hidden" not in str(caught.value)


@only_versioned
def test_a_site_says_where_the_credentials_stand(
    storage: Storage, make_image: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreError, match="NoCredentials"):
        open_list().entries()
    (tmp_path / "secret").write_text("se/cr+et:@\n")
    monkeypatch.setenv("LIST_KEY", "list-key")
    address = f"s3://{{env:LIST_KEY}}:{{file:{tmp_path}/secret}}@lists/site/a"
    site = parse_section(SiteConfig, {"site": "pier", "watchlist_store": address}, "site.yaml")
    open_store(site).put([make_image(1)])
    assert len(open_store(site).entries()) == 1
    with pytest.raises(StoreError) as caught:
        Bucket("s3://list-key:hid%2Fden@no-such-bucket/a").tags()
    assert "s3://no-such-bucket/a" in str(caught.value)
    assert "hid" not in str(caught.value)
    monkeypatch.delenv("LIST_KEY")
    with pytest.raises(ConfigError, match="secret is not where"):
        open_store(site)
