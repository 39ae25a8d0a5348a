"""The ledger's end, written down outside the data folder: whoever can replace the whole folder cannot replace that."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, IntegrityError, LfrError
from lfr_ray.govern.canonical import canonical_json
from lfr_ray.govern.ledger_head import Head
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import KnownHead
from lfr_ray.govern.time_stamps import stamp
from lfr_ray.ledger_config import TimeStampConfig

SYSLOG = "syslog:"
HTTP_TIMEOUT_S = 5.0


def write_anchors(
    anchors: Sequence[str], head: Head, data_dir: DataDir, time_stamps: TimeStampConfig | None = None
) -> list[str]:
    """Have the head stamped, where there is an authority for that, and write it to every anchor.

    Returns:
        Which could not be written, and why; an anchor that is away does not stop a site.
    """
    faults = []
    mine = str(data_dir.ledger.absolute())
    said = {"ledger": mine, "head": head.text(), "at": utc_text(head.latest_at)}
    if time_stamps is not None:
        try:
            said["stamp"] = stamp(time_stamps, head, data_dir)
        except (OSError, LfrError) as error:
            faults.append(f"time-stamp: {error.what if isinstance(error, LfrError) else type(error).__name__}")
    line = canonical_json(said) + b"\n"
    for anchor in anchors:
        try:
            _write(anchor, line)
        except OSError as error:
            faults.append(f"{anchor.partition('?')[0]}: {error.strerror or type(error).__name__}")
    return faults


def _write(anchor: str, line: bytes) -> None:
    if anchor == SYSLOG:
        import syslog  # not on every system

        syslog.syslog(syslog.LOG_NOTICE | syslog.LOG_AUTH, f"lfr-ray ledger {line.decode().strip()}")
    elif anchor.startswith("/"):
        descriptor = os.open(anchor, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    else:
        request = urllib.request.Request(anchor, line, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S):  # noqa: S310 (config allows http and https alone)
            pass


def anchored_heads(anchors: Sequence[str], data_dir: DataDir) -> list[KnownHead]:
    """The heads of this ledger in the anchors that can be read: files.

    Raises:
        ConfigError: A file is there and cannot be read.
    """
    found: dict[str, KnownHead] = {}
    mine = str(data_dir.ledger.absolute())
    for anchor in anchors:
        path = Path(anchor)
        if not anchor.startswith("/") or not path.exists():
            continue
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise ConfigError("an anchor of the ledger cannot be read", got=f"{anchor}: {error.strerror}") from None
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # half a line of a crash says nothing
                said = json.loads(line)
                count, _, digest = said["head"].partition(":")
                if said["ledger"] == mine and int(count):
                    at = parse_utc(said["at"]) if "at" in said else 0.0
                    found[said["head"]] = KnownHead(int(count), digest, f"anchor {path.name}", at)
    return list(found.values())


def check_known(state: LedgerState, known: Sequence[KnownHead]) -> None:
    """The ledger goes on from every head that was noted elsewhere.

    Raises:
        IntegrityError: It is shorter, older or another one.
    """
    state.want(*(one.count for one in known))
    for one in known:
        if one.count < state.begin.count and not state.begin.contradicted(one.count, one.at):
            continue  # dropped, in its time
        place = state.place(one.count)
        if place is None or place.sha256 != one.sha256:
            raise IntegrityError(
                "the ledger is gone, was set back or is another one",
                got=f"{state.count} records; {one.source} names record {one.count}",
                next_step="put the ledger back; `lfr audit verify` says more. Nothing is compared until then",
            )
