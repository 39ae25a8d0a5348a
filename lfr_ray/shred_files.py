"""Physical erasure of files: overwritten, flushed, then removed.

Overwriting reaches the blocks of ordinary file systems. Flash translation layers and copy-on-write file systems
keep older blocks for a while; where that matters, the folder belongs on an encrypted volume.
"""

from __future__ import annotations

import os
from pathlib import Path

BLOCK_BYTES = 1 << 20


def overwrite(path: Path) -> None:
    """Fill a file with zeros and flush it to the disk."""
    with path.open("r+b") as stream:
        left = os.fstat(stream.fileno()).st_size
        while left > 0:
            left -= stream.write(bytes(min(left, BLOCK_BYTES)))
        stream.flush()
        os.fsync(stream.fileno())


def shred(path: Path) -> None:
    """Overwrite a file, then remove it. A file that is gone already is no error."""
    try:
        if path.is_file() and not path.is_symlink():
            overwrite(path)
        path.unlink()
    except FileNotFoundError:
        return


def shred_tree(folder: Path) -> tuple[int, int]:
    """Overwrite and remove everything in a folder, and the folder; gives the number of files and their bytes."""
    files = size_bytes = 0
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place) / name
            files += 1
            size_bytes += path.lstat().st_size
            shred(path)
        Path(place).rmdir()
    return files, size_bytes


def link_all(source: Path, target: Path) -> None:
    """Give every file below ``source`` a second name in ``target``, so that its bytes can be reached after removal.

    File systems without hard links are left as they are: there, removal is all that can be done.
    """
    for place, _, names in os.walk(source):
        for name in names:
            path = Path(place) / name
            inner = str(path.relative_to(source)).replace(os.sep, "+")
            try:
                os.link(path, target / inner)
            except OSError:
                continue


def shred_unlinked(folder: Path) -> int:
    """Destroy the files of a folder filled by :func:`link_all` that have no other name any more; the folder stays.

    Returns:
        Number of files that were destroyed.
    """
    destroyed = 0
    for path in sorted(folder.iterdir()):
        if path.stat().st_nlink == 1:
            shred(path)
            destroyed += 1
        else:
            path.unlink()
    return destroyed
