"""What replicas on other nodes ask of the one matcher: a permit for each comparison, and its list, part by part."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lfr_ray.actors.open_with_backoff import Opening
from lfr_ray.errors import ConflictError, LfrError
from lfr_ray.match.permission import Permit
from lfr_ray.records import Probe

if TYPE_CHECKING:
    from lfr_ray.match.matcher import Matcher
    from lfr_ray.match.two_models import TwoModelMatcher

PART_BYTES = 64 << 10
"""So little Ray sends in its message. What is larger it puts into shared memory, where no list must be."""

PERMIT_S = 0.5
"""What a replica needs longer for, permit and comparison, is not answered: a stop may have come meanwhile."""

BEHIND_S = 10.0
"""A replica that has another list for so long is named: a long list takes some seconds to travel."""

GONE_S = 10.0
"""A replica that has not asked for so long is no longer there."""


class MatcherFeed:
    """A matcher that has replicas.

    Args:
        opening: Opens the matcher.
    """

    def __init__(self, opening: Opening[Matcher | TwoModelMatcher]) -> None:
        self._opening = opening
        self._carried, self._wanted = ("", b""), False
        self._asked: dict[str, tuple[float, float]] = {}

    def permit(self, probes: list[Probe], node: str, version: str) -> Permit:
        """Whether a replica may compare these, which come without their vectors, and with which list.

        Args:
            probes: Tracklets; none: it only looks.
            node: Where the replica is.
            version: Of the list that it has.
        """
        try:
            permit = self._matcher.permit(probes, time.time())
        except LfrError as error:
            permit = Permit([str(error)] * len(probes), "", time.time())
        if permit.version != self._carried[0]:
            self._drop_carried()
        now_s = time.monotonic()
        level_s = now_s if version == permit.version else self._asked.get(node, (0.0, now_s))[1]
        self._asked[node] = (now_s, level_s)
        return permit

    def part(self, version: str, number: int) -> bytes:
        """A part of the list of that version, counted from 0; empty behind the last.

        Raises:
            ConflictError: The list is another one now, or nothing may be compared.
        """
        if self._matcher.permit((), time.time()).version != version:
            self._drop_carried()
            raise ConflictError("the watchlist is another one now", got=version, next_step="ask for a permit again")
        if self._carried[0] != version:
            from ray import cloudpickle  # a matcher without replicas needs no Ray

            # As Ray packs every message between actors, so that it can be cut.
            self._carried = version, cloudpickle.dumps(self._matcher.carried())
        self._wanted = True
        return self._carried[1][number * PART_BYTES : (number + 1) * PART_BYTES]

    def _forget(self, why: str) -> None:
        """Drop the list, and what was made of it for replicas."""
        self._drop_carried()
        if self._opening.opened is not None:
            self._opening.opened.forget(why)

    def _drop_carried(self) -> None:
        self._carried = "", b""

    def _tidy(self) -> None:
        """Drop what was made for replicas and is no longer asked for."""
        if not self._wanted:
            self._drop_carried()
        self._wanted = False

    def _behind_s(self) -> dict[str, float]:
        """For how long each replica's list has been another one; 0: it is the matcher's, or the replica is gone."""
        gone_s = time.monotonic() - GONE_S
        return {
            node: max(0.0, asked_s - level_s) if asked_s > gone_s else 0.0
            for node, (asked_s, level_s) in self._asked.copy().items()
        }

    def _replicas_fault(self) -> str:
        behind = [node for node, late_s in self._behind_s().items() if late_s > BEHIND_S]
        return f"its replica is behind on node {', '.join(behind)}: it compares for the cameras there" if behind else ""

    @property
    def _matcher(self) -> Matcher | TwoModelMatcher:
        return self._opening.get()
