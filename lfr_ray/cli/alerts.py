"""`lfr alerts`: list what was raised, follow it live, and record a decision, over HTTP."""

from __future__ import annotations

import json as json_text
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import httpx
import typer

from lfr_ray.adjudicate.vocabulary import DECISIONS
from lfr_ray.alert.document import from_json
from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import JsonOption
from lfr_ray.clock import utc_text
from lfr_ray.errors import (
    ConfigError,
    ConflictError,
    FailureError,
    InputError,
    LfrError,
    NotFoundError,
    RefusedError,
)
from lfr_ray.records import Alert, AlertPage, WebhookEvent

Record = TypeVar("Record")

DEFAULT_SERVER = "http://127.0.0.1:8000"
TOKEN_ENV = "LFR_API_TOKEN"  # noqa: S105 (a name, not a secret)
ANSWER_S = 15.0
SILENCE_S = 45.0
"""Three heartbeats of the stream without a byte: the line is dead."""
RECONNECT_S = 1.0

app = typer.Typer(name="alerts", help="Alerts of a running site: list, follow, decide.", no_args_is_help=True)

ServerOption = Annotated[str, typer.Option(envvar="LFR_SERVER", metavar="URL", help="Address of the site.")]
OfficerOption = Annotated[
    str, typer.Option(envvar="LFR_OFFICER", metavar="ID", help="Your id: looking at alerts is recorded under it.")
]


def register(parent: typer.Typer) -> None:
    """Hang this group into the command line."""
    parent.add_typer(app)


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
    filters = {"camera": camera, "entry_id": entry, "category": category, "status": status, "since": since}
    filters |= {"until": until, "cursor": cursor, "limit": str(limit)}
    with AlertServer(server, officer) as site:
        document = site.get("/v1/alerts", {name: value for name, value in filters.items() if value})
        page = site.read(AlertPage, document)
    if json:
        write_json(json, document)
        return
    columns = ("id", "captured", "camera", "name", "category", "similarity", "views", "status", "seen")
    table("Alerts", columns, (_row(alert) for alert in page.alerts))
    if page.next_cursor:
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
        _emptied(Path(json))
    with AlertServer(server, officer) as site:
        for number, event in enumerate(site.events(after), start=1):
            event["alert"] = site.alert_of(event)
            if json:
                _write_line(event, json)
            else:
                _told(site.read(WebhookEvent, event))
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
    body: dict[str, Any] = {"officer": officer, "decision": decision, "note": note}
    if corrects is not None:
        body["corrects"] = corrects
    if finding:
        body["comparison"] = dict(one.partition("=")[::2] for one in finding)
    with AlertServer(server, officer) as site:
        document = site.post(f"/v1/alerts/{_path_part(alert_id)}/decision", body)
        alert = site.read(Alert, document)
    if json:
        write_json(json, document)
        return
    ruling = alert.decision
    if ruling is None:
        stderr.print("recorded; a second officer decides without knowing the first verdict")
        return
    columns = ("id", "decision", "officer", "at", "after the alert", "record")
    row = (alert.id, ruling.decision, ruling.officer, utc_text(ruling.decided_at))
    table("Decision", columns, [(*row, f"{ruling.time_to_decision_s} s", ruling.record_id)])


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
    path = f"/v1/alerts/{_path_part(alert_id)}/hold"
    with AlertServer(server, officer) as site:
        document = site.release(path, officer) if release else site.post(path, {"officer": officer, "reason": reason})
    if json:
        write_json(json, document)
    else:
        stderr.print("let go" if release else "kept until somebody lets it go")


