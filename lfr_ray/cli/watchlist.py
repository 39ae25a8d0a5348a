"""`lfr watchlist`: who is looked for, on what ground, seen by a second person."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import ByOption, JsonOption, SiteOption, site_of, who
from lfr_ray.cli.watchlist_output import (
    entry_document,
    print_composition,
    show_report,
    write_picture,
    write_rejections,
)
from lfr_ray.clock import utc_text
from lfr_ray.config import DeviceName, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.ledger_event import ID, Event

if TYPE_CHECKING:
    from lfr_ray.enrol.importer import ImportReport
    from lfr_ray.match.entries import Entry
    from lfr_ray.match.store import WatchlistStore

app = typer.Typer(name="watchlist", help="Import, look at, approve and remove entries.", no_args_is_help=True)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="DIR/<entry-id>/<image>, with or without DIR/watchlist.csv.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data-dir", "--data", help="The site's data folder; default: lfr-data.")
]
ModelOption = Annotated[str, typer.Option("--model", help="Embedder's card id; default: the site's.")]
DetectorOption = Annotated[str, typer.Option("--detector", help="Detector's card id; default: the site's.")]
DeviceOption = Annotated[DeviceName, typer.Option("--device", help="Where models run.")]
RejectionsOption = Annotated[
    Path | None, typer.Option("--rejections", metavar="FILE.csv", help="Write every rejection to a CSV.")
]
OnlyOption = Annotated[
    bool, typer.Option("--only-this-folder", help="Take everything off the list that the folder does not hold.")
]
TwinsOption = Annotated[
    bool, typer.Option("--allow-same-person", help="Also take a face that another entry has already: twins.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in words; it is recorded.")]


def register(parent: typer.Typer) -> None:
    """Hang this group into the command line."""
    parent.add_typer(app)


@app.command("import")
def import_folder(
    folder: FolderArgument,
    site: SiteOption = None,
    data_dir: DataOption = None,
    model: ModelOption = "",
    detector: DetectorOption = "",
    device: DeviceOption = "auto",
    rejections: RejectionsOption = None,
    only_this_folder: OnlyOption = False,
    allow_same_person: TwinsOption = False,
    by: ByOption = "",
    json: JsonOption = "",
) -> None:
    """Import a folder; what was imported before is passed over, so a cut-off import is resumed by repeating it.

    Every picture that is not taken is named with the reason. Exit code 2 when nothing at all could be used.
    """
    config = site_of(site, data_dir)
    report = _enrol(
        folder, config, model, detector, device, who(by), True, only_this_folder, not allow_same_person, rejections
    )
    content_hash = _store(config).content_hash()
    facts = {
        "entries": report.entries,
        "images_count": report.images,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "rejected": len(report.rejected),
        "watchlist_sha256": content_hash,
    }
    _record(config, Event("collection", "watchlist imported", actor=who(by), facts=facts))
    show_report(report, json, {"hash": content_hash}, "imported")


@app.command()
def check(
    folder: FolderArgument,
    site: SiteOption = None,
    data_dir: DataOption = None,
    model: ModelOption = "",
    detector: DetectorOption = "",
    device: DeviceOption = "auto",
    rejections: RejectionsOption = None,
    only_this_folder: OnlyOption = False,
    allow_same_person: TwinsOption = False,
    json: JsonOption = "",
) -> None:
    """Say what an import would say, and write nothing to the list."""
    config = site_of(site, data_dir)
    report = _enrol(
        folder, config, model, detector, device, "", False, only_this_folder, not allow_same_person, rejections
    )
    show_report(report, json, {}, "checked, nothing was written")


@app.command("list")
def list_entries(
    site: SiteOption = None,
    data_dir: DataOption = None,
    by: ByOption = "",
    reason: ReasonOption = "not stated",
    json: JsonOption = "",
) -> None:
    """Every entry, without pictures."""
    config = site_of(site, data_dir)
    store = _store(config)
    entries: dict[str, Entry] = {}
    pictures: dict[str, set[str]] = {}
    for row in store.vectors():
        entries[row.entry.entry_id] = row.entry
        # Two models keep a row each of one picture.
        pictures.setdefault(row.entry.entry_id, set()).add(row.file_sha256)
    counts = {entry_id: len(files) for entry_id, files in pictures.items()}
    if entries:
        _record(config, Event("consultation", "watchlist listed", actor=who(by), reason=reason))
    now_s = time.time()
    rows = [entry_document(entry, counts[entry_id], now_s) for entry_id, entry in sorted(entries.items())]
    if json:
        approval = store.approval(now_s)
        document = {
            "entries": rows,
            "images": sum(counts.values()),
            "hash": store.content_hash(),
            "approved_by": approval.approved_by if approval is not None else None,
        }
        write_json(json, document)
        return
    columns = ("entry_id", "name", "category", "expires_at", "in_force", "images", "action")
    table(f"Watchlist, {len(rows)} entries", columns, ([row[name] for name in columns] for row in rows))


@app.command()
def show(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Entry id.")],
    site: SiteOption = None,
    data_dir: DataOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.jpg", help="Write the entry's best picture to a file.")
    ] = None,
    by: ByOption = "",
    reason: ReasonOption = "not stated",
    json: JsonOption = "",
) -> None:
    """One entry, everything that is known of it."""
    config = site_of(site, data_dir)
    images = _store(config).images(entry_id)
    _record(config, Event("consultation", "watchlist entry shown", "", who(by), _subject(entry_id), reason))
    document = entry_document(images[0].entry, len(images), time.time())
    document["pictures"] = [
        {
            "image_id": image.image_id,
            "file_sha256": image.file_sha256,
            "model": image.model,
            "quality": image.quality,
            "face_px": image.size_px,
            "imported_by": image.imported_by,
            "imported_at": utc_text(image.imported_at),
        }
        for image in images
    ]
    if picture is not None:
        write_picture(picture, max(images, key=lambda image: image.quality).jpeg)
    if json:
        write_json(json, document)
        return
    pictures = document.pop("pictures")
    table(f"Entry {entry_id}", ("field", "value"), document.items())
    table("Pictures", tuple(pictures[0]), ([*one.values()] for one in pictures))


@app.command()
def remove(
    entry_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Entry ids.")],
    site: SiteOption = None,
    data_dir: DataOption = None,
    by: ByOption = "",
    reason: ReasonOption = "",
    json: JsonOption = "",
) -> None:
    """Remove entries and erase their pictures and vectors from the disk. The list must be approved again."""
    config = site_of(site, data_dir)
    store = _store(config)
    unique = list(dict.fromkeys(entry_ids))
    store.remove(*unique)
    content_hash = store.content_hash()
    for entry_id in unique:
        facts = {"watchlist_sha256": content_hash}
        subject = _subject(entry_id)
        _record(config, Event("erasure", "watchlist entry erased", "", who(by), subject, reason, facts))
    if json:
        write_json(json, {"removed": unique, "hash": content_hash})
        return
    stderr.print(f"{len(unique)} removed and erased; the list must be approved again")


@app.command()
def approve(site: SiteOption = None, data_dir: DataOption = None, by: ByOption = "", json: JsonOption = "") -> None:
    """Freeze the list as it is. Whoever imported entries of it cannot do this: a second person looks."""
    config = site_of(site, data_dir)
    approval = _store(config).approve(who(by), time.time())
    facts = {"watchlist_sha256": approval.content_hash}
    _record(config, Event("authority", "watchlist approved", actor=who(by), facts=facts))
    document = {
        "approved_by": approval.approved_by,
        "approved_at": utc_text(approval.approved_at),
        "hash": approval.content_hash,
    }
    if json:
        write_json(json, document)
        return
    table("The watchlist is approved", ("field", "value"), document.items())


@app.command("report")
def report_composition(
    site: SiteOption = None, data_dir: DataOption = None, model: ModelOption = "", json: JsonOption = ""
) -> None:
    """What the list is made of: categories, age and quality of pictures, duplicates, likely relatives."""
    from lfr_ray.match.composition import compose
    from lfr_ray.models.catalogue import card

    config = site_of(site, data_dir)
    now_s = time.time()
    store = _store(config)
    embedder = card(model or config.embedder.model)
    composition = compose(store.vectors(embedder.id), now_s, embedder.calibration)
    approval = store.approval(now_s)
    document = asdict(composition) | {
        "model": embedder.id,
        "hash": store.content_hash(),
        "approved_by": approval.approved_by if approval is not None else None,
        "approved_at": utc_text(approval.approved_at) if approval is not None else None,
    }
    if json:
        write_json(json, document)
        return
    print_composition(composition, document)


def _store(config: SiteConfig) -> WatchlistStore:
    # LanceDB takes a second to load: the help must not wait for it.
    from lfr_ray.match.store import WatchlistStore

    return WatchlistStore(DataDir(config.data_dir).watchlist)


def _enrol(
    folder: Path,
    config: SiteConfig,
    model: str,
    detector: str,
    device: DeviceName,
    by: str,
    write: bool,
    only_this_folder: bool,
    one_entry_each: bool,
    rejections: Path | None,
) -> ImportReport:
    from lfr_ray.camera.stills import PICTURE_SUFFIXES
    from lfr_ray.detect.base import load_detector
    from lfr_ray.embed.base import load_embedder
    from lfr_ray.enrol.importer import enrol_folder
    from lfr_ray.match.watchlist import read_watchlist_folder
    from lfr_ray.models.catalogue import card

    # A wrong folder or CSV is said before the models take their seconds to load.
    read_watchlist_folder(folder, PICTURE_SUFFIXES)
    if rejections is not None:
        write_rejections(rejections, ())
    chosen = "auto" if device == "auto" else device
    found = load_detector(
        card(detector or config.detector.model),
        device=chosen,
        weights=config.detector.weights if not detector else None,
        min_score=config.detector.min_score,
    )
    models = [config.embedder.model_copy(update={"model": model, "weights": None}) if model else config.embedder]
    if config.second_embedder is not None and not model:
        models.append(config.second_embedder)
    reports = []
    for one in models:
        embedder = load_embedder(card(one.model), device=chosen, weights=one.weights, mirror=one.mirror)
        with _progress() as bar:
            task = bar.add_task("enrolling", total=None, speed="", left="")
            report = enrol_folder(
                folder,
                _store(config),
                found,
                embedder,
                now=time.time(),
                imported_by=by,
                write=write,
                only_this_folder=only_this_folder,
                one_entry_each=one_entry_each,
                on_progress=lambda progress, bar=bar, task=task: bar.update(  # type: ignore[misc]
                    task,
                    completed=progress.done,
                    total=progress.of,
                    speed=f"{progress.pictures_per_s:.1f} pictures/s",
                    left=f"{progress.left_s:.0f} s left",
                ),
            )
        reports.append(report)
    # What either model rejects is told; the counts are the first one's.
    rejected = tuple(dict.fromkeys(one for report in reports for one in report.rejected))
    report = replace(reports[0], rejected=rejected)
    if rejections is not None:
        write_rejections(rejections, report.rejected)
    return report


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("entries  {task.fields[speed]}  {task.fields[left]}"),
    )
    with Progress(*columns, console=stderr, transient=True) as progress:
        yield progress


def _subject(entry_id: str) -> str:
    """The entry in the ledger, whose ids know no blanks and no letters beyond ASCII."""
    return entry_id if ID.match(entry_id) else "entry:" + re.sub(r"[^A-Za-z0-9_.@:/+-]", "_", entry_id)[:100]


def _record(config: SiteConfig, event: Event) -> None:
    from lfr_ray.govern.ledger import open_ledger

    with open_ledger(DataDir(config.data_dir)) as ledger:
        ledger.append(event)
