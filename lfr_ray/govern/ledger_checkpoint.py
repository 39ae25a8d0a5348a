"""What stands for the ledger's oldest records once their time is over: their count and last hash, signed by the site.

The records are overwritten where they stand, so that the file keeps its length: whoever reads or writes it meanwhile
goes on. What they say of now, a stop that nobody lifted and the clock, goes into the checkpoint.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import ConfigError, IntegrityError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.ledger_event import FIRST_PREVIOUS
from lfr_ray.govern.signing_keys import Signature, SigningKey, signature_fault
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.strict_yaml import Section, parse_section

PURPOSE = "ledger checkpoint"
BLOCK_BYTES = 1 << 20


class Halt(Section):
    """Why matching is off: a stop or a pause."""

    by: str
    reason: str
    at: str


class Checkpoint(Section):
    """The end of what was dropped. Without any it is that of an empty ledger."""

    count: int = Field(default=0, ge=0, description="Records that were dropped.")
    sha256: str = Field(default=FIRST_PREVIOUS, description="Hash of the last of them.")
    offset_bytes: int = Field(default=0, ge=0, description="Where the first record begins that is left.")
    before: float = Field(default=0.0, description="All that were dropped are older.")
    latest_at: float = Field(default=0.0, description="The latest moment recorded since the clock was last accepted.")
    accepted: int = Field(default=0, description="How often a clock that went back was accepted.")
    stop: Halt | None = None
    pause: Halt | None = None
    signature: Signature | None = None

    def save(self, data_dir: DataDir, key: SigningKey, at: float) -> None:
        """Sign and write durably."""
        signed = self.model_copy(update={"signature": key.sign(PURPOSE, self.content(), at)})
        write_durable(data_dir.ledger_checkpoint, canonical_json(signed.model_dump(mode="json")) + b"\n", 0o600)

    def content(self) -> dict[str, Any]:
        """What is signed."""
        return self.model_dump(mode="json", exclude={"signature"})

    def contradicted(self, count: int, at: float) -> bool:
        """At a moment later than all that was dropped, the ledger had fewer records than were dropped."""
        return count < self.count and at > self.before


def load_checkpoint(data_dir: DataDir) -> Checkpoint:
    """Where the ledger begins.

    Raises:
        IntegrityError: What is there was not signed by the site.
    """
    path = data_dir.ledger_checkpoint
    if not path.exists():
        return Checkpoint()
    try:
        found = parse_section(Checkpoint, read_json(path, "the ledger's checkpoint"), "the ledger's checkpoint")
    except ConfigError as error:
        raise IntegrityError("the ledger's checkpoint is damaged", got=error.got) from None
    fault = signature_fault(PURPOSE, found.content(), found.signature, trusted_keys(data_dir), "site")
    if fault:
        raise IntegrityError(
            "the ledger's checkpoint does not hold", got=fault, next_step="put the ledger's files back as they were"
        )
    return found


def overwrite(path: Path, checkpoint: Checkpoint) -> None:
    """Overwrite what was dropped, from its end to the file's beginning; after a crash it is done again."""
    end = checkpoint.offset_bytes
    with path.open("r+b") as file:
        if not end or file.read(1) == b" ":
            return
        while end:
            begin = max(0, end - BLOCK_BYTES)
            os.pwrite(file.fileno(), b" " * (end - begin), begin)
            os.fsync(file.fileno())
            end = begin
