"""The ledger's end, written down outside the data folder: whoever can replace the whole folder cannot replace that."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterable, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import append_durable
from lfr_ray.errors import AuthorityError, ConfigError, IntegrityError, LfrError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.ledger_head import Head
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import KnownHead
from lfr_ray.govern.rfc3161_timestamps import stamp
from lfr_ray.govern.signed_authority import list_grants
from lfr_ray.ledger_config import TimeStampConfig

SYSLOG = "syslog:"
SYSTEM_LOG = Path("/dev/log")
LOG_AUTH_NOTICE = 4 * 8 + 5
HTTP_TIMEOUT_S = 5.0
AWAY = (OSError, HTTPException, ValueError)
"""What an anchor says that cannot be reached, or answers nonsense."""
MOST_BYTES = 1 << 26
"""Of what an address answers: some thirty years of notes, one an hour."""


def anchors_in_force(configured: Sequence[str], data_dir: DataDir) -> tuple[str, ...]:
    """The site file's anchors, and those of every open deployment: what was signed counts whatever that file says."""
    open_ones = [grant.authority for grant in list_grants(data_dir) if grant.closing is None]
    return tuple(dict.fromkeys([*configured, *(one for authority in open_ones for one in authority.anchors)]))


def anchor_fault(anchors: Sequence[str], data_dir: DataDir) -> str:
    """Empty, or why these do not hold this ledger: none is outside the data folder, or their files do not know it."""
    inside = data_dir.root.resolve()
    files = [Path(one) for one in anchors if one.startswith("/")]
    outside = [one for one in files if inside not in one.resolve().parents]
    if not outside and len(files) == len(anchors):
        return (
            "no anchor of the ledger is outside the data folder: name one under ledger -> anchors, or with --anchor "
            "(a file elsewhere, https:// or syslog:)"
        )
    if outside and not any(_heads([str(one)], data_dir) for one in outside):
        names = ", ".join(map(str, outside))
        return f"the ledger's anchor is gone or is another one's: put it back, or open the deployment anew ({names})"
    return ""


def write_anchors(
    anchors: Iterable[str], head: Head, data_dir: DataDir, time_stamps: TimeStampConfig | None = None
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
        except AWAY as error:
            why = error.strerror if isinstance(error, OSError) else ""
            faults.append(f"{anchor.partition('?')[0]}: {why or type(error).__name__}")
    return faults


def write_first_anchors(anchors: Sequence[str], head: Head, data_dir: DataDir) -> None:
    """Write down where the ledger ends before anything counts on it.

    Raises:
        AuthorityError: No anchor took it, or none that is outside the data folder.
    """
    faults = write_anchors(anchors, head, data_dir)
    fault = "; ".join(faults) if len(faults) == len(anchors) else anchor_fault(anchors, data_dir)
    if fault:
        raise AuthorityError(
            "the ledger's end cannot be written down outside the data folder, so the authority is not given",
            got=fault,
            next_step="correct ledger -> anchors, or --anchor, and open again",
        )


def _write(anchor: str, line: bytes) -> None:
    if anchor == SYSLOG:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:  # the standard library's loses it without a word
            log.connect(str(SYSTEM_LOG))
            log.send(b"<%d>lfr-ray ledger %s" % (LOG_AUTH_NOTICE, line.strip()))
    elif anchor.startswith("/"):
        append_durable(anchor, line)
    else:
        request = urllib.request.Request(anchor, line, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S):  # noqa: S310 (config allows http and https alone)
            pass


def anchored_heads(anchors: Sequence[str], data_dir: DataDir) -> list[KnownHead]:
    """The heads of this ledger in the site's anchors and its authorities'. Wherever it lay, by what it has in common.

    Raises:
        ConfigError: A file is there and cannot be read.
    """
    named = [one for grant in list_grants(data_dir) for one in grant.authority.anchors]
    return _heads([*dict.fromkeys([*anchors, *named])], data_dir)


def _read(anchor: str) -> bytes:
    """What an anchor holds: a file, or an address that gives back what it took. One that is away stops nothing."""
    if anchor == SYSLOG:
        return b""
    if not anchor.startswith("/"):
        with suppress(*AWAY), urllib.request.urlopen(anchor, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310
            found: bytes = answer.read(MOST_BYTES)
            return found
        return b""
    try:
        return Path(anchor).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigError("an anchor of the ledger cannot be read", got=f"{anchor}: {error.strerror}") from None


def _heads(anchors: Sequence[str], data_dir: DataDir) -> list[KnownHead]:
    noted: dict[str, dict[str, KnownHead]] = {}
    for anchor in anchors:
        name = f"anchor {anchor.partition('?')[0].rpartition('/')[2] or anchor}"
        for line in _read(anchor).splitlines():
            with suppress(ValueError, KeyError, TypeError):  # half a line of a crash says nothing
                said = json.loads(line[line.find(b"{") :])  # a system log writes when and who before it
                count, _, digest = said["head"].partition(":")
                if int(count):
                    at = parse_utc(said["at"]) if "at" in said else 0.0
                    head = KnownHead(int(count), digest, name, at)
                    noted.setdefault(said["ledger"], {})[said["head"]] = head
    state = LedgerState(data_dir)
    state.want(*(head.count for heads in noted.values() for head in heads.values()))
    own = noted.pop(str(data_dir.ledger.absolute()), {})
    for heads in noted.values():
        if any((place := state.place(one.count)) and place.sha256 == one.sha256 for one in heads.values()):
            own |= heads  # the folder was moved, or this is its copy
    return list(own.values())


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
