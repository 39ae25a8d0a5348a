"""`lfr watchlist import` and `check`: pictures of people onto the list, every one taken or named."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfr_ray.cli.output import Step, check_json_target, progress, stderr
from lfr_ray.cli.site_option import ByOption, JsonOption, SiteOption, record, site_of, who_makes_the_list
from lfr_ray.cli.watchlist_output import show_report, write_rejections
from lfr_ray.clock import utc_text
from lfr_ray.config import DeviceName, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.ledger_event import Event

if TYPE_CHECKING:
    from lfr_ray.enrol.contact_sheet import Look
    from lfr_ray.enrol.import_folder import ImportReport
    from lfr_ray.match.watchlist_draft import ListDraft
    from lfr_ray.match.watchlist_store import WatchlistStore

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
FaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--face",
        metavar="[ENTRY[/FILE]=]N",
        help="Of pictures with several faces take number N, counted from 1, left to right: of all such pictures, of "
        "an entry's or of one. Can be given several times; the CSV's column face says the same, and its column crop "
        "(LEFT TOP RIGHT BOTTOM in pixels, or FILE=LEFT TOP RIGHT BOTTOM) which part of a picture shows the person.",
    ),
]
RotateOption = Annotated[bool, typer.Option("--rotate", help="Turn pictures that lie on their side or upside down.")]
SheetOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html|.jpg",
        help="Write a sheet that shows every chosen face. It holds pictures of listed people: personal data, readable "
        "by you alone.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Job:
    """What both commands are told."""

    folder: Path
    config: SiteConfig
    model: str
    detector: str
    device: DeviceName
    rejections: Path | None
    only_this_folder: bool
    one_entry_each: bool
    faces: tuple[str, ...]
    rotate: bool


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
    face: FaceOption = None,
    rotate: RotateOption = False,
    by: ByOption = "",
    key: Annotated[
        Path | None, typer.Option(help="The operator's private key: who imports, where it is proven.")
    ] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    json: JsonOption = "",
) -> None:
    """Import a folder; what was imported before is passed over, so a cut-off import is resumed by repeating it.

    Every picture that is not taken is named with the reason, and of every picture with several faces which one was
    taken. Exit code 2 when nothing at all could be used.
    """
    config = site_of(site, data_dir, begins=True)
    importer = who_makes_the_list(config, by, key, passphrase_env)
    job = _Job(
        folder, config, model, detector, device, rejections, only_this_folder, not allow_same_person,
        tuple(face or ()), rotate,
    )  # fmt: skip
    report = _enrol(job, importer, write=True)
    content_hash = open_watchlist(config).content_hash()
    facts = {
        "entries": report.entries,
        "images_count": report.images,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "rejected": len(report.rejected),
        "watchlist_sha256": content_hash,
    }
    record(config, Event("collection", "watchlist imported", actor=importer, facts=facts))
    show_report(report, json, {"hash": content_hash}, "imported")


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
    face: FaceOption = None,
    rotate: RotateOption = False,
    contact_sheet: SheetOption = None,
    json: JsonOption = "",
) -> None:
    """Say what an import would say, and write nothing to the list."""
    config = site_of(site, data_dir, begins=True)
    job = _Job(
        folder, config, model, detector, device, rejections, only_this_folder, not allow_same_person,
        tuple(face or ()), rotate,
    )  # fmt: skip
    report = _enrol(job, "", write=False, sheet=contact_sheet)
    show_report(report, json, {}, "checked, nothing was written")


def open_watchlist(config: SiteConfig) -> WatchlistStore:
    """The site's list, where the site keeps it."""
    # LanceDB takes a second to load: the help must not wait for it.
    from lfr_ray.site.open_site import open_store

    return open_store(config)


def open_draft(config: SiteConfig) -> ListDraft:
    """The site's list, and what waits beside it."""
    from lfr_ray.match.watchlist_draft import ListDraft
    from lfr_ray.site.open_site import open_waiting

    return ListDraft(open_watchlist(config), open_waiting(DataDir(config.data_dir)))


def _checked(job: _Job, sheet: Path | None) -> dict[str, int]:
    """The choices of faces.

    A wrong folder, CSV, option or place to write is said before the models take their seconds to load.
    """
    from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES
    from lfr_ray.enrol.contact_sheet import check_sheet
    from lfr_ray.enrol.face_option import face_options
    from lfr_ray.match.watchlist_folder import read_watchlist_folder

    content = read_watchlist_folder(job.folder, PICTURE_SUFFIXES)
    faces = face_options(job.faces, content.entries)
    if job.rejections is not None:
        write_rejections(job.rejections, ())
    if sheet is not None:
        check_sheet(sheet, sum(len(draft.pictures) for draft in content.entries))
        check_json_target(str(sheet), "--contact-sheet")
    return faces


def _enrol(job: _Job, by: str, *, write: bool, sheet: Path | None = None) -> ImportReport:
    faces = _checked(job, sheet)
    from lfr_ray.detect.detector_families import load_detector
    from lfr_ray.embed.embedder_families import load_embedder
    from lfr_ray.enrol.import_folder import ImportProgress, Reading, enrol_folder
    from lfr_ray.models.card_catalogue import card

    config = job.config
    found = load_detector(
        card(job.detector or config.detector.model),
        device=job.device,
        weights=config.detector.weights if not job.detector else None,
        min_score=config.detector.min_score,
    )
    one_model = config.embedder.model_copy(update={"model": job.model, "weights": None}) if job.model else None
    models = [one_model or config.embedder]
    if config.second_embedder is not None and one_model is None:
        models.append(config.second_embedder)
    reports: list[ImportReport] = []
    looks: list[Look] = []
    for number, one in enumerate(models):
        embedder = load_embedder(card(one.model), device=job.device, weights=one.weights, mirror=one.mirror)
        with progress("enrolling", "entries") as step:

            def told(at: ImportProgress, step: Step = step) -> None:
                step(at.done, at.of, f"{at.pictures_per_s:.1f} pictures/s, {at.left_s:.0f} s left")

            report = enrol_folder(
                job.folder,
                open_watchlist(config),
                found,
                embedder,
                now=time.time(),
                imported_by=by,
                write=write,
                only_this_folder=job.only_this_folder,
                one_entry_each=job.one_entry_each,
                # Both models see the same faces: one look at each is enough for the sheet.
                reading=Reading(faces, job.rotate, looks.append if sheet is not None and not number else None),
                on_progress=told,
            )
        reports.append(report)
    # What either model rejects is told; the counts are the first one's.
    rejected = tuple(dict.fromkeys(one for report in reports for one in report.rejected))
    notes = tuple(dict.fromkeys(one for report in reports for one in report.notes))
    report = replace(reports[0], rejected=rejected, notes=notes)
    if job.rejections is not None:
        write_rejections(job.rejections, report.rejected)
    if sheet is not None:
        from lfr_ray.enrol.contact_sheet import write_sheet

        write_sheet(sheet, looks, report.rejected, report.notes, utc_text(time.time()))
        stderr.print(
            f"contact sheet: {sheet}: it shows {len(looks)} pictures of listed people, which are personal data; only "
            "you can read it; delete it after use",
            markup=False,
        )
    return report
