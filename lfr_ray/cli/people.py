"""`lfr people`: who may use the site over HTTP, as what, and until when."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lfr_ray.cli.output import stderr, tell, write_json
from lfr_ray.cli.site_option import ByOption, DataOption, JsonOption, SiteOption, record, site_of, typed, who
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.ledger_event import TOKEN_GIVEN, TOKENS_REVOKED, Event
from lfr_ray.people.tokens_and_sessions import MAX_DAYS, People
from lfr_ray.records import ROLES

app = typer.Typer(name="people", help="Who may use the API and the console, as what, until when.", no_args_is_help=True)


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
    config, now_s = site_of(site, data_dir, begins=True), time.time()
    folder, actor = DataDir(config.data_dir), _administrator(config, by, now_s)
    token = People(folder).add(person, role, days=days, now_s=now_s)
    until = utc_text(now_s + days * 86_400)
    facts = {"role": role, "until": until}
    record(config, Event("authority", TOKEN_GIVEN, actor=actor, subject=person, facts=facts))
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
        for one in People(DataDir(site_of(site, data_dir).data_dir)).all()
    ]
    columns = ("id", "role", "kind", "since", "until")
    tell(json, {"people": rows}, "People", columns, ([*row.values()][:5] for row in rows))


@app.command()
def revoke(
    person: Annotated[str, typer.Argument(metavar="ID", help="Whose tokens and sessions end.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """End every token and session of a person, from the next request on."""
    config = site_of(site, data_dir)
    folder, actor = DataDir(config.data_dir), _administrator(config, by, time.time())
    gone = People(folder).revoke(person)
    record(config, Event("authority", TOKENS_REVOKED, actor=actor, subject=person, reason=reason))
    stderr.print(f"revoked: {gone} tokens and sessions of {person}")


def _administrator(config: SiteConfig, by: str, now_s: float) -> str:
    """Who looks after people. The first administrator has their token from whoever looks after the machine."""
    known = People(DataDir(config.data_dir)).all()
    if any(one.role == "administrator" and one.expires_at > now_s for one in known):
        return who(config, by, "administrator")
    return typed(by)
