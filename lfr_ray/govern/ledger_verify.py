"""Reading the ledger with suspicion: changed, removed, reordered, truncated, and by whom it was sealed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import disk_error
from lfr_ray.errors import IntegrityError, NotFoundError
from lfr_ray.govern.canonical_json import Form, form_of, sha256_hex
from lfr_ray.govern.ledger_checkpoint import Checkpoint, load_checkpoint
from lfr_ray.govern.ledger_event import FIRST_PREVIOUS, SEAL_PURPOSE, split_line
from lfr_ray.govern.ledger_has_copy import copy_of
from lfr_ray.govern.ledger_head import HeadFile
from lfr_ray.govern.signing_keys import PublicKey, Signature, signature_fault

MAX_FAULTS = 20
"""Faults that are listed; one is enough to fail."""


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head that was written down elsewhere: in a receipt, a public record, on paper.

    Attributes:
        at: When that was, as far as it is known.
    """

    count: int
    sha256: str
    source: str
    at: float = 0.0


@dataclass(slots=True)
class Verdict:
    """What verification found.

    Attributes:
        records: Lines read, and those that were dropped because their time was over.
        older: Of them, lines that were written before RFC 8785.
        sealed: Records covered by a seal or by the signed head.
        faults: Why the ledger does not hold; empty when it does.
        notes: What is worth knowing and no fault.
    """

    records: int = 0
    older: int = 0
    sealed: int = 0
    head: str = f"0:{FIRST_PREVIOUS}"
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing was changed, removed, reordered or truncated."""
        return not self.faults

    def blame(self, fault: str) -> None:
        """Add a fault, up to :data:`MAX_FAULTS`."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def read_tail(data: bytes, count: int, previous: str) -> tuple[list[dict[str, Any]], int]:
    """Whole records that follow a known one, and how many bytes they take; the rest is torn."""
    records = []
    good_bytes = 0
    for line in data.splitlines(keepends=True):
        record, form = _parse(line)
        if not form or record["n"] != count + 1 or record["previous"] != previous:
            break
        count, previous = record["n"], record["sha256"]
        good_bytes += len(line)
        records.append(record)
    return records, good_bytes


def read_records(data_dir: DataDir) -> Iterator[dict[str, Any]]:
    """The records of a ledger in order, unverified; an unfinished last line is left out.

    Raises:
        NotFoundError: There is no ledger.
        IntegrityError: Its checkpoint was not signed by the site.
    """
    return (record for _, record in read_lines(data_dir))


