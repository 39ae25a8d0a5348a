"""`lfr run` and `lfr demo`: a whole site, on this machine or on a cluster."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

import lfr_ray
from lfr_ray.cli.output import Faults, check_json_target, json_target, stderr, table, write_json
from lfr_ray.cli.signals import Ending, in_order
from lfr_ray.clock import utc_text
from lfr_ray.data_dir import UPLOADED
from lfr_ray.errors import ConfigError, ResourceError, SourceError, StoreError
from lfr_ray.govern.trust_file import trust_nobody
from lfr_ray.health import ENDED, CameraHealth, SiteHealth
from lfr_ray.site_file import SiteFile, read_site_file, url_of

if TYPE_CHECKING:
    from lfr_ray.live_site import LiveSite

app = typer.Typer()

DEMO_SITE = Path(lfr_ray.__file__).resolve().parent.parent / "serve_configs" / "local.yaml"
HEADLESS_LIMIT_S = 180.0
"""The demo's footage takes 13 s; a slow machine may take longer, but not for ever."""

stdout = Console(highlight=False)

PortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, metavar="N", help="Serve HTTP on this port instead of the site's; 0: any free one."),
]


@app.command()
def run(
    site_file: Annotated[Path, typer.Argument(help="The site: a Ray Serve configuration.", metavar="SITE.yaml")],
    address: Annotated[str, typer.Option(help="An existing Ray cluster, `auto` for the one on this machine.")] = "",
    port: PortOption = None,
    json_to: Annotated[str, typer.Option("--json", metavar="FILE|-", help="Write all alerts as JSON at the end.")] = "",
) -> None:
    """Run a site until Ctrl-C or SIGTERM: on local Ray, or on an existing cluster."""
    with in_order():
        from lfr_ray.site_start_stop import live_site

        faults = Faults()
        with faults:
            check_json_target(json_to)
        with faults:
            file = _with_embedder(site_file, {}, port, starts_here=not address)
        faults.tell()
        stderr.print(f"starting the site {file.site.site} ...")
        with live_site(file, address, stderr.print) as site:
            _announce(site)
            _follow(site, quiet=json_to == "-")
            if json_to:
                write_json(json_to, {"alerts": site.alerts(), "incomplete": True})


@app.command()
def demo(
    videos: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings of your own in place of the demo's; the list is filled in the console."),
    ] = None,
    own: Annotated[
        bool, typer.Option("--own", help="Begin with nothing: recording and list come through the console.")
    ] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="Run the footage once and check who was alerted.")
    ] = False,
    port: PortOption = None,
    json_to: Annotated[
        str, typer.Option("--json", metavar="FILE|-", help="Write the summary (headless).", callback=json_target)
    ] = "",
) -> None:
    """Show the whole system on real pictures, or on recordings of your own: no camera, no GPU, no network."""
    if headless and (videos or own):
        raise ConfigError("a headless run is of the demo's own footage", next_step="leave --headless out")
    if not DEMO_SITE.is_file():
        raise ConfigError("the demo's site file is missing", got=DEMO_SITE, next_step="run the demo from a clone")
    trust_nobody()
    with in_order() as ending:
        from lfr_ray.site_start_stop import live_site

        file = _demo_site(ending.folder / "data", videos or [], headless=headless, port=port, own=own)
        stderr.print("starting Ray, the models and the cameras ... (about 25 s)")
        with live_site(file, tell=stderr.print) as site:
            _announce(site)
            if not headless:
                _follow(site, quiet=False)
                return
            summary = _once(site, ending, quiet=json_to == "-")
        _summarise(summary, json_to)
    if not summary["passed"]:
        raise typer.Exit(1)


def _demo_site(data_dir: Path, videos: list[Path], *, headless: bool, port: int | None, own: bool = False) -> SiteFile:
    """The demo's site; with recordings of somebody's own, and then with nobody on its list."""
    for one in videos:
        if not one.exists():
            raise SourceError("the recording does not exist", got=one, next_step="check the path")
    named = [{"name": re.sub(r"[^A-Za-z0-9_.-]", "-", one.stem), "url": str(one.resolve())} for one in videos]
    named += [{"name": "own", "url": UPLOADED}] if own else []
    shown = named or [one.model_dump(exclude_none=True) for one in read_site_file(DEMO_SITE).site.cameras]
    cameras = [one | {"on_end": "stop" if headless else "loop"} for one in shown]
    fields = {"data_dir": str(data_dir), "cameras": cameras, **({"watchlist": ""} if named else {})}
    return _with_embedder(DEMO_SITE, fields, port)


def _with_embedder(path: Path, overrides: dict[str, Any], port: int | None, *, starts_here: bool = True) -> SiteFile:
    """The site with its embedder named, which is told first."""
    from lfr_ray.models.card_catalogue import choose_embedder

    embedder = read_site_file(path, overrides, starts_here=starts_here).site.embedder
    choice = choose_embedder(embedder)
    stderr.print(f"embedder: {choice}", highlight=False, markup=False, soft_wrap=True)
    named = embedder.model_dump(mode="json", exclude_unset=True) | {"model": choice.model}
    return read_site_file(path, overrides | {"embedder": named}, port=port)


