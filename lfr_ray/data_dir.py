"""The data folder of a site: the one place that knows the names of its files and folders.

These names are a promise: a folder that an earlier version made opens as it is. Before a name changes here,
whatever opens the folder must learn to bring the old one up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths of everything that a site keeps. It makes and reads nothing.

    Attributes:
        root: The data folder.
    """

    root: Path

    @property
    def watchlist(self) -> Path:
        """Folder of the watchlist; see :class:`WatchlistDir`."""
        return self.root / "watchlist"

    @property
    def alert_database(self) -> Path:
        """SQLite database of the alerts."""
        return self.root / "desk.sqlite"

    @property
    def stop(self) -> Path:
        """While this file exists, matching is stopped by a person."""
        return self.root / "stop"

    @property
    def pause(self) -> Path:
        """While this file exists, matching is paused by the circuit breaker."""
        return self.root / "pause"

    # -- the audit ledger

    @property
    def ledger(self) -> Path:
        """The audit ledger, JSON Lines."""
        return self.root / "ledger.jsonl"

    @property
    def ledger_head(self) -> Path:
        """Signed count and hash of the ledger's last record."""
        return self.root / "ledger.head"

    @property
    def ledger_torn(self) -> Path:
        """Unfinished lines that a crash left, set aside."""
        return self.root / "ledger.torn"

    @property
    def ledger_lock(self) -> Path:
        """Lock of whoever writes the ledger."""
        return self.root / "ledger.lock"

    @property
    def ledger_failed(self) -> Path:
        """Marker of a process that has records which it cannot write."""
        return self.root / "ledger.failed"

    # -- keys

    @property
    def keys(self) -> Path:
        """Folder of the trusted keys, and of the site's own."""
        return self.root / "keys"

    @property
    def keys_lock(self) -> Path:
        """Lock of whoever makes one of the site's own keys."""
        return self.keys / ".lock"

    @property
    def site_key(self) -> Path:
        """Private key that seals the ledger and signs receipts and records."""
        return self.keys / "site.key"

    @property
    def tester_key(self) -> Path:
        """Private key that signs trials and nothing else."""
        return self.keys / "tester.key"

    @property
    def scan_key(self) -> Path:
        """Secret under which destroyed content is remembered."""
        return self.keys / "scan.key"

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

    @property
    def deployments(self) -> Path:
        """Folder of the deployments."""
        return self.root / "deployments"

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

    @property
    def receipts(self) -> Path:
        """Folder of the proofs of erasure."""
        return self.root / "receipts"

    @property
    def closing_lock(self) -> Path:
        """Lock of whoever closes a deployment."""
        return self.receipts / ".closing.lock"

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

    @property
    def records(self) -> Path:
        """Folder of the public records."""
        return self.root / "records"

    @property
    def signed_records(self) -> list[Path]:
        """Every public record as JSON; the stem is the deployment's id."""
        return sorted(self.records.glob("*.json"))


@dataclass(frozen=True, slots=True)
class WatchlistDir:
    """Paths inside the watchlist's folder, beside the table's own.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def approval(self) -> Path:
        """The second person's approval."""
        return self.root / "approval.json"

    @property
    def lock(self) -> Path:
        """Lock of readers and writers. It stays, empty, when everything else is destroyed."""
        return self.root / "lock"

    @property
    def unfinished(self) -> Path:
        """A folder that is there while something is written. If nobody holds the lock, the writer has died."""
        return self.root / "unfinished"

    @property
    def superseded(self) -> Path:
        """A marker that is there while files hold rows that are no longer on the list."""
        return self.root / "superseded"

    @property
    def destroying(self) -> Path:
        """A marker that is there while everything is destroyed."""
        return self.root / "destroying"
