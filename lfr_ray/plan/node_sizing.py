"""Nodes, replicas and network of a site: how much work there is, and what one node holds.

Work is counted in busy seconds a second: frames a second times their measured cost. Nothing is planned fuller than
``FULL``: above that, queues grow faster than work (for random arrivals, waiting is ``load / (1 - load)`` times the
work itself: 2.3 times at 0.7).

Of several nodes the head does not work: it has matcher, desk, fleet and HTTP, which reserve no core, and is started
with ``--num-cpus=0``. So it is counted beside the nodes that work. A single node is the head as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lfr_ray.config import SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.plan.measured_costs import HardwareCosts

FULL = 0.7
"""Share of a core's or GPU's time that is planned for."""

HEAD_CPUS = 1.0
"""Matcher, desk, fleet and ingress together: measured below a third of a core at 20 frames a second."""

SECOND_UNITS = 0.1
"""Of a core or GPU, for a replica of a second embedder: it looks at possible matches alone, and nobody measured it."""

MOST_NODES = 1000

BITS_A_PIXEL = 24
"""A canvas travels as it is: three bytes a pixel."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What comes to the cameras.

    Attributes:
        width_px: Of each camera's stream; so are height and Mbit/s.
        fps: Frames a second that each camera sends; all are decoded, also those that are not looked at.
        people_per_min: Who pass each camera in a minute.
    """

    width_px: int = 1920
    height_px: int = 1080
    fps: float = 25.0
    mbit_s: float = 8.0
    people_per_min: float = 60.0


@dataclass(frozen=True, slots=True)
class Node:
    """Cores, GPUs, GB and Mbit/s that one node offers, or that are asked of it."""

    cpus: float
    gpus: float
    memory_gb: float
    mbit_s: float

    def over(self, node: Node) -> dict[str, float]:
        """By resource, how many times as much as the node offers; what it does not offer at all is infinite."""
        pairs = {
            "CPUs": (self.cpus, node.cpus),
            "GPUs": (self.gpus, node.gpus),
            "memory": (self.memory_gb, node.memory_gb),
            "network": (self.mbit_s, node.mbit_s),
        }
        return {name: (math.inf if need else 0.0) if not has else need / has for name, (need, has) in pairs.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a site needs.

    Attributes:
        nodes: How many that work. A single one is the head as well.
        heads: Beside them; 1 where several work, which has nothing but the site's own processes.
        limit: The resource that one node less would lack; empty for a single node.
        cameras: How many are planned for.
        camera_cpus: Cores that each camera reserves.
        looked_at: Share of the wanted frames that the plan looks at; below 1 where the nodes were given.
        detectors, embedders: Replicas.
        second_embedders: Replicas too; 0 where the site has none.
        detector_units, embedder_units: Cores, or share of a GPU, that each replica reserves.
        target_ongoing: By deployment, Serve's ``target_ongoing_requests``.
        load: Of the fullest node that works: what is reserved of its cores and GPUs; of a single one, the head's too.
        canvas_mbit_s: Of all cameras to their detectors, if none stands on its camera's node.
    """

    nodes: int
    heads: int
    limit: str
    cameras: int
    camera_cpus: float
    looked_at: float
    detectors: int
    embedders: int
    second_embedders: int
    detector_units: float
    embedder_units: float
    target_ongoing: dict[str, int]
    load: Node
    canvas_mbit_s: float


@dataclass(frozen=True, slots=True)
class _Work:
    """Cores and Mbit/s a camera, and the models' cores or GPUs for all cameras; whether a second embedder looks too."""

    cameras: int
    camera_cpus: float
    stream_mbit_s: float
    canvas_mbit_s: float
    detect: float
    embed: float
    second: bool


@dataclass(frozen=True, slots=True)
class _Replicas:
    """Of each model, and what each reserves."""

    detectors: int
    embedders: int
    second_embedders: int
    detector_units: float
    embedder_units: float

    @property
    def units(self) -> float:
        """What all reserve together."""
        return (
            self.detectors * self.detector_units
            + self.embedders * self.embedder_units
            + self.second_embedders * SECOND_UNITS
        )

    def of_one(self, nodes: int) -> _Replicas:
        """Those of the fullest of so many nodes: each kind is spread."""
        detectors, embedders = math.ceil(self.detectors / nodes), math.ceil(self.embedders / nodes)
        return replace(self, detectors=detectors, embedders=embedders, second_embedders=min(1, self.second_embedders))


