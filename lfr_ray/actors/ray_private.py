"""All uses of Ray's private names: a new version of Ray may change them, and then only this file changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray
from ray._private import worker
from ray._private.state import state
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

REPLICA = "SERVE_REPLICA"
"""How the names of Serve's replicas begin."""

SPILLING = "automatic_object_spilling_enabled"
"""Whether a cluster writes objects to disk when its memory is full; Ray has no public option for it."""

WITHOUT_SPILLING: Mapping[str, Any] = {"_system_config": {SPILLING: False}}
"""For ``ray.init``: this cluster writes no objects to disk."""


def cluster_spills() -> bool:
    """Whether the cluster that we are connected to writes objects to disk."""
    config: Mapping[str, Any] = state.get_system_config()
    return bool(config.get(SPILLING, True))


def print_no_worker_output() -> None:
    """Ray prints the errors of its own processes on stdout, also those of an orderly end. Stdout belongs to results."""
    worker.print_to_stdstream = _print_nothing


def replicas(application: str) -> dict[str, set[str]]:
    """The processes of an application's deployments: names of their actors, by deployment."""
    found: dict[str, set[str]] = {}
    for one in ray.util.list_named_actors(all_namespaces=True):
        kind, _, rest = one["name"].partition("::")
        app, _, named = rest.partition("#")
        if kind == REPLICA and app == application:
            found.setdefault(named.partition("#")[0], set()).add(one["name"])
    return found


async def replica_loaded(replica: Any) -> bool:
    """Whether a replica's own class has been made; asked beside the requests that wait for it."""
    return bool(await replica.was_initialized.remote())


def deploy(config: ServeDeploySchema) -> None:
    """Hand a whole Serve configuration to the running Serve, as `serve deploy` does."""
    _get_global_client().deploy_apps(config)


def _print_nothing(*_: Any, **__: Any) -> None:
    """In place of Ray's printing."""
