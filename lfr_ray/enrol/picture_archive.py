"""Labelled pictures as a collection publishes them: one archive, whose pictures stand in a folder a person."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from lfr_ray.camera.still_pictures import is_picture_name
from lfr_ray.errors import InputError

MOST_BYTES = 16 << 30
"""Of pictures: what unpacks to more is no collection of faces."""


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder itself, or the pictures of an archive in a temporary one that goes afterwards.

    Only plain files with a picture's name are taken, as ``<identity>/<image>``: no link, no device, and whatever the
    paths say, nothing leaves the folder.

    Raises:
        InputError: The archive is damaged, or holds more than :data:`MOST_BYTES`.
    """
    if not path.is_file():
        yield path
        return
    with TemporaryDirectory(prefix="lfr-labelled-") as name:
        try:
            with tarfile.open(path) as archive:
                _take(archive, Path(name))
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise InputError(
                "the archive of labelled pictures cannot be read",
                got=f"{path}: {type(error).__name__}",
                allowed="a whole tar archive (.tgz, .tar.gz, .tar), or a folder",
                next_step="fetch it again, and see that there is room for it in the temporary folder",
            ) from None
        yield Path(name)


def _take(archive: tarfile.TarFile, folder: Path) -> None:
    total_bytes = 0
    for member in archive:
        whole = PurePosixPath(member.name)
        identity, image = whole.parent.name, whole.name
        if not member.isreg() or identity in ("", "..") or not is_picture_name(Path(image)):
            continue
        total_bytes += member.size
        content = archive.extractfile(member)
        if content is None or total_bytes > MOST_BYTES:
            raise InputError("the archive holds more than pictures of faces", got=f"over {MOST_BYTES >> 30} GiB")
        (folder / identity).mkdir(exist_ok=True)
        with content, (folder / identity / image).open("wb") as file:
            shutil.copyfileobj(content, file)
