"""How the processes of a site find each other: names in one Ray namespace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ray

from lfr_ray.actors.actor_calls import CalledT, Handle
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.caller_secret import capability_of
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, ReplicaCalls
from lfr_ray.actors.start_or_join_ray import NAMESPACE
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ResourceError

HEALTH = "health"
"""The threads of an actor that say how it is while all others work."""

DETECTOR, EMBEDDER, SECOND_EMBEDDER, FLEET, INGRESS = "detector", "embedder", "second_embedder", "fleet", "ingress"


SERVE = "serve"
"""The namespace of Serve's actors. How their names begin:"""
REPLICA, SERVES_CONTROLLER, SERVES_PROXY = "SERVE_REPLICA", "SERVE_CONTROLLER_ACTOR", "SERVE_PROXY_ACTOR"
CONTROLLER, PROXY = "controller", "proxy"

_DESK = "/desk"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one site's detached actors, and the living ones behind them.

    >>> Names("pier").camera("gate")
    'pier/camera/gate'

    Attributes:
        capability: Shown to those that are found; see ``caller_secret.py``.
    """

    site: str
    capability: str = field(default="", repr=False)

    @staticmethod
    def of(site: SiteConfig) -> Names:
        """As a process of the site itself, which has its data folder."""
        return Names(site.site, capability_of(DataDir(site.data_dir)))

    @property
    def matcher(self) -> str:
        """The matcher."""
        return f"{self.site}/matcher"

    @property
    def desk(self) -> str:
        """The alert desk."""
        return self.site + _DESK

    def camera(self, name: str) -> str:
        """One camera."""
        return f"{self.site}/camera/{name}"

    def replica(self, node: str) -> str:
        """The matcher's replica on a node."""
        return f"{self.site}/replica/{node}"

    def find_replicas(self) -> dict[str, Handle[ReplicaCalls]]:
        """The living replicas of the matcher, by node; a cluster has one site, whose name a command may not know."""
        found = {one.partition("/replica/")[2]: one for one in _listed() if "/replica/" in one}
        return {node: handle for node, one in found.items() if (handle := self._handle(one)) is not None}

    def find_matcher(self) -> Handle[MatcherCalls] | None:
        """The living matcher, or None."""
        return self._handle(self.matcher)

    def find_desk(self) -> Handle[DeskCalls] | None:
        """The living alert desk, or None."""
        return self._handle(self.desk)

    def listed_cameras(self) -> set[str]:
        """The cameras of this site that have a process, whether or not its file still names them."""
        prefix = self.camera("")
        return {name.removeprefix(prefix) for name in _listed() if name.startswith(prefix)}

    def find_camera(self, name: str) -> Handle[CameraCalls] | None:
        """One living camera, or None."""
        return self._handle(self.camera(name))

    def _handle(self, name: str) -> Handle[Any] | None:
        actor = find_actor(name)
        return None if actor is None else Handle(actor, self.capability)


def sites() -> set[str]:
    """The sites whose alert desk has a process, and the runs over recorded footage."""
    return {name.removesuffix(_DESK) for name in _listed() if name.endswith(_DESK)}


def replicas(application: str) -> dict[str, set[str]]:
    """The processes of an application's deployments, and Serve's own: names of their actors, by what they are."""
    found: dict[str, set[str]] = {}
    for name in (one["name"] for one in ray.util.list_named_actors(all_namespaces=True) if one["namespace"] == SERVE):
        kind, _, rest = name.partition("::")
        app, _, named = rest.partition("#")
        if kind == REPLICA and app == application:
            found.setdefault(named.partition("#")[0], set()).add(name)
        elif name == SERVES_CONTROLLER:
            found[CONTROLLER] = {name}
        elif name.startswith(SERVES_PROXY):
            found.setdefault(PROXY, set()).add(name)
    return found


def find_actor(name: str, namespace: str = NAMESPACE) -> Any | None:
    """A living actor by name, as Ray's own handle, or None."""
    try:
        return ray.get_actor(name, namespace=namespace)
    except ValueError:
        return None


def alive(found: Handle[CalledT] | None, label: str) -> Handle[CalledT]:
    """The actor that was found.

    Raises:
        ResourceError: There is none.
    """
    if found is None:
        raise ResourceError(f"{label} is not running", next_step="it is being started; try again")
    return found


def node_here() -> str:
    """Ray's id of this process's node; empty without Ray."""
    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""


def leave_cluster() -> None:
    """End the actor whose process this is, for good."""
    ray.kill(ray.get_runtime_context().current_actor)


def _listed() -> list[str]:
    """Names of all our actors that have a process."""
    named = ray.util.list_named_actors(all_namespaces=True)
    return [one["name"] for one in named if one["namespace"] == NAMESPACE]
