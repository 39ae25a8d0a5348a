"""Destroying a deployment's data so that it can be proved, and finished after a crash.

The order is what makes it safe: fingerprints of everything are written first, then a scan shows
that it can find what is there, then everything is destroyed, then the same scan must find nothing,
and only then is the receipt signed. A journal says how far it came; every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from lfr_ray.clock import Clock, SystemClock
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import exclusive, read_json, sync_folder, write_durable
from lfr_ray.errors import IntegrityError, NotFoundError, StoreError
from lfr_ray.govern.canonical_json import canonical_json, sha256_hex
from lfr_ray.govern.destruction_receipt import DestroyedPart, Receipt, SignedReceipt, sign_receipt
from lfr_ray.govern.erasure_fingerprints import Fingerprints, ScanKey, fingerprints_of
from lfr_ray.govern.leftover_scan import Elsewhere, Scanner, ScanReport, Table
from lfr_ray.govern.signing_keys import SigningKey

SHOWN_FILES = 5

Stage = Callable[[str], None]


class ErasableStore(Protocol):
    """Where data of a deployment is stored, as the erasure sees it."""

    label: ClassVar[str]
    """Short name, part of a file name."""
    notes: Sequence[str] = ()
    """What this storage cannot promise, in words. Mostly nothing."""

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


@dataclass(frozen=True)
class Erasure:
    """Destroys what several stores have of one deployment.

    Attributes:
        roots: Storage that is searched, before and afterwards.
        key: The site's key, which signs the receipt.
        scan: The site's secret for fingerprints.
        tables: Gives what lies in a database elsewhere, which is searched too.
        elsewhere: Searches the other machines of the site after the erasure; None: there are none.
        paths: Plain files and folders among the stores, remembered for a restart.
        on_stage: Told what is being done, for progress.
    """

    data_dir: DataDir
    deployment: str
    stores: Sequence[ErasableStore]
    _: KW_ONLY
    roots: Sequence[Path]
    key: SigningKey
    scan: ScanKey
    tables: Callable[[], Iterable[Table]] = tuple
    elsewhere: Elsewhere | None = None
    paths: Sequence[Path] = ()
    clock: Clock = field(default_factory=SystemClock)
    on_stage: Stage = lambda stage: None

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

        ``ledger_head`` and ``held``, the number of alerts that are held, are asked after the erasure.

        Raises:
            ConflictError: Another process is erasing this deployment.
            IntegrityError: Destroyed content can still be found; no receipt is given.
            StoreError: Something could not be destroyed; run it again.
        """
        lock = self.data_dir.erasure_lock(self.deployment)
        with exclusive(lock, f"the erasure of deployment {self.deployment}"):
            journal = Journal.load(self.data_dir, self.deployment)
            if journal is None:
                journal = Journal(self.deployment, by, reason, self.clock.wall_s())
                journal.paths = [str(path.absolute()) for path in self.paths]
                journal.roots = [str(path.absolute()) for path in self.roots]
            else:
                journal.interrupted += 1
            journal.save(self.data_dir)
            self._remember(journal)
            self._destroy(journal)
            report, prints, left_out = self._prove(journal)
            receipt = Receipt(
                deployment=self.deployment,
                authority_sha256=authority_sha256,
                watchlist_sha256=watchlist_sha256,
                by=journal.by,
                reason=journal.reason,
                begun_at=journal.begun_at,
                finished_at=max(self.clock.wall_s(), journal.begun_at),
                parts=tuple(self._part(journal, one.label, prints[one.label]) for one in self.stores),
                held=held(),
                scanned_files=report.files,
                scanned_bytes=report.size_bytes,
                notes=(*self._notes(journal, prints), *left_out),
                ledger_head=ledger_head(),
            )
            signed = sign_receipt(receipt, self.key, receipt.finished_at)
            signed.save(self.data_dir)
            return signed

    def finish(self) -> None:
        """Forget the journal: the receipt is signed and the ledger knows of it."""
        self.data_dir.erasure_journal(self.deployment).unlink(missing_ok=True)
        sync_folder(self.data_dir.receipts)

    def _remember(self, journal: Journal) -> None:
        """Write fingerprints before anything is destroyed, and see that the scan finds what is there."""
        missing = [store for store in self.stores if store.label not in journal.labels]
        if not missing:
            return
        self.on_stage("taking fingerprints")
        prints = {}
        for store in missing:
            prints[store.label] = fingerprints_of(self.scan, store.contents())
            prints[store.label].save(self._scan_path(store.label))
        self.on_stage("searching the storage before the erasure")
        report = Scanner(self.scan, prints).scan(self.roots, self.tables())
        for label in prints:
            journal.labels[label] = report.items_found(label)
        journal.save(self.data_dir)

    def _destroy(self, journal: Journal) -> None:
        for store in self.stores:
            self.on_stage(f"destroying: {store.label}")
            counts = dict(store.destroy())
            earlier = journal.destroyed.get(store.label, {})
            journal.destroyed[store.label] = {
                name: earlier.get(name, 0) + counts.get(name, 0) for name in sorted({*earlier, *counts})
            }
            journal.save(self.data_dir)

    def _prove(self, journal: Journal) -> tuple[ScanReport, dict[str, Fingerprints], Sequence[str]]:
        self.on_stage("searching the storage after the erasure")
        prints = {label: Fingerprints.load(self._scan_path(label)) for label in journal.labels}
        kept = fingerprints_of(self.scan, (item for store in self.stores for item in store.kept()))
        scanner = Scanner(self.scan, prints, kept)
        report = scanner.scan(self.roots, self.tables())
        others, left_out = self.elsewhere(scanner) if self.elsewhere else ((), ())
        for one in others:
            report += one
        if report.findings:
            files = sorted({Path(finding.file).name for finding in report.findings})
            raise IntegrityError(
                "destroyed content can still be found, so no receipt is given",
                got=f"{len(report.findings)} items, in {', '.join(files[:SHOWN_FILES])}",
                next_step="end the site, Ray on that node, whatever copies these files, then close again: it goes on",
            )
        if report.unreadable:
            raise StoreError(
                "the storage could not be searched completely, so no receipt is given",
                got=", ".join(Path(name).name for name in report.unreadable[:SHOWN_FILES]),
                next_step="make these files readable, then close again: it goes on from here",
            )
        return report, prints, left_out

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
        notes = [note for store in self.stores for note in store.notes]
        if journal.interrupted:
            notes.append("the erasure was interrupted and finished later: counts may lack what was destroyed first")
        for label, found in journal.labels.items():
            visible = prints[label].items - prints[label].unseen
            if found < visible:
                notes.append(f"{label}: the search saw {found} of {visible} items before the erasure, not all of them")
        return tuple(notes)

    def _scan_path(self, label: str) -> Path:
        return self.data_dir.fingerprints(self.deployment, label)


def unfinished(data_dir: DataDir) -> list[str]:
    """Deployments whose erasure was begun and not finished."""
    return [path.stem for path in data_dir.erasure_journals]
