"""What compares on another node than the matcher's: it sorts out who is nobody on the list, and names nobody itself."""

from __future__ import annotations

from collections.abc import Sequence

from lfr_ray.match.comparer import Carried
from lfr_ray.match.permission import Permit
from lfr_ray.records import Answer, Probe


class ListReplica:
    """A copy of the list in the matcher's memory. With another list than the permit names it answers nothing.

    Whoever may be somebody is left to the matcher too: it alone has names and pictures, and its list is never behind.
    """

    def __init__(self) -> None:
        self.version = ""
        self._held: Carried | None = None

    def take(self, version: str, carried: Carried) -> None:
        """Hold what :meth:`~lfr_ray.match.matcher.Matcher.carried` gave for this version."""
        self._held, self.version = carried, version

    @property
    def model(self) -> str:
        """Card id of the model whose vectors it holds; empty without a list."""
        return "" if self._held is None else self._held[1].model

    def forget(self) -> None:
        """Drop everything."""
        self._held, self.version = None, ""

    def answers(self, probes: Sequence[Probe], permit: Permit) -> list[Answer | None]:
        """One answer a probe: refused, or on the list is nobody like this; None: the matcher must be asked."""
        answers: list[Answer | None] = [None] * len(probes)
        if self._held is None or permit.version != self.version:
            return answers
        known, comparer, deployment = self._held
        allowed = []
        for number, (probe, why) in enumerate(zip(probes, permit.refused, strict=True)):
            if why:
                answers[number] = Answer(refused=why, deployment=deployment)
            elif not comparer.unfit(known, probe):
                allowed.append(number)
        compared = comparer.found(known, [probes[number] for number in allowed], permit.at)
        for number, found in zip(allowed, compared, strict=True):
            if found is None:
                answers[number] = Answer(deployment=deployment)
        return answers
