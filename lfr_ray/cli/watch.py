"""`lfr watch`: recorded footage against a watchlist folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfr_ray.cli.output import Faults, check_json_target, plain, progress, stderr, table, write_json
from lfr_ray.cli.signals import Ending, in_order
from lfr_ray.clock import utc_text
from lfr_ray.config import AUTO, AuthorityConfig, DetectorConfig, DeviceName, EmbedderConfig, MatchConfig, SiteConfig
from lfr_ray.errors import ConfigError, SourceError
from lfr_ray.govern.trust_file import trust_nobody
from lfr_ray.models.card_catalogue import card
from lfr_ray.strict_yaml import parse_section

if TYPE_CHECKING:
    from lfr_ray.camera.camera_reader import CameraStatus
    from lfr_ray.camera.recording_files import Opened, Recording
    from lfr_ray.enrol.import_folder import ImportReport
    from lfr_ray.match.watchlist_store import WatchlistStore
    from lfr_ray.pipeline.load_site_models import LoadingModels
    from lfr_ray.retrospective_run import FootagePlace, FootageResult

app = typer.Typer()

NOT_LOOKED_AT = {"fps": "beyond --fps", "motion": "nothing moved"}
ALERT_FIELDS = (
    "id", "entry_id", "name", "category", "camera", "time_s", "similarity", "threshold", "views_agreeing",
    "views_compared", "box", "margin", "sightings", "regions_visible",
)  # fmt: skip
POSSIBLY = "possibly {} pictures were dropped, or never taken: the times leave gaps of whole pictures"
NEEDS_AUTHORITY = "the category {} needs an authority: open a deployment and give --deployment"


@app.command()
def watch(
    videos: Annotated[
        list[Path], typer.Argument(help="Recorded files, or folders of them and of still pictures.", metavar="VIDEO...")
    ],
    watchlist: Annotated[
        Path | None, typer.Option(help="Watchlist folder: DIR/<entry-id>/<image>, optional watchlist.csv.")
    ] = None,
    json_to: Annotated[str, typer.Option("--json", metavar="FILE|-", help="Write the result as JSON.")] = "",
    deployment: Annotated[str, typer.Option(help="Retrospective deployment under whose authority to compare.")] = "",
    data_dir: Annotated[Path, typer.Option(help="With --deployment: the site's data folder.")] = Path("lfr-data"),
    recorded_at: Annotated[str, typer.Option(help="When the recordings begin, ISO 8601; with --deployment.")] = "",
    model: Annotated[str, typer.Option(help="Embedder's card id, see `lfr models list`.")] = AUTO,
    second_model: Annotated[str, typer.Option(help="Another embedder's card id: an alert then needs both.")] = "",
    detector: Annotated[str, typer.Option(help="Detector's card id.")] = "centerface",
    fps: Annotated[
        float | None, typer.Option(help="Look at so many frames a second, evenly spaced; default: every frame.")
    ] = None,
    motion: Annotated[
        bool, typer.Option("--motion", help="Do not ask the detector again where nothing has moved.")
    ] = False,
    address: Annotated[
        str, typer.Option(help="A Ray cluster, `auto` for the one whose head is this machine; default: no Ray.")
    ] = "",
    device: Annotated[DeviceName, typer.Option(help="Where models run.")] = "auto",
    threshold: Annotated[float | None, typer.Option(help="Similarity that alerts; default: the card's.")] = None,
    false_alerts: Annotated[
        float | None,
        typer.Option(min=0.001, max=10, help="Instead: false alerts in 10,000 faces; the list's size decides."),
    ] = None,
) -> None:
    """Compare recorded footage with a watchlist: every frame, at full speed, the same chain as a live site.

    With --watchlist alone this is a test: only the categories test and blue-list are compared, and nothing is kept.
    With --deployment the site's approved list is compared under that authority, and alerts go to the site's desk.
    """
    faults = Faults()
    with faults:
        check_json_target(json_to)
    with faults:
        _check_list(watchlist, deployment)
    with faults:
        rule = parse_section(
            MatchConfig,
            {"threshold": threshold, "false_alerts_per_10k_faces": false_alerts},
            "--threshold, --false-alerts",
        )
    for one in {detector, model, second_model} - {AUTO, ""}:
        with faults:
            card(one)
    with faults:
        opened = _opened(videos, recorded_at, fps, motion)
    faults.tell()
    kept = bool(deployment)
    if not kept:
        trust_nobody()
    with in_order() as ending:
        folder = data_dir if kept else ending.folder / "data"
        authority = AuthorityConfig(kind="retrospective" if kept else "test", deployment=deployment)
        site = footage_site(folder, authority, model, detector, device, rule, second_model)
        # What is read is compared with what an authority names.
        site = site.model_copy(update={"cameras": tuple(one.camera for one in opened.recordings)})
        document = run_footage(site, opened, watchlist, address, ending)
        if json_to:
            write_json(json_to, document)
        if json_to != "-":
            _print(document)
    if any(not one.inside for one in opened.rejected):
        raise typer.Exit(2)
    if opened.rejected or document["problems"]:
        raise typer.Exit(1)


def _opened(videos: Sequence[Path], recorded_at: str, fps: float | None, motion: bool) -> Opened:
    """The recordings; what is left out is told."""
    from lfr_ray.camera.recording_files import open_recordings

    opened = open_recordings(videos, recorded_at, fps, motion)
    if not opened.recordings:
        raise SourceError(
            "none of the recordings can be used",
            got="; ".join(
                one.reason if one.file in one.reason else f"{one.file}: {one.reason}" for one in opened.rejected
            ),
            allowed="video files that FFmpeg reads, or folders of pictures",
            next_step="put right what is named",
        )
    for one in opened.rejected:
        stderr.print(f"[yellow]left out:[/] {plain(one.file)}: {plain(one.reason)}")
    return opened


def _check_list(watchlist: Path | None, deployment: str) -> None:
    """What can be wrong with the list before anything is started."""
    if (watchlist is None) == (not deployment):
        raise ConfigError(
            "one list is needed, and only one",
            got="both" if deployment else "neither --watchlist nor --deployment",
            allowed="--watchlist DIR for a test, or --deployment ID for an authorised comparison",
        )
    if watchlist is not None:
        from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES
        from lfr_ray.match.watchlist_folder import read_watchlist_folder

        read_watchlist_folder(watchlist, PICTURE_SUFFIXES)


def footage_site(
    folder: Path,
    authority: AuthorityConfig,
    model: str,
    detector: str,
    device: DeviceName,
    rule: MatchConfig,
    second_model: str = "",
) -> SiteConfig:
    """A site for recorded footage, whose models work on one picture for each core."""
    from lfr_ray.models.card_catalogue import with_embedders
    from lfr_ray.models.cores_and_threads import usable_cores

    streams = usable_cores()

    fields = {
        "site": "footage",
        "data_dir": folder,
        "device": device,
        "authority": authority,
        "detector": DetectorConfig(model=detector, streams=streams),
        "embedder": EmbedderConfig(model=model, streams=streams),
        "second_embedder": EmbedderConfig(model=second_model, streams=streams) if second_model else None,
        "match": rule,
        "camera_cpus": 0.5,
    }
    return with_embedders(parse_section(SiteConfig, fields, "the command"))


def run_footage(
    site: SiteConfig, opened: Opened, watchlist: Path | None, address: str, ending: Ending
) -> dict[str, Any]:
    """Watch recordings from start to end; the document that ``--json`` writes.

    Without a watchlist folder, what the site's list holds is compared; without a cluster's address the chain runs in
    this process. A signal ends the watching, and what was found so far is the document.
    """
    from lfr_ray.retrospective_run import FootageRun

    stderr.print("starting the models ...")
    with FootageRun(_place(site, address)) as run:
        models = run.place.start(opened.recordings)
        # Loaded beside the models: it takes as long as they do.
        from lfr_ray.site.open_site import WITHOUT_AUTHORITY, open_store

        store = open_store(site)
        report = _enrolled(watchlist, store, models)
        entries = store.entries()
        set_aside = [] if site.authority.deployment else [e for e in entries if e.category not in WITHOUT_AUTHORITY]
        for entry in set_aside:
            stderr.print(f"[yellow]not compared:[/] {entry.entry_id}: {NEEDS_AUTHORITY.format(entry.category)}")
        counts = [one.info.frames or round((one.info.length_s or 0.0) * one.info.fps) for one in opened.recordings]
        total = sum(counts) if all(counts) else None
        with progress("watching", "frames") as step, ending.noted():
            result = run.watch(
                opened.recordings,
                lambda now: step(now.frames, total, f"{now.recordings_done} of {now.recordings} recordings"),
                opened.rejected,
                lambda: bool(ending.number),
            )
    document = _document(opened, report, result)
    document["not_compared"] = [
        {"entry_id": entry.entry_id, "reason": NEEDS_AUTHORITY.format(entry.category)} for entry in set_aside
    ]
    document["incomplete"] = bool(ending.number)
    return document


def _place(site: SiteConfig, address: str) -> FootagePlace:
    if address:
        from lfr_ray.actors.footage_pool import ClusterFootage
        from lfr_ray.actors.start_or_join_ray import join

        join(address)
        return ClusterFootage(site)
    from lfr_ray.retrospective_run import LocalFootage

    return LocalFootage(site)


def _enrolled(watchlist: Path | None, store: WatchlistStore, models: LoadingModels) -> ImportReport:
    """The folder imported; without one, what the site's list holds already."""
    from lfr_ray.enrol.import_folder import ImportReport, enrol_folder

    if watchlist is None:
        pictures = store.vectors()
        return ImportReport(len({one.entry.entry_id for one in pictures}), len(pictures), 0, ())
    reports = [enrol_folder(watchlist, store, models.detector, one, now=time.time()) for one in models.embedders]
    for report in reports:
        for rejected in report.rejected:
            stderr.print(f"[yellow]not enrolled:[/] {plain(rejected.file)}: {plain(rejected.reason)}")
    for note in reports[0].notes:
        stderr.print(f"[cyan]look at:[/] {plain(note.file)}: {plain(note.note)}")
    return reports[0]


