"""What every command shares: tables for people, JSON for programs, exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lfr_ray.errors import ConfigError, LfrError

stderr = Console(stderr=True, highlight=False)
"""Progress, notes and errors: never on stdout, which belongs to the result."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people on stdout."""
    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    Console(highlight=False).print(drawn)


def write_json(target: str, document: Any) -> None:
    """Write one JSON document to a file, or to stdout for ``-``.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            "the JSON file cannot be written", got=f"{target}: {error.strerror}", next_step="choose another --json path"
        ) from None


def report(error: LfrError) -> int:
    """Print an error's four fields on stderr.

    Returns:
        The process's exit code: 2 for wrong input, 1 for everything else.
    """
    stderr.print(f"[bold red]error:[/] {plain(error.what)}")
    for label, text in (("got", error.got), ("allowed", error.allowed), ("next", error.next_step)):
        if text:
            stderr.print(f"  [bold]{label}:[/] {plain(text)}")
    return error.exit_code


def plain(text: str) -> str:
    """Text that rich prints as it is."""
    return text.replace("[", r"\[")
