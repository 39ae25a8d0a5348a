"""Writing files so that they are there after a power cut, and reading them, and secrets, with one kind of error."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lfr_ray.errors import ConfigError, ConflictError, IntegrityError, NotFoundError, StoreError

FileState = tuple[int, int, int]


def state_of(found: os.stat_result) -> FileState:
    """What changes with a file's content: when it was written, its size, and which file it is."""
    return found.st_mtime_ns, found.st_size, found.st_ino


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a new file's name is lost otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def own_folder(folder: Path) -> None:
    """Make a folder where it is missing, and those above it, each its owner's alone: a data folder must be so."""
    for one in reversed((folder, *folder.parents)):
        one.mkdir(mode=0o700, exist_ok=True)


def write_durable(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step: readers see the old or the new content, after a crash too.

    Raises:
        StoreError: The content cannot be written; the old file is untouched.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        own_folder(path.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise disk_error("the file cannot be written", path, error) from None


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the kernel may take a large write in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def append_durable(path: str | Path, line: bytes) -> None:
    """Add a line to a file, which is made where there is none; an ``OSError`` where the disk refuses."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        write_all(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path, what: str) -> Any:
    """Read a JSON document.

    Raises:
        NotFoundError: There is no such file.
        IntegrityError: It is not JSON.
        StoreError: It cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"{what} does not exist", got=path) from None
    except OSError as error:
        raise disk_error(f"{what} cannot be read", path, error) from None
    except ValueError:
        raise IntegrityError(
            f"{what} is damaged", got=path, allowed="JSON", next_step="restore the file from its backup"
        ) from None


def secret(reference: str) -> str:
    """What stands where a reference to a secret, ``env:NAME`` or ``file:/path``, points.

    It is read where it is needed, on each node, and kept by nobody.

    Raises:
        ConfigError: It is no reference, or nothing stands there.
    """
    kind, _, where = reference.partition(":")
    text = ""
    if kind == "env":
        text = os.environ.get(where, "")
    elif kind == "file":
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = Path(where).read_text(encoding="utf-8")
    if not text.strip():
        raise ConfigError(
            "a secret is not where the site says",
            got=f"{kind}:{where[:80]}" if kind in ("env", "file") else "no reference",
            allowed="env:NAME or file:/path",
            next_step="set the variable or write the file on every node, for the user who runs Ray",
        )
    return text.strip()


REFERENCE = re.compile(r"\{((?:env|file):[^{}]+)\}")
"""A secret's place inside an address: ``rtsp://guard:{env:PIER_PASSWORD}@10.0.0.7/live``."""


def with_secrets(address: str) -> str:
    """The address with what stands where its references point, encoded as part of an address.

    Raises:
        ConfigError: Nothing stands there.
    """
    return REFERENCE.sub(lambda found: quote(secret(found[1]), safe=""), address)


def disk_error(what: str, path: Path, error: OSError) -> StoreError:
    """A storage error that names the file and the operating system's reason."""
    step = "free space on this disk" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else ""
    return StoreError(what, got=f"{path.name}: {error.strerror or type(error).__name__}", next_step=step)


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Hold a lock file while the block runs; the lock ends with the process, however that ends, and the file stays.

    ``shared``: others may hold it too, if they share it as well.

    Yields:
        Whether the lock was taken; where we wait, it always is.

    Raises:
        StoreError: The file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise disk_error("a lock file cannot be opened", path, error) from None
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
            taken = True
        except BlockingIOError:
            taken = False
        yield taken
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def exclusive(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file alone, which names the process that holds it; ``what`` is being done. See :func:`locked`.

    Raises:
        ConflictError: Another process or thread holds it, and we do not wait.
    """
    own_folder(path.parent)
    with locked(path, wait=wait) as taken:
        if not taken:
            holder = path.read_text(encoding="ascii", errors="replace").strip()
            raise ConflictError(
                f"{what} is already under way",
                got=f"process {holder}" if holder else "",
                next_step="wait until it has ended; if it crashed, its lock is already free and you may start again",
            )
        path.write_text(str(os.getpid()), encoding="ascii")
        yield
