"""What every process of a site counted, also one that does not answer just now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sized
from typing import Any

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls, ModelCalls
from lfr_ray.actors.actor_reply import Reply
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, ReplicaCalls
from lfr_ray.metrics import Snapshot

ANSWER_S = 1.0
"""Whoever asks for the counts waits no longer than two seconds for all of them."""
REMEMBERED_S = 120.0
"""A replica, of the matcher or of a model, that has not answered for so long is gone."""


class Counted:
    """The newest counts: a process that is dead or frozen stands as it was last, so that no sum falls because of it.

    Args:
        keeper: Has the living actors.
        models: The deployed models, by name.
        processes: Each model's replicas. So many questions reach each of them; see ``own_node_first.py``.
    """

    def __init__(self, keeper: Keeper, models: Mapping[str, Handle[Any]], processes: Mapping[str, Sized]) -> None:
        self._keeper = keeper
        self._models = models
        self._processes = processes
        self._known: dict[str, Snapshot] = {}
        self._replicas: dict[frozenset[object], tuple[float, Snapshot]] = {}

    async def snapshots(self) -> list[Snapshot]:
        """One of each process."""
        asked: dict[str, Reply[Snapshot]] = {
            f"camera {name}": camera.ask(CameraCalls.snapshot) for name, camera in self._keeper.cameras.items()
        }
        asked["matcher"] = self._keeper.matcher.ask(MatcherCalls.snapshot)
        asked["desk"] = self._keeper.desk.ask(DeskCalls.snapshot)
        replicas: list[Reply[Snapshot]] = []
        for name, model in self._models.items():
            replicas += [model.ask(ModelCalls.snapshot) for _ in range(len(self._processes[name]))]
        replicas += [replica.ask(ReplicaCalls.snapshot) for replica in self._keeper.replicas]
        replies = (*asked.values(), *replicas)
        counted = await asyncio.gather(*(reply.within(ANSWER_S) for reply in replies), return_exceptions=True)
        found = [one if isinstance(one, Snapshot) else None for one in counted]
        self._known |= {name: one for name, one in zip(asked, found, strict=False) if one is not None}
        now_s = time.monotonic()
        self._replicas |= {frozenset(one.values): (now_s, one) for one in found[len(asked) :] if one is not None}
        self._replicas = {key: one for key, one in self._replicas.items() if now_s - one[0] < REMEMBERED_S}
        return [*self._known.values(), *(one for _, one in self._replicas.values())]
