"""`lfr evaluate` and `lfr calibrate`: how well a model recognises, and which thresholds follow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfr_ray.cli.output import progress, stderr, table, write_file, write_json
from lfr_ray.cli.site_option import JsonOption
from lfr_ray.clock import utc_text
from lfr_ray.config import AUTO, DeviceName
from lfr_ray.errors import ConfigError, InputError
from lfr_ray.models.card_catalogue import card as find_card
from lfr_ray.models.card_catalogue import card_from_yaml
from lfr_ray.records import REGIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lfr_ray.evaluate.calibrate_thresholds import CalibrationReport
    from lfr_ray.evaluate.evaluation_figures import Evaluation
    from lfr_ray.evaluate.figures_by_group import GroupTable
    from lfr_ray.evaluate.labelled_samples import Samples
    from lfr_ray.evaluate.lfw_pairs import PairAccuracy
    from lfr_ray.models.card_calibration import Calibration
    from lfr_ray.models.cards import ModelCard
    from lfr_ray.stats import Interval

app = typer.Typer()

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Labelled pictures: DIR/<identity>/<image>, optional DIR/groups.csv; or an archive of them (lfw.tgz).",
    ),
]
ModelOption = Annotated[str, typer.Option(help="Embedder: a card id, or the path of a card's .yaml file.")]
DetectorOption = Annotated[str, typer.Option(help="Detector: a card id, or the path of a card's .yaml file.")]
DeviceOption = Annotated[DeviceName, typer.Option(help="Where models run.")]


@app.command("evaluate")
def evaluate_folder(
    folder: FolderArgument,
    model: ModelOption = AUTO,
    detector: DetectorOption = "centerface",
    device: DeviceOption = "auto",
    json: JsonOption = "",
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the report as one page; default: beside the JSON file, if there is one."
        ),
    ] = None,
    videos: Annotated[bool, typer.Option("--videos", help="DIR holds recordings and videos.csv: file, who.")] = False,
    watchlist: Annotated[Path | None, typer.Option(help="With --videos: the watchlist folder.")] = None,
    false_alerts: Annotated[
        float | None, typer.Option(min=0.001, max=10, help="With --videos: false alerts in 10,000 faces.")
    ] = None,
) -> None:
    """Open-set accuracy on labelled pictures, with 95 % intervals; with --videos that of whole passages.

    Of the people with two or more pictures, every second one (in name order, from the first on) is enrolled with the
    first picture. Their other pictures are mated searches; all pictures of everybody else are non-mated searches.
    """
    page = html or (Path(json).with_suffix(".html") if json not in ("", "-") else None)
    if videos:
        from lfr_ray.cli.evaluate_videos import evaluate_videos

        result = evaluate_videos(folder, watchlist, model, detector, device, false_alerts, json)
        if page is not None:
            from lfr_ray.report.html_page import passages_page

            _write(page, passages_page(result, written_at=_now()), "--html")
        return
    if watchlist is not None or false_alerts is not None:
        raise ConfigError(
            "--watchlist and --false-alerts go with --videos", next_step="add --videos, or leave them out"
        )
    from lfr_ray.enrol.labelled_pictures import matcher_normaliser
    from lfr_ray.evaluate.calibrate_thresholds import ALERTS, LIST_SIZE
    from lfr_ray.evaluate.evaluation_charts import evaluation_charts
    from lfr_ray.evaluate.evaluation_document import evaluation_document
    from lfr_ray.evaluate.evaluation_figures import evaluate
    from lfr_ray.match.threshold import comparison_rate
    from lfr_ray.report.html_page import evaluation_page

    card = find_card(model)
    regions = () if card.calibration is None else tuple(card.calibration.covered)
    samples, groups, _ = _samples(folder, card, detector, device, regions)
    with _steps() as say:
        found = evaluate(
            samples,
            card.id,
            find_card(detector).id,
            normaliser=matcher_normaliser(card),
            calibration=card.calibration,
            groups=groups,
            progress=say,
        )
    document = evaluation_document(found)
    if json:
        write_json(json, document)
    if page is not None:
        needed = f"{ALERTS:g} false alert in 10,000 faces, {LIST_SIZE} entries"
        charts = evaluation_charts(found, (comparison_rate(LIST_SIZE, ALERTS), needed))
        _write(page, evaluation_page(document, charts, written_at=_now()), "--html")
    if json != "-":
        _print_evaluation(found)


@app.command("calibrate")
def calibrate_folder(
    folder: FolderArgument,
    model: ModelOption = AUTO,
    detector: DetectorOption = "centerface",
    device: DeviceOption = "auto",
    list_size: Annotated[int, typer.Option(min=1, help="Entries on the site's list.")] = 500,
    alerts: Annotated[
        float, typer.Option(min=0.001, max=1000.0, help="False alerts in 10,000 faces that the site accepts.")
    ] = 1.0,
    views: Annotated[int, typer.Option(min=2, max=20, help="Pictures that are fused into one passage.")] = 3,
    pairs: Annotated[
        Path | None, typer.Option(metavar="pairs.txt", help="LFW's list of pairs: also the accuracy that papers state.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="CARD.yaml", help="Write the card with the new calibration to this file.")
    ] = None,
    json: JsonOption = "",
) -> None:
    """Thresholds from the tail of false matches, in police units, checked on people who were not used."""
    from lfr_ray.enrol.labelled_pictures import normaliser_of
    from lfr_ray.evaluate.calibrate_thresholds import calibrate, card_calibration, card_text
    from lfr_ray.evaluate.calibration_document import calibration_document
    from lfr_ray.evaluate.lfw_pairs import pair_accuracy, parse_pairs
    from lfr_ray.match.threshold import threshold_for

    card = find_card(model)
    if write is not None and write.exists():
        _check_same_card(card, write)
    listed = None if pairs is None else parse_pairs(_read(pairs))
    samples, _, rows = _samples(folder, card, detector, device, REGIONS)
    accuracy = None if listed is None else pair_accuracy(samples, rows, listed)
    with _steps() as say:
        report = calibrate(
            samples,
            card.id,
            threshold_for,
            normaliser_of=normaliser_of,
            score_norms={} if card.calibration is None else card.calibration.score_norms,
            views=views,
            list_size=list_size,
            alerts_per_10k=alerts,
            progress=say,
        )
    section = card_calibration(report, card.calibration, threshold_for, list_size=list_size, alerts_per_10k=alerts)
    if write is not None:
        _write(write, card_text(card, section), "--write")
    if json:
        write_json(json, calibration_document(report, section, accuracy))
    if json != "-":
        _print_calibration(report, section, accuracy)


def _samples(
    folder: Path, card: ModelCard, detector_id: str, device: str, regions: Sequence[str]
) -> tuple[Samples, GroupTable | None, dict[str, int]]:
    """Vectors of the folder's pictures, and the row of each by its file's name without ending.

    What is wrong with the folder is said before any model is loaded.
    """
    from lfr_ray.detect.detector_families import load_detector
    from lfr_ray.embed.embedder_families import load_embedder
    from lfr_ray.enrol.labelled_pictures import embed_labelled, read_group_table, read_labelled
    from lfr_ray.enrol.picture_archive import unpacked
    from lfr_ray.evaluate.labelled_samples import check_counts

    with unpacked(folder) as opened:
        labelled = read_labelled(opened)
        check_counts(len(labelled.names), labelled.identity)
        groups = read_group_table(opened, labelled.names)
        detector = load_detector(find_card(detector_id), device=device)
        embedder = load_embedder(card, device=device)
        with progress("reading", "pictures") as step:
            samples = embed_labelled(
                labelled, detector, embedder, regions=regions, on_progress=lambda done, of: step(done, of, "")
            )
    lost = int((~samples.acquired).sum())
    if lost:
        stderr.print(f"[yellow]{lost} of {len(labelled.paths)} pictures gave no usable face; they count as failures[/]")
    return samples, groups, {path.stem: row for row, path in enumerate(labelled.paths)}


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being computed."""
    with stderr.status("measuring") as status:
        yield lambda text: status.update(text)


