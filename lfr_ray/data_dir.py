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


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths of everything that a site keeps. It makes and reads nothing.

    Attributes:
        root: The data folder.
    """

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

    # -- the audit ledger

    ledger = _Below("ledger.jsonl")
    """The audit ledger, JSON Lines."""
    ledger_head = _Below("ledger.head")
    """Signed count and hash of the ledger's last record."""
    ledger_checkpoint = _Below("ledger.checkpoint")
    """Signed count and hash of the last record that was dropped because its time was over."""
    ledger_stamps = _Below("ledger.stamps")
    """Time-stamps of where the ledger ended, JSON Lines."""
    ledger_torn = _Below("ledger.torn")
    """Unfinished lines that a crash left, set aside."""
    ledger_lock = _Below("ledger.lock")
    """Lock of whoever writes the ledger."""
    ledger_failed = _Below("ledger.failed")
    """Marker of a process that has records which it cannot write."""

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
    capability = _Below("keys", "capability")
    """Secret that the site's own processes show each other."""

    @property
    def public_keys(self) -> list[Path]:
        """Every trusted public key."""
        return sorted(self.keys.glob("*.pub"))

    def public_key(self, key_id: str) -> Path:
        """A trusted public key."""
        return self.keys / f"{key_id}.pub"

    def revoked_key(self, key_id: str) -> Path:
        """A public key that is trusted no longer."""
        return self.keys / f"{key_id}.revoked"

    # -- deployments

    deployments = _Below("deployments")
    """Folder of the deployments."""

    @property
    def grants(self) -> list[Path]:
        """The grant of every deployment; the stem is the deployment's id."""
        return sorted(self.deployments.glob("*.json"))

    def grant(self, deployment: str) -> Path:
        """A deployment's signed authority."""
        return self.deployments / f"{deployment}.json"

    @property
    def listings(self) -> list[Path]:
        """Every closed deployment's listing; the stem is the deployment's id."""
        return sorted(self.deployments.glob("*.listed"))

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

    @property
    def signed_receipts(self) -> list[Path]:
        """Every receipt; the stem is the deployment's id."""
        return sorted(self.receipts.glob("*.json"))

    def receipt(self, deployment: str) -> Path:
        """The signed receipt of a deployment's erasure."""
        return self.receipts / f"{deployment}.json"

    def erasure_lock(self, deployment: str) -> Path:
        """Lock of whoever erases a deployment."""
        return self.receipts / f".{deployment}.lock"

    @property
    def erasure_journals(self) -> list[Path]:
        """Journals of erasures that were begun and not finished; the stem is the deployment's id."""
        return sorted(self.receipts.glob("*.erasing"))

    def erasure_journal(self, deployment: str) -> Path:
        """How far a deployment's erasure has come."""
        return self.receipts / f"{deployment}.erasing"

    @property
    def all_fingerprints(self) -> list[Path]:
        """Fingerprints of everything that was destroyed."""
        return sorted(self.receipts.glob("*.scan"))

    def fingerprints(self, what: str, label: str) -> Path:
        """Fingerprints of destroyed content.

        Args:
            what: Id of a deployment, or ``expired-`` and a moment.
            label: Which erasable store it was in.
        """
        return self.receipts / f"{what}.{label}.scan"

    # -- public records

    records = _Below("records")
    """Folder of the public records."""

    @property
    def signed_records(self) -> list[Path]:
        """Every public record as JSON; the stem is the deployment's id."""
        return sorted(self.records.glob("*.json"))


@dataclass(frozen=True, slots=True)
class TrustDir:
    """Paths of the trust folder, which the administrator alone writes.

    Attributes:
        root: The folder, mostly ``/etc/lfr``.
    """

    root: Path

    file = _Below("trust.yaml")
    """Names the roots."""
    root_certificate = _Below("root.crt")
    """The certificate of the root that was made here."""
    root_list = _Below("root.crl")
    """The revocation list of that root."""
    certificates = _Below("certificates")
    """Folder of the certificates that roots issued."""

    @property
    def lists(self) -> list[Path]:
        """Every revocation list."""
        return sorted(self.root.glob("*.crl"))

    @property
    def issued(self) -> list[Path]:
        """Every certificate that a root issued."""
        return sorted(self.certificates.glob("*.crt"))

    def certificate(self, key_id: str) -> Path:
        """The certificate of a key."""
        return self.certificates / f"{key_id}.crt"


@dataclass(frozen=True, slots=True)
class WatchlistDir:
    """Paths inside the watchlist's folder, beside the table's own.

    Attributes:
        root: The folder.
    """

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
