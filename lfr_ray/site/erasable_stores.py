"""The erasable stores of a site: the watchlist's table, the alerts' database, and plain files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.erase_alerts import AlertEraser, RetentionFacts
from lfr_ray.durable_files import disk_error, sync_folder
from lfr_ray.errors import LfrError
from lfr_ray.govern.erase_deployment import ErasableStore
from lfr_ray.match.watchlist_entries import EnrolledImage
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.s3_bucket import Bucket
from lfr_ray.shred_files import shred, shred_tree
from lfr_ray.site.open_site import SiteStorage, open_waiting


class ErasableWatchlist(ErasableStore):
    """The list: pictures and templates."""

    label = "watchlist"

    def __init__(self, store: WatchlistStore) -> None:
        self._store = store
        self.notes: list[str] = []

    def contents(self) -> Iterator[bytes]:
        """Every enrolled picture and its vector."""
        try:
            images = self._store.all()
        except LfrError:
            self.notes.append("the list was damaged: it could not be read before it was destroyed")
            return
        for image in images:
            yield from image_contents(image)

    def destroy(self) -> Mapping[str, int]:
        """Every file of the list is overwritten and removed; of a bucket, every version of every object."""
        gone = self._store.destroy()
        if isinstance(self._store.folder, Bucket):
            where = self._store.folder.address
            self.notes.append(
                f"watchlist: {gone.files} versions of objects at {where} were deleted, and none is listed any more; "
                "copies of its own that the storage keeps are not searched: have its keeper expire them"
            )
        return {"entries": gone.entries, "images": gone.images, "files": gone.files, "bytes": gone.size_bytes}


class ErasableWaiting(ErasableWatchlist):
    """What waits to be on the list."""

    label = "waiting"


class ErasableAlerts(ErasableStore):
    """The pictures of those alerts that are ``chosen`` and not held; ``reason`` is for the feed of alerts."""

    label = "alerts"

    def __init__(
        self, store: AlertStore, chosen: Callable[[RetentionFacts], bool], *, now_s: float, reason: str
    ) -> None:
        self._store = store
        self._eraser = AlertEraser(store.database)
        self._chosen = chosen
        self._now_s = now_s
        self._reason = reason
        self.notes: list[str] = []

    def going(self) -> list[str]:
        """Ids of the alerts that are to go."""
        return [one.alert_id for one in self._eraser.retention_facts() if not one.hold_reason and self._chosen(one)]

    def contents(self) -> Iterator[bytes]:
        """Their pictures."""
        return alert_contents(self._store, self.going())

    def destroy(self) -> Mapping[str, int]:
        """Rows are deleted and overwritten, free pages and the write-ahead log emptied."""
        erased = self._eraser.purge(self.going(), now_s=self._now_s, reason=self._reason)
        left = self._eraser.vacuum()
        if left and left not in self.notes:
            self.notes.append(left)
        return {"alerts": len(erased), "images": sum(len(one.image_sha256) for one in erased)}

    def kept(self) -> Iterator[bytes]:
        """Pictures of alerts that stay: held, or of other deployments."""
        going = set(self.going())
        rest = [one.alert_id for one in self._eraser.retention_facts() if one.alert_id not in going]
        return alert_contents(self._store, rest)


class ErasableFiles(ErasableStore):
    """Plain files and folders: overwritten, flushed, removed.

    Overwriting reaches the disk's blocks on file systems that write in place. A flash drive or a
    copy-on-write file system may keep old blocks: put the data folder on an encrypted volume.
    """

    label = "files"

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def contents(self) -> Iterator[bytes]:
        """The files' bytes."""
        for root in self._paths:
            for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
                if path.is_file() and (path == root or not path.is_symlink()):
                    yield path.read_bytes()

    def destroy(self) -> Mapping[str, int]:
        """Destroy every file and folder. What is gone already is no error.

        Raises:
            StoreError: One could not be overwritten or removed.
        """
        files = size_bytes = 0
        for root in self._paths:
            target = root.resolve()
            try:
                if target.is_dir():
                    more, more_bytes = shred_tree(target)
                elif target.exists():
                    more, more_bytes = 1, target.stat().st_size
                    shred(target)
                else:
                    continue
                if root.is_symlink():
                    root.unlink()
                sync_folder(target.parent)
            except OSError as error:
                raise disk_error("a file could not be destroyed", root, error) from None
            files, size_bytes = files + more, size_bytes + more_bytes
        return {"files": files, "bytes": size_bytes}


def erasable_stores(storage: SiteStorage, deployment: str, *, now_s: float) -> list[ErasableStore]:
    """Everything that is destroyed when a deployment is closed."""
    alerts = ErasableAlerts(
        storage.alerts, lambda facts: facts.deployment == deployment, now_s=now_s, reason="the deployment is closed"
    )
    stores: list[ErasableStore] = [ErasableWatchlist(storage.watchlist), alerts]
    if storage.data_dir.watchlist_waiting.exists():
        stores.append(ErasableWaiting(open_waiting(storage.data_dir)))
    uploads = (storage.data_dir.uploads,) if storage.data_dir.uploads.exists() else ()
    files = (*storage.extra, *uploads)
    return [*stores, ErasableFiles(files)] if files else stores


def image_contents(image: EnrolledImage) -> Iterator[bytes]:
    """Bytes of one enrolled picture as they stand in storage."""
    yield image.jpeg
    for vector in (image.vector, *image.covered.values()):
        yield np.ascontiguousarray(vector, dtype="<f4").tobytes()


def alert_contents(store: AlertStore, alert_ids: Sequence[str]) -> Iterator[bytes]:
    """Pictures of alerts."""
    for alert_id in alert_ids:
        yield from store.pictures(alert_id)