def read_lines(data_dir: DataDir) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The lines of a ledger as they stand in the file, each with its record; see :func:`read_records`."""
    for line in _lines(data_dir.ledger, load_checkpoint(data_dir)):
        with contextlib.suppress(ValueError):
            yield line, json.loads(line)


def verify_ledger(data_dir: DataDir, trusted: Mapping[str, PublicKey], known: Iterable[KnownHead] = ()) -> Verdict:
    """Check every line, every seal, the signed head and every head that was written down elsewhere.

    Seals and the head must be signed by a key with the role ``site``. Heads of receipts and public records reveal a
    ledger that was set back as a whole.

    Raises:
        NotFoundError: There is no ledger.
    """
    verdict = Verdict()
    head, doubt = HeadFile(data_dir.ledger_head).read(trusted)
    if doubt and head is None:
        verdict.blame(doubt)
    elif doubt:
        verdict.notes.append(doubt)
    begin = _beginning(data_dir, verdict)
    anchors = _left(known, begin, verdict)
    if head is not None:
        anchors.setdefault(head.count, []).append(KnownHead(head.count, head.sha256, "the signed head"))
    _walk(data_dir.ledger, trusted, anchors, verdict, begin)
    for count, left in anchors.items():
        for one in left:
            if count > verdict.records:
                verdict.blame(f"truncated: {one.source} counts {count} records, the ledger has {verdict.records}")
    if head is not None:
        verdict.sealed = max(verdict.sealed, min(head.count, verdict.records))
        if verdict.records > head.count:
            verdict.notes.append(f"{verdict.records - head.count} records after the signed head: a crash, or just now")
    _compare_copy(data_dir, verdict)
    return verdict


def _compare_copy(data_dir: DataDir, verdict: Verdict) -> None:
    if (copy := copy_of(data_dir)) is not None:
        faults, notes = copy.differences()
        copy.close()
        verdict.faults += faults
        verdict.notes += notes


def _beginning(data_dir: DataDir, verdict: Verdict) -> Checkpoint:
    """The checkpoint, as if its records had been read."""
    try:
        begin = load_checkpoint(data_dir)
    except IntegrityError as error:
        verdict.blame(f"{error.what}: {error.got}")
        return Checkpoint()
    verdict.records = verdict.sealed = begin.count
    if begin.count:
        verdict.notes.append(f"{begin.count} records were dropped when their time was over")
    return begin


def _left(known: Iterable[KnownHead], begin: Checkpoint, verdict: Verdict) -> dict[int, list[KnownHead]]:
    """By their number, the heads of records that were not dropped."""
    left: dict[int, list[KnownHead]] = {}
    for one in known:
        if one.count >= begin.count:
            left.setdefault(one.count, []).append(one)
        elif begin.contradicted(one.count, one.at):
            verdict.blame(f"records were dropped before their time: {one.source} names record {one.count} later")
    return left


def _walk(
    path: Path,
    trusted: Mapping[str, PublicKey],
    anchors: dict[int, list[KnownHead]],
    verdict: Verdict,
    begin: Checkpoint,
) -> None:
    expected, previous = begin.count + 1, begin.sha256
    _compare(anchors, begin.count, previous, verdict)
    for line in _lines(path, begin):
        record, form = _parse(line)
        if not form and not line.endswith(b"\n"):
            verdict.notes.append(
                "the last line is unfinished (a crash while writing); it is set aside at the next start"
            )
            break
        verdict.records += 1
        verdict.older += form == "older form"
        if not form:
            verdict.blame(f"record {record.get('n', expected)}: it was changed, or is no ledger record")
        number = record.get("n", expected)
        order = _order_fault(number, expected, record.get("previous"), previous)
        if order:
            verdict.blame(order)
        if record.get("kind") == "seal" and form:
            seal = _seal_fault(record, trusted)
            verdict.sealed = verdict.sealed if seal else number
            if seal:
                verdict.blame(f"record {number}: the seal does not hold: {seal}")
        previous = record.get("sha256", previous)
        _compare(anchors, number, previous, verdict)
        expected = number + 1
    verdict.head = f"{expected - 1}:{previous}"


def _compare(anchors: dict[int, list[KnownHead]], number: int, digest: str, verdict: Verdict) -> None:
    for one in anchors.get(number, ()):
        if one.sha256 != digest:
            verdict.blame(f"record {number} is not the one that {one.source} names")


def _order_fault(number: int, expected: int, stated: str | None, previous: str) -> str:
    if number > expected:
        missing = f"record {expected} is" if number == expected + 1 else f"records {expected} to {number - 1} are"
        return f"{missing} missing before record {number}"
    if number < expected:
        return f"record {number} stands out of order: record {expected} was expected"
    if stated is not None and stated != previous:
        return f"record {number} does not follow the record before it"
    return ""


def _seal_fault(record: dict[str, Any], trusted: Mapping[str, PublicKey]) -> str:
    facts = record["facts"]
    try:
        signature = Signature.model_validate(facts["signature"])
        content = {"count": facts["count"], "sha256": facts["sha256"]}
    except (KeyError, TypeError, ValidationError):
        return "it is malformed"
    if content != {"count": record["n"] - 1, "sha256": record["previous"]}:
        return "it seals other records than those before it"
    return signature_fault(SEAL_PURPOSE, content, signature, trusted, "site")


def parse_line(line: bytes) -> dict[str, Any]:
    """A line's record with its hash, where the line has that hash; otherwise nothing."""
    record, body = _split(line)
    return record if record and sha256_hex(body) == record["sha256"] else {}


def _parse(line: bytes) -> tuple[dict[str, Any], Form]:
    """A line's record with its stated hash, and in which form the line is what it was written as; empty: in none."""
    record, body = _split(line)
    if not record or sha256_hex(body) != record["sha256"]:
        return record, ""
    return record, form_of({name: said for name, said in record.items() if name != "sha256"}, lambda text: text == body)


def _split(line: bytes) -> tuple[dict[str, Any], bytes]:
    """A line's record with the hash that it states, and what is hashed; nothing where it is no ledger record."""
    try:
        body, digest = split_line(line)
        record = json.loads(body)
    except ValueError:
        return {}, b""
    known = isinstance(record, dict) and isinstance(record.get("n"), int)
    return (record | {"sha256": digest}, body) if known else ({}, b"")


def _lines(path: Path, begin: Checkpoint) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(begin.offset_bytes)
            yield from file
    except FileNotFoundError:
        raise NotFoundError("there is no ledger", got=path.name) from None
    except OSError as error:
        raise disk_error("the ledger cannot be read", path, error) from None
