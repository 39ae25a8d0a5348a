"""Fetching a weight file because an operator asked for it by name: nothing else here uses the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from lfr_ray.errors import ConfigError, ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.weights import verify_weights

Progress = Callable[[int, int], None]
"""Called with the bytes there are and the bytes there will be (0 where nobody says)."""

PART_SUFFIX = ".part"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416


def pull(card: ModelCard, folder: Path, client: httpx.Client, progress: Progress) -> Path:
    """Fetch, resume, verify, and only then give the file its name.

    Args:
        card: Names the address and the hash; without a hash nothing is fetched.
        folder: Where the file goes.
        client: Follows redirects.
        progress: Told after every block.

    Returns:
        The verified file. Where it was there already, nothing is fetched.

    Raises:
        ConfigError: The card has no address, no hash, or an address that is not https.
        ModelError: The server or the network failed (what came stays, and is resumed next time), the disk
            failed, or the file is not the one that the card describes (it is deleted).
    """
    _check_card(card)
    target = folder / Path(card.file or urlsplit(card.url).path).name
    if target.is_file():
        verify_weights(card, target)
        return target
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (card.size_bytes and part.is_file() and part.stat().st_size == card.size_bytes):
            _fetch(card, part, client, progress)
    except httpx.HTTPError as error:
        raise ModelError(
            f"the weight file of model {card.id} could not be fetched",
            got=f"{type(error).__name__} from {urlsplit(card.url).hostname}",
            next_step=f"run `lfr models pull {card.id}` again: it goes on where it stopped",
        ) from None
    except OSError as error:
        raise ModelError(
            f"the weight file of model {card.id} could not be written", got=f"{part}: {error.strerror}"
        ) from None
    try:
        verify_weights(card, part)
    except ModelError:
        part.unlink()
        raise
    os.replace(part, target)
    return target


def _check_card(card: ModelCard) -> None:
    if not card.url:
        raise ConfigError(
            f"the card of model {card.id} names no address",
            allowed="a card with `url`",
            next_step=f"install the package {card.package}" if card.package else "get the file by other means",
        )
    if not (card.sha256 or card.git_blob):
        raise ConfigError(f"the card of model {card.id} states no hash, so nothing is fetched", allowed="sha256")
    address = urlsplit(card.url)
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise ConfigError(f"the card of model {card.id} has an insecure address", got=address.scheme, allowed="https")


def _fetch(card: ModelCard, part: Path, client: httpx.Client, progress: Progress) -> None:
    """Append what is missing to the part file."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", card.url, headers=headers) as response:
        if have and response.status_code == RANGE_NOT_SATISFIABLE:
            part.unlink()  # longer than the file itself: start over
            restart = True
        elif response.status_code not in (OK, PARTIAL):
            raise ModelError(
                f"the weight file of model {card.id} could not be fetched",
                got=f"HTTP {response.status_code} from {response.url.host}",
                next_step="check `url` in the card",
            )
        else:
            restart = False
            _append(card, part, have if response.status_code == PARTIAL else 0, response, progress)
    if restart:
        _fetch(card, part, client, progress)


def _append(card: ModelCard, part: Path, have: int, response: httpx.Response, progress: Progress) -> None:
    total = have + int(response.headers.get("Content-Length", 0)) if "Content-Length" in response.headers else 0
    with part.open("ab" if have else "wb") as file:
        for block in response.iter_bytes():
            have += len(block)
            if card.size_bytes and have > card.size_bytes:
                file.close()
                part.unlink()
                raise ModelError(
                    f"the address of model {card.id} gives a larger file than its card describes",
                    got=f"more than {card.size_bytes} bytes",
                    allowed=f"{card.size_bytes} bytes",
                )
            file.write(block)
            progress(have, total or card.size_bytes)
