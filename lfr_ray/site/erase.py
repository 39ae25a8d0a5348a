"""Where a deployment's data lies, as the erasure sees it: the watchlist's table and the desk's database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from lfr_ray.alert.erase import AlertEraser, RetentionFacts
from lfr_ray.alert.store import AlertStore
from lfr_ray.errors import LfrError, NotFoundError
from lfr_ray.match.entries import EnrolledImage
from lfr_ray.match.store import WatchlistStore
from lfr_ray.records import IMAGE_KINDS


class ErasableWatchlist:
    """The list: pictures and templates."""

    label = "watchlist"

    def __init__(self, store: WatchlistStore) -> None:
        self._store = store
        self._notes: list[str] = []

    def contents(self) -> Iterator[bytes]:
        """Every enrolled picture and its vector."""
        try:
            images = self._store.all()
        except LfrError:
            self._notes.append("the list was damaged: it could not be read before it was destroyed")
            return
        for image in images:
            yield from image_contents(image)

    def destroy(self) -> Mapping[str, int]:
        """Every file of the list is overwritten and removed."""
        gone = self._store.destroy()
        return {"entries": gone.entries, "images": gone.images, "files": gone.files, "bytes": gone.size_bytes}

    def kept(self) -> Iterator[bytes]:
        """Nothing of it stays."""
        return iter(())

    def notes(self) -> Sequence[str]:
        """What could not be read."""
        return tuple(self._notes)


class ErasableAlerts:
    """The alert desk's pictures of some alerts.

    Args:
        store: The desk's memory.
        chosen: Which alerts are to go; held ones never are.
        now_s: Wall time of the purge.
        reason: Why, for the feed.
    """

    label = "alerts"

    def __init__(
        self, store: AlertStore, chosen: Callable[[RetentionFacts], bool], *, now_s: float, reason: str
    ) -> None:
        self._store = store
        self._eraser = AlertEraser(store.database)
        self._chosen = chosen
        self._now_s = now_s
        self._reason = reason
        self._notes: list[str] = []

    def going(self) -> list[str]:
        """Ids of the alerts that are to go."""
        return [one.alert_id for one in self._eraser.retention_facts() if not one.hold_reason and self._chosen(one)]

    def contents(self) -> Iterator[bytes]:
        """Their pictures."""
        return desk_contents(self._store, self.going())

    def destroy(self) -> Mapping[str, int]:
        """Rows are deleted and overwritten, free pages and the write-ahead log emptied."""
        report = self._eraser.purge(self.going(), now_s=self._now_s, reason=self._reason)
        done = self._eraser.vacuum()
        if not done.complete and done.note not in self._notes:
            self._notes.append(done.note)
        return {"alerts": len(report.erased), "images": sum(len(one.image_sha256) for one in report.erased)}

    def kept(self) -> Iterator[bytes]:
        """Pictures of alerts that stay: held, or of other deployments."""
        going = set(self.going())
        rest = [one.alert_id for one in self._eraser.retention_facts() if one.alert_id not in going]
        return desk_contents(self._store, rest)

    def notes(self) -> Sequence[str]:
        """What the database cannot promise."""
        return tuple(self._notes)


def image_contents(image: EnrolledImage) -> Iterator[bytes]:
    """Bytes of one enrolled picture as they stand in storage."""
    yield image.jpeg
    for vector in (image.vector, *image.covered.values()):
        yield np.ascontiguousarray(vector, dtype="<f4").tobytes()


def desk_contents(store: AlertStore, alert_ids: Sequence[str]) -> Iterator[bytes]:
    """Pictures of alerts."""
    for alert_id in alert_ids:
        for kind in IMAGE_KINDS:
            try:
                yield store.image(alert_id, kind)
            except NotFoundError:
                continue
