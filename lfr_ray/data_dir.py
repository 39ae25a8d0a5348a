"""The data folder of a site: the one place that knows the names of its files and folders.

These names are a promise: a folder that an earlier version made opens as it is. Before a name changes here,
whatever opens the folder must learn to bring the old one up.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

UPLOADED = "upload:"
"""In place of a camera's address: the recording that somebody hands in through the console of a test."""

COMMAND_PREFIX = "lfr-command-"
"""How the temporary folder of a command begins: all of its temporary files are there."""


class _Rooted(Protocol):
    @property
    def root(self) -> Path: ...


class _Below:
    """A property: the path of that name below the root."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __get__(self, owner: _Rooted, kind: type) -> Path:
        return owner.root.joinpath(*self._names)


class _All:
    """A property: the files in one of the owner's folders that match a pattern, in order."""

    def __init__(self, folder: str, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern

    def __get__(self, owner: _Rooted, kind: type) -> list[Path]:
        folder: Path = getattr(owner, self._folder)
        return sorted(folder.glob(self._pattern))


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths of everything that a site keeps. It makes and reads nothing."""

    root: Path

    watchlist = _Below("watchlist")
    """Folder of the watchlist; see :class:`WatchlistDir`."""
    watchlist_waiting = _Below("watchlist-waiting")
    """Folder of what waits to be approved, in the watchlist's own form."""
    alert_database = _Below("desk.sqlite")
    """SQLite database of the alerts."""
    stop = _Below("stop")
    """While this file exists, matching is stopped by a person."""
    pause = _Below("pause")
    """While this file exists, matching is paused by the circuit breaker."""
    running = _Below("running")
    """Lock of the command that runs the site. It says which process that is, and where it answers."""

    people = _Below("people.json")
    """Hashes of the tokens of all who use the site over HTTP."""
    people_lock = _Below("people.lock")
    """Lock of whoever changes them."""

    def camera_focus(self, camera: str) -> Path:
        """Where a camera looks, as it was set in the console."""
        return self.root / "cameras" / f"{camera}.json"

    uploads = _Below("uploads")
    """Folder of recordings that were handed in through the console, to try a test with."""

    def upload(self, camera: str) -> Path:
        """The recording of one camera."""
        return self.uploads / camera

    # -- the audit ledger

    ledger = _Below("ledger.jsonl")
    """The audit ledger, JSON Lines."""
    ledger_head = _Below("ledger.head")
    """Signed count and hash of the ledger's last record."""
    ledger_checkpoint = _Below("ledger.checkpoint")
    """Signed count and hash of the last record that was dropped because its time was over."""
    ledger_copy = _Below("ledger.copy")
    """Address of the database that the ledger is copied to, without the secrets in it."""
    ledger_draft = _Below(".ledger.jsonl.draft")
    """The ledger while it is fetched from there."""
    ledger_stamps = _Below("ledger.stamps")
    """Time-stamps of where the ledger ended, JSON Lines."""
    ledger_torn = _Below("ledger.torn")
    """Unfinished lines that a crash left, set aside."""
    ledger_lock = _Below("ledger.lock")
    """Lock of whoever writes the ledger."""
    ledger_failed = _Below("ledger.failed")
    """Marker of a process that has records which it cannot write."""

    @property
    def copied_files(self) -> dict[str, Path]:
        """What is copied with the ledger's lines and is there, by its name below the folder."""
        inside = (one for folder in self._copied_folders for one in folder.rglob("[!.]*"))
        return {str(one.relative_to(self.root)): one for one in (*self._copied_alone, *inside) if one.is_file()}

    def copied_file(self, name: str) -> Path | None:
        """Where a file of that name is to be; None where none of a site's has it."""
        path = Path(os.path.normpath(self.root / name))
        belongs = path in self._copied_alone or any(one in path.parents for one in self._copied_folders)
        return path if belongs else None

    @property
    def _copied_alone(self) -> tuple[Path, ...]:
        return self.ledger_head, self.ledger_checkpoint, self.ledger_stamps, self.people, self.stop, self.pause

    @property
    def _copied_folders(self) -> tuple[Path, ...]:
        return self.deployments, self.receipts, self.records

    # -- keys

    keys = _Below("keys")
    """Folder of the trusted keys, and of the site's own."""
    keys_lock = _Below("keys", ".lock")
    """Lock of whoever makes one of the site's own keys."""
    site_key = _Below("keys", "site.key")
    """Private key that seals the ledger and signs receipts and records."""
    tester_key = _Below("keys", "tester.key")
    """Private key that signs trials and nothing else."""
    scan_key = _Below("keys", "scan.key")
    """Secret under which destroyed content is remembered."""
    push_key = _Below("keys", "push.key")
    """Private key by which push services know the site."""
    capability = _Below("keys", "capability")
    """Secret that the site's own processes show each other."""

    public_keys = _All("keys", "*.pub")
    """Every trusted public key."""

    def public_key(self, key_id: str) -> Path:
        """A trusted public key."""
        return self.keys / f"{key_id}.pub"

    # -- deployments

    deployments = _Below("deployments")
    """Folder of the deployments."""

    grants = _All("deployments", "*.json")
    """The grant of every deployment; the stem is the deployment's id."""

    def grant(self, deployment: str) -> Path:
        """A deployment's signed authority."""
        return self.deployments / f"{deployment}.json"

    listings = _All("deployments", "*.listed")
    """Every closed deployment's listing; the stem is the deployment's id."""

    def listing(self, deployment: str) -> Path:
        """Nominal ids of those who were on a closed deployment's list."""
        return self.deployments / f"{deployment}.listed"

    def breaker(self, deployment: str) -> Path:
        """State of the circuit breaker."""
        return self.deployments / f"{deployment or 'test'}.breaker"

    def profile(self, sha256: str) -> Path:
        """The rules of that hash, as they were when an authority was made under them."""
        return self.deployments / "profiles" / f"{sha256}.json"

    # -- erasure

    receipts = _Below("receipts")
    """Folder of the proofs of erasure."""
    closing_lock = _Below("receipts", ".closing.lock")
    """Lock of whoever closes a deployment."""

    signed_receipts = _All("receipts", "*.json")
    """Every receipt; the stem is the deployment's id."""

    def receipt(self, deployment: str) -> Path:
        """The signed receipt of a deployment's erasure."""
        return self.receipts / f"{deployment}.json"

    def erasure_lock(self, deployment: str) -> Path:
        """Lock of whoever erases a deployment."""
        return self.receipts / f".{deployment}.lock"

    erasure_journals = _All("receipts", "*.erasing")
    """Journals of erasures that were begun and not finished; the stem is the deployment's id."""

    def erasure_journal(self, deployment: str) -> Path:
        """How far a deployment's erasure has come."""
        return self.receipts / f"{deployment}.erasing"

    all_fingerprints = _All("receipts", "*.scan")
    """Fingerprints of everything that was destroyed."""

    def fingerprints(self, what: str, label: str) -> Path:
        """Fingerprints of what was destroyed in a store: of a deployment, or ``expired-`` and a moment."""
        return self.receipts / f"{what}.{label}.scan"

    # -- public records

    records = _Below("records")
    """Folder of the public records."""

    signed_records = _All("records", "*.json")
    """Every public record as JSON; the stem is the deployment's id."""


@dataclass(frozen=True, slots=True)
class TrustDir:
    """Paths of the trust folder, mostly ``/etc/lfr``, which the administrator alone writes."""

    root: Path

    file = _Below("trust.yaml")
    """Names the roots."""
    root_certificate = _Below("root.crt")
    """The certificate of the root that was made here."""
    root_list = _Below("root.crl")
    """The revocation list of that root."""
    certificates = _Below("certificates")
    """Folder of the certificates that roots issued."""

    lists = _All("root", "*.crl")
    """Every revocation list."""

    issued = _All("certificates", "*.crt")
    """Every certificate that a root issued."""

    def certificate(self, key_id: str) -> Path:
        """The certificate of a key."""
        return self.certificates / f"{key_id}.crt"


@dataclass(frozen=True, slots=True)
class WatchlistDir:
    """Paths inside the watchlist's folder, beside the table's own."""

    root: Path

    approval = _Below("approval.json")
    """The second person's approval."""
    lock = _Below("lock")
    """Lock of readers and writers. It stays, empty, when everything else is destroyed."""
    unfinished = _Below("unfinished")
    """A folder that is there while something is written. If nobody holds the lock, the writer has died."""
    superseded = _Below("superseded")
    """A marker that is there while files hold rows that are no longer on the list."""
    destroying = _Below("destroying")
    """A marker that is there while everything is destroyed."""


def temporary_folders() -> tuple[Path, ...]:
    """The temporary folders of this user's commands: of those that run, this one's among them, and of crashed ones."""
    here = Path(tempfile.gettempdir())
    found = (here, *here.glob(f"{COMMAND_PREFIX}*"))
    return tuple(one for one in found if one.name.startswith(COMMAND_PREFIX) and os.access(one, os.R_OK))