def _announce(site: LiveSite) -> None:
    for test in site.self_tests():
        stderr.print(f"self-test: {test}")
    stderr.print(f"configuration in force: {site.configuration()}")
    for note in site.import_notes():
        stderr.print(note, markup=False)
    host, port = site.http_address()
    others = " and at every other address of this machine" if host in ("0.0.0.0", "::") else ""  # noqa: S104
    stderr.print(f"console and alerts: [bold]{url_of(host, port)}[/]{others}   (Ctrl-C stops the site)")


def _follow(site: LiveSite, *, quiet: bool) -> None:
    """Print alerts as they happen, until Ctrl-C."""
    after = 0
    told: dict[str, str] = {}
    try:
        while True:
            after = _print_news(site, after, quiet=quiet)
            now = health_words(site.health())
            for what in (what for what, words in now.items() if told.get(what, "") != words):
                words = now[what] or f"{what}: as it should be"
                stderr.print(f"{utc_text(time.time())[11:19]}Z  {words}", markup=False, soft_wrap=True)
            told = now
    except KeyboardInterrupt:
        stderr.print("\nstopping ...")


def health_words(health: SiteHealth) -> dict[str, str]:
    """What is told of every camera, and of every part that is not as it should be; empty of one that is."""
    cameras = {name: f"camera {name}: {camera_words(one)}" for name, one in sorted(health.cameras.items())}
    return cameras | {part: fault for part, fault in health.parts.items() if part != "cameras"}


def camera_words(camera: CameraHealth) -> str:
    """A camera's state in words, with the reason; it stays the same while nothing changes."""
    since = "" if camera.since is None else f" since {utc_text(camera.since)[11:19]}"
    # How long a camera has been silent is in its problem, and grows: the moment since when says it once.
    problem = "" if camera.problem.startswith("no picture for") else camera.problem
    reasons = [problem, f"nothing is compared: {camera.refusal}" if camera.refusal else "", camera.warning]
    return ": ".join([f"{camera.state}{since}", *(one for one in reasons if one)])


def _once(site: LiveSite, ending: Ending, *, quiet: bool) -> dict[str, Any]:
    """Until every camera has come to its end, or a signal; then, who was alerted and who should have been."""
    from lfr_ray.camera.demo_source import EXPECTED

    began_s = time.monotonic()
    after, ended = 0, False
    try:
        while not ended and time.monotonic() - began_s < HEADLESS_LIMIT_S:
            after = _print_news(site, after, quiet=quiet)
            ended = all(one.state == ENDED for one in site.health().cameras.values())
        time.sleep(1.0)
        _print_news(site, after, quiet=quiet)
    except KeyboardInterrupt:
        stderr.print("\nstopping ...")
    alerts = site.alerts()
    alerted = {name: sorted({a["entry_id"] for a in alerts if a["camera"] == name}) for name in EXPECTED}
    expected = {name: sorted(entries) for name, entries in EXPECTED.items()}
    return {
        "passed": ended and alerted == expected and len(alerts) == sum(map(len, expected.values())),
        "footage_ended": ended,
        "expected": expected,
        "alerted": alerted,
        "alerts": alerts,
        "seconds": round(time.monotonic() - began_s, 1),
        "incomplete": bool(ending.number),
    }


def _print_news(site: LiveSite, after: int, *, quiet: bool) -> int:
    with suppress(ResourceError, StoreError):  # no desk, or no database: the next look begins at the step not yet told
        for event in site.events(after, wait_s=1.0):
            if event["kind"] == "alert_raised" and not quiet and (alert := site.alert(event["alert_id"])) is not None:
                _print_alert(alert)
            after = event["id"]
    return after


def _print_alert(alert: dict[str, Any]) -> None:
    stdout.print(
        f"{alert['captured_at'][11:19]}Z  [bold]possible match[/]  "
        f"camera {alert['camera']} at {alert['time_s']:.1f} s  entry {alert['entry_id']}  "
        f"similarity {alert['similarity']:.3f} (threshold {alert['threshold']:.3f})  "
        f"{alert['views_agreeing']} of {alert['views_compared']} views agree  -> a person decides"
    )


def _summarise(summary: dict[str, Any], json_to: str) -> None:
    if json_to:
        write_json(json_to, summary)
    if json_to == "-":
        return
    rows = [
        (name, ", ".join(wanted) or "nobody", ", ".join(summary["alerted"][name]) or "nobody")
        for name, wanted in summary["expected"].items()
    ]
    table("Demo: who was alerted", ("camera", "expected", "alerted"), rows)
    verdict = "the right people, and nobody else" if summary["passed"] else "NOT as expected"
    stdout.print(f"{len(summary['alerts'])} alerts in {summary['seconds']} s of footage: {verdict}")
