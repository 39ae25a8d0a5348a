"""Does everything that was recorded hold, and is everything that was destroyed gone?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfr_ray.alert.erase_alerts import AlertEraser
from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json
from lfr_ray.errors import LfrError
from lfr_ray.govern import destruction_receipt, public_record
from lfr_ray.govern.authority_in_force import in_force_fault
from lfr_ray.govern.country_profile import default_profile, kept_profile, load_profile
from lfr_ray.govern.destruction_receipt import load_receipt
from lfr_ray.govern.erasure_fingerprints import Fingerprints, fingerprints_of, scan_key
from lfr_ray.govern.ledger_anchors import anchor_fault, anchored_heads
from lfr_ray.govern.ledger_event import TOKEN_GIVEN, TOKENS_REVOKED
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import KnownHead, Verdict, read_records, verify_ledger
from lfr_ray.govern.leftover_scan import Progress, Scanner, ScanReport
from lfr_ray.govern.public_record import record_fault
from lfr_ray.govern.rfc3161_timestamps import stamped_heads
from lfr_ray.govern.signed_authority import AUTHORISE, Grant, closing_fault, grant_fault, list_grants
from lfr_ray.govern.signing_keys import Signature, signature_form
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.ledger_config import TimeStampConfig
from lfr_ray.people.tokens_and_sessions import People
from lfr_ray.records import folded
from lfr_ray.site.close_deployment import overdue
from lfr_ray.site.erasable_stores import alert_contents, image_contents
from lfr_ray.site.ledger_retention import dropped_early
from lfr_ray.site.open_site import SiteStorage, open_waiting

GRACE_S = 900.0
"""An alert may be overdue so long: the timer runs now and then."""
SIGN_IN_S = 60.0
"""A session is in the ledger so soon."""


@dataclass
class Verification:
    """What was found.

    Attributes:
        faults: Why something does not hold; empty when everything does.
        receipts: Receipts that hold.
        older: What holds in the form of before RFC 8785.
        scan: The search for destroyed content.
    """

    ledger: Verdict
    receipts: int = 0
    scan: ScanReport = field(default_factory=lambda: ScanReport(0, 0))
    items: int = 0
    faults: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing is amiss."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "holds": self.holds,
            "faults": self.faults,
            "older_form": self.older,
            "ledger": ledger_document(self.ledger),
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


def ledger_document(verdict: Verdict) -> dict[str, Any]:
    """What was found of the ledger, as plain JSON values."""
    return {
        "records": verdict.records,
        "older_form": verdict.older,
        "sealed": verdict.sealed,
        "head": verdict.head,
        "notes": verdict.notes,
    }


def verify_site(storage: SiteStorage, now_s: float, *, progress: Progress | None = None) -> Verification:
    """Verify the ledger, every signature, and that nothing destroyed can be found in the storage.

    ``now_s`` is wall time, for what is overdue; ``progress`` is told how many bytes were searched.
    """
    documents = _SignedDocuments(storage.data_dir)
    receipts = documents.receipts()
    grants = documents.grants(receipts)
    documents.records()
    heads = [one for one in documents.heads if one.count >= 0] + anchored_heads(storage.anchors, storage.data_dir)
    heads += documents.stamped(storage.time_stamps)
    ledger = verify_ledger(storage.data_dir, documents.trusted, heads)
    if ledger.older:
        documents.older.append(f"{ledger.older} ledger records")
    result = Verification(ledger, len(receipts), faults=[*ledger.faults, *documents.faults], older=documents.older)
    with contextlib.suppress(LfrError):  # rules that cannot be read are a fault already
        result.faults += filter(None, [dropped_early(storage.data_dir, documents.state.begin)])
    _search(storage, result, progress)
    _overdue(storage, grants, now_s, result)
    _tokens(storage.data_dir, documents.state.begin.before, now_s, result)
    return result


class _SignedDocuments:
    """Everything that is signed besides the ledger, read with suspicion.

    Attributes:
        faults: What does not hold.
        older: What holds in the older form.
        heads: Where the ledger ended when each was signed.
    """

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self.trusted = trusted_keys(data_dir)
        self.state = LedgerState(data_dir).follow()
        self.faults: list[str] = []
        self.older: list[str] = []
        self.heads: list[KnownHead] = []

    def receipts(self) -> set[str]:
        """Deployments whose receipt holds."""
        found = set()
        for path in self._data_dir.signed_receipts:
            name = f"receipt {path.stem}"
            try:
                signed = load_receipt(self._data_dir, path.stem)
            except LfrError as error:
                self.faults.append(f"{name}: {error.what}")
                continue
            if self._holds(name, signed.fault(self.trusted), signed.receipt.ledger_head):
                found.add(signed.receipt.deployment)
                self._note_form(name, destruction_receipt.PURPOSE, signed.receipt.content(), signed.signature)
                for part in signed.receipt.parts:
                    if not self._data_dir.fingerprints(path.stem, part.label).exists():
                        self.faults.append(f"{name}: the fingerprints of {part.label} are missing")
        return found

    def grants(self, receipts: set[str]) -> list[Grant]:
        """Every deployment's grant, those that do not hold among them."""
        grants = list_grants(self._data_dir)
        self._against_ledger({one.authority.deployment: one for one in grants}, receipts)
        for one in grants:
            deployment = one.authority.deployment
            name = f"deployment {deployment}"
            signed_at = one.signature.at if one.signature else 0.0
            self.heads.append(_head(one.authority.ledger_head, f"authority {deployment}", signed_at))
            try:
                profile = kept_profile(self._data_dir, one.authority.profile_sha256)
                over = one.closing is not None or deployment in self.state.closed
                fault = (
                    grant_fault(one, self.trusted, profile)
                    if over
                    else in_force_fault(one, self.trusted, profile, self.state)
                    or (anchor_fault(one.authority.anchors, self._data_dir) if one.authority.anchors else "")
                )
            except LfrError as error:
                fault = f"{error.what}: {error.got}"
            if fault:
                self.faults.append(f"{name}: {fault}")
            else:
                self._note_form(name, AUTHORISE, one.authority.content(), one.signature)
            if closing_fault(one, self.trusted) and deployment not in receipts:
                self.faults.append(f"{name} was closed, but there is no receipt: its erasure is not finished")
            if deployment in receipts and one.closing is None:
                self.faults.append(f"{name} has a receipt, but its closing was taken away")
        return grants

    def _against_ledger(self, grants: Mapping[str, Grant], receipts: set[str]) -> None:
        """What the ledger says was opened, closed and erased, and is not there."""
        for deployment in sorted(self.state.opened.keys() - grants.keys()):
            self.faults.append(f"deployment {deployment}: the ledger records it, and its authority was taken away")
        for deployment in sorted(self.state.closed.keys() & grants.keys()):
            if grants[deployment].closing is None:
                self.faults.append(f"deployment {deployment}: the ledger records its closing, which was taken away")
        for deployment in sorted(self.state.erased - receipts):
            self.faults.append(f"deployment {deployment}: the ledger records its erasure, but there is no receipt")

    def records(self) -> None:
        """Every public record."""
        for path in self._data_dir.signed_records:
            name = f"public record {path.stem}"
            try:
                document = read_json(path, "the public record")
                fault = record_fault(document, self.trusted)
                head = document["record"]["ledger_head"]
                signature = Signature.model_validate(document["signature"])
            except (LfrError, KeyError, TypeError, ValueError):
                self.faults.append(f"{name}: it is damaged")
                continue
            if self._holds(name, fault, head):
                self._note_form(name, public_record.PURPOSE, document["record"], signature)

    def stamped(self, config: TimeStampConfig | None) -> list[KnownHead]:
        """Heads that an authority has stamped, up to the first whose stamp does not hold."""
        found: list[KnownHead] = []
        try:
            found.extend(() if config is None else stamped_heads(config, self._data_dir))
        except LfrError as error:
            self.faults.append(f"{error.what}: {error.got}")
        return found

    def _holds(self, name: str, fault: str, head: str) -> bool:
        if fault:
            self.faults.append(f"{name}: {fault}")
        else:
            self.heads.append(_head(head, name))
        return not fault

    def _note_form(self, name: str, purpose: str, content: Any, signature: Signature | None) -> None:
        if signature and signature_form(purpose, content, signature, self.trusted[signature.key]) == "older form":
            self.older.append(name)