def _document(opened: Opened, report: ImportReport, result: FootageResult) -> dict[str, Any]:
    """The outside promise, in its order; what goes beyond it stands behind."""
    frames = result.by_label("frames_total", "camera")
    seconds = sum(one.seconds for one in result.endings.values())
    people = result.by_label("people_estimated_total", "camera")
    return {
        "sources": [
            _source(one, frames.get(one.camera.name, 0), result.endings.get(one.camera.name))
            for one in opened.recordings
        ],
        "faces_seen": result.total("faces_seen_total"),
        "faces_compared": result.total("faces_compared_total"),
        "alerts": [_alert(alert) for alert in result.alerts],
        "watchlist": {
            "entries": report.entries,
            "images": report.images,
            "rejected": [{"file": one.file, "reason": one.reason} for one in report.rejected],
            "notes": [{"file": one.file, "note": one.note} for one in report.notes],
        },
        "speed": {
            "wall_s": round(result.wall_s, 3),
            "frames_per_s": round(sum(frames.values()) / result.wall_s, 2) if result.wall_s else 0.0,
            "footage_hours_per_hour": round(seconds / result.wall_s, 2) if result.wall_s else 0.0,
            "latency_ms": {
                "p50": result.percentile_ms("capture_to_answer_seconds", 0.5),
                "p95": result.percentile_ms("capture_to_answer_seconds", 0.95),
            },
        },
        "rejected_sources": [{"file": one.file, "reason": one.reason} for one in opened.rejected],
        "problems": [
            {"camera": name, "problem": problem} for name, found in sorted(result.problems.items()) for problem in found
        ],
        "faces_by_camera": {
            name: {
                "seen": seen,
                "people_estimated": people.get(name, 0),
                "compared": result.by_label("faces_compared_total", "camera").get(name, 0),
            }
            for name, seen in sorted(result.by_label("faces_seen_total", "camera").items())
        },
        "people_estimated": sum(people.values()),
        "views_rejected": result.by_label("views_rejected_total", "reason"),
        "created_at": utc_text(time.time()),
    }