def _now() -> str:
    return utc_text(time.time())[:16].replace("T", " ") + " UTC"


def _write(path: Path, text: str, option: str) -> None:
    write_file(path, text.encode(), "the file", option)
    stderr.print(f"written: {path}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the list of pairs cannot be read", got=f"{path}: {type(error).__name__}") from None


def _check_same_card(card: ModelCard, path: Path) -> None:
    """Never overwrite a file that is something else."""
    there = card_from_yaml(path)
    if there.id != card.id:
        raise InputError(
            "the file to write to is the card of another model",
            got=there.id,
            allowed=f"a new file, or the card of {card.id}",
            next_step="name another file with --write",
        )


def _share(interval: Interval) -> str:
    if interval.value is None:
        return "not measured"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.4f}"
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def _print_evaluation(found: Evaluation) -> None:
    figures = found.all_pictures
    rows: list[Sequence[object]] = [
        ("people, pictures", f"{found.identities}, {found.images}", ""),
        ("failure to acquire", _share(figures.failure_to_acquire), f"{figures.failures} pictures"),
    ]
    for point in figures.verification:
        rows.append((f"TAR at FAR {point.target:g}", _share(point.rate), _errors(point.accepted, point.resolved)))
    for point in figures.identification:
        rows.append((f"TPIR at FPIR {point.target:g}", _share(point.rate), _errors(point.accepted, point.resolved)))
    rows.append(("right entry nearest", _share(found.rank_one), ""))
    for covered in found.covered:
        for name, points in covered.rows:
            what = f"{covered.region} half covered ({covered.pictures} pictures), {name.replace('_', ' ')}"
            rows.extend((f"{what}: TAR at FAR {one.target:g}", _share(one.rate), str(one.accepted)) for one in points)
    table(f"{found.model} (95 % intervals)", ("", "value", "false accepts"), rows)
    if found.card_check:
        table(
            "False matches by the card's fits, and counted here",
            ("comparison", "rate", "expected", "counted", ""),
            (
                (
                    one.kind,
                    f"{one.rate:g}",
                    f"{one.expected:.0f}",
                    one.counted,
                    "" if one.within else "over a factor of two",
                )
                for one in found.card_check
            ),
        )
    for column in found.groups:
        table(
            f"by {column.column}",
            ("group", "people", "FNMR", "FMR", "TPIR", "FPIR"),
            (
                (group.group, group.identities, *map(_share, (group.fnmr, group.fmr, group.tpir, group.fpir)))
                for group in column.groups
            ),
        )


