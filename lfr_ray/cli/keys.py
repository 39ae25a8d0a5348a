"""`lfr deployment keys`: who may sign what on this site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import ByOption, DataOption, JsonOption, SiteOption, data_dir_of, who
from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, ConflictError, NotFoundError
from lfr_ray.files import read_json
from lfr_ray.govern.keys import PublicKey, Role, SigningKey, key_id, passphrase_from, trust, trusted_keys
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.section import parse_section

app = typer.Typer(name="keys", help="Keys that this site trusts, and whose they are.", no_args_is_help=True)


@app.command("list")
def list_keys(site: SiteOption = None, data_dir: DataOption = None, json: JsonOption = "") -> None:
    """Every trusted key."""
    keys = trusted_keys(data_dir_of(site, data_dir))
    if json:
        write_json(json, {"keys": [key.model_dump(mode="json") for key in keys.values()]})
        return
    table(
        "Trusted keys",
        ("id", "holder", "rank", "role", "valid until", "trained until"),
        (
            (key.id, key.holder, key.rank or "-", key.role, _moment(key.valid_until), _moment(key.training_until))
            for key in keys.values()
        ),
    )


@app.command()
def create(
    holder: Annotated[str, typer.Option(help="Staff number or login of the holder; never a name.")],
    out: Annotated[Path, typer.Option(help="Where the private key goes: the holder's own medium.")],
    rank: Annotated[str, typer.Option(help="A rank of the profile.")] = "",
    role: Annotated[str, typer.Option(help="authoriser, approver or operator.")] = "authoriser",
    valid_until: Annotated[str, typer.Option(help="ISO 8601; default: no end.")] = "",
    training_until: Annotated[str, typer.Option(help="Until when the holder's training counts, ISO 8601.")] = "",
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with a passphrase for the file.")] = "",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Make a key: the private half into a file that only its owner reads, the public half among the trusted."""
    folder = data_dir_of(site, data_dir)
    key = SigningKey.create()
    fields: dict[str, Any] = {
        "id": key.id,
        "holder": holder,
        "rank": rank,
        "role": role,
        "public": key.public,
        "valid_until": _parsed(valid_until),
        "training_until": _parsed(training_until),
    }
    public = parse_section(PublicKey, fields, "the key")
    _check_role(public.role)
    key.save(out, passphrase_from(passphrase_env))
    _add(folder, public, who(by))
    if json:
        write_json(json, public.model_dump(mode="json"))
        return
    stderr.print(f"private key in {out}: keep it where only {holder} can read it")
    table("Key", ("field", "value"), ((name, value) for name, value in public.model_dump(mode="json").items()))


@app.command("trust")
def trust_key(
    file: Annotated[Path, typer.Argument(help="A .pub file that somebody gave you.", metavar="FILE.pub")],
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """Trust a key that was made elsewhere. Compare its id with the holder by another way first."""
    public = parse_section(PublicKey, read_json(file, "the key file"), f"key file {file.name}")
    if key_id(public.public) != public.id:
        raise ConfigError("the key file's id is not that of its key", got=file.name)
    _check_role(public.role)
    _add(data_dir_of(site, data_dir), public, who(by))
    stderr.print(f"trusted: {public.id} of {public.holder}, {public.rank or 'no rank'}")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """Trust a key no longer. What it signed counts for nothing from the next second on."""
    folder = data_dir_of(site, data_dir)
    found = trusted_keys(folder).get(key)
    if found is None:
        raise NotFoundError("no such key is trusted", got=key, next_step="see `lfr deployment keys list`")
    if found.role == "site":
        raise ConflictError(
            "the site's own key cannot be revoked", got=key, next_step="the ledger and the receipts are signed with it"
        )
    folder.public_key(key).replace(folder.revoked_key(key))
    with open_ledger(folder) as ledger:
        ledger.append(Event("authority", "key revoked", actor=who(by), subject=key, reason=reason))
    stderr.print(f"revoked: {key} of {found.holder}")


def _add(data_dir: DataDir, public: PublicKey, by: str) -> None:
    trust(data_dir, public)
    facts = {"holder": public.holder, "rank": public.rank, "role": public.role}
    with open_ledger(data_dir) as ledger:
        ledger.append(Event("authority", "key trusted", actor=by, subject=public.id, facts=facts))


def _check_role(role: Role) -> None:
    if role == "site":
        raise ConfigError("the role site is the site's own", got=role, allowed="authoriser, approver or operator")


def _parsed(text: str) -> float | None:
    if not text:
        return None
    try:
        return parse_utc(text)
    except ValueError:
        raise ConfigError("this is no moment", got=text, allowed="ISO 8601, like 2027-01-31") from None


def _moment(at: float | None) -> str:
    return "-" if at is None else utc_text(at)[:16]
