"""The command `lfr`: every group of commands is one file beside this one."""

from __future__ import annotations

import sys

import typer

from lfr_ray.cli.output import report
from lfr_ray.errors import LfrError

app = typer.Typer(
    name="lfr",
    help="Live facial recognition on Ray: under authority, decided by people, and nobody else remembered.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> None:
    """Entry point: errors of ours become one message and an exit code, never a traceback."""
    try:
        app()
    except LfrError as error:
        sys.exit(report(error))
