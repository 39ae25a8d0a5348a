"""Where a command finds its site: a site file, or a data folder alone."""

from __future__ import annotations

import getpass
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfr_ray.cli.output import json_target
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, NotFoundError, RefusedError
from lfr_ray.records import UNPROVEN, Role
from lfr_ray.site_file import read_site_file

if TYPE_CHECKING:
    from lfr_ray.govern.ledger_event import Event
    from lfr_ray.govern.signing_keys import SigningKey

SiteOption = Annotated[
    Path | None, typer.Option("--site", metavar="SITE.yaml", help="The site; its data folder and cameras are taken.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The site's data folder, without a site file; default: lfr-data.")
]
JsonOption = Annotated[
    str, typer.Option("--json", metavar="FILE|-", help="Write JSON to a file or to stdout.", callback=json_target)
]
ByOption = Annotated[
    str,
    typer.Option("--by", help="In a test, who you are; elsewhere a token in LFR_API_TOKEN proves it."),
]


def site_of(site_file: Path | None, data_dir: Path | None, *, begins: bool = False) -> SiteConfig:
    """The site that a command is about; one that ``begins`` a site makes the data folder.

    Raises:
        ConfigError: The site file is not valid.
        NotFoundError: The folder alone is named, or none at all, and it is no site's.
    """
    if site_file is not None:
        site = read_site_file(site_file).site
        site = site if data_dir is None else site.model_copy(update={"data_dir": data_dir})
        if not DataDir(site.data_dir).ledger.exists():
            from lfr_ray.govern.ledger_has_copy import bring_up

            bring_up(DataDir(site.data_dir), site.ledger.database_url)
        return site
    folder = data_dir or Path("lfr-data")
    if not begins and not _is_a_sites(folder):
        below = sorted(str(one) for one in folder.glob("*") if _is_a_sites(one))
        raise NotFoundError(
            "there is no site's data folder, and nothing was done",
            got=folder,
            allowed=", ".join(below),
            next_step="name the site with --site SITE.yaml, or its folder with --data-dir",
        )
    return SiteConfig(site="site", data_dir=folder)


def _is_a_sites(folder: Path) -> bool:
    """A site was begun there: it has one of the things that every site begins with."""
    inside = DataDir(folder)
    return any(one.exists() for one in (inside.ledger, inside.keys, inside.watchlist, inside.people, inside.stop))


def who(config: SiteConfig, by: str, *roles: Role) -> str:
    """Who gives a command: the person whose token is in the environment, as over HTTP, with one of the roles.

    Where nobody signs for the site, who they say they are, and what is recorded says that it was typed.

    Raises:
        AuthorityError: Nobody has proved who they are. RefusedError: They are somebody of another role.
    """
    from lfr_ray.client.site_requests import TOKEN_ENV
    from lfr_ray.people.tokens_and_sessions import People

    held = People(DataDir(config.data_dir)).find(os.environ.get(TOKEN_ENV, "").strip(), time.time())
    if held is not None and held.role not in roles:
        raise RefusedError("this is for another role", got=f"{held.person}, {held.role}", allowed=", ".join(roles))
    if held is not None:
        return held.person
    if not is_signed_for(config):
        return typed(by)
    raise AuthorityError(
        "who gives this command proves who they are: a typed name decides nothing",
        got=f"no token of this site in {TOKEN_ENV}",
        allowed=f"a personal token of the role {' or '.join(roles)}",
        next_step=f"have one given out: `lfr people add ID --role {roles[0]}`",
    )


def record(config: SiteConfig, event: Event) -> None:
    """Append an event to the site's ledger."""
    from lfr_ray.govern.ledger import open_ledger

    with open_ledger(DataDir(config.data_dir)) as ledger:
        ledger.append(event)


def typed(by: str) -> str:
    """Who somebody says they are, as an id that shows it."""
    return UNPROVEN + re.sub(r"[^A-Za-z0-9_.@:+-]", "_", by or getpass.getuser())[:57]


def is_signed_for(config: SiteConfig) -> bool:
    """An officer answers for this site. That a site file says test is no proof: the data folder counts as well."""
    from lfr_ray.govern.authority_in_force import SIGNED
    from lfr_ray.govern.signed_authority import list_grants
    from lfr_ray.govern.trust_file import trust_path

    if config.authority.kind != "test" and trust_path() is not None:
        return True
    return any(grant.authority.kind in SIGNED for grant in list_grants(DataDir(config.data_dir)))


def who_makes_the_list(config: SiteConfig, by: str, key: Path | None, passphrase_env: str) -> str:
    """Who imports: an operator by certificate, an importer by token.

    Raises:
        AuthorityError: Nobody has proved who they are.
    """
    if key is not None:
        return certified(config, key, passphrase_env, "operator", time.time())[0]
    return who(config, by, "importer")


def certified(config: SiteConfig, key: Path, passphrase_env: str, role: str, at: float) -> tuple[str, SigningKey]:
    """Whose key this is by its certificate, and the key.

    Raises:
        AuthorityError: It has none, or one of another role, or it does not count at that moment.
    """
    from lfr_ray.govern.signing_keys import SigningKey, passphrase_from
    from lfr_ray.govern.trust_file import trusted_keys

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
