"""`lfr audit`: does what was recorded hold, and is what was destroyed gone?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from lfr_ray.cli.output import byte_progress, stderr, table, write_json
from lfr_ray.cli.site_option import ByOption, DataOption, JsonOption, SiteOption, record, site_of, who
from lfr_ray.clock import parse_utc
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, IntegrityError, NotFoundError
from lfr_ray.govern.ledger_anchors import anchored_heads
from lfr_ray.govern.ledger_event import KINDS, Event
from lfr_ray.govern.ledger_verify import KnownHead, read_lines, verify_ledger
from lfr_ray.govern.signed_authority import list_grants
from lfr_ray.govern.trust_file import trusted_keys

app = typer.Typer(name="audit", help="The audit ledger and the proof of deletion.", no_args_is_help=True)


@app.command()
def verify(
    head: Annotated[str, typer.Option(help="A head that you noted, COUNT:SHA256: the ledger must contain it.")] = "",
    noted: Annotated[
        list[Path] | None,
        typer.Option(help="A file in which anchors were written down, such as a log host's; repeat.", exists=True),
    ] = None,
    search: Annotated[list[Path] | None, typer.Option(help="Further storage to search; repeat.")] = None,
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Verify every record, seal, receipt and signature, and search the storage for destroyed content."""
    from lfr_ray.site.open_site import open_storage
    from lfr_ray.site.verify_site import ledger_document, verify_site

    config = site_of(site, data_dir)
    folder = _with_ledger(config)
    # First the ledger as it lies there: opening it would already refuse a truncated one.
    anchors = [*config.ledger.anchors, *(str(path.absolute()) for path in noted or ())]
    heads = [*([_noted(head)] if head else []), *anchored_heads(anchors, folder), *_authorities(folder)]
    before = verify_ledger(folder, trusted_keys(folder), heads)
    document: dict[str, Any] = {"holds": False, "faults": before.faults, "ledger": ledger_document(before)}
    if before.holds:
        roots = tuple(search or ())
        try:
            with open_storage(config, roots=roots) as storage, byte_progress("searching") as step:
                document = verify_site(storage, time.time(), progress=lambda size: step(advance=size)).document()
        except IntegrityError as error:  # a site that refuses to be opened says why
            document["faults"] = [f"{error.what}: {error.got}"]
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
    folder = _with_ledger(config)
    wrong = sorted(set(kind or ()) - set(KINDS))
    if wrong:
        raise ConfigError("no such kind of record", got=", ".join(wrong), allowed=", ".join(KINDS))
    actor = who(config, by, "supervisor", "auditor", "administrator")
    record(config, Event("disclosure", "ledger exported", deployment=deployment, actor=actor, reason=reason))
    lines = _chosen(folder, set(kind or ()), deployment, since)
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


def _authorities(folder: DataDir) -> Iterator[KnownHead]:
    """Where the ledger ended when each authority was signed."""
    for grant in list_grants(folder):
        if head := grant.authority.ledger_head:
            yield replace(_noted(head), source=f"the authority of {grant.authority.deployment}")


def _with_ledger(config: SiteConfig) -> DataDir:
    folder = DataDir(config.data_dir)
    if not folder.ledger.exists():
        raise NotFoundError("there is no ledger", got=folder.ledger, next_step="name the site's --data-dir")
    return folder


def _chosen(folder: DataDir, kinds: set[str], deployment: str, since: str) -> Iterator[str]:
    try:
        since_s = parse_utc(since) if since else 0.0
    except ValueError:
        raise ConfigError("--since is no moment", got=since, allowed="ISO 8601, like 2027-01-31") from None
    for line, one in read_lines(folder):
        if (kinds and one["kind"] not in kinds) or (deployment and one["deployment"] != deployment):
            continue
        if parse_utc(one["at"]) >= since_s:
            yield line.decode().rstrip("\n")


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
    rows = [("records", ledger["records"]), ("sealed up to", ledger["sealed"]), ("head", ledger["head"])]
    if "deletion" in document:
        deletion = document["deletion"]
        rows += [
            ("receipts that hold", document["receipts"]),
            ("destroyed items looked for", deletion["items_looked_for"]),
            ("searched", f"{deletion['files']} files, {deletion['bytes'] / 1e6:.1f} MB"),
            ("found", len(deletion["found"])),
        ]
    table("Audit", ("what", "result"), rows)
    for name in document.get("older_form", ()):
        stderr.print(f"[yellow]older form:[/] {name} (signed or written before RFC 8785; it holds)")
    for note in ledger["notes"]:
        stderr.print(f"[yellow]note:[/] {note}")
    for fault in document["faults"]:
        stderr.print(f"[bold red]does not hold:[/] {fault}")
    stderr.print("[bold green]everything holds[/]" if document["holds"] else "[bold red]it does not hold[/]")
