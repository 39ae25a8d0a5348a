"""Tracklets compared with a list in memory: matrix products, and what they are enough for. Nobody is asked here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lfr_ray.array_checks import check_array
from lfr_ray.config import EvidenceConfig, MatchConfig
from lfr_ray.errors import ShapeError
from lfr_ray.match.decide_match import NOT_COMPARED, Decision, decide, fuse
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.threshold import Thresholds, scale_of, single_scale, single_thresholds, thresholds_for
from lfr_ray.match.watchlist_in_memory import Gallery
from lfr_ray.models.card_calibration import Calibration, probability_true
from lfr_ray.models.cards import ModelCard
from lfr_ray.records import Floats, Probe

ONE_VIEW = EvidenceConfig(min_views=1, min_agreeing=1)
"""The evidence that there is of a view which is judged by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedList:
    """One reading of the store; it is replaced as a whole, so that no comparison sees half of two lists.

    Attributes:
        gallery: Faces as they are.
        normaliser: Normalises their similarities.
        covered: The same faces with a region painted over, and what normalises their similarities, by region.
        version: Made up with each reading: a replica of the matcher holds exactly this one, or another.
    """

    gallery: Gallery
    normaliser: ScoreNormaliser
    covered: Mapping[str, tuple[Gallery, ScoreNormaliser]]
    content_hash: str
    approved_hash: str
    revision: str
    fault: str
    expired: int = 0
    version: str = field(default_factory=lambda: secrets.token_hex(8))

    def views_of(self, region: str) -> int:
        """Entries that have a view with that region painted over."""
        return len(self.covered[region][0]) if region in self.covered else 0

    def anonymous(self) -> LoadedList:
        """The same vectors, of nobody in particular: for other nodes."""
        covered = {region: (gallery.anonymous(), rule) for region, (gallery, rule) in self.covered.items()}
        return replace(self, gallery=self.gallery.anonymous(), covered=covered)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Evidence that was enough, with what it was compared with, and how."""

    decision: Decision
    gallery: Gallery
    covered: str
    single: bool
    fused: Floats
    threshold: float
    list_size: int
    moment_s: float
    normalised: bool


class Comparer:
    """Compares as one model's card, a site's limits and its authority want it.

    Args:
        card: The embedder's card.
        calibration: Its own.
        config: Thresholds.
        evidence: How many views must be there and agree.
    """

    def __init__(
        self, card: ModelCard, calibration: Calibration, config: MatchConfig, evidence: EvidenceConfig
    ) -> None:
        self.model = card.id
        self._card = card
        self._calibration = calibration
        self._config = config
        self._evidence = evidence

    def unfit(self, known: LoadedList, probe: Probe) -> str:
        """Empty, or why this list cannot be compared with what is permitted."""
        if probe.model != self._card.id:
            return f"the tracklet was embedded with {probe.model}, the watchlist with {self._card.id}"
        if probe.single and (self._calibration.tail is None or probe.covered or len(probe.vectors) != 1):
            return "one picture alone cannot be judged: the model card has no fit of single pictures of this kind"
        if probe.covered and not known.views_of(probe.covered) and len(known.gallery):
            return f"the watchlist has no views of faces whose {probe.covered} half is covered: import it again"
        try:
            check_array("vectors", probe.vectors, ("n", self._card.vector_length or "D"), np.float32, finite=True)
            check_array("weights", probe.weights, (len(probe.vectors),), np.float32, finite=True)
        except ShapeError as error:
            return str(error)
        return ""

    def found(self, known: LoadedList, probes: Sequence[Probe], now_s: float) -> list[Found | None]:
        """What there is enough evidence for, of each of these fit probes; None: of nobody.

        Tracklets with the same part covered, and views by themselves, are in one matrix product each.
        """
        found: list[Found | None] = [None] * len(probes)
        for kind in sorted({(probe.covered, probe.single) for probe in probes}):
            numbers = [number for number, probe in enumerate(probes) if (probe.covered, probe.single) == kind]
            alike = self._found_alike(known, [probes[number] for number in numbers], *kind, now_s)
            for number, one in zip(numbers, alike, strict=True):
                found[number] = one
        return found

    def _found_alike(
        self, known: LoadedList, probes: Sequence[Probe], covered: str, single: bool, now_s: float
    ) -> list[Found | None]:
        """Tracklets in one matrix product: every view, and behind them the fused views."""
        gallery, normaliser = known.covered[covered] if covered else (known.gallery, known.normaliser)
        if not len(gallery):
            return [None] * len(probes)
        fused = np.stack([fuse(probe.vectors, probe.weights) for probe in probes])
        rows = np.concatenate([*(probe.vectors for probe in probes), fused])
        moments = np.array([max(now_s, probe.captured_at) for probe in probes], np.float64)
        views = [len(probe.vectors) for probe in probes]
        plain = gallery.search(rows, np.concatenate([moments.repeat(views), moments]), self._card.enrolled_as)
        similarities = plain if single else normaliser.normalised(plain)
        ends = np.cumsum(views)
        found: list[Found | None] = []
        for number, end in enumerate(ends):
            own = similarities[end - views[number] : end]
            of_fused = similarities[ends[-1] + number]
            list_size = int((of_fused > NOT_COMPARED).sum())
            thresholds = self.thresholds(list_size, normaliser, covered, single)
            evidence = ONE_VIEW if single else self._evidence
            decision = decide(own, of_fused, thresholds, evidence, self._config.min_margin)
            made = (gallery, covered, single, fused[number], thresholds.fused, list_size, float(moments[number]))
            found.append(None if decision is None else Found(decision, *made, normaliser.rule is not None))
        return found

    def probability(self, found: Found) -> float | None:
        """That it is this person, by the card's fits of the kind of comparison that was made."""
        size = found.list_size
        scale = (
            single_scale(self._calibration, size)
            if found.single
            else scale_of(self._calibration, size, normalised=found.normalised, covered=found.covered)
        )
        if scale.tail is None or scale.genuine is None:
            return None
        similarity, rate = found.decision.similarity, self._config.base_rate
        return probability_true(scale.genuine, scale.tail, similarity, list_size=size, base_rate=rate)

    def thresholds(
        self, list_size: int, normaliser: ScoreNormaliser, covered: str = "", single: bool = False
    ) -> Thresholds:
        """What must be reached on a list of this size."""
        normalised = normaliser.rule is not None
        if single:
            return single_thresholds(self._calibration, self._config, list_size, normalised=normalised)
        return thresholds_for(self._calibration, self._config, list_size, normalised=normalised, covered=covered)


Carried = tuple[LoadedList, Comparer, str]
"""What a replica of the matcher holds: an anonymous list, how it is compared, and for which deployment."""
