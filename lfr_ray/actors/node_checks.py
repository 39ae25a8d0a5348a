"""What a node is, and what a site asks each before it starts: the same software, and the files of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import lfr_ray
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError, ModelError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.weight_files import find_weights

HEAD = "node:__internal_head__"
"""Ray's resource of the node where a site's data folder lies."""

NO_ANSWER = "it does not have this software, or does not answer"
ANSWER_S = 120.0
"""A node starts a process to answer; on a busy machine that takes a while."""


def node_fault(version: str, models: Sequence[tuple[str, Path | None]]) -> str:
    """Why this machine cannot take part in a site; empty when it can. Runs there.

    Args:
        version: Of the software that starts the site.
        models: Card's id and the site's own weight file of each that may come here.
    """
    if lfr_ray.__version__ != version:
        return f"lfr_ray {lfr_ray.__version__}"
    try:
        for model, weights in models:
            if card(model).file:
                find_weights(card(model), weights)
    except ModelError as error:
        return f"{error.what}: {error.got}"
    return ""


def on_head_node() -> bool:
    """Whether this process of a cluster runs where the site's data folder lies."""
    here = ray.get_runtime_context().get_node_id()
    return any(node["NodeID"] == here and HEAD in node["Resources"] for node in ray.nodes())


def check_nodes(site: SiteConfig) -> None:
    """Refuse a cluster with a node on which part of the site would fail; nodes that come later: see ``node_watch.py``.

    Raises:
        ConfigError: There is one; it is named.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return
    asked = [_ask(site, node) for node in nodes]
    answers = zip(nodes, map(_answer, asked), strict=True)
    faults = [f"node {node['NodeManagerAddress']}: {fault}" for node, fault in answers if fault]
    if faults:
        raise ConfigError(
            "a node of this cluster cannot run this site",
            got="; ".join(faults),
            allowed=f"lfr_ray {lfr_ray.__version__} on every node, with the weight files of the site's models",
            next_step="install the same version there, and its models: `lfr models pull` or `lfr models add`",
        )


def fault_of(site: SiteConfig, node: Mapping[str, Any]) -> str:
    """Why one of Ray's nodes cannot take part in a site; empty when it can."""
    return _answer(_ask(site, node))


def _ask(site: SiteConfig, node: Mapping[str, Any]) -> Any:
    used = [one for one in (site.detector, site.embedder, site.second_embedder) if one is not None]
    models = [(one.model, one.weights) for one in used] if node["Resources"].get("CPU") else []
    place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": place}
    return ray.remote(node_fault).options(**options).remote(lfr_ray.__version__, models)


def _answer(asked: Any) -> str:
    try:
        fault: str = ray.get(asked, timeout=ANSWER_S)
    except ray.exceptions.RayError as error:
        return f"{NO_ANSWER} ({type(error).__name__})"
    return fault
