"""Destroying a deployment's data so that it can be proved, and finished after a crash.

The order is what makes it safe: fingerprints of everything are written first, then a scan shows
that it can find what is there, then everything is destroyed, then the same scan must find nothing,
and only then is the receipt signed. A journal says how far it came; every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError, NotFoundError, StoreError
from lfr_ray.files import exclusive, read_json, sync_folder, write_durable
from lfr_ray.govern.canonical import canonical_json, sha256_hex
from lfr_ray.govern.fingerprints import Fingerprints, ScanKey, fingerprints_of
from lfr_ray.govern.keys import SigningKey
from lfr_ray.govern.receipt import DestroyedPart, Receipt, SignedReceipt, sign_receipt
from lfr_ray.govern.scan import Scanner, ScanReport, Table

SHOWN_FILES = 5

Stage = Callable[[str], None]


class ErasableStore(Protocol):
    """Where data of a deployment is stored, as the erasure sees it."""

    label: ClassVar[str]
    """Short name, part of a file name."""

    def contents(self) -> Iterator[bytes]:
        """Every picture and vector that will be destroyed, as its bytes stand in storage."""

    def destroy(self) -> Mapping[str, int]:
        """Destroy everything physically. Called again after a crash, it destroys what is left.

        Returns:
            Counts of what was destroyed by this call.
        """

    def kept(self) -> Iterator[bytes]:
        """Contents that lawfully stay after the erasure: held alerts, and those of other deployments. Mostly none."""
        return iter(())

    def notes(self) -> Sequence[str]:
        """What this storage cannot promise, in words. Mostly nothing."""
        return ()


@dataclass
class Journal:
    """How far an erasure has come. It holds no personal data.

    Attributes:
        labels: Of each store whose fingerprints are written: items that the first scan found.
        destroyed: Of each store that was destroyed: the counts.
        interrupted: How often it ended before its end.
        paths: Plain files and folders that are destroyed too.
        roots: Storage that is searched.
    """

    deployment: str
    by: str
    reason: str
    begun_at: float
    labels: dict[str, int] = field(default_factory=dict)
    destroyed: dict[str, dict[str, int]] = field(default_factory=dict)
    interrupted: int = 0
    paths: list[str] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)

    def save(self, data_dir: DataDir) -> None:
        """Write durably."""
        write_durable(data_dir.erasure_journal(self.deployment), canonical_json(vars(self)) + b"\n", 0o600)

    @staticmethod
    def load(data_dir: DataDir, deployment: str) -> Journal | None:
        """The journal of an erasure that was begun and not finished; None when there is none.

        Raises:
            IntegrityError: It is damaged.
        """
        path = data_dir.erasure_journal(deployment)
        try:
            return Journal(**read_json(path, "the erasure's journal"))
        except NotFoundError:
            return None
        except TypeError:
            raise IntegrityError(
                "the erasure's journal is damaged", got=path.name, next_step="remove the file and close again"
            ) from None


class Erasure:
    """Destroys what several stores have of one deployment.

    Args:
        data_dir: The site's folder: receipts, fingerprints and journals lie there.
        deployment: Id of the deployment.
        stores: What is to be destroyed.
        roots: Storage that is searched, before and afterwards.
        tables: Gives what lies in a database elsewhere, which is searched too.
        paths: Plain files and folders among the stores, remembered for a restart.
        key: The site's key, which signs the receipt.
        scan: The site's secret for fingerprints.
        clock: Wall time.
        on_stage: Told what is being done, for progress.
    """

    def __init__(
        self,
        data_dir: DataDir,
        deployment: str,
        stores: Sequence[ErasableStore],
        *,
        roots: Sequence[Path],
        key: SigningKey,
        scan: ScanKey,
        tables: Callable[[], Iterable[Table]] = tuple,
        paths: Sequence[Path] = (),
        clock: Clock | None = None,
        on_stage: Stage | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._deployment = deployment
        self._stores = stores
        self._roots = roots
        self._tables = tables
        self._key = key
        self._scan = scan
        self._paths = paths
        self._clock = clock or SystemClock()
        self._tell: Stage = on_stage or (lambda stage: None)

    def run(
        self,
        by: str,
        reason: str,
        *,
        ledger_head: Callable[[], str],
        authority_sha256: str = "",
        watchlist_sha256: str = "",
        held: Callable[[], int] = int,
    ) -> SignedReceipt:
        """Destroy, prove and sign; go on where an earlier run ended.

        Args:
            by: Who closes: a staff number or login.
            reason: Why.
            ledger_head: Where the ledger ends when the receipt is signed.
            authority_sha256: Hash of the authority's content.
            watchlist_sha256: Hash of the approved list.
            held: How many alerts are held, asked after the erasure.

        Raises:
            ConflictError: Another process is erasing this deployment.
            IntegrityError: Destroyed content can still be found; no receipt is given.
            StoreError: Something could not be destroyed; run it again.
        """
        lock = self._data_dir.erasure_lock(self._deployment)
        with exclusive(lock, f"the erasure of deployment {self._deployment}"):
            journal = Journal.load(self._data_dir, self._deployment)
            if journal is None:
                journal = Journal(self._deployment, by, reason, self._clock.wall_s())
                journal.paths = [str(path.absolute()) for path in self._paths]
                journal.roots = [str(path.absolute()) for path in self._roots]
            else:
                journal.interrupted += 1
            journal.save(self._data_dir)
            self._remember(journal)
            self._destroy(journal)
            report, prints = self._prove(journal)
            receipt = Receipt(
                deployment=self._deployment,
                authority_sha256=authority_sha256,
                watchlist_sha256=watchlist_sha256,
                by=journal.by,
                reason=journal.reason,
                begun_at=journal.begun_at,
                finished_at=max(self._clock.wall_s(), journal.begun_at),
                parts=tuple(self._part(journal, one.label, prints[one.label]) for one in self._stores),
                held=held(),
                scanned_files=report.files,
                scanned_bytes=report.size_bytes,
                notes=self._notes(journal, prints),
                ledger_head=ledger_head(),
            )
            signed = sign_receipt(receipt, self._key, receipt.finished_at)
            signed.save(self._data_dir)
            return signed

    def finish(self) -> None:
        """Forget the journal: the receipt is signed and the ledger knows of it."""
        self._data_dir.erasure_journal(self._deployment).unlink(missing_ok=True)
        sync_folder(self._data_dir.receipts)

    def _remember(self, journal: Journal) -> None:
        """Write fingerprints before anything is destroyed, and see that the scan finds what is there."""
        missing = [store for store in self._stores if store.label not in journal.labels]
        if not missing:
            return
        self._tell("taking fingerprints")
        prints = {}
        for store in missing:
            prints[store.label] = fingerprints_of(self._scan, store.contents())
            prints[store.label].save(self._scan_path(store.label))
        self._tell("searching the storage before the erasure")
        report = Scanner(self._scan, prints).scan(self._roots, self._tables())
        for label in prints:
            journal.labels[label] = report.items_found(label)
        journal.save(self._data_dir)

    def _destroy(self, journal: Journal) -> None:
        for store in self._stores:
            self._tell(f"destroying: {store.label}")
            counts = dict(store.destroy())
            earlier = journal.destroyed.get(store.label, {})
            journal.destroyed[store.label] = {
                name: earlier.get(name, 0) + counts.get(name, 0) for name in sorted({*earlier, *counts})
            }
            journal.save(self._data_dir)

    def _prove(self, journal: Journal) -> tuple[ScanReport, dict[str, Fingerprints]]:
        self._tell("searching the storage after the erasure")
        prints = {label: Fingerprints.load(self._scan_path(label)) for label in journal.labels}
        kept = fingerprints_of(self._scan, (item for store in self._stores for item in store.kept()))
        report = Scanner(self._scan, prints, kept).scan(self._roots, self._tables())
        if report.findings:
            files = sorted({Path(finding.file).name for finding in report.findings})
            raise IntegrityError(
                "destroyed content can still be found, so no receipt is given",
                got=f"{len(report.findings)} items, in {', '.join(files[:SHOWN_FILES])}",
                next_step="stop whatever copies these files, then close again: it goes on from here",
            )
        if report.unreadable:
            raise StoreError(
                "the storage could not be searched completely, so no receipt is given",
                got=", ".join(Path(name).name for name in report.unreadable[:SHOWN_FILES]),
                next_step="make these files readable, then close again: it goes on from here",
            )
        return report, prints

    def _part(self, journal: Journal, label: str, prints: Fingerprints) -> DestroyedPart:
        return DestroyedPart(
            label=label,
            counts=journal.destroyed.get(label, {}),
            items=prints.items,
            found_before=journal.labels[label],
            unseen=prints.unseen,
            digests=tuple(sorted(prints.named())),
            fingerprints_sha256=sha256_hex(self._scan_path(label).read_bytes()),
        )

    def _notes(self, journal: Journal, prints: Mapping[str, Fingerprints]) -> tuple[str, ...]:
        notes = [note for store in self._stores for note in store.notes()]
        if journal.interrupted:
            notes.append("the erasure was interrupted and finished later: counts may lack what was destroyed first")
        for label, found in journal.labels.items():
            visible = prints[label].items - prints[label].unseen
            if found < visible:
                notes.append(f"{label}: the search saw {found} of {visible} items before the erasure, not all of them")
        return tuple(notes)

    def _scan_path(self, label: str) -> Path:
        return self._data_dir.fingerprints(self._deployment, label)


def unfinished(data_dir: DataDir) -> list[str]:
    """Deployments whose erasure was begun and not finished."""
    return [path.stem for path in data_dir.erasure_journals]
