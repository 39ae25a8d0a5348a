"""Two switches that end matching at once, as files: the emergency stop and the circuit breaker's pause.

That the file exists is all that counts; what it says is for people. A matcher looks for it before
every comparison, so that one command or request ends matching on every camera that asks it.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from lfr_ray.clock import utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import InputError, StoreError
from lfr_ray.files import disk_error, sync_folder, write_durable
from lfr_ray.govern.canonical import canonical_json


@dataclass(frozen=True, slots=True)
class Halt:
    """Why matching is off."""

    by: str
    reason: str
    at: str


class Switch:
    """One file that turns matching off while it exists.

    Args:
        path: The file.
        label: What the refusal calls it.
    """

    def __init__(self, path: Path, label: str) -> None:
        self._path = path
        self._text = os.fspath(path)
        self._label = label

    def is_set(self) -> bool:
        """The file exists. Asked before every comparison, so in the cheapest way there is."""
        return os.access(self._text, os.F_OK)

    def set(self, by: str, reason: str, now_s: float) -> Halt:
        """Turn matching off. Setting it twice keeps the first reason.

        Raises:
            InputError: No reason is given.
            StoreError: Not even an empty file can be made. Then stop the processes themselves.
        """
        if not reason.strip():
            raise InputError("a stop needs a reason", next_step="say why, in words")
        present = self.read()
        if present is not None:
            return present
        halt = Halt(by, " ".join(reason.split())[:300], utc_text(now_s))
        try:
            write_durable(self._path, canonical_json(asdict(halt)) + b"\n")
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
            raise disk_error(f"the {self._label} cannot be lifted", self._path, error) from None
        with contextlib.suppress(OSError):
            sync_folder(self._path.parent)
        return True

    def read(self) -> Halt | None:
        """Why matching is off; None while it is not."""
        try:
            content = json.loads(self._path.read_bytes())
            return Halt(str(content["by"]), str(content["reason"]), str(content["at"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return Halt("", "", "")

    def refusal(self) -> str:
        """Empty, or that matching is off and why."""
        if not self.is_set():
            return ""
        halt = self.read()
        if halt is None or not halt.reason:
            return self._label
        return f"{self._label}: {halt.reason} ({halt.at})"


def emergency_stop(data_dir: DataDir) -> Switch:
    """The emergency stop of a site."""
    return Switch(data_dir.stop, "matching was stopped")


def breaker_pause(data_dir: DataDir) -> Switch:
    """The pause that the circuit breaker of a site sets."""
    return Switch(data_dir.pause, "matching is paused by the circuit breaker")