class AlertServer:
    """The HTTP side of these commands: problem documents become errors with an exit code.

    The token is taken from the environment only: a command line can be read by every user of the machine.

    Raises:
        ConfigError: ``server`` is no http or https address.
    """

    def __init__(self, server: str, officer: str) -> None:
        self._server = _checked(server)
        token = os.environ.get(TOKEN_ENV, "").strip()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if officer:
            headers["X-Officer"] = officer
        try:
            # Not through a proxy of the environment: alerts go to the site and nowhere else.
            self._client = httpx.Client(base_url=self._server, headers=headers, timeout=ANSWER_S, trust_env=False)
        except (UnicodeEncodeError, ValueError):
            raise ConfigError("the token or the officer's id holds characters that cannot be sent") from None

    def __enter__(self) -> AlertServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """A JSON document."""
        return self._asked("GET", path, params=dict(query))

    def alert_of(self, event: Mapping[str, Any]) -> Any:
        """The document of the alert that an event speaks of, as it stands now; None where there is none any more."""
        if not event["alert_id"]:
            return None
        try:
            return self.get(f"/v1/alerts/{event['alert_id']}", {})
        except NotFoundError:
            return None

    def read(self, kind: type[Record], document: object) -> Record:
        """The record that a document tells of.

        Raises:
            FailureError: It is no such document.
        """
        try:
            return from_json(kind, document)
        except InputError:
            raise self._stranger() from None

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a record; sent once more with the same key where the answer is lost, so that nothing is doubled."""
        headers = {"Idempotency-Key": secrets.token_hex(12)}
        try:
            return self._asked("POST", path, json=dict(body), headers=headers)
        except FailureError:
            time.sleep(RECONNECT_S)
            return self._asked("POST", path, json=dict(body), headers=headers)

    def release(self, path: str, officer: str) -> Any:
        """Let a held alert go."""
        return self._asked("DELETE", path, params={"officer": officer})

    def events(self, after: int | None) -> Iterator[dict[str, Any]]:
        """The feed for ever. The first connection must succeed; a later loss is mended and said on stderr."""
        last = after
        connected = False
        while True:
            try:
                for event in self._stream(last):
                    connected = True
                    last = int(event["id"])
                    if event["kind"] != "hello":
                        yield event
            except FailureError as error:
                if not connected:
                    raise
                stderr.print(f"{error.what}; connecting again")
            else:
                stderr.print("the site ended the stream; connecting again")
            time.sleep(RECONNECT_S)

    def _stream(self, after: int | None) -> Iterator[dict[str, Any]]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        timeout = httpx.Timeout(ANSWER_S, read=SILENCE_S)
        try:
            with self._client.stream("GET", "/v1/alerts/stream", headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                    raise _problem(answer)
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    raise self._stranger()
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        yield json_text.loads(line.removeprefix("data: "))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None

    def _asked(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None
        if answer.is_error:
            raise _problem(answer)
        try:
            return answer.json()
        except ValueError:
            raise self._stranger() from None

    def _away(self, error: Exception) -> FailureError:
        return FailureError(
            "the site does not answer",
            got=f"{self._server}: {type(error).__name__}",
            next_step="start it with `lfr run SITE.yaml`, or give its address with --server",
        )

    def _stranger(self) -> FailureError:
        return FailureError(
            "something else answers at this address",
            got=self._server,
            allowed="a site of lfr_ray",
            next_step="give its address with --server",
        )


def _problem(answer: httpx.Response) -> LfrError:
    """The error that a problem document stands for."""
    kinds: Mapping[int, type[LfrError]] = {
        401: RefusedError,
        403: RefusedError,
        404: NotFoundError,
        409: ConflictError,
        422: InputError,
    }
    try:
        document = answer.json()
        fields = [str(document[name]) for name in ("detail", "got", "allowed", "next_step")]
    except (ValueError, KeyError, TypeError):
        fields = [f"the server answered with HTTP {answer.status_code}", "", "", "is it a site of lfr_ray?"]
    if answer.status_code == 401:
        fields[3] = f"put the token into the environment variable {TOKEN_ENV}"
    kind = kinds.get(answer.status_code, FailureError)
    return kind(fields[0], got=fields[1], allowed=fields[2], next_step=fields[3])


def _checked(server: str) -> str:
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("--server is no address of a site", allowed="http://host:port, without user and password")
    return server.rstrip("/")


def _path_part(alert_id: str) -> str:
    if not alert_id or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in alert_id):
        raise NotFoundError("no such alert", got=alert_id[:40], next_step="see `lfr alerts list`")
    return alert_id


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


def _emptied(path: Path) -> None:
    try:
        path.write_text("", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            "the JSON file cannot be written", got=f"{path}: {error.strerror}", next_step="choose another --json path"
        ) from None


def _write_line(event: Mapping[str, Any], target: str) -> None:
    line = json_text.dumps(event, ensure_ascii=False)
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
