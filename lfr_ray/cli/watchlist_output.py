"""What `lfr watchlist` prints and writes: reports, rejections, entries and compositions."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lfr_ray.cli.output import plain, stderr, table, write_file, write_json
from lfr_ray.clock import utc_text

if TYPE_CHECKING:
    from lfr_ray.enrol.import_folder import ImportReport
    from lfr_ray.match.watchlist_composition import Composition
    from lfr_ray.match.watchlist_entries import Entry, Rejected


def show_report(report: ImportReport, json: str, more: dict[str, Any], done: str) -> None:
    """Every rejection and note on stderr, the counts, and for people the notes as a table, on stdout.

    Raises:
        Exit: With code 2 when nothing could be used.
    """
    for one in report.rejected:
        stderr.print(f"[yellow]rejected:[/] {plain(one.file)}: {plain(one.reason)}")
    for note in report.notes:
        stderr.print(f"[cyan]look at:[/] {plain(note.file)}: {plain(note.note)}")
    counts = {
        "entries": report.entries,
        "images": report.images,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
    }
    if json:
        rejected = [{"file": one.file, "reason": one.reason} for one in report.rejected]
        notes = [{"file": one.file, "note": one.note} for one in report.notes]
        write_json(json, counts | {"rejected": rejected, "notes": notes} | more)
    else:
        rows = [*counts.items(), ("rejected", len(report.rejected)), ("to look at", len(report.notes)), *more.items()]
        if report.notes:
            table(
                "Taken, and to be looked at",
                ("picture", "what"),
                ((plain(one.file), plain(one.note)) for one in report.notes),
            )
        table(f"Watchlist {done}", ("what", "count"), rows)
    if not report.entries:
        stderr.print("[red]nothing in the folder could be used[/]")
        raise typer.Exit(2)


def write_rejections(path: Path, rejected: Sequence[Rejected]) -> None:
    """Every rejection as CSV.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text).writerows([("file", "reason"), *((one.file, one.reason) for one in rejected)])
    write_file(path, text.getvalue().encode(), "the CSV of rejections", "--rejections")


def entry_document(entry: Entry, images: int, now_s: float) -> dict[str, Any]:
    """An entry as plain values."""
    known = asdict(entry)
    for moment in ("expires_at", "image_date"):
        known[moment] = None if known[moment] is None else utc_text(known[moment])
    return known | {"images": images, "in_force": entry.in_force(now_s)}


def print_composition(composition: Composition, document: dict[str, Any]) -> None:
    """The composition as tables."""
    shown = [
        ("entries", composition.entries),
        ("pictures", composition.images),
        *(("category " + name, count) for name, count in composition.by_category.items()),
        *((f"picture {years} years old", count) for years, count in composition.image_years.items() if count),
        *(("source " + name, count) for name, count in composition.by_source.items()),
        ("quality, least / median / best", " / ".join(f"{value:.2f}" for value in composition.quality)),
        ("under 18", ", ".join(composition.under_18) or "none"),
        ("expired", ", ".join(composition.expired) or "none"),
        ("without expiry", len(composition.without_expiry)),
        ("old pictures", ", ".join(composition.old_images) or "none"),
        ("low quality", ", ".join(composition.low_quality) or "none"),
        ("hash", document["hash"]),
        ("approved by", document["approved_by"] or "nobody"),
    ]
    table(f"Watchlist by {document['model']}", ("what", "value"), shown)
    for title, pairs in (
        ("Perhaps one person under two ids", composition.duplicates),
        ("Perhaps relatives, or alike", composition.relatives),
    ):
        if pairs:
            table(title, ("one", "other", "similarity"), ((pair.one, pair.other, pair.similarity) for pair in pairs))
