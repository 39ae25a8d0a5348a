"""Time-stamps by RFC 3161: somebody else's signature that the ledger ended so at that moment.

They are kept in the data folder, and go with the head into every other anchor: where nobody can take both away.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import append_durable, disk_error
from lfr_ray.errors import ConfigError, IntegrityError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.certificates import read_certificates
from lfr_ray.govern.ledger_head import Head
from lfr_ray.govern.ledger_verify import KnownHead
from lfr_ray.ledger_config import TimeStampConfig

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse, Verifier

ANSWER_S = 10.0
MOST_BYTES = 1 << 16
"""Of an answer, which holds a few certificates."""


def stamp(config: TimeStampConfig, head: Head, data_dir: DataDir) -> str:
    """Have the ledger's end stamped, and keep the answer.

    Returns:
        The answer in base64.

    Raises:
        OSError: The authority does not answer, or the disk refuses.
        IntegrityError: It answered something else than asked, or is not the one that is believed.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    message = _message(head.text())
    wanted = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(config.url, wanted.as_bytes(), headers)  # noqa: S310 (config allows http and https)
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
        data = answer.read(MOST_BYTES)
    _verified(config, data, head.text(), wanted.nonce)
    text = base64.b64encode(data).decode()
    append_durable(data_dir.ledger_stamps, canonical_json({"head": head.text(), "stamp": text}) + b"\n")
    return text


def stamped_heads(config: TimeStampConfig, data_dir: DataDir) -> Iterator[KnownHead]:
    """Every head that was stamped, with the moment that the authority states.

    Raises:
        IntegrityError: A stamp does not hold.
        StoreError: They cannot be read.
    """
    try:
        lines = data_dir.ledger_stamps.read_bytes().splitlines() if data_dir.ledger_stamps.exists() else []
    except OSError as error:
        raise disk_error("the time-stamps cannot be read", data_dir.ledger_stamps, error) from None
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # half a line of a crash says nothing
            said = json.loads(line)
            head, data = str(said["head"]), base64.b64decode(said["stamp"])
            count, _, digest = head.partition(":")
            at = _verified(config, data, head).tst_info.gen_time.timestamp()
            yield KnownHead(int(count), digest, "a time-stamp", at)


def _verified(config: TimeStampConfig, data: bytes, head: str, nonce: int | None = None) -> TimeStampResponse:
    """The answer.

    Raises:
        IntegrityError: It is none, of another head, or by somebody who is not believed.
    """
    from rfc3161_client import VerificationError, decode_timestamp_response

    try:
        response = decode_timestamp_response(data)
        _verifier(config, nonce).verify_message(response, _message(head))
    except (ValueError, VerificationError) as error:
        raise IntegrityError(
            "a time-stamp of the ledger does not hold",
            got=f"{type(error).__name__} at record {head.partition(':')[0]}",
            allowed=f"the answer of the authority whose certificates are in {config.certificates.name}",
        ) from None
    return response


def _verifier(config: TimeStampConfig, nonce: int | None) -> Verifier:
    from rfc3161_client import VerifierBuilder

    found = read_certificates(config.certificates)
    roots = [one for one in found if one.issuer == one.subject]
    if not roots:
        raise ConfigError(
            "there is no root of the time-stamping authority",
            got=config.certificates.name,
            allowed="its self-signed certificate in PEM, and those between it and the stamps",
        )
    between = [one for one in found if one not in roots]
    return VerifierBuilder(roots=roots, intermediates=between, nonce=nonce).build()


def _message(head: str) -> bytes:
    return canonical_json(["lfr-ray", "ledger head", head])
