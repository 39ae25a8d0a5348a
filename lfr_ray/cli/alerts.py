"""`lfr alerts`: list what was raised, follow it live, and record a decision, over HTTP."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from lfr_ray.adjudicate.decision_vocabulary import DECISIONS
from lfr_ray.alert.json_document import to_json
from lfr_ray.cli.output import stderr, table, tell, write_file, write_json
from lfr_ray.cli.site_option import JsonOption
from lfr_ray.client import site_requests
from lfr_ray.client.site_client import DEFAULT_SERVER, SiteClient
from lfr_ray.clock import utc_text
from lfr_ray.errors import InputError
from lfr_ray.records import Alert, WebhookEvent

app = typer.Typer(name="alerts", help="Alerts of a running site: list, follow, decide.", no_args_is_help=True)

ServerOption = Annotated[str, typer.Option(envvar="LFR_SERVER", metavar="URL", help="Address of the site.")]
OfficerOption = Annotated[
    str, typer.Option(envvar="LFR_OFFICER", metavar="ID", help="Your id: looking at alerts is recorded under it.")
]


@app.command("list")
def list_alerts(
    server: ServerOption = DEFAULT_SERVER,
    officer: OfficerOption = "",
    camera: Annotated[str, typer.Option(help="Only of this camera.")] = "",
    entry: Annotated[str, typer.Option(help="Only of this watchlist entry.")] = "",
    category: Annotated[str, typer.Option(help="Only of this category.")] = "",
    status: Annotated[str, typer.Option(help="Only new or decided ones.")] = "",
    since: Annotated[str, typer.Option(help="Captured at this time or later, ISO 8601.")] = "",
    until: Annotated[str, typer.Option(help="Captured before this time, ISO 8601.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most alerts of one page.")] = 50,
    cursor: Annotated[str, typer.Option(help="next_cursor of the page before.")] = "",
    json: JsonOption = "",
) -> None:
    """Alerts, newest first."""
    where = {"camera": camera, "entry_id": entry, "category": category, "status": status}
    asked = site_requests.alerts(**where, since=since, until=until, limit=limit, cursor=cursor)
    with SiteClient(server, officer) as site:
        page = site.ask(asked)
    columns = ("id", "captured", "camera", "name", "category", "similarity", "views", "status", "seen")
    tell(json, to_json(page), "Alerts", columns, (_row(alert) for alert in page.alerts))
    if page.next_cursor and not json:
        stderr.print(f"older alerts: --cursor {page.next_cursor}")


@app.command("tail")
def tail(
    server: ServerOption = DEFAULT_SERVER,
    officer: OfficerOption = "",
    after: Annotated[int | None, typer.Option(min=0, help="Begin after this event; default: with what is new.")] = None,
    count: Annotated[int, typer.Option(min=0, help="End after so many events; 0: never.")] = 0,
    json: Annotated[
        str, typer.Option("--json", metavar="FILE|-", help="Write one JSON document a line to a file or to stdout.")
    ] = "",
) -> None:
    """Follow what happens, live; a lost connection is resumed where it was."""
    if json and json != "-":
        write_file(Path(json), b"", "the JSON file", "--json")
    with SiteClient(server, officer) as site:
        for number, event in enumerate(site.events_with_alerts(after, lost=stderr.print), start=1):
            if json:
                _write_line(event, json)
            else:
                _told(event)
            if number == count:
                return


@app.command("decide")
def decide(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
    decision: Annotated[str, typer.Argument(metavar="DECISION", help=f"One of {', '.join(DECISIONS)}.")],
    officer: Annotated[str, typer.Option(envvar="LFR_OFFICER", metavar="ID", help="Your id.")],
    note: Annotated[str, typer.Option(help="In your own words.")] = "",
    finding: Annotated[
        list[str] | None,
        typer.Option(metavar="FEATURE=FINDING", help="What you found by eye, like nose=agrees; engage needs three."),
    ] = None,
    corrects: Annotated[int | None, typer.Option(min=1, help="Number of the record that this one replaces.")] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = "",
) -> None:
    """Record your verdict on an alert. Nothing follows from it by itself."""
    if decision not in DECISIONS:
        raise InputError("no such decision", got=decision, allowed=", ".join(DECISIONS))
    found = dict(one.partition("=")[::2] for one in finding or ())
    asked = site_requests.decide(
        alert_id, decision, officer=officer, note=note, comparison=found or None, corrects=corrects
    )
    with SiteClient(server, officer) as site:
        alert = site.ask(asked)
    if json:
        write_json(json, to_json(alert))
        return
    ruling = alert.decision
    if ruling is None:
        stderr.print("recorded; a second officer decides without knowing the first verdict")
        return
    columns = ("id", "decision", "officer", "at", "after the alert", "record")
    row = (alert.id, ruling.decision, ruling.officer, utc_text(ruling.decided_at))
    table("Decision", columns, [(*row, f"{ruling.time_to_decision_s} s", ruling.record_id)])


@app.command("claim")
def claim(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
    officer: Annotated[str, typer.Option(envvar="LFR_OFFICER", metavar="ID", help="Your id.")],
    take_over: Annotated[bool, typer.Option("--take-over", help="From who has it; a supervisor may.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Give it back instead.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = "",
) -> None:
    """Take an alert, so that others see who has it; nobody is hindered from deciding."""
    if take_over and release:
        raise InputError("an alert is taken over or given back", got="--take-over and --release", allowed="one of them")
    taken = site_requests.claim(alert_id, officer=officer, take_over=take_over)
    with SiteClient(server, officer) as site:
        alert = site.ask(site_requests.release_claim(alert_id, officer=officer) if release else taken)
    if json:
        write_json(json, to_json(alert))
    elif alert.claim is None:
        stderr.print("given back")
    else:
        since, until = utc_text(alert.claim.at), utc_text(alert.claim.until)
        stderr.print(f"{alert.claim.officer} has it since {since}, until {until}")


@app.command("hold")
def hold(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
    officer: Annotated[str, typer.Option(envvar="LFR_OFFICER", metavar="ID", help="Your id.")],
    reason: Annotated[str, typer.Option(help="Why it is kept; recorded.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let it go again instead.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = "",
) -> None:
    """Keep an alert as evidence beyond its retention time, or let it go again."""
    if not release and not reason.strip():
        raise InputError("a hold needs its reason", allowed="--reason TEXT, or --release")
    held = site_requests.hold(alert_id, officer=officer, reason=reason)
    with SiteClient(server, officer) as site:
        alert = site.ask(site_requests.release(alert_id, officer=officer) if release else held)
    if json:
        write_json(json, to_json(alert))
    else:
        stderr.print("let go" if release else "kept until somebody lets it go")


def _row(alert: Alert) -> tuple[object, ...]:
    decision = alert.decision
    return (
        alert.id,
        utc_text(alert.captured_at),
        alert.camera,
        alert.name,
        alert.category,
        f"{alert.similarity:.3f} / {alert.threshold:.3f}" if alert.figures_given else "compare first",
        f"{alert.views_agreeing} of {alert.views_compared}" if alert.figures_given else "-",
        decision.decision if decision else alert.status,
        alert.sightings.count,
    )


def _write_line(event: WebhookEvent, target: str) -> None:
    line = json_text.dumps(to_json(event), ensure_ascii=False)
    if target == "-":
        typer.echo(line)
        return
    with Path(target).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _told(event: WebhookEvent) -> None:
    about, alert = event.reason or event.alert_id or "", event.alert
    if alert is not None:
        ruling = alert.decision.decision if alert.decision else ""
        about = f"{alert.id}  {alert.camera}  {alert.name} ({alert.category})  {ruling}".rstrip()
    typer.echo(f"{utc_text(event.at)}  {event.kind:<17} {about}")