def plan(site: SiteConfig, costs: HardwareCosts, node: Node, crowd: Crowd, *, nodes: int | None = None) -> Plan:
    """Size a site: as many nodes as it needs; or, with so many nodes, the share of the frames that they look at.

    ``nodes`` are those that work: of several, the head is not among them.

    Raises:
        ResourceError: It has no camera, a single camera is too much for a node, or no number of nodes is enough.
    """
    if not site.cameras:
        raise ResourceError("the site has no camera", got="0 cameras", next_step="list the cameras in the site file")
    work = _work(site, costs, crowd, 1.0)
    if nodes is not None:
        return _held(site, costs, node, crowd, nodes)
    for count in range(1, MOST_NODES + 1):
        if not _lacking(work, costs, count, node):
            limit = "" if count == 1 else _first(_lacking(work, costs, count - 1, node))
            return _plan(site, costs, work, count, limit, 1.0)
    lacking = _lacking(work, costs, MOST_NODES, node)
    raise ResourceError(
        f"the site does not fit on nodes of this kind: {_first(lacking)}",
        got=f"the fullest of {MOST_NODES} nodes would need {max(lacking.values()):.2g} times what it has",
        allowed=f"{node.cpus:g} CPUs, {node.gpus:g} GPUs, {node.memory_gb:g} GB and {node.mbit_s:g} Mbit/s a node",
        next_step="plan with larger nodes, a smaller canvas, or a lower max_fps",
    )


def _held(site: SiteConfig, costs: HardwareCosts, node: Node, crowd: Crowd, nodes: int) -> Plan:
    """The largest share of the frames that so many nodes look at, in steps of a hundredth."""
    for hundredths in range(100, 0, -1):
        share = hundredths / 100
        work = _work(site, costs, crowd, share)
        if not _lacking(work, costs, nodes, node):
            more = _lacking(_work(site, costs, crowd, share + 0.01), costs, nodes, node)
            return _plan(site, costs, work, nodes, "" if share == 1.0 else _first(more), share)
    lacking = _lacking(_work(site, costs, crowd, 0.01), costs, nodes, node)
    raise ResourceError(
        f"{nodes} node(s) cannot even decode what the cameras send: {_first(lacking)}",
        got=f"{max(lacking.values()):.2g} times what a node has",
        next_step="plan with more or larger nodes, or streams with fewer frames",
    )


def _work(site: SiteConfig, costs: HardwareCosts, crowd: Crowd, share: float) -> _Work:
    looked = [min(one.max_fps, crowd.fps) * share for one in site.cameras]
    decode_ms = costs.decode.of_ms(crowd.width_px, crowd.height_px)
    camera_s = (crowd.fps * decode_ms + max(looked) * costs.chain_ms) / 1000
    canvas_px = site.detector.width_px * site.detector.height_px
    detect_ms = costs.detect.of_ms(site.detector.width_px, site.detector.height_px)
    views_s = crowd.people_per_min / 60 * site.evidence.max_views * len(looked) * share
    return _Work(
        cameras=len(looked),
        camera_cpus=round(max(0.05, camera_s / FULL), 2),
        stream_mbit_s=crowd.mbit_s,
        canvas_mbit_s=max(looked) * canvas_px * BITS_A_PIXEL / 1e6,
        detect=sum(looked) * detect_ms / 1000 / FULL,
        embed=views_s * costs.embed_ms / 1000 / FULL,
        second=site.second_embedder is not None,
    )


def _at_work(work: _Work, costs: HardwareCosts) -> tuple[float, float]:
    """Requests that all detectors and all embedders work on at a time when they are as full as planned.

    A camera waits for one answer of an embedder at a time.
    """
    # Of a GPU, which works on batches, it is not known how many requests fill it.
    works = (work.detect, work.embed) if costs.device == "cpu" else (math.inf, math.inf)
    return works[0] * FULL, min(work.cameras, works[1]) * FULL


def _replicas(work: _Work, costs: HardwareCosts, nodes: int) -> _Replicas:
    """A detector for each node; and as many embedders, but no more than have a request each at a time.

    On several nodes there are at least two, so that one node's end is no end.
    """
    embedders = min(nodes, max(2, math.floor(_at_work(work, costs)[1])))
    detectors, detector_units = _split(work.detect, nodes, costs)
    embedders, embedder_units = _split(work.embed, embedders, costs)
    return _Replicas(detectors, embedders, min(nodes, 2) if work.second else 0, detector_units, embedder_units)


