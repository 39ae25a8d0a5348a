"""What the ledger says of now: stopped or not, which authorities were opened and closed, how late it is.

It is read on from where it was read last, and every line must follow the one before. What a file beside the ledger says
can be taken away by removing it; what is read here cannot.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.ledger_checkpoint import Checkpoint, Halt, load_checkpoint
from lfr_ray.govern.ledger_event import CLOCK_ACCEPTED, RESUMED, STOPPED, Event
from lfr_ray.govern.ledger_head import HeadFile
from lfr_ray.govern.ledger_verify import parse_line
from lfr_ray.govern.signing_keys import Signature, SigningKey, signature_fault
from lfr_ray.govern.trust_file import trust_path, trusted_keys
from lfr_ray.strict_yaml import parse_section

PAUSED = "matching paused"
OPENED, CLOSED, ERASED = "deployment opened", "deployment closed", "deployment erased"
RATIFIED, APPROVED = "urgent deployment ratified", "watchlist approved"
CLOCK = "clock"
"""Purpose of the signature with which an officer accepts a clock that went back."""
ACCEPT_WITHIN_S = 300.0
"""Such a signature is of so lately at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record that counts: its time and the hash that matters, its own or that which it names."""

    at: float
    sha256: str


class LedgerState:
    """Follows a site's ledger.

    Attributes:
        begin: What stands for records that were dropped.
        count: Records read, and those that were dropped.
        fault: Why the ledger cannot be followed; empty while it can.
        stop: The emergency stop, as recorded; None while it is lifted.
        pause: The circuit breaker's.
        opened: Of each deployment, when it was opened last, and the hash of its authority.
        closed: When each deployment was closed.
        erased: Deployments whose erasure is recorded.
        ratified: When each urgent one was ratified last.
        approved: When each content of the watchlist was approved last, by its hash.
        accepted: How often a clock that went back was accepted.
        latest_at: The latest moment recorded since.
    """

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._path = os.fspath(data_dir.ledger)
        self._wanted: dict[int, Place | None] = {}
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        try:
            self.begin = load_checkpoint(self._data_dir)
        except LfrError:
            self.begin = Checkpoint()  # then the first record must be there
        self.count, self._offset, self._previous = self.begin.count, self.begin.offset_bytes, self.begin.sha256
        self._seen, self._wait = (0, 0), False
        self.fault = ""
        self.stop, self.pause = self.begin.stop, self.begin.pause
        self.opened: dict[str, Place] = {}
        self.closed: dict[str, float] = {}
        self.erased: set[str] = set()
        self.ratified: dict[str, float] = {}
        self.approved: dict[str, float] = {}
        self.accepted, self.latest_at = self.begin.accepted, self.begin.latest_at
        self._wanted = dict.fromkeys(self._wanted)
        if self.count in self._wanted:
            self._wanted[self.count] = Place(self.begin.latest_at, self.begin.sha256)

    def follow(self) -> LedgerState:
        """Itself, with what was written since; asked before every comparison, so it is one look at the file mostly."""
        with self._lock:  # the gate is asked by threads beside the comparisons
            self._follow()
        return self

    def _follow(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError:
            if self.count:
                self._reset()
                self.fault = "the ledger file was removed"
            return
        seen = (found.st_ino, found.st_size)
        if seen == self._seen and not self._wait:
            return
        self._wait = False
        if seen[0] != self._seen[0] or seen[1] < self._offset:
            self._reset()
        if not self._read() and self.count:
            # A batch that failed may have been taken back and written anew: from the beginning it must fit.
            self._reset()
            self._read()
        self._seen = seen

    def checkpoint(self, records: Iterable[Mapping[str, Any]], offset_bytes: int, before: float) -> Checkpoint:
        """What may stand for the oldest records, which are given; to be asked of a state that follows nothing yet."""
        for record in records:
            self.count, self._previous = record["n"], record["sha256"]
            self._take(record)
        return Checkpoint(
            count=self.count,
            sha256=self._previous,
            offset_bytes=offset_bytes,
            before=before,
            latest_at=self.latest_at,
            accepted=self.accepted,
            stop=self.stop,
            pause=self.pause,
        )

    def want(self, *numbers: int) -> None:
        """Remember these records; the ledger is read once more where one of them was read already."""
        with self._lock:
            new = [number for number in numbers if number not in self._wanted]
            self._wanted |= dict.fromkeys(new)
            if any(number <= self.count for number in new):
                self._reset()
            self._follow()

    def place(self, number: int) -> Place | None:
        """The record of that number; None where there is none so far."""
        self.want(number)
        return self._wanted[number]

    def place_of(self, head: str) -> Place | None:
        """Where a head ended that was noted as ``count:hash``, empty for no record; None where that is not so here."""
        number, _, digest = head.partition(":")
        found = self.place(int(number)) if number else Place(0.0, digest)
        return found if found is not None and found.sha256 == digest else None

    def _read(self) -> bool:
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            self.fault = "the ledger cannot be read"
            return False
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            record = parse_line(line)
            if not record or record["n"] != self.count + 1 or record["previous"] != self._previous:
                self.fault = f"record {self.count + 1} of the ledger was changed, or does not follow the one before it"
                return False
            if record["what"] == RESUMED and not self._signed(record["n"]):
                self._wait = True  # a line alone lifts nothing: the site's signature follows it at once, or never
                break
            self._offset += len(line)
            self.count, self._previous = record["n"], record["sha256"]
            self._take(record)
        self.fault = ""
        return True

    def _signed(self, number: int) -> bool:
        """The site's signed head covers this record."""
        try:
            head, _ = HeadFile(self._data_dir.ledger_head).read(trusted_keys(self._data_dir))
        except LfrError:
            return False
        return head is not None and head.count >= number

    def _take(self, record: Mapping[str, Any]) -> None:
        what, deployment, facts, at = record["what"], record["deployment"], record["facts"], parse_utc(record["at"])
        if self.count in self._wanted:
            self._wanted[self.count] = Place(at, self._previous)
        if what == CLOCK_ACCEPTED and self._clock_holds(facts, at):
            self.accepted, self.latest_at = self.accepted + 1, at
        self.latest_at = max(self.latest_at, at)
        if what in (STOPPED, PAUSED, RESUMED):
            self._take_halt(what, Halt(by=record["actor"], reason=record["reason"], at=record["at"]))
        elif what == OPENED:
            self.opened[deployment] = Place(at, facts.get("authority_sha256", ""))
        elif what == CLOSED:
            self.closed[deployment] = at
        elif what == ERASED:
            self.erased.add(deployment)
        elif what == RATIFIED:
            self.ratified[deployment] = at
        elif what == APPROVED:
            self.approved[facts.get("watchlist_sha256", "")] = at

    def _take_halt(self, what: str, halt: Halt) -> None:
        """The first reason of a stop stays."""
        if what == STOPPED:
            self.stop = self.stop or halt
        elif what == PAUSED:
            self.pause = self.pause or halt
        else:
            self.stop = self.pause = None

    def _clock_holds(self, facts: dict[str, Any], at: float) -> bool:
        """An officer signed that this clock is right; without a trust file there are no officers."""
        if trust_path() is None:
            return True
        try:
            signature = parse_section(Signature, facts["signature"], "the signature")
            trusted = trusted_keys(self._data_dir)
        except (LookupError, LfrError):
            return False
        said = {"latest": utc_text(self.latest_at)}
        fault = signature_fault(CLOCK, said, signature, trusted, "authoriser")
        return not fault and abs(at - signature.at) <= ACCEPT_WITHIN_S


def clock_accepted(state: LedgerState, key: SigningKey | None, actor: str, reason: str, now_s: float) -> Event:
    """An officer's word that the clock is right although the ledger has later moments."""
    facts: dict[str, Any] = {}
    if key is not None:
        signature = key.sign(CLOCK, {"latest": utc_text(state.latest_at)}, now_s)
        facts = {"signature": signature.model_dump(mode="json")}
    return Event("incident", CLOCK_ACCEPTED, actor=actor, reason=reason, facts=facts)
