"""How the processes of a site find each other: names in one Ray namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray

NAMESPACE = "lfr"
DETECTOR, EMBEDDER, SECOND_EMBEDDER, FLEET, INGRESS = "detector", "embedder", "second_embedder", "fleet", "ingress"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one site's detached actors.

    >>> Names("pier").camera("gate")
    'pier/camera/gate'
    """

    site: str

    @property
    def matcher(self) -> str:
        """The matcher."""
        return f"{self.site}/matcher"

    @property
    def desk(self) -> str:
        """The alert desk."""
        return f"{self.site}/desk"

    def camera(self, name: str) -> str:
        """One camera."""
        return f"{self.site}/camera/{name}"


def find_actor(name: str) -> Any | None:
    """A living actor by name, or None."""
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def leave_cluster() -> None:
    """End the actor whose process this is, for good."""
    ray.kill(ray.get_runtime_context().current_actor)
