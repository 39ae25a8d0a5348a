"""`lfr top`: how a running site is, in the terminal. It looks at no alert: no name is shown, nothing is recorded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from lfr_ray.alert.json_document import to_json
from lfr_ray.api.site_state import CameraList, CameraState, DeploymentList, Readiness
from lfr_ray.cli.alerts import ServerOption
from lfr_ray.cli.output import drawn, plain, write_json
from lfr_ray.cli.site_option import JsonOption
from lfr_ray.client import site_requests
from lfr_ray.client.site_client import DEFAULT_SERVER, SiteClient
from lfr_ray.client.site_requests import Question
from lfr_ray.clock import utc_text
from lfr_ray.errors import FailureError, RefusedError

app = typer.Typer()

EVERY_S = 1.0
COLUMNS = ("camera", "state", "frames/s", "blind", "dropped", "faces", "compared", "latency", "why")

Numbers = Mapping[tuple[str, str], float]
"""Of the metrics: name and camera (empty: of the site) to value."""
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Look:
    """What a site said at one moment; None and no numbers where it did not say or may not tell.

    Attributes:
        at: Wall time.
        numbers: Metrics, for administrators and services.
    """

    server: str
    at: float
    readiness: Readiness
    cameras: CameraList | None
    deployments: DeploymentList | None
    numbers: Numbers

    def blind_s(self, camera: CameraState) -> float | None:
        """Since when nothing is seen; None while something is."""
        return None if camera.blind_since is None else round(max(0.0, self.at - camera.blind_since), 1)

    def document(self) -> dict[str, Any]:
        """For programs."""
        served = self.deployments
        return {
            "at": utc_text(self.at),
            "site": served.site if served else "",
            **to_json(self.readiness),
            "deployments": [
                {"id": one.id, "kind": one.kind, "state": one.state} for one in (served.deployments if served else ())
            ],
            "stopped": served.stop.reason if served and served.stop else None,
            "paused": served.paused if served else "",
            "cameras": [
                {**to_json(one), "blind_s": self.blind_s(one), "latency_ms": one.answer_ms}
                for one in (self.cameras.cameras if self.cameras else ())
            ],
            "undecided_alerts": self.numbers.get(("lfr_undecided_alerts", "")),
            "oldest_undecided_alert_s": self.numbers.get(("lfr_oldest_undecided_alert_seconds", "")),
        }


@app.command()
def top(
    server: ServerOption = DEFAULT_SERVER,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    json: JsonOption = "",
) -> None:
    """How a running site is: health, authority, cameras, undecided alerts. Once a second, until Ctrl-C.

    Without a terminal, and with --json, once.
    """
    console = Console(highlight=False)
    with SiteClient(server) as site:
        if json:
            write_json(json, look(site).document())
        elif once or not console.is_terminal:
            console.print(shown(look(site)))
        else:
            _watch(site, console)


def look(site: SiteClient) -> Look:
    """Ask a site how it is.

    Raises:
        FailureError: It does not answer.
        RefusedError: It needs a token.
    """
    readiness = site.ask(site_requests.readiness())
    cameras, deployments = _told(site, site_requests.cameras()), _told(site, site_requests.deployments())
    try:
        numbers = numbers_of(_told(site, site_requests.metrics()) or "")
    except RefusedError:  # they are for administrators and services
        numbers = {}
    return Look(site.server, time.time(), readiness, cameras, deployments, numbers)


def numbers_of(text: str) -> Numbers:
    """The metrics of the site and of its cameras."""
    return {
        (sample.name, sample.labels.get("camera", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if set(sample.labels) <= {"camera"}
    }


def shown(seen: Look) -> RenderableType:
    """For people."""
    document = seen.document()
    health = "[green]ready[/]" if seen.readiness.ready else "[bold red]not ready[/]"
    site = f"[bold]{plain(document['site'] or seen.server)}[/]  {health}  {document['at']}"
    faults = [f"[red]{plain(part)}: {plain(why)}[/]" for part, why in seen.readiness.parts.items() if why]
    told = [" ".join(filter(None, one.values())) for one in document["deployments"]]
    authority = plain(f"authority: {'; '.join(told) or 'not known'}")
    stands = [
        f"[bold red]{word}: {plain(document[field])}[/]"
        for word, field in (("matching is stopped", "stopped"), ("alerts are paused", "paused"))
        if document[field]
    ]
    count, oldest_s = document["undecided_alerts"], document["oldest_undecided_alert_s"]
    alerts = "undecided alerts: " + ("not known" if count is None else f"{count:.0f}")
    if count:
        alerts += f", the oldest for {_clock(oldest_s)}"
    lines = [Text.from_markup(line) for line in (site, *faults, authority, *stands, alerts)]
    return Group(*lines, drawn("", COLUMNS, [_row(one) for one in document["cameras"]]))


def _row(camera: Mapping[str, Any]) -> list[str]:
    rates = ["-" if camera[name] is None else f"{camera[name]:.1f}" for name in ("fps", "fps_wanted")]
    cells = (
        camera["name"],
        camera["state"],
        " of ".join(rates),
        _clock(camera["blind_s"]),
        camera["frames_dropped"],
        camera["faces_seen"],
        camera["faces_compared"],
        None if camera["latency_ms"] is None else f"{camera['latency_ms']:.0f} ms",
        "; ".join(camera[name] for name in ("problem", "refusal", "warning") if camera[name]),
    )
    return ["-" if cell is None else plain(str(cell)) for cell in cells]


def _watch(site: SiteClient, console: Console) -> None:
    seen = look(site)
    with Live(shown(seen), console=console, screen=True, auto_refresh=False) as screen:
        while True:
            time.sleep(EVERY_S)
            try:
                seen = look(site)
                screen.update(shown(seen), refresh=True)
            except FailureError as error:
                lost = Text(f"{error.what}; what follows is of {utc_text(seen.at)}", style="bold red")
                screen.update(Group(lost, shown(seen)), refresh=True)


def _told(site: SiteClient, question: Question[AnswerT]) -> AnswerT | None:
    """The answer; None while the part that would give it does not answer: readiness says why."""
    try:
        return site.ask(question)
    except FailureError:
        return None


def _clock(seconds: float | None) -> str:
    """Hours, minutes and seconds.

    >>> _clock(75.4), _clock(None)
    ('0:01:15', '-')
    """
    return "-" if seconds is None else str(timedelta(seconds=int(seconds)))
