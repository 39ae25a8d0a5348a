"""Checks of a view: may it be compared? The quality limits come before them, when views are chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from lfr_ray.embed.occlusion import Occlusion
from lfr_ray.records import Frame, View


class ViewCheck(Protocol):
    """One reason why a chosen view is not compared. A check overrides the moments that it needs.

    A view that is refused makes room for another one of its tracklet.

    Attributes:
        reason: What ``views_rejected_total`` counts a refused view under.
    """

    reason: str

    def before_embedding(self, view: View, frame: Frame) -> View | None:
        """The view, perhaps with more known of it; None: it is refused. ``frame`` is where it was seen."""
        return view

    def accepts_embedded(self, view: View, stability: float) -> bool:
        """Whether the view may be compared, now that its vector is known to be so stable (-1 to 1)."""
        return True


class CoveredFaces(ViewCheck):
    """Refuses faces of which both halves are covered, and notes the covered half of the others."""

    reason = "covered"

    def __init__(self, occlusion: Occlusion) -> None:
        self._occlusion = occlusion

    def before_embedding(self, view: View, frame: Frame) -> View | None:
        """Note the covered half; None where both are covered."""
        covered = self._occlusion.kind(view.chip)
        return None if covered is None else replace(view, covered=covered)


class Stability(ViewCheck):
    """Refuses views whose mirror image has another vector: it says more of this view than of the face."""

    reason = "unstable"

    def __init__(self, least: float) -> None:
        self._least = least

    def accepts_embedded(self, view: View, stability: float) -> bool:
        """For covered faces no limit was measured, so that they are not judged."""
        return bool(view.covered) or stability >= self._least
