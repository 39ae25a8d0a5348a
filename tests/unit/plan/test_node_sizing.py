"""Sizing a site: sums that a person can check, and what one node less would lack."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import ResourceError
from lfr_ray.plan.measured_costs import Growth, HardwareCosts, MemoryCosts
from lfr_ray.plan.node_sizing import FULL, HEAD_CPUS, SECOND_UNITS, Crowd, Node, plan

COSTS = HardwareCosts(
    id="made-up",
    title="round numbers",
    device="cpu",
    detector="centerface",
    embedder="dlib_resnet",
    measured="2026-01-01",
    decode=Growth(ms=0.0, ms_per_mpx=2.0),
    chain_ms=1.0,
    detect=Growth(ms=0.0, ms_per_mpx=40.0),
    embed_ms=5.0,
    memory_mb=MemoryCosts(camera=200, detector=400, embedder=400, site=1000, node=300),
)
CROWD = Crowd(width_px=1000, height_px=1000, fps=25.0, mbit_s=8.0, people_per_min=60.0)
NODE = Node(cpus=16, gpus=0, memory_gb=64, mbit_s=10_000)


def _site(cameras: int, **fields: object) -> SiteConfig:
    listed = [CameraConfig(name=f"c{number}", url=f"rtsp://192.0.2.{number % 250}/s") for number in range(cameras)]
    return SiteConfig.model_validate({"site": "planned", "cameras": [one.model_dump() for one in listed]} | fields)


def test_one_camera_is_the_sum_of_its_parts() -> None:
    site = _site(1)
    found = plan(site, COSTS, NODE, CROWD)
    camera = (25 * 2.0 + 10 * 1.0) / 1000 / FULL
    canvas_mpx = site.detector.width_px * site.detector.height_px / 1e6
    detect = 10 * 40.0 * canvas_mpx / 1000 / FULL
    embed = site.evidence.max_views * 5.0 / 1000 / FULL
    assert (found.nodes, found.limit, found.looked_at) == (1, "", 1.0)
    assert found.camera_cpus == pytest.approx(camera, abs=0.005)
    assert detect <= found.detector_units <= detect + 0.1
    assert embed <= found.embedder_units <= embed + 0.1
    reserved = found.camera_cpus + found.detector_units + found.embedder_units
    assert found.load.cpus == pytest.approx(reserved + HEAD_CPUS, abs=0.01)
    assert found.heads == 0  # it is the head as well
    assert found.load.mbit_s == 8.0  # on one node no canvas travels


@pytest.mark.parametrize(
    ("node", "limit"),
    [
        (replace(NODE, cpus=8), "CPUs"),
        (replace(NODE, memory_gb=4), "memory"),
        (replace(NODE, mbit_s=200), "network"),
    ],
)
def test_nodes_are_as_few_as_hold_it_and_the_limit_is_named(node: Node, limit: str) -> None:
    found = plan(_site(40), COSTS, node, CROWD)
    assert found.nodes > 1
    assert found.heads == 1
    assert found.limit == limit
    assert max(found.load.over(node).values()) <= 1.0
    held = plan(_site(40), COSTS, node, CROWD, nodes=found.nodes)
    assert held.looked_at == 1.0


def test_gpu_costs_are_counted_in_gpus() -> None:
    costs = COSTS.model_copy(update={"device": "cuda"})
    found = plan(_site(40), costs, replace(NODE, gpus=1), CROWD)
    assert found.load.gpus > 0
    assert found.load.over(replace(NODE, gpus=1))["GPUs"] <= 1.0
    with pytest.raises(ResourceError, match="GPUs"):
        plan(_site(40), costs, NODE, CROWD)


def test_given_nodes_hold_a_share_of_the_frames() -> None:
    small = replace(NODE, cpus=3)
    held = plan(_site(12), COSTS, small, CROWD, nodes=1)
    assert 0 < held.looked_at < 1
    assert held.limit == "CPUs"
    assert held.looked_at < plan(_site(12), COSTS, replace(NODE, cpus=4), CROWD, nodes=1).looked_at
    with pytest.raises(ResourceError, match="cannot even decode"):
        plan(_site(40), COSTS, replace(NODE, cpus=1.5), CROWD, nodes=1)


def test_a_site_that_cannot_fit_says_so() -> None:
    with pytest.raises(ResourceError, match=r"does not fit.*CPUs"):
        plan(_site(2), COSTS, replace(NODE, cpus=1.01), replace(CROWD, fps=500))
    with pytest.raises(ResourceError, match="no camera"):
        plan(_site(0), COSTS, NODE, CROWD)


@pytest.mark.parametrize("cameras", [1, 4, 40, 200])
def test_a_full_detector_makes_serve_ask_for_what_is_planned(cameras: int) -> None:
    """When every camera waits for the detector, ongoing requests over the target are the planned replicas or more."""
    site = _site(cameras)
    found = plan(site, COSTS, NODE, CROWD)
    waiting = sum(site.frames_in_flight_of(one, detectors_full=True) for one in site.cameras)
    assert math.ceil(waiting / found.target_ongoing["detector"]) >= found.detectors


@pytest.mark.parametrize(("cameras", "people"), [(3, 20.0), (40, 20.0), (40, 600.0), (40, 3000.0)])
def test_a_process_reserves_one_gpu_at_most_and_all_have_what_the_work_needs(cameras: int, people: float) -> None:
    costs, crowd = COSTS.model_copy(update={"device": "cuda"}), replace(CROWD, people_per_min=people)
    site, node = _site(cameras), replace(NODE, cpus=64, gpus=8)
    found = plan(site, costs, node, crowd)
    detect_ms = costs.detect.of_ms(site.detector.width_px, site.detector.height_px)
    views_s = cameras * people / 60 * site.evidence.max_views
    for count, units, busy_s in (
        (found.detectors, found.detector_units, cameras * 10 * detect_ms / 1000),
        (found.embedders, found.embedder_units, views_s * costs.embed_ms / 1000),
    ):
        assert units <= 1
        assert count * units >= busy_s / FULL - 1e-9
        assert count <= found.nodes or units == 1, "several on a node have a GPU each"
    assert found.load.gpus <= 8
    assert max(found.target_ongoing["detector"] / site.detector.max_batch, found.target_ongoing["embedder"] / 32) <= 1


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_second_embedder_is_counted_beside_the_first(device: str) -> None:
    costs, node = COSTS.model_copy(update={"device": device}), replace(NODE, gpus=1)
    second = _site(20, second_embedder={"model": "dlib_resnet"})
    one, both = (plan(site, costs, node, CROWD, nodes=2) for site in (_site(20), second))
    assert (one.second_embedders, both.second_embedders) == (0, 2)
    kind = "cpus" if device == "cpu" else "gpus"
    assert getattr(both.load, kind) == pytest.approx(getattr(one.load, kind) + SECOND_UNITS)
    assert both.load.memory_gb == pytest.approx(one.load.memory_gb + 0.4)
    assert plan(second, costs, replace(node, cpus=64), CROWD, nodes=1).second_embedders == 1


def test_two_embedders_where_there_are_two_nodes() -> None:
    found = plan(_site(40), COSTS, replace(NODE, cpus=8), CROWD)
    assert found.nodes > 1
    assert 2 <= found.embedders <= found.nodes


CROWDS = [
    (cameras, people, cpus)
    for cameras in (3, 20, 41, 100, 200, 640)
    for people in (0.0, 5.0, 20.0, 60.0)
    for cpus in (4.0, 8.0, 16.0, 64.0)
]


@pytest.mark.parametrize("size_px", [(1000, 1000), (3840, 2160)])
@pytest.mark.parametrize(("cameras", "people", "cpus"), CROWDS)
def test_all_that_is_reserved_fits_on_the_nodes_that_work(
    cameras: int, people: float, cpus: float, size_px: tuple[int, int]
) -> None:
    crowd = replace(CROWD, people_per_min=people, width_px=size_px[0], height_px=size_px[1])
    found = plan(_site(cameras), COSTS, replace(NODE, cpus=cpus), crowd)
    # Several have a head with --num-cpus=0 beside them; a single one has the head's own work besides.
    each = cpus if found.heads else cpus - HEAD_CPUS
    free = [0.0] * found.heads + [each] * found.nodes
    models = [found.detector_units] * found.detectors + [found.embedder_units] * found.embedders
    for reserved in sorted(models + [found.camera_cpus] * cameras, reverse=True):
        place = next((number for number, left in enumerate(free) if left >= reserved - 1e-9), None)
        assert place is not None, (found, reserved)
        free[place] -= reserved


@pytest.mark.parametrize(("cameras", "people", "cpus"), CROWDS)
def test_a_replica_that_comes_last_finds_room_beside_the_cameras(cameras: int, people: float, cpus: float) -> None:
    """Serve begins with two of a kind and adds others later; each kind is spread over the nodes."""
    found = plan(_site(cameras), COSTS, replace(NODE, cpus=cpus), replace(CROWD, people_per_min=people))
    each = cpus if found.heads else cpus - HEAD_CPUS
    shares = [math.ceil(count / found.nodes) for count in (cameras, found.detectors, found.embedders)]
    units = (found.camera_cpus, found.detector_units, found.embedder_units)
    assert sum(share * unit for share, unit in zip(shares, units, strict=True)) <= each + 1e-9


def test_only_a_single_node_has_what_the_head_has() -> None:
    one = plan(_site(20), COSTS, NODE, CROWD)
    assert plan(_site(20), COSTS, replace(NODE, cpus=one.load.cpus + 0.01), CROWD).heads == 0
    several = plan(_site(20), COSTS, replace(NODE, cpus=one.load.cpus - 0.01), CROWD)
    assert (several.nodes, several.heads) == (2, 1)
    half = plan(_site(20), COSTS, NODE, CROWD, nodes=2)
    assert half.load.cpus == pytest.approx(10 * half.camera_cpus + half.detector_units + half.embedder_units, abs=0.01)
    assert half.load.memory_gb == pytest.approx((10 * 200 + 400 + 400 + 300) / 1000)  # Ray's, and not the site's
    assert one.load.memory_gb == pytest.approx((20 * 200 + 400 + 400 + 1000) / 1000)
