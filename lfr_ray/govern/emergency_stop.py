"""What ends matching at once: the emergency stop and the circuit breaker's pause.

Each is a file and a record in the ledger, and either of them is enough. A matcher looks for both all the time and after
every comparison, so that one command or request ends matching on every camera that asks it. The file works where the
ledger cannot be written; the record stands where the file was removed, until somebody resumes and is recorded.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lfr_ray.clock import utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import disk_error, sync_folder, write_durable
from lfr_ray.errors import StoreError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.ledger_checkpoint import Halt
from lfr_ray.govern.ledger_event import STOPPED, Event, check_event, recordable
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.write_beside import WriteBeside

if TYPE_CHECKING:
    from lfr_ray.govern.ledger import Ledger

NOT_RESUMED = "a resumption could not be recorded in time; resume again"


class Switch:
    """One file that turns matching off while it exists; ``label`` is what the refusal calls it."""

    def __init__(self, path: Path, label: str) -> None:
        self._path = path
        self._text = os.fspath(path)
        self.label = label

    def is_set(self) -> bool:
        """The file exists. Asked all the time, so in the cheapest way there is."""
        return os.access(self._text, os.F_OK)

    def set(self, by: str, reason: str, now_s: float) -> Halt:
        """Turn matching off. Setting it twice keeps the first reason.

        Raises:
            StoreError: Not even an empty file can be made. Then stop the processes themselves.
        """
        present = self.read()
        if present is not None:
            return present
        halt = Halt(by=by, reason=recordable(reason), at=utc_text(now_s))
        try:
            write_durable(self._path, canonical_json(halt.model_dump()) + b"\n")
        except StoreError:
            self._set_empty()
        return halt

    def _set_empty(self) -> None:
        """On a full disk an empty file still finds room, and its existence is enough."""
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644))
            sync_folder(self._path.parent)
        except OSError as error:
            fault = disk_error("matching could not be stopped by a file", self._path, error)
            raise StoreError(fault.what, got=fault.got, next_step="stop the processes of this site") from None

    def clear(self) -> bool:
        """Allow matching again; True when it was off."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_error(f"the {self.label} cannot be lifted", self._path, error) from None
        with contextlib.suppress(OSError):
            sync_folder(self._path.parent)
        return True

    def read(self) -> Halt | None:
        """Why matching is off; None while it is not."""
        try:
            return Halt.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return Halt(by="", reason="", at="")


class Halts:
    """Both, from wherever they are known: the files, and what the ledger says."""

    def __init__(self, data_dir: DataDir, state: LedgerState | None = None) -> None:
        self.state = state or LedgerState(data_dir)
        self._switches = {"stop": emergency_stop(data_dir), "pause": breaker_pause(data_dir)}

    def read(self) -> dict[str, Halt]:
        """Why matching is off, by ``stop`` and ``pause``; empty while it is on."""
        self.state.follow()
        known = {name: getattr(self.state, name) or switch.read() for name, switch in self._switches.items()}
        return {name: halt for name, halt in known.items() if halt is not None}

    def refusal(self) -> str:
        """Empty, or that matching is off and why. Asked all the time, so in the cheapest way there is."""
        self.state.follow()
        for name, switch in self._switches.items():
            recorded = getattr(self.state, name)
            if recorded is not None or switch.is_set():
                return _words(switch, recorded or switch.read())
        return ""

    def texts(self) -> dict[str, str]:
        """What each that is set would refuse with, by ``stop`` and ``pause``."""
        return {name: _words(self._switches[name], halt) for name, halt in self.read().items()}

    def clear(self) -> None:
        """Remove both files; that somebody resumed must be recorded before."""
        for switch in self._switches.values():
            switch.clear()


class HaltAccount:
    """Puts stops and resumptions on record, in their order. A stop stands before, and waits only a moment for this.

    ``ledger`` opens it; where that cannot be done now, a stop is recorded as soon as it can.
    """

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._waiting: list[Event] = []
        self._beside = WriteBeside(self._write, lambda: bool(self._waiting))

    def stopped(self, event: Event) -> None:
        """Somebody stopped. InputError: the ledger does not take these words."""
        check_event(event)
        self._waiting.append(event)
        self._beside.begin()

    def resumed(self, event: Event) -> None:
        """Somebody resumes: nothing is compared before that is on record.

        Raises:
            StoreError: It cannot be put there now. In the end the request is on record, and that nothing came of it.
        """
        if not self._waiting:
            ledger = self._ledger()
            if ledger.append_soon(event).acknowledged:
                return
            ledger.keep(replace(event, what=STOPPED, actor="system", reason=NOT_RESUMED))  # nor does the ledger end so
        raise StoreError(
            "the ledger cannot be written yet, so nothing is resumed",
            got=f"{event.what}, by {event.actor}",
            allowed="a resumption that is on record",
            next_step="bring back the ledger's disk or database, then resume again",
        )

    def _write(self) -> None:
        ledger = self._ledger()
        while self._waiting:
            ledger.append_soon(self._waiting[0])
            del self._waiting[0]


def _words(switch: Switch, halt: Halt | None) -> str:
    return f"{switch.label}: {halt.reason} ({halt.at})" if halt is not None and halt.reason else switch.label


def emergency_stop(data_dir: DataDir) -> Switch:
    """The emergency stop of a site."""
    return Switch(data_dir.stop, "matching was stopped")


def breaker_pause(data_dir: DataDir) -> Switch:
    """The pause that the circuit breaker of a site sets."""
    return Switch(data_dir.pause, "matching is paused by the circuit breaker")
