"""`lfr plan`: how many nodes a site needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import yaml

from lfr_ray.cli.output import check_json_target, json_target, stderr, table, write_json
from lfr_ray.cli.signals import in_order
from lfr_ray.cli.simulate import document_of, show, simulate, slower_for
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError
from lfr_ray.models.card_catalogue import resolve_embedder
from lfr_ray.plan.measured_costs import HardwareCosts, costs_of
from lfr_ray.plan.node_sizing import SECOND_UNITS, Crowd, Node, Plan, plan
from lfr_ray.plan.predicted_rates import predicted
from lfr_ray.plan.serve_config import with_plan
from lfr_ray.site_file import read_site_file

app = typer.Typer()

NODES_HELP = (
    "So many nodes that work are there: say what they hold. A single one is the head as well; of several, the head is "
    "not among them."
)
STREAM_HELP = "What each camera sends: WIDTHxHEIGHT@FPS; every frame is decoded, also those not looked at."


@app.command("plan")
def plan_site(
    site_file: Annotated[Path, typer.Argument(metavar="SITE.yaml", help="The site; it is not started.")],
    hardware_id: Annotated[
        str, typer.Option("--hardware", help="Whose costs are taken (lfr_ray/plan/hardware); needed where several are.")
    ] = "",
    cameras: Annotated[int, typer.Option(min=0, help="Plan for so many cameras like the site's; 0: those listed.")] = 0,
    stream: Annotated[str, typer.Option(help=STREAM_HELP)] = "1920x1080@25",
    stream_mbit: Annotated[float, typer.Option(min=0.01, help="Megabits a second of each stream.")] = 8.0,
    people: Annotated[float, typer.Option(min=0, help="Who pass each camera in a minute.")] = 60.0,
    node_cpus: Annotated[float, typer.Option(min=1, help="Cores of a node.")] = 16.0,
    node_gpus: Annotated[float, typer.Option(min=0, help="GPUs of a node.")] = 0.0,
    node_memory_gb: Annotated[float, typer.Option(min=0.5, help="Memory of a node, GB.")] = 64.0,
    node_mbit: Annotated[float, typer.Option(min=1, help="Network of a node, megabits a second.")] = 10_000.0,
    nodes: Annotated[int, typer.Option(min=0, help=NODES_HELP)] = 0,
    run: Annotated[
        bool,
        typer.Option("--simulate", help="Run it: the real processes, with models that wait as long as is planned."),
    ] = False,
    seconds: Annotated[float, typer.Option(min=5, help="Simulate for so long.")] = 60.0,
    slower: Annotated[
        float, typer.Option(min=0, help="So many times as slowly; 0: as slowly as this machine needs it.")
    ] = 0.0,
    address: Annotated[str, typer.Option(help="Simulate on this Ray cluster; otherwise nodes are started here.")] = "",
    write: Annotated[
        Path | None, typer.Option(metavar="NEW.yaml", help="Write the site file with the plan in it.")
    ] = None,
    json: Annotated[str, typer.Option(callback=json_target, help="Write JSON to this file, or - for stdout.")] = "",
) -> None:
    """How many nodes a site needs, what limits it, and the Serve part of its file, by measured costs of each stage."""
    if write is not None:
        if write.exists():
            raise ConfigError("the file is there already", got=write, next_step="name a new file with --write")
        check_json_target(str(write), "--write")
    read = read_site_file(site_file)
    costs = costs_of(hardware_id)
    width_px, height_px, fps = _stream(stream)
    _tell_what_is_not_the_sites(read.site, costs)
    crowd = Crowd(width_px, height_px, fps, stream_mbit, people)
    node = Node(node_cpus, node_gpus, node_memory_gb, node_mbit)
    site = read.site
    if cameras and site.cameras:
        repeated = [site.cameras[number % len(site.cameras)] for number in range(cameras)]
        site = site.model_copy(update={"cameras": tuple(repeated)})
    found = plan(site, costs, node, crowd, nodes=nodes or None)
    if write is not None:
        text = yaml.safe_dump(with_plan(read.document, found, costs), sort_keys=False, width=120)
        write.write_text(text, encoding="utf-8")
        stderr.print(f"written: {write}")
    document = {"hardware": costs.id, "measured": costs.measured} | asdict(found)
    if json != "-":
        _print(found, costs, node)
    if run:
        with in_order() as ending:
            expected = predicted(site, costs, crowd, found)
            slower = slower or slower_for(found.cameras, site.cameras[0].max_fps)
            outcome = simulate(
                site, costs, crowd, found, node,
                seconds=seconds, slower=slower, address=address, folder=ending.folder,
            )  # fmt: skip
        document["simulated"] = document_of(expected, slower, *outcome)
        if json != "-":
            show(expected, slower, *outcome)
    if json:
        write_json(json, document)


def _tell_what_is_not_the_sites(site: SiteConfig, costs: HardwareCosts) -> None:
    """A GPU that nobody measured, and models whose times are others."""
    if costs.device == "cpu" and (site.device == "cuda" or site.detector.gpus or site.embedder.gpus):
        stderr.print(f"[yellow]planned for processors:[/] this site asks for a GPU, and {costs.id} are no costs of one")
        stderr.print(
            "  next: `python -m benchmarks.costs --hardware NAME --device cuda` on one, or let the site run on cpu"
        )
    for own, measured in ((site.detector.model, costs.detector), (resolve_embedder(site.embedder), costs.embedder)):
        if own != measured:
            stderr.print(f"[yellow]planned with another model's times:[/] the site has {own}, {costs.id} {measured}")


def _stream(text: str) -> tuple[int, int, float]:
    try:
        size, fps = text.split("@")
        width, height = size.lower().split("x")
        numbers = int(width), int(height), float(fps)
        if min(numbers) <= 0 or not max(numbers) < float("inf"):
            raise ValueError
    except ValueError:
        raise ConfigError("--stream cannot be read", got=text, allowed="WIDTHxHEIGHT@FPS, like 1920x1080@25") from None
    return numbers


def _print(found: Plan, costs: HardwareCosts, node: Node) -> None:
    unit = "core(s)" if costs.device == "cpu" else "of a GPU"
    load = found.load
    fewer = f"; one fewer would lack {found.limit}" if found.limit and found.looked_at == 1 else ""
    more = f"; more would lack {found.limit}" if found.looked_at < 1 else ""
    used = (
        f"{load.cpus:g} of {node.cpus:g} cores, {load.gpus:g} of {node.gpus:g} GPUs, {load.memory_gb:.1f} of "
        f"{node.memory_gb:g} GB, {load.mbit_s:.0f} of {node.mbit_s:g} Mbit/s"
    )
    beside = "1 more beside them, for matcher, desk and HTTP; start it with --num-cpus=0"
    second = [("second embedders", f"{found.second_embedders}, each reserves {SECOND_UNITS:g} {unit}: not measured")]
    second = second if found.second_embedders else []
    rows = [
        ("nodes that work", f"{found.nodes}{fewer}"),
        ("head", beside if found.heads else "the same node"),
        ("frames looked at", f"{found.looked_at:.0%} of those wanted{more}"),
        ("cameras", f"{found.cameras}, each reserves {found.camera_cpus:g} core(s)"),
        ("detectors", f"{found.detectors}, each reserves {found.detector_units:g} {unit}"),
        ("embedders", f"{found.embedders}, each reserves {found.embedder_units:g} {unit}"),
        *second,
        ("fullest that works" if found.heads else "the node", used),
        ("canvases", f"{found.canvas_mbit_s:.0f} Mbit/s, if no detector stands on its camera's node"),
    ]
    table(f"plan with the costs of {costs.id} ({costs.measured})", ("what", "plan"), rows)