def _split(work: float, count: int, costs: HardwareCosts) -> tuple[int, float]:
    """So many replicas for this work, or as many times more as it takes GPUs; and what each reserves.

    A process works on one GPU. Several on a node reserve a whole one each: then there is room in whatever order they
    and smaller ones come.
    """
    if costs.device != "cpu" and work > count:
        return count * math.ceil(work / count), 1.0
    return count, max(0.1, math.ceil(10 * work / count) / 10)


def _fullest(work: _Work, costs: HardwareCosts, nodes: int) -> Node:
    """That one of so many which has most of everything: its share of the cameras, and one replica of each model.

    So there is room for each replica in whatever order they come, as Ray and Serve spread each kind over the nodes.
    """
    cameras = math.ceil(work.cameras / nodes)
    replicas = _replicas(work, costs, nodes).of_one(nodes)
    models = round(replicas.units, 6)
    on_cpu = costs.device == "cpu"
    memory = costs.memory_mb
    only = nodes == 1
    embedders = replicas.embedders + replicas.second_embedders
    own_mb = memory.camera * cameras + memory.detector * replicas.detectors + memory.embedder * embedders
    own_mb += memory.site if only else memory.node
    return Node(
        cpus=cameras * work.camera_cpus + (HEAD_CPUS if only else 0.0) + (models if on_cpu else 0.0),
        gpus=0.0 if on_cpu else models,
        memory_gb=own_mb / 1000,
        mbit_s=cameras * (work.stream_mbit_s + (work.canvas_mbit_s if nodes > 1 else 0.0)),
    )


def _lacking(work: _Work, costs: HardwareCosts, nodes: int, node: Node) -> dict[str, float]:
    """What so many nodes have too little of, and how many times as much is asked of one.

    All together have room for one camera more each: wherever the others stand, each finds a node with enough left.
    """
    load = _fullest(work, costs, nodes)
    if nodes > 1:
        reserved = work.cameras * work.camera_cpus
        if costs.device == "cpu":
            reserved += _replicas(work, costs, nodes).units
        load = replace(load, cpus=max(load.cpus, reserved / nodes + work.camera_cpus))
    return {name: times for name, times in load.over(node).items() if times > 1.0}


def _first(lacking: dict[str, float]) -> str:
    return max(lacking, key=lacking.__getitem__) if lacking else ""


def _plan(site: SiteConfig, costs: HardwareCosts, work: _Work, nodes: int, limit: str, share: float) -> Plan:
    replicas = _replicas(work, costs, nodes)
    in_flight = sum(site.frames_in_flight_of(one, detectors_full=True) for one in site.cameras)
    detecting, embedding = _at_work(work, costs)
    # As many as a replica works on when it is as full as planned: with more, Serve would take replicas away that are
    # needed. A detector that is too slow holds every frame in flight; Serve then adds replicas up to the plan. Of a GPU
    # a batch at most: a replica holds four, and a target above what it holds is one that is never reached.
    shares = (min(in_flight * FULL, detecting) / replicas.detectors, embedding / replicas.embedders)
    batches = (site.detector.max_batch, site.embedder.max_batch) if costs.device != "cpu" else (math.inf, math.inf)
    most = [max(1, math.floor(min(pair))) for pair in zip(shares, batches, strict=True)]
    targets = dict(zip(("detector", "embedder"), most, strict=True))
    fullest = _fullest(work, costs, nodes)
    return Plan(
        nodes=nodes,
        heads=int(nodes > 1),
        limit=limit,
        cameras=work.cameras,
        camera_cpus=work.camera_cpus,
        looked_at=share,
        detectors=replicas.detectors,
        embedders=replicas.embedders,
        second_embedders=replicas.second_embedders,
        detector_units=replicas.detector_units,
        embedder_units=replicas.embedder_units,
        target_ongoing=targets,
        load=replace(fullest, cpus=round(fullest.cpus, 2), gpus=round(fullest.gpus, 3)),
        canvas_mbit_s=round(work.cameras * work.canvas_mbit_s, 1),
    )