def _errors(count: int, resolved: bool) -> str:
    return str(count) if resolved else f"{count}: too few data for this rate"


def _print_calibration(report: CalibrationReport, section: Calibration, accuracy: PairAccuracy | None) -> None:
    if accuracy is not None:
        table(
            "List of pairs, ten folds",
            ("accuracy", "standard error", "pairs", "left out"),
            [(f"{accuracy.accuracy:.4f}", f"{accuracy.standard_error:.4f}", accuracy.pairs, accuracy.left_out)],
        )
    fit = report.decisive.tail.fit
    table(
        f"{report.model}: false-match tail of {report.decisive.name} comparisons",
        ("start", "share above", "shape", "scale", "comparisons", "goodness of fit p"),
        [
            (
                f"{fit.start:.4f}",
                f"{fit.start_rate:.2g}",
                f"{fit.shape:+.3f}",
                f"{fit.scale:.4f}",
                f"{fit.comparisons:,}",
                f"{fit.p_value:.2f}",
            )
        ],
    )
    table(
        "Thresholds",
        ("entries", "false alerts in 10,000 faces", "threshold", "rate a comparison", "right people found", ""),
        (
            (
                row.list_size,
                f"{row.alerts_per_10k:.3g}",
                f"{row.threshold.similarity:.4f}",
                f"{row.threshold.comparison_rate:.2g}",
                f"{row.found:.3f}",
                "extrapolated" if row.threshold.extrapolated else "",
            )
            for row in report.thresholds
        ),
    )
    table(
        "Predicted against observed on other people",
        ("comparison", "predicted rate", "observed / predicted", "within a factor of two"),
        (
            (kind, f"{row.rate:g}", f"{row.ratio:.2f} ({row.low:.2f} to {row.high:.2f})", f"{row.within:.0%}")
            for kind, rows in (("single", report.held_out), ("fused", report.fused_held_out))
            for row in rows
        ),
    )
    table(
        "Card",
        ("threshold", "list size", "view threshold", "relative"),
        [(section.threshold, section.list_size, section.view_threshold, section.relative)],
    )
