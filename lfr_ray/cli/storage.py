"""Where a command finds its site: a site file, or a data folder alone."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from lfr_ray.cli.output import json_target, stderr
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.site_file import read_site_file

SiteOption = Annotated[
    Path | None, typer.Option("--site", metavar="SITE.yaml", help="The site; its data folder and cameras are taken.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The site's data folder, without a site file; default: lfr-data.")
]
JsonOption = Annotated[
    str, typer.Option("--json", metavar="FILE|-", help="Write JSON to a file or to stdout.", callback=json_target)
]
ByOption = Annotated[str, typer.Option("--by", help="Your staff number or login; default: the login.")]


def site_of(site_file: Path | None, data_dir: Path | None) -> SiteConfig:
    """The site that a command is about.

    Raises:
        ConfigError: The site file is not valid.
    """
    if site_file is not None:
        site = read_site_file(site_file).site
        return site if data_dir is None else site.model_copy(update={"data_dir": data_dir})
    return SiteConfig(site="site", data_dir=data_dir or Path("lfr-data"))


def data_dir_of(site_file: Path | None, data_dir: Path | None) -> DataDir:
    """The data folder that a command is about.

    Raises:
        ConfigError: The site file is not valid.
    """
    return DataDir(site_of(site_file, data_dir).data_dir)


def who(by: str) -> str:
    """The person who gives a command, as an id."""
    return re.sub(r"[^A-Za-z0-9_.@:+-]", "_", by or getpass.getuser())[:64]


@contextmanager
def byte_progress(title: str) -> Iterator[Progress]:
    """A progress bar over bytes on stderr."""
    columns = (TextColumn(f"{title} {{task.description}}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        yield progress