def _head(text: str, source: str, at: float = 0.0) -> KnownHead:
    count, _, digest = text.partition(":")
    # A ledger that was empty then says nothing.
    return KnownHead(int(count) if count.isdecimal() and int(count) else -1, digest, source, at)


def _search(storage: SiteStorage, result: Verification, progress: Progress | None) -> None:
    prints: dict[str, Fingerprints] = {}
    for path in storage.data_dir.all_fingerprints:
        try:
            prints[path.stem] = Fingerprints.load(path)
        except LfrError as error:
            result.faults.append(f"{error.what}: {path.name}")
    result.items = sum(one.items for one in prints.values())
    key = scan_key(storage.data_dir)
    present = fingerprints_of(key, _present(storage)) if prints else None
    result.scan = Scanner(key, prints, present).scan(storage.searched, storage.tables(), progress=progress)
    for finding in result.scan.findings[:20]:
        result.faults.append(
            f"destroyed content of {finding.label} is in {Path(finding.file).name} at byte {finding.offset}"
        )
    result.faults += [f"{Path(name).name} could not be searched" for name in result.scan.unreadable]


def _present(storage: SiteStorage) -> Iterator[bytes]:
    """What lawfully is there now: a person who is listed again, an alert that is held."""
    for image in (*storage.watchlist.all(), *open_waiting(storage.data_dir).all()):
        yield from image_contents(image)
    alerts = AlertEraser(storage.alerts.database).retention_facts()
    yield from alert_contents(storage.alerts, [one.alert_id for one in alerts])


