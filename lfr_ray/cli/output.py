"""What every command shares: tables for people, JSON for programs, exit codes 0, 1 and 2."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich import progress as bars
from rich.console import Console
from rich.table import Table

from lfr_ray.errors import ConfigError, LfrError

stderr = Console(stderr=True, highlight=False)
"""Progress, notes and errors: never on stdout, which belongs to the result."""

LINE_S = 10.0
"""Without a terminal, progress is a line in so many seconds."""

Step = Callable[[int, int | None, str], None]
"""Takes what is done, of how many (None: nobody knows), and a few words beside it."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people on stdout."""
    Console(highlight=False).print(drawn(title, columns, rows))


def drawn(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table for people."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made


def tell(json_to: str, document: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The document where ``--json`` says, for programs; without it a table for people."""
    if json_to:
        write_json(json_to, document)
    else:
        table(title, columns, rows)


def write_json(target: str, document: Any) -> None:
    """Write one JSON document to a file, or to stdout for ``-``.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_file(Path(target), text.encode(), "the JSON file", "--json")


def write_file(path: Path, data: bytes, what: str, option: str) -> None:
    """Write the file that an option named.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(
            f"{what} cannot be written", got=f"{path}: {error.strerror}", next_step=f"choose another {option} path"
        ) from None


def json_target(target: str) -> str:
    """The callback of every ``--json``: a place that cannot be written is told before any work."""
    check_json_target(target)
    return target


def check_json_target(target: str, option: str = "--json") -> None:
    """Before any work: that the result can be written where it shall go. An earlier result there stays as it is.

    ``target`` is a file, ``-`` for stdout, or empty for nowhere.

    Raises:
        ConfigError: The file cannot be written.
    """
    if target in ("", "-"):
        return
    path = Path(target)
    fault = ""
    try:
        is_new = not path.exists()
        if path.is_dir():
            fault = "it is a folder"
        elif not path.parent.is_dir():
            fault = f"the folder {path.parent} does not exist"
        elif option == "--json" and path.suffix != ".json" and path.is_file() and _is_other(path):
            fault = "there is a file that is no JSON, perhaps a recording"
        elif is_new or path.is_file():
            _try_to_write(path, is_new)
        elif not os.access(path, os.W_OK):
            fault = "it may not be written"
    except OSError as error:
        fault = error.strerror or type(error).__name__
    except ValueError:
        fault = "it is no path"
    if fault:
        raise ConfigError(
            f"the file of {option} cannot be written",
            got=f"{target}: {fault}",
            allowed="a file in a folder that exists and may be written",
            next_step=f"choose another {option} path; nothing was started",
        )


def _try_to_write(path: Path, is_new: bool) -> None:
    """Trying is the only sure way: rights may come from lists, mounts and full disks."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    if is_new:
        path.unlink()


def _is_other(path: Path) -> bool:
    """Whether a file holds something that no command wrote as JSON."""
    with path.open("rb") as file:
        return file.read(1) not in (b"", b"{", b"[")


@contextmanager
def byte_progress(title: str) -> Iterator[Callable[..., None]]:
    """A bar over bytes on stderr, to and fro until they are counted; takes what rich's ``Progress.update`` takes."""
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.DownloadColumn())
    speed = (bars.TransferSpeedColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, *speed, console=stderr, transient=True) as bar:
        yield partial(bar.update, bar.add_task(title, total=None))


@contextmanager
def progress(title: str, unit: str, *, line_s: float = LINE_S) -> Iterator[Step]:
    """What tells progress on stderr: a bar on a terminal, otherwise a line every ten seconds, also while nothing moves.

    ``title`` is like ``enrolling``, ``unit`` like ``entries``.
    """
    if stderr.is_terminal:
        beside = (bars.TextColumn("{task.fields[said]}"), bars.TimeElapsedColumn())
        with bars.Progress(bars.TextColumn(title), bars.BarColumn(), *beside, console=stderr, transient=True) as bar:
            task = bar.add_task(title, total=None, said="")
            yield lambda done, of, beside: bar.update(
                task, completed=done, total=of, said=_so_far(done, of, unit, beside)
            )
        return
    said, ended, began_s = "", threading.Event(), time.monotonic()

    def step(done: int, of: int | None, beside: str) -> None:
        nonlocal said
        said = _so_far(done, of, unit, beside)

    def write_lines() -> None:
        while not ended.wait(line_s):
            with contextlib.suppress(OSError, ValueError):  # stderr was closed
                spent_s = time.monotonic() - began_s
                stderr.print(f"{title}: {said or 'begun'}, {spent_s:.0f} s so far", markup=False, soft_wrap=True)

    writer = threading.Thread(target=write_lines, name="progress", daemon=True)
    writer.start()
    try:
        yield step
    finally:
        ended.set()
        writer.join()


def _so_far(done: int, of: int | None, unit: str, beside: str) -> str:
    """How far it is, in words.

    >>> _so_far(1200, 5000, "entries", "9.1 pictures/s"), _so_far(3, None, "frames", "")
    ('1,200 of 5,000 entries (24 %), 9.1 pictures/s', '3 frames')
    """
    share = f" of {of:,} {unit} ({done / of:.0%})".replace("%", " %") if of else f" {unit}"
    return f"{done:,}{share}" + (f", {beside}" if beside else "")


class Faults:
    """Collects what is wrong with a command's arguments, so that everything is told at once.

    >>> faults = Faults()
    >>> with faults:
    ...     check_json_target("/nowhere/result.json")
    >>> faults.tell()
    Traceback (most recent call last):
    ...
    lfr_ray.errors.ConfigError: the file of --json cannot be written; got: /nowhere/result.json: the folder /nowhere \
does not exist; allowed: a file in a folder that exists and may be written; next: choose another --json path; nothing \
was started
    """

    def __init__(self) -> None:
        self._found: list[LfrError] = []

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, LfrError):
            self._found.append(error)
        return isinstance(error, LfrError)

    def tell(self) -> None:
        """Go on only where nothing is wrong: all faults but one are printed, and the last one is raised."""
        for error in self._found[:-1]:
            report(error)
        for error in self._found[-1:]:
            raise error


def report(error: LfrError) -> int:
    """Print an error's four fields on stderr; the exit code: 2 for wrong input, 1 for everything else."""
    stderr.print(f"[bold red]error:[/] {plain(error.what)}")
    for label, text in (("got", error.got), ("allowed", error.allowed), ("next", error.next_step)):
        if text:
            stderr.print(f"  [bold]{label}:[/] {plain(text)}")
    return error.exit_code


def plain(text: str) -> str:
    """Text that rich prints as it is."""
    return text.replace("[", r"\[")
