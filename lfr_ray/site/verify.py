"""Does everything that was recorded hold, and is everything that was destroyed gone?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfr_ray.alert.erase import AlertEraser
from lfr_ray.errors import LfrError
from lfr_ray.govern.files import read_json
from lfr_ray.govern.fingerprints import Fingerprints, fingerprints_of
from lfr_ray.govern.grant import Grant, closing_fault, grant_fault, list_grants
from lfr_ray.govern.keys import PublicKey, trusted_keys
from lfr_ray.govern.ledger_verify import KnownHead, Verdict, verify_ledger
from lfr_ray.govern.profile import kept_profile, load_profile
from lfr_ray.govern.public_record import record_fault
from lfr_ray.govern.receipt import SignedReceipt, load_receipt
from lfr_ray.govern.scan import Progress, Scanner, ScanReport
from lfr_ray.site.authority import (
    DEFAULT_PROFILE,
    DEPLOYMENTS_FOLDER,
    KEYS_FOLDER,
    LEDGER_FILE,
    RECEIPTS_FOLDER,
    RECORDS_FOLDER,
    site_scan_key,
)
from lfr_ray.site.close import SiteStorage, overdue
from lfr_ray.site.erase import desk_contents, image_contents

GRACE_S = 900.0
"""An alert may be overdue so long: the timer runs now and then."""


@dataclass
class Verification:
    """What was found.

    Attributes:
        faults: Why something does not hold; empty when everything does.
        receipts: Receipts that hold.
        scan: The search for destroyed content.
    """

    ledger: Verdict
    receipts: int = 0
    scan: ScanReport = field(default_factory=lambda: ScanReport(0, 0))
    items: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing is amiss."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "holds": self.holds,
            "faults": self.faults,
            "ledger": {
                "records": self.ledger.records,
                "sealed": self.ledger.sealed,
                "head": self.ledger.head,
                "notes": self.ledger.notes,
            },
            "receipts": self.receipts,
            "deletion": {
                "items_looked_for": self.items,
                "files": self.scan.files,
                "bytes": self.scan.size_bytes,
                "found": [
                    {"deployment": one.label, "item": one.item, "file": one.file, "offset": one.offset}
                    for one in self.scan.findings
                ],
                "unreadable": list(self.scan.unreadable),
            },
        }


def verify_site(storage: SiteStorage, now_s: float, *, progress: Progress | None = None) -> Verification:
    """Verify the ledger, every signature, and that nothing destroyed can be found in the storage.

    Args:
        storage: The site's storage.
        now_s: Wall time, for what is overdue.
        progress: Told how many bytes were searched.
    """
    data_dir = storage.data_dir
    trusted = trusted_keys(data_dir / KEYS_FOLDER)
    faults: list[str] = []
    known: list[KnownHead] = []
    receipts = _receipts(data_dir, trusted, faults, known)
    grants = list_grants(data_dir / DEPLOYMENTS_FOLDER)
    known += [_head(one.authority.ledger_head, f"authority {one.authority.deployment}") for one in grants]
    faults += _grant_faults(data_dir, grants, receipts, trusted)
    faults += _record_faults(data_dir / RECORDS_FOLDER, trusted, known)
    ledger = verify_ledger(data_dir / LEDGER_FILE, trusted, [one for one in known if one.count >= 0])
    result = Verification(ledger, len(receipts), faults=[*ledger.faults, *faults])
    _search(storage, result, progress)
    _overdue(storage, grants, now_s, result)
    return result


def _receipts(
    data_dir: Path, trusted: dict[str, PublicKey], faults: list[str], known: list[KnownHead]
) -> dict[str, SignedReceipt]:
    found = {}
    for path in sorted((data_dir / RECEIPTS_FOLDER).glob("*.json")):
        try:
            receipt = load_receipt(path)
        except LfrError as error:
            faults.append(f"receipt {path.stem}: {error.what}")
            continue
        fault = receipt.fault(trusted)
        if fault:
            faults.append(f"receipt {path.stem}: {fault}")
            continue
        found[receipt.receipt.deployment] = receipt
        known.append(_head(receipt.receipt.ledger_head, f"receipt {path.stem}"))
        for part in receipt.receipt.parts:
            if not (path.parent / f"{path.stem}.{part.label}.scan").exists():
                faults.append(f"receipt {path.stem}: the fingerprints of {part.label} are missing")
    return found


def _grant_faults(
    data_dir: Path, grants: list[Grant], receipts: dict[str, SignedReceipt], trusted: dict[str, PublicKey]
) -> Iterator[str]:
    for grant in grants:
        deployment = grant.authority.deployment
        try:
            profile = kept_profile(data_dir / DEPLOYMENTS_FOLDER, grant.authority.profile_sha256)
            fault = grant_fault(grant, trusted, profile)
        except LfrError as error:
            fault = f"{error.what}: {error.got}"
        if fault:
            yield f"deployment {deployment}: {fault}"
        if closing_fault(grant, trusted) and deployment not in receipts:
            yield f"deployment {deployment} was closed, but there is no receipt: its erasure is not finished"
        if deployment in receipts and grant.closing is None:
            yield f"deployment {deployment} has a receipt, but its closing was taken away"


def _record_faults(folder: Path, trusted: dict[str, PublicKey], known: list[KnownHead]) -> list[str]:
    faults = []
    for path in sorted(folder.glob("*.json")):
        try:
            document = read_json(path, "the public record")
            fault = record_fault(document, trusted)
            head = document["record"]["ledger_head"]
        except (LfrError, KeyError, TypeError, ValueError):
            fault, head = "it is damaged", ""
        if fault:
            faults.append(f"public record {path.stem}: {fault}")
        elif head:
            known.append(_head(head, f"public record {path.stem}"))
    return faults


def _head(text: str, source: str) -> KnownHead:
    count, _, digest = text.partition(":")
    # A ledger that was empty then says nothing.
    return KnownHead(int(count) if count.isdecimal() and int(count) else -1, digest, source)


def _search(storage: SiteStorage, result: Verification, progress: Progress | None) -> None:
    prints: dict[str, Fingerprints] = {}
    for path in sorted((storage.data_dir / RECEIPTS_FOLDER).glob("*.scan")):
        try:
            prints[path.stem] = Fingerprints.load(path)
        except LfrError as error:
            result.faults.append(f"{error.what}: {path.name}")
    result.items = sum(one.items for one in prints.values())
    key = site_scan_key(storage.data_dir)
    present = fingerprints_of(key, _present(storage)) if prints else None
    result.scan = Scanner(key, prints, present).scan(storage.searched, progress=progress)
    for finding in result.scan.findings[:20]:
        result.faults.append(
            f"destroyed content of {finding.label} is in {Path(finding.file).name} at byte {finding.offset}"
        )
    result.faults += [f"{Path(name).name} could not be searched" for name in result.scan.unreadable]


def _present(storage: SiteStorage) -> Iterator[bytes]:
    """What lawfully is there now: a person who is listed again, an alert that is held."""
    for image in storage.watchlist.all():
        yield from image_contents(image)
    alerts = AlertEraser(storage.desk.database).retention_facts()
    yield from desk_contents(storage.desk, [one.alert_id for one in alerts])


def _overdue(storage: SiteStorage, grants: list[Grant], now_s: float, result: Verification) -> None:
    folder = storage.data_dir / DEPLOYMENTS_FOLDER
    rules = [load_profile("test" if all(one.authority.kind == "test" for one in grants) else DEFAULT_PROFILE)]
    for grant in grants:
        with contextlib.suppress(LfrError):
            rules.append(kept_profile(folder, grant.authority.profile_sha256))
    late = {alert for one in rules[1:] or rules for alert in overdue(storage, one.retention, now_s - GRACE_S)}
    if late:
        result.faults.append(f"{len(late)} alerts are past their retention time; run the site, or close the deployment")
