"""A plan written into a site file: what cameras and models reserve, and how Serve scales the models."""

from __future__ import annotations

import copy
import math
from typing import Any

from lfr_ray.plan.measured_costs import HardwareCosts
from lfr_ray.plan.node_sizing import SECOND_UNITS, Plan

BY_FRAMES_MISSED = "lfr_ray.actors.detector_autoscaling:by_frames_missed"
"""Where Serve finds how detectors are scaled; other models follow the requests in flight, Serve's own way."""

SECOND = "second_embedder"
"""Of possible matches alone, so few that Serve does not scale it."""

LEAST = 2
"""Replicas with which Serve begins, where so many are planned."""

UPSCALE_S, DOWNSCALE_S = 5, 300
"""A crowd comes within seconds and goes within minutes; a replica that comes back must load its model again."""


def with_plan(document: dict[str, Any], plan: Plan, costs: HardwareCosts) -> dict[str, Any]:
    """A site file's document with the plan for this hardware in it; everything else stays as it is."""
    planned = copy.deepcopy(document)
    application = planned["applications"][0]
    args = application["args"]
    unit = "cpus" if costs.device == "cpu" else "gpus"
    args["device"] = costs.device
    args["camera_cpus"] = plan.camera_cpus
    counts = {"detector": plan.detectors, "embedder": plan.embedders}
    begin = {name: min(LEAST, count) for name, count in counts.items()}
    units = {"detector": plan.detector_units, "embedder": plan.embedder_units}
    if plan.second_embedders:
        begin[SECOND], units[SECOND] = plan.second_embedders, SECOND_UNITS
    for name, each in units.items():
        other = {"streams": math.ceil(each), "gpus": 0} if unit == "cpus" else {"cpus": 0}
        # A site waits for the nodes of so many, so they are those with which Serve begins.
        args[name] = dict(args.get(name) or {}) | {unit: each, "replicas": begin[name]} | other
    scaled = [_deployment(name, begin[name], count, plan.target_ongoing[name]) for name, count in counts.items()]
    kept = [one for one in application.get("deployments") or [] if one.get("name") not in units]
    application["deployments"] = kept + scaled
    return planned


def _deployment(name: str, least: int, most: int, target: int) -> dict[str, Any]:
    """How Serve scales one. How many requests a replica holds is not said: the code's own number is right."""
    policy = {"policy": {"policy_function": BY_FRAMES_MISSED}} if name == "detector" else {}
    return {
        "name": name,
        "num_replicas": "auto",
        "autoscaling_config": {
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": target,
            "upscale_delay_s": UPSCALE_S,
            "downscale_delay_s": DOWNSCALE_S,
            **policy,
        },
    }