def _source(recording: Recording, frames: int, ending: CameraStatus | None) -> dict[str, Any]:
    info = recording.info
    expected = info.frames if ending is None else ending.expected
    return {
        "name": recording.camera.name,
        "url": recording.camera.url,
        "width": info.width_px,
        "height": info.height_px,
        "frames": frames,
        "seconds": info.length_s or 0.0 if ending is None else ending.seconds,
        "expected": expected,
        "damaged": 0 if ending is None else ending.corrupt,
        "missing_s": 0.0 if ending is None else ending.missing_s,
        "possibly_dropped": 0 if ending is None else ending.possibly_dropped,
        "not_looked_at": {
            "fps": 0 if ending is None else ending.skipped,
            "motion": 0 if ending is None else ending.still,
        },
    }


def _alert(alert: dict[str, Any]) -> dict[str, Any]:
    return {name: alert[name] for name in ALERT_FIELDS} | {"sightings": alert["sightings"]["count"]}


def _print(document: dict[str, Any]) -> None:
    table(
        "Alerts: possible matches, for a person to decide",
        ("camera", "at", "entry", "name", "similarity", "threshold", "views"),
        (
            (
                alert["camera"],
                f"{alert['time_s']:.1f} s",
                alert["entry_id"],
                alert["name"],
                f"{alert['similarity']:.3f}",
                f"{alert['threshold']:.3f}",
                f"{alert['views_agreeing']} of {alert['views_compared']}",
            )
            for alert in document["alerts"]
        ),
    )
    speed, watchlist = document["speed"], document["watchlist"]
    rows: Sequence[tuple[str, object]] = (
        ("recordings", len(document["sources"])),
        ("frames", sum(source["frames"] for source in document["sources"])),
        *(
            (f"not looked at: {why}", sum(source["not_looked_at"][rule] for source in document["sources"]))
            for rule, why in NOT_LOOKED_AT.items()
        ),
        ("faces seen (tracklets)", document["faces_seen"]),
        ("people (estimated by place and time)", document["people_estimated"]),
        ("faces compared", document["faces_compared"]),
        ("watchlist", f"{watchlist['entries']} entries, {watchlist['images']} pictures"),
        ("pictures rejected", len(watchlist["rejected"])),
        ("speed", f"{speed['frames_per_s']:.1f} frames/s"),
        ("hours of footage per hour", f"{speed['footage_hours_per_hour']:.1f}"),
    )
    table("Summary", ("", ""), rows)
    incomplete = [one for one in document["sources"] if one["damaged"] or one["missing_s"]]
    if incomplete:
        table(
            "Incomplete recordings",
            ("camera", "pictures", "expected", "damaged", "missing"),
            (
                (one["name"], one["frames"], one["expected"] or "?", one["damaged"], f"{one['missing_s']:.1f} s")
                for one in incomplete
            ),
        )
    for one in document["sources"]:
        if one["possibly_dropped"]:
            stderr.print(f"[cyan]look at:[/] {plain(one['name'])}: {POSSIBLY.format(one['possibly_dropped'])}")
    for problem in document["problems"]:
        stderr.print(f"[yellow]{plain(problem['camera'])}:[/] {plain(problem['problem'])}")
