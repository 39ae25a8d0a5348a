"""The command `lfr`: every group of commands is one file beside this one."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer

from lfr_ray import __version__
from lfr_ray.cli.output import report, stderr
from lfr_ray.errors import LfrError

GROUPS = (
    "run",
    "watch",
    "top",
    "plan",
    "evaluate",
    "watchlist",
    "deployment",
    "alerts",
    "people",
    "models",
    "audit",
    "trust",
)
"""Files with a Typer ``app``, in the order of the help; the commands of one without a name stand beside the groups."""

app = typer.Typer(
    name="lfr",
    help="Live facial recognition on Ray: under authority, decided by people, and nobody else remembered.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Live facial recognition on Ray: under authority, decided by people, and nobody else remembered."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def run() -> None:
    """Entry point: errors of ours become one message and an exit code, never a traceback."""
    # Only the group that is asked for: the emergency stop must not wait until torch is loaded.
    for group in [name for name in GROUPS if name == _first_word()] or GROUPS:
        app.add_typer(importlib.import_module(f"lfr_ray.cli.{group}").app)
    try:
        app()
    except LfrError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        stderr.print("\nstopped")
        sys.exit(130)


def _first_word() -> str:
    """The first argument that is no option."""
    return next((word for word in sys.argv[1:] if not word.startswith("-")), "")
