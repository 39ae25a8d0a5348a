"""The signed proof that a deployment's data was destroyed: counts and keyed hashes, no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from lfr_ray.config import NAME_PATTERN
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.govern.canonical_json import Moment, canonical_json, sha256_hex
from lfr_ray.govern.signing_keys import PublicKey, Signature, SigningKey, signature_fault
from lfr_ray.strict_yaml import Section, parse_section

PURPOSE = "erasure receipt"
DIGEST_PATTERN = r"^[0-9a-f]{64}$"


class DestroyedPart(Section):
    """What was destroyed of one erasable store.

    Attributes:
        label: Which store: the watchlist, the alerts, files.
        counts: Of entries, pictures, templates, files, bytes, whatever the store has.
        items: Pictures and vectors whose bytes were looked for.
        found_before: Of them, how many the scan found before the erasure: it can see this storage.
        found_after: How many it found afterwards. A receipt is only given for none.
        unseen: Items too short or too uniform to be looked for.
        digests: Keyed hash of every item, sorted. Only who holds the site's scan key can test a guess.
        fingerprints_sha256: Hash of the file by which the storage can be searched again.
    """

    label: str
    counts: dict[str, int]
    items: int = Field(ge=0)
    found_before: int = Field(ge=0)
    found_after: Literal[0] = 0
    unseen: int = Field(default=0, ge=0)
    digests: tuple[str, ...] = ()
    fingerprints_sha256: str = Field(pattern=DIGEST_PATTERN)


class Receipt(Section):
    """The receipt of one deployment's erasure."""

    format: Literal["lfr-erasure-receipt/1"] = "lfr-erasure-receipt/1"
    deployment: str = Field(pattern=NAME_PATTERN)
    authority_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$", description="Of the signed authority's content.")
    watchlist_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$", description="Of the list that was approved.")
    by: str
    reason: str
    begun_at: Moment
    finished_at: Moment
    parts: tuple[DestroyedPart, ...]
    held: int = Field(ge=0, description="Alerts kept because they are held with a recorded reason.")
    scanned_files: int = Field(ge=0)
    scanned_bytes: int = Field(ge=0)
    notes: tuple[str, ...] = ()
    ledger_head: str = Field(description="Where the ledger ended: it cannot be set back unnoticed.")
    kept: str = "the deployment id and, apart from this receipt, the nominal ids of those listed"


class SignedReceipt(Section):
    """A receipt with the site's signature."""

    receipt: Receipt
    signature: Signature

    @property
    def sha256(self) -> str:
        """Hash of the receipt's content."""
        return sha256_hex(canonical_json(self.receipt.content()))

    def fault(self, trusted: Mapping[str, PublicKey]) -> str:
        """Empty, or why the receipt proves nothing."""
        return signature_fault(PURPOSE, self.receipt.content(), self.signature, trusted, "site")

    def save(self, data_dir: DataDir) -> None:
        """Write durably."""
        path = data_dir.receipt(self.receipt.deployment)
        write_durable(path, canonical_json(self.model_dump(mode="json")) + b"\n")


def sign_receipt(receipt: Receipt, key: SigningKey, at: float) -> SignedReceipt:
    """Sign with the site's key."""
    return SignedReceipt(receipt=receipt, signature=key.sign(PURPOSE, receipt.content(), at))


def load_receipt(data_dir: DataDir, deployment: str) -> SignedReceipt:
    """Read a receipt.

    Raises:
        NotFoundError: There is none.
        ConfigError, IntegrityError: It is no receipt.
    """
    document = read_json(data_dir.receipt(deployment), "the erasure receipt")
    return parse_section(SignedReceipt, document, f"receipt {deployment}")