def _tokens(data_dir: DataDir, recorded_from: float, now_s: float, result: Verification) -> None:
    """Who got in by writing into the file of people: a token or a session that the ledger does not know."""
    given: set[tuple[str, ...]] = set()
    came: dict[str, list[float]] = {}
    for one in read_records(data_dir):
        if one["what"] == TOKEN_GIVEN:
            given.add((one["subject"], str(one["facts"].get("role")), str(one["facts"].get("until"))))
        elif one["facts"].get("what") == "signed in":
            came.setdefault(one["actor"], []).append(parse_utc(one["at"]))
        elif one["what"] == TOKENS_REVOKED:
            given = {token for token in given if folded(token[0]) != folded(one["subject"])}
    roles = {who: role for who, role, _ in given}
    for held in People(data_dir).all():
        if held.made_at < recorded_from or held.expires_at <= now_s:
            continue
        known = (held.person, held.role, utc_text(held.expires_at)) in given
        if held.kind == "session":  # begun with a token of that role, or by an issuer's word
            lately = any(abs(at - held.made_at) < SIGN_IN_S for at in came.get(held.person, ()))
            known = lately and roles.get(held.person, held.role) == held.role
        if not known:
            result.faults.append(f"nobody gave the {held.kind} of {held.person}, {held.role}: the ledger lacks it")


def _overdue(storage: SiteStorage, grants: list[Grant], now_s: float, result: Verification) -> None:
    all_tests = all(one.authority.kind == "test" for one in grants)
    rules = [load_profile(default_profile("test" if all_tests else "live"))]
    for grant in grants:
        with contextlib.suppress(LfrError):
            rules.append(kept_profile(storage.data_dir, grant.authority.profile_sha256))
    late = {alert for one in rules[1:] or rules for alert in overdue(storage, one.retention, now_s - GRACE_S)}
    if late:
        result.faults.append(f"{len(late)} alerts are past their retention time; run the site, or close the deployment")
