"""`lfr watchlist`: who is looked for, on what ground, seen by a second person."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfr_ray.alert.json_document import from_json
from lfr_ray.cli.output import stderr, table, tell, write_file, write_json
from lfr_ray.cli.site_option import (
    ByOption,
    JsonOption,
    SiteOption,
    certified,
    is_signed_for,
    record,
    site_of,
    typed,
    who,
)
from lfr_ray.cli.watchlist_import import DataOption, ModelOption, check, import_folder, open_draft, open_watchlist
from lfr_ray.cli.watchlist_output import entry_document, print_composition
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.durable_files import read_json
from lfr_ray.errors import AuthorityError
from lfr_ray.govern.authority import APPROVE
from lfr_ray.govern.ledger_event import Event, subject_of
from lfr_ray.govern.ledger_state import APPROVED
from lfr_ray.govern.signing_keys import SigningKey, passphrase_from

if TYPE_CHECKING:
    from lfr_ray.match.watchlist_approval import Sign
    from lfr_ray.match.watchlist_entries import Entry

app = typer.Typer(name="watchlist", help="Import, look at, approve and remove entries.", no_args_is_help=True)
app.command("import")(import_folder)
app.command("check")(check)

ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in words; it is recorded.")]


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
    store = open_watchlist(config)
    entries: dict[str, Entry] = {}
    pictures: dict[str, set[str]] = {}
    for row in store.vectors():
        entries[row.entry.entry_id] = row.entry
        # Two models keep a row each of one picture.
        pictures.setdefault(row.entry.entry_id, set()).add(row.file_sha256)
    counts = {entry_id: len(files) for entry_id, files in pictures.items()}
    if entries:
        actor = who(config, by, "importer", "supervisor", "auditor")
        record(config, Event("consultation", "watchlist listed", actor=actor, reason=reason))
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
    images = open_watchlist(config).images(entry_id)
    actor = who(config, by, "importer", "supervisor", "auditor")
    record(config, Event("consultation", "watchlist entry shown", "", actor, subject_of(entry_id), reason))
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
        best = max(images, key=lambda image: image.quality)
        write_file(picture, best.jpeg, "the picture", "--picture")
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
    store, draft, actor = open_watchlist(config), open_draft(config), who(config, by, "importer")
    unique = list(dict.fromkeys(entry_ids))
    store.remove(*unique)
    for entry_id in draft.pictures()[1].keys() & set(unique):
        draft.take_back(entry_id)
    content_hash = store.content_hash()
    for entry_id in unique:
        facts = {"watchlist_sha256": content_hash}
        subject = subject_of(entry_id)
        record(config, Event("erasure", "watchlist entry erased", "", actor, subject, reason, facts))
    if json:
        write_json(json, {"removed": unique, "hash": content_hash})
        return
    stderr.print(f"{len(unique)} removed and erased; the list must be approved again")


@app.command()
def approve(
    site: SiteOption = None,
    data_dir: DataOption = None,
    key: Annotated[Path | None, typer.Option(help="The approver's private key; only a test does without.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    by: ByOption = "",
    json: JsonOption = "",
) -> None:
    """Freeze the list with what waits to be on it, by an approver's signature. Whoever made it cannot do this."""
    from lfr_ray.match.watchlist_store import check_approver

    config = site_of(site, data_dir)
    now_s = round(time.time(), 3)
    approver, sign = _approver(config, key, passphrase_env, now_s, by)
    draft = open_draft(config)
    check_approver(approver, draft.importers())
    taken_up = draft.take_up()
    approval = draft.store.approve(approver, now_s, sign)
    facts = {"watchlist_sha256": approval.content_hash, "taken_up": taken_up}
    record(config, Event("authority", APPROVED, actor=approver, facts=facts))
    document = {
        "approved_by": approval.approved_by,
        "approved_at": utc_text(approval.approved_at),
        "hash": approval.content_hash,
    }
    tell(json, document, "The watchlist is approved", ("field", "value"), document.items())


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="What the console saved to be signed.")],
    key: Annotated[Path, typer.Option(help="The approver's private key; it stays here.")],
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    json: Annotated[str, typer.Option("--json", metavar="FILE|-", help="Where the signature goes.")] = "-",
) -> None:
    """Sign a list on another machine, to be handed in at the console: an approver's key need not come near the site."""
    from lfr_ray.match.keeper_answers import ListProposal

    given = from_json(ListProposal, read_json(file, "the file to be signed"))
    signature = SigningKey.load(key, passphrase_from(passphrase_env)).sign(APPROVE, given.document, time.time())
    write_json(json, {"content_hash": given.content_hash, "signature": signature.model_dump(mode="json")})


def _approver(
    config: SiteConfig, key: Path | None, passphrase_env: str, now_s: float, by: str
) -> tuple[str, Sign | None]:
    """Who approves, by certificate, and their signature; in a test who they say they are."""
    if key is None and is_signed_for(config):
        raise AuthorityError(
            "a list is approved by an approver's signature: a typed name decides nothing",
            got="no --key",
            next_step="name the approver's key with --key",
        )
    if key is None:
        return typed(by), None
    approver, signer = certified(config, key, passphrase_env, "approver", now_s)
    return approver, lambda document: signer.sign(APPROVE, document, now_s).model_dump(mode="json")


@app.command("report")
def report_composition(
    site: SiteOption = None, data_dir: DataOption = None, model: ModelOption = "", json: JsonOption = ""
) -> None:
    """What the list is made of, with what waits to be on it: categories, pictures, duplicates, likely relatives."""
    from lfr_ray.match.watchlist_composition import compose
    from lfr_ray.models.card_catalogue import card

    config = site_of(site, data_dir)
    now_s = time.time()
    draft = open_draft(config)
    store, waiting = draft.store, draft.pictures()[1]
    embedder = card(model or config.embedder.model)
    rows = [row for row in draft.vectors() if row.model == embedder.enrolled_as]
    composition = compose(rows, now_s, embedder.calibration)
    approval = store.approval(now_s)
    document = (
        asdict(composition)
        | {
            "model": embedder.id,
            "hash": store.content_hash(),
            "approved_by": approval.approved_by if approval is not None else None,
            "approved_at": utc_text(approval.approved_at) if approval is not None else None,
        }
        | ({"waiting": waiting} if waiting else {})
    )
    if json:
        write_json(json, document)
        return
    print_composition(composition, document)
    if waiting:
        table("Waits to be approved", ("entry", "what"), sorted(waiting.items()))
