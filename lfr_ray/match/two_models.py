"""Two models side by side: an alert needs both. Each has a matcher of its own, on one list, with one permission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lfr_ray.match.comparer import Carried
from lfr_ray.match.matcher import Matcher
from lfr_ray.match.permission import Permission, Permit
from lfr_ray.match.watchlist_figures import ListState
from lfr_ray.records import Answer, Probe


class TwoModelMatcher:
    """Answers every probe with the matcher of its model. Whoever asks needs the same entry from both.

    The first one's answers lead to alerts, and it tells the state of the list.
    """

    def __init__(self, first: Matcher, second: Matcher, second_model: str) -> None:
        self._first = first
        self._second = second
        self._second_model = second_model

    @property
    def permission(self) -> Permission:
        """The first model's permission, which is asked for both."""
        return self._first.permission

    def match(self, probes: Sequence[Probe], now_s: float) -> list[Answer]:
        """One answer a probe, in their order; see :meth:`Matcher.match`."""
        answers = [Answer()] * len(probes)
        for matcher, is_second in ((self._first, False), (self._second, True)):
            rows = [row for row, probe in enumerate(probes) if (probe.model == self._second_model) == is_second]
            for row, answer in zip(rows, matcher.match([probes[row] for row in rows], now_s), strict=True):
                answers[row] = answer
        return answers

    def permit(self, probes: Sequence[Probe], now_s: float) -> Permit:
        """Of the first model's tracklets, see :meth:`Matcher.permit`. Both follow the list: it is erased from both."""
        self._second.permit((), now_s)
        return self._first.permit(probes, now_s)

    def carried(self) -> Carried:
        """The first model's list; see :meth:`Matcher.carried`. The second looks at possible matches alone."""
        return self._first.carried()

    def reload(self, now_s: float) -> None:
        """Read the list again for both; see :meth:`Matcher.reload`. Where one cannot use it, nothing alerts."""
        self._first.reload(now_s)
        self._second.reload(now_s)

    def state(self, now_s: float) -> ListState:
        """The list in force, in numbers, as the first model has it."""
        state = self._first.state(now_s)
        return state if state.fault else replace(state, fault=self._second.state(now_s).fault)

    def forget(self, why: str) -> None:
        """Drop everything from memory; see :meth:`Matcher.forget`."""
        self._first.forget(why)
        self._second.forget(why)
