"""Where a command finds its site: a site file, or a data folder alone."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from lfr_ray.cli.output import json_target, stderr
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError
from lfr_ray.site_file import read_site_file

if TYPE_CHECKING:
    from lfr_ray.govern.keys import SigningKey

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


def who_makes_the_list(config: SiteConfig, by: str, key: Path | None, passphrase_env: str) -> str:
    """Who imports: an operator by certificate; where there is no trust file, or in a test, who they say they are.

    Raises:
        AuthorityError: Nobody has proved who they are.
    """
    from lfr_ray.govern.trust import trust_path

    if key is not None:
        return certified(config, key, passphrase_env, "operator", time.time())[0]
    if config.authority.kind == "test" or trust_path() is None:
        return who(by)
    raise AuthorityError(
        "who makes the list proves who they are: it is approved by somebody else",
        got="no --key",
        allowed="an operator's key",
        next_step="have one issued: `lfr trust issue --role operator`, and give it with --key",
    )


def certified(config: SiteConfig, key: Path, passphrase_env: str, role: str, at: float) -> tuple[str, SigningKey]:
    """Whose key this is by its certificate, and the key.

    Raises:
        AuthorityError: It has none, or one of another role, or it does not count at that moment.
    """
    from lfr_ray.govern.keys import SigningKey, passphrase_from
    from lfr_ray.govern.trust import trusted_keys

    signer = SigningKey.load(key, passphrase_from(passphrase_env))
    known = trusted_keys(DataDir(config.data_dir)).get(signer.id)
    if known is None or known.role != role:
        raise AuthorityError(
            f"this is done by somebody with the role {role}",
            got=f"a key of the role {known.role}" if known is not None else "a key without a certificate",
            next_step=f"have one issued: `lfr trust issue --role {role}`",
        )
    if fault := known.unusable(at):
        raise AuthorityError("the certificate does not count", got=fault)
    return known.holder, signer


@contextmanager
def byte_progress(title: str) -> Iterator[Progress]:
    """A progress bar over bytes on stderr."""
    columns = (TextColumn(f"{title} {{task.description}}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        yield progress
