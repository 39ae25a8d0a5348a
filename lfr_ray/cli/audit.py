"""`lfr audit`: does what was recorded hold, and is what was destroyed gone?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import ByOption, DataOption, JsonOption, SiteOption, byte_progress, site_of, storage_of, who
from lfr_ray.clock import parse_utc
from lfr_ray.errors import ConfigError, NotFoundError
from lfr_ray.govern.canonical import canonical_json
from lfr_ray.govern.keys import trusted_keys
from lfr_ray.govern.ledger_event import KINDS, Event
from lfr_ray.govern.ledger_verify import KnownHead, read_records, verify_ledger
from lfr_ray.site.authority import KEYS_FOLDER, LEDGER_FILE, open_ledger

app = typer.Typer(name="audit", help="The audit ledger and the proof of deletion.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Hang this group into the command line."""
    parent.add_typer(app)


@app.command()
def verify(
    head: Annotated[str, typer.Option(help="A head that you noted, COUNT:SHA256: the ledger must contain it.")] = "",
    search: Annotated[list[Path] | None, typer.Option(help="Further storage to search; repeat.")] = None,
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Verify every record, seal, receipt and signature, and search the storage for destroyed content."""
    from lfr_ray.site.verify import verify_site

    config = site_of(site, data_dir)
    path = config.data_dir / LEDGER_FILE
    if not path.exists():
        raise NotFoundError("there is no ledger", got=path, next_step="name the site's --data-dir")
    # First the ledger as it lies there: opening it would already refuse a truncated one.
    noted = [_noted(head)] if head else []
    before = verify_ledger(path, trusted_keys(config.data_dir / KEYS_FOLDER), noted)
    if not before.holds:
        document: dict[str, Any] = {
            "holds": False,
            "faults": before.faults,
            "ledger": {
                "records": before.records,
                "sealed": before.sealed,
                "head": before.head,
                "notes": before.notes,
            },
        }
    else:
        with storage_of(config, roots=tuple(search or ())) as storage, byte_progress("searching") as progress:
            task = progress.add_task("", total=None)
            document = verify_site(storage, time.time(), progress=lambda size: progress.advance(task, size)).document()
    _show(document, json)
    if not document["holds"]:
        raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[str, typer.Argument(help="File, or - for stdout.", metavar="FILE|-")] = "-",
    kind: Annotated[list[str] | None, typer.Option(help="Only records of this kind; repeat.")] = None,
    deployment: Annotated[str, typer.Option(help="Only records of this deployment.")] = "",
    since: Annotated[str, typer.Option(help="Only records from this moment on, ISO 8601.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is exported; it is recorded.")] = "audit",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """Export the ledger as JSON Lines. Unfiltered, the chain and its seals can be checked by anybody."""
    config = site_of(site, data_dir)
    path = config.data_dir / LEDGER_FILE
    if not path.exists():
        raise NotFoundError("there is no ledger", got=path, next_step="name the site's --data-dir")
    wrong = sorted(set(kind or ()) - set(KINDS))
    if wrong:
        raise ConfigError("no such kind of record", got=", ".join(wrong), allowed=", ".join(KINDS))
    with open_ledger(config.data_dir) as ledger:
        ledger.append(Event("disclosure", "ledger exported", deployment=deployment, actor=who(by), reason=reason))
    lines = _chosen(path, set(kind or ()), deployment, since)
    if out == "-":
        for line in lines:
            typer.echo(line)
        return
    count = 0
    try:
        with Path(out).open("w", encoding="utf-8") as stream:
            for line in lines:
                stream.write(line + "\n")
                count += 1
    except OSError as error:
        raise ConfigError("the export cannot be written", got=f"{out}: {error.strerror}") from None
    stderr.print(f"{count} records in {out}")


def _chosen(path: Path, kinds: set[str], deployment: str, since: str) -> Iterator[str]:
    try:
        since_s = parse_utc(since) if since else 0.0
    except ValueError:
        raise ConfigError("--since is no moment", got=since, allowed="ISO 8601, like 2027-01-31") from None
    for record in read_records(path):
        if kinds and record["kind"] not in kinds:
            continue
        if deployment and record["deployment"] != deployment:
            continue
        if parse_utc(record["at"]) >= since_s:
            digest = record.pop("sha256")
            yield canonical_json(record).decode()[:-1] + f',"sha256":"{digest}"}}'


def _noted(head: str) -> KnownHead:
    count, _, digest = head.partition(":")
    if not count.isdecimal() or len(digest) != 64:
        raise ConfigError("--head is wrong", got=head[:20], allowed="COUNT:SHA256, as receipts and records show it")
    return KnownHead(int(count), digest, "the head that you noted")


def _show(document: dict[str, Any], json: str) -> None:
    if json:
        write_json(json, document)
    if json == "-":
        return
    ledger = document["ledger"]
    rows = [
        ("records", ledger["records"]),
        ("sealed up to", ledger["sealed"]),
        ("head", ledger["head"]),
    ]
    if "deletion" in document:
        deletion = document["deletion"]
        rows += [
            ("receipts that hold", document["receipts"]),
            ("destroyed items looked for", deletion["items_looked_for"]),
            ("searched", f"{deletion['files']} files, {deletion['bytes'] / 1e6:.1f} MB"),
            ("found", len(deletion["found"])),
        ]
    table("Audit", ("what", "result"), rows)
    for note in ledger["notes"]:
        stderr.print(f"[yellow]note:[/] {note}")
    for fault in document["faults"]:
        stderr.print(f"[bold red]does not hold:[/] {fault}")
    stderr.print("[bold green]everything holds[/]" if document["holds"] else "[bold red]it does not hold[/]")
