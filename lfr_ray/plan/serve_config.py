"""A plan written into a site file: what cameras and models reserve, and how Serve scales the models."""

from __future__ import annotations

import copy
import math
from typing import Any

from lfr_ray.plan.measured_costs import HardwareCosts
from lfr_ray.plan.node_sizing import Plan

HOLDS = 4
"""Serve refuses requests beyond so many times its target; refused ones wait at their camera, and newer frames win."""

BY_FRAMES_MISSED = "lfr_ray.actors.detector_autoscaling:by_frames_missed"
"""Where Serve finds how detectors are scaled; other models follow the requests in flight, Serve's own way."""

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
    for name, units in (("detector", plan.detector_units), ("embedder", plan.embedder_units)):
        other = {"streams": math.ceil(units), "gpus": 0} if unit == "cpus" else {"cpus": 0}
        args[name] = dict(args.get(name) or {}) | {unit: units} | other
    counts = {"detector": plan.detectors, "embedder": plan.embedders}
    scaled = [_deployment(name, count, plan.target_ongoing[name]) for name, count in counts.items()]
    kept = [one for one in application.get("deployments") or [] if one.get("name") not in counts]
    application["deployments"] = kept + scaled
    return planned


def _deployment(name: str, replicas: int, target: int) -> dict[str, Any]:
    policy = {"policy": {"policy_function": BY_FRAMES_MISSED}} if name == "detector" else {}
    return {
        "name": name,
        "num_replicas": "auto",
        "max_ongoing_requests": target * HOLDS,
        "autoscaling_config": {
            "min_replicas": min(2, replicas),
            "max_replicas": replicas,
            "target_ongoing_requests": target,
            "upscale_delay_s": UPSCALE_S,
            "downscale_delay_s": DOWNSCALE_S,
            **policy,
        },
    }
