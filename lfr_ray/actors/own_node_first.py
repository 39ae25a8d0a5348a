"""To which replica of a model a camera's request goes: to one of its own node, as long as that keeps up."""

from __future__ import annotations

import random

from ray.serve.request_router import FIFOMixin, LocalityMixin, PendingRequest, RequestRouter, RunningReplica

EACH_IN_TURN = "snapshot"
"""What is asked of every replica: each question goes to the next one, wherever it is."""

KEEPS_UP = 0.125
"""With less than this share of the requests that it may hold, a replica keeps up: a stream is free, or half a batch."""


class OwnNodeFirst(FIFOMixin, LocalityMixin, RequestRouter):  # type: ignore[misc]
    """Where none of the own node keeps up, or there is none: the least busy one of those and two others.

    Serve alone compares two of all by how busy they were when this process last asked them: with as many detectors as
    cameras on four nodes, a quarter of the detectors' time was lost while requests waited elsewhere. Here they are
    asked anew, but only when the own ones are behind. And a canvas of 640x384 pixels, 0.7 MB, stays on its node.
    """

    _turn = 0

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Ranks of replicas; the least busy one of the first rank is asked, and so on."""
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True  # who finds all of them full waits
            if pending_request.metadata.call_method == EACH_IN_TURN:
                self._turn += 1
                in_order = sorted(candidate_replicas, key=lambda one: str(one.replica_id))
                return [[in_order[self._turn % len(in_order)]]]
        near = self.rank_replicas_via_locality(candidate_replicas)[0]
        two = random.sample(candidate_replicas, min(2, len(candidate_replicas)))
        if any(map(self._keeps_up, near)) or len(candidate_replicas) == 1:
            return [near, two]
        asked = {one.replica_id: one for one in (*near, *two)}
        for name in asked:
            self._replica_queue_len_cache.invalidate_key(name)
        return [[*asked.values()]]

    def _keeps_up(self, replica: RunningReplica) -> bool:
        busy: int | None = self._replica_queue_len_cache.get(replica.replica_id)
        return busy is None or busy < KEEPS_UP * replica.max_ongoing_requests
