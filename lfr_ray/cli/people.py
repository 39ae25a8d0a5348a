"""`lfr people`: who may use the site over HTTP, as what, and until when."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import ByOption, DataOption, JsonOption, SiteOption, data_dir_of, who
from lfr_ray.clock import utc_text
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.people.tokens import MAX_DAYS, People
from lfr_ray.records import ROLES

app = typer.Typer(name="people", help="Who may use the API and the console, as what, until when.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Hang this group into the command line."""
    parent.add_typer(app)


@app.command()
def add(
    person: Annotated[str, typer.Argument(metavar="ID", help="Staff number, login or name of a service.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    days: Annotated[float, typer.Option(help=f"How long the token is valid, at most {MAX_DAYS}.")] = 90.0,
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Give a person or a service a token. It is shown this once; only its hash is kept."""
    folder, now_s = data_dir_of(site, data_dir), time.time()
    token = People(folder).add(person, role, days=days, now_s=now_s)
    until = utc_text(now_s + days * 86_400)
    with open_ledger(folder) as ledger:
        ledger.append(
            Event("authority", "token given out", actor=who(by), subject=person, facts={"role": role, "until": until})
        )
    if json:
        write_json(json, {"person": person, "role": role, "expires_at": until, "token": token})
        return
    stderr.print(f"token of {person} ({role}), valid until {until}; shown only now:")
    typer.echo(token)


@app.command("list")
def list_people(site: SiteOption = None, data_dir: DataOption = None, json: JsonOption = "") -> None:
    """Everybody who has a token or a session; no token is shown."""
    now_s = time.time()
    rows = [
        {
            "person": one.person,
            "role": one.role,
            "kind": one.kind,
            "made_at": utc_text(one.made_at),
            "expires_at": utc_text(one.expires_at),
            "expired": one.expires_at <= now_s,
        }
        for one in People(data_dir_of(site, data_dir)).all()
    ]
    if json:
        write_json(json, {"people": rows})
        return
    table("People", ("id", "role", "kind", "since", "until"), ([*map(str, row.values())][:5] for row in rows))


@app.command()
def revoke(
    person: Annotated[str, typer.Argument(metavar="ID", help="Whose tokens and sessions end.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """End every token and session of a person, from the next request on."""
    folder = data_dir_of(site, data_dir)
    gone = People(folder).revoke(person)
    with open_ledger(folder) as ledger:
        ledger.append(Event("authority", "tokens revoked", actor=who(by), subject=person, reason=reason))
    stderr.print(f"revoked: {gone} tokens and sessions of {person}")
