"""The matcher: tracklets in, possible matches out, and no comparison without permission."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lfr_ray.checks import check_array
from lfr_ray.config import EvidenceConfig, MatchConfig
from lfr_ray.errors import LfrError, ModelError, ShapeError
from lfr_ray.match.decide import NOT_COMPARED, Decision, decide, fuse
from lfr_ray.match.entries import TEST, Entry
from lfr_ray.match.gallery import Gallery
from lfr_ray.match.list_state import ListState
from lfr_ray.match.permission import Permission
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.store import StoredVector, WatchlistStore
from lfr_ray.match.threshold import (
    FACES,
    Thresholds,
    expected_false_alerts,
    scale_of,
    single_scale,
    single_thresholds,
    thresholds_for,
)
from lfr_ray.models.calibration import Calibration, probability_true
from lfr_ray.models.cards import ModelCard
from lfr_ray.records import Answer, Floats, Match, Probe

RELOAD_EVERY_S = 1.0
"""A list that changes on disk is read again at most this often."""

ONE_VIEW = EvidenceConfig(min_views=1, min_agreeing=1)
"""The evidence that there is of a view which is judged by itself."""

LIVE = "live"
"""The kind of deployment in which test entries are never compared."""


@dataclass(frozen=True, slots=True, eq=False)
class _LoadedList:
    """One reading of the store; it is replaced as a whole, so that no comparison sees half of two lists.

    Attributes:
        gallery: Faces as they are.
        normaliser: Normalises their similarities.
        covered: The same faces with a region painted over, and what normalises their similarities, by region.
    """

    gallery: Gallery
    normaliser: ScoreNormaliser
    covered: Mapping[str, tuple[Gallery, ScoreNormaliser]]
    content_hash: str
    approved_hash: str
    revision: str
    fault: str
    expired: int = 0


class Matcher:
    """Compares tracklets with the watchlist.

    Holds the exact matrix in memory and follows the store: what another process imports, removes or destroys counts
    from the next second on. If the store can no longer be read, nothing is compared.

    Args:
        store: The watchlist on disk.
        card: The embedder's card, with its calibration.
        permission: Asked before every comparison.
        config: Thresholds.
        evidence: How many views must be there and agree.
        kind: Kind of deployment: ``live``, ``retrospective`` or ``test``.
        categories: Categories that the authority allows; None: all of them.
        deployment: Its id, which every answer carries.
        other_models: Card ids of models whose vectors are on the list as well, for other matchers.

    Raises:
        ModelError: The card has no calibration, so no threshold is known; or a provisional one, and the deployment is
            no test.
        ConfigError: A threshold below the card's floor.
    """

    def __init__(
        self,
        store: WatchlistStore,
        card: ModelCard,
        permission: Permission,
        *,
        config: MatchConfig | None = None,
        evidence: EvidenceConfig | None = None,
        kind: str = LIVE,
        categories: Container[str] | None = None,
        deployment: str = "",
        other_models: Container[str] = (),
    ) -> None:
        if card.calibration is None:
            raise ModelError(
                "the embedder's card has no calibration",
                got=card.id,
                next_step="measure one with `lfr calibrate`, or choose another model: `lfr models list`",
            )
        if card.calibration.provisional and kind != "test":
            raise ModelError(
                "the embedder's calibration is provisional: nobody knows how often it would be wrong",
                got=f"{card.id}, in a deployment of kind {kind}",
                allowed="a deployment of kind test",
                next_step=f"measure it: lfr calibrate DIR --model {card.id} --write CARD.yaml; or choose another model",
            )
        self._calibration: Calibration = card.calibration
        self._store = store
        self._card = card
        self.permission = permission
        self._config = config or MatchConfig()
        self._evidence = evidence or EvidenceConfig()
        self._kind = kind
        self._categories = categories
        self._deployment = deployment
        self._other_models = other_models
        self._checked_s = -math.inf
        self._list = self._empty("", "the watchlist was not read yet")

    def reload(self, now_s: float) -> None:
        """Read the list again; afterwards the whole new list is in force, or nothing if it cannot be read.

        Raises:
            LfrError: Why it cannot be used; until that is mended every probe is refused with the same reason.
        """
        self._checked_s = now_s
        revision = self._store.revision()
        try:
            loaded = self._store.load()
            # What has expired already is not even kept in memory.
            rows = self._own_rows([row for row in loaded.vectors if row.entry.in_force(now_s)])
            gallery = self._gallery_of(rows)
            covered = {region: self._covered_gallery(rows, region) for region in self._calibration.covered}
            normaliser = ScoreNormaliser(gallery.first_vectors(), self._calibration.score_norm)
            self._thresholds_at(len(gallery), normaliser)
            approval = self._store.approval_of(loaded.content_hash, now_s)
        except LfrError as error:
            self._list = self._empty(revision, str(error))
            raise
        approved_hash = loaded.content_hash if approval is not None else ""
        expired = {row.entry.entry_id for row in loaded.vectors if not row.entry.in_force(now_s)}
        self._list = _LoadedList(
            gallery, normaliser, covered, loaded.content_hash, approved_hash, revision, "", len(expired)
        )

    def match(self, probes: Sequence[Probe], now_s: float) -> list[Answer]:
        """Compare tracklets with the list.

        Permission is asked for every probe first; the vectors of a refused one are not looked at.

        Args:
            probes: Tracklets.
            now_s: Wall time. An entry has expired at the later of this and the tracklet's own time.

        Returns:
            One answer a probe, in their order.
        """
        self._reload_if_changed(now_s)
        known = self._list
        answers = [Answer(refused=self._refusal(known, probe), deployment=self._deployment) for probe in probes]
        allowed = [number for number, answer in enumerate(answers) if not answer.refused]
        compared = self._compare(known, [probes[number] for number in allowed], now_s)
        for number, answer in zip(allowed, compared, strict=True):
            answers[number] = answer
        return answers

    def state(self, now_s: float) -> ListState:
        """The list in force, in numbers."""
        known = self._list
        compared = known.gallery.in_force(now_s)
        in_force = int(compared.sum())
        thresholds = self._thresholds_at(in_force, known.normaliser)
        share = expected_false_alerts(
            self._calibration, thresholds.fused, in_force, normalised=known.normaliser.rule is not None
        )
        listed = zip(known.gallery.entries, compared, strict=True)
        return ListState(
            entries=in_force,
            expired=known.expired + len(known.gallery) - in_force,
            images=known.gallery.pictures,
            content_hash=known.content_hash,
            approved=bool(known.approved_hash),
            model=self._card.id,
            threshold=thresholds.fused,
            view_threshold=thresholds.view,
            fault=known.fault,
            categories=Counter(entry.category for entry, counts in listed if counts),
            false_alerts_per_10k_faces=None if share is None else share * FACES,
        )

    def forget(self, why: str) -> None:
        """Drop everything from memory, at the end of a deployment; every later probe is refused with this reason."""
        self._checked_s = math.inf
        self._list = self._empty("", why)

    def _empty(self, revision: str, why: str) -> _LoadedList:
        """Nobody is listed, and this is why."""
        gallery = self._gallery_of([])
        return _LoadedList(gallery, ScoreNormaliser(gallery.first_vectors(), None), {}, "", "", revision, why)

    def _reload_if_changed(self, now_s: float) -> None:
        """Read the list again when it was never read or has changed on disk; checked once a second."""
        # The wall clock may be set back; then it counts as a long time.
        if self._checked_s == math.inf or abs(now_s - self._checked_s) < RELOAD_EVERY_S:
            return
        self._checked_s = now_s
        if self._list.fault or self._store.revision() != self._list.revision:
            with contextlib.suppress(LfrError):
                self.reload(now_s)

    def _refusal(self, known: _LoadedList, probe: Probe) -> str:
        if known.fault:
            return known.fault
        why = self.permission.refusal(probe.camera, probe.captured_at, known.approved_hash, probe.model)
        if why:
            return why
        if probe.model != self._card.id:
            return f"the tracklet was embedded with {probe.model}, the watchlist with {self._card.id}"
        if probe.single and (self._calibration.tail is None or probe.covered or len(probe.vectors) != 1):
            return "one picture alone cannot be judged: the model card has no fit of single pictures of this kind"
        if probe.covered and not _views_of(known, probe.covered) and len(known.gallery):
            return f"the watchlist has no views of faces whose {probe.covered} half is covered: import it again"
        try:
            check_array("vectors", probe.vectors, ("n", self._card.vector_length or "D"), np.float32, finite=True)
            check_array("weights", probe.weights, (len(probe.vectors),), np.float32, finite=True)
        except ShapeError as error:
            return str(error)
        return ""

    def _compare(self, known: _LoadedList, probes: Sequence[Probe], now_s: float) -> list[Answer]:
        """Tracklets with the same part covered, and views by themselves, in one matrix product each."""
        answers = [Answer(deployment=self._deployment) for _ in probes]
        for kind in sorted({(probe.covered, probe.single) for probe in probes}):
            numbers = [number for number, probe in enumerate(probes) if (probe.covered, probe.single) == kind]
            found = self._compare_alike(known, [probes[number] for number in numbers], *kind, now_s)
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
        return answers

    def _compare_alike(
        self, known: _LoadedList, probes: Sequence[Probe], covered: str, single: bool, now_s: float
    ) -> list[Answer]:
        """Tracklets in one matrix product: every view, and behind them the fused views."""
        gallery, normaliser = known.covered[covered] if covered else (known.gallery, known.normaliser)
        if not len(gallery):
            return [Answer(deployment=self._deployment) for _ in probes]
        fused = np.stack([fuse(probe.vectors, probe.weights) for probe in probes])
        rows = np.concatenate([*(probe.vectors for probe in probes), fused])
        moments = np.array([max(now_s, probe.captured_at) for probe in probes], np.float64)
        views = [len(probe.vectors) for probe in probes]
        plain = gallery.search(rows, np.concatenate([moments.repeat(views), moments]), self._card.enrolled_as)
        similarities = plain if single else normaliser.normalised(plain)
        ends = np.cumsum(views)
        answers = []
        for number, end in enumerate(ends):
            own = similarities[end - views[number] : end]
            of_fused = similarities[ends[-1] + number]
            list_size = int((of_fused > NOT_COMPARED).sum())
            thresholds = self._thresholds_at(list_size, normaliser, covered, single)
            evidence = ONE_VIEW if single else self._evidence
            decision = decide(own, of_fused, thresholds, evidence, self._config.min_margin)
            if decision is None:
                answers.append(Answer(deployment=self._deployment))
            else:
                moment_s = float(moments[number])
                normalised = normaliser.rule is not None
                compared = _Comparison(
                    gallery, covered, single, fused[number], thresholds.fused, list_size, moment_s, normalised
                )
                answers.append(self._answer(known, decision, compared))
        return answers

    def _answer(self, known: _LoadedList, decision: Decision, compared: _Comparison) -> Answer:
        gallery = compared.gallery
        try:
            nearest = gallery.nearest_image(decision.entry, compared.fused)
            jpeg, others = self._store.shown(gallery.entries[decision.entry].entry_id, nearest)
        except LfrError as error:
            return Answer(refused=str(error), deployment=self._deployment)
        if jpeg is None:
            # Removed by another process since the list was read: that person is no longer looked for.
            self._checked_s = -math.inf
            return Answer(deployment=self._deployment)
        entry = gallery.entries[decision.entry]
        match = Match(
            entry_id=entry.entry_id,
            name=entry.name,
            category=entry.category,
            action=entry.action,
            similarity=decision.similarity,
            threshold=compared.threshold,
            margin=decision.margin,
            runner_up="" if decision.runner_up is None else gallery.entries[decision.runner_up].entry_id,
            views_agreeing=decision.views_agreeing,
            views_compared=decision.views_compared,
            list_size=compared.list_size,
            relatives=known.gallery.relatives(
                known.gallery.entries.index(entry), self._calibration.relative, compared.moment_s
            ),
            probability=self._probability(decision.similarity, compared),
            covered=compared.covered,
        )
        return Answer(match=match, deployment=self._deployment, watchlist_jpeg=jpeg, enrolled_jpegs=others)

    def _probability(self, similarity: float, compared: _Comparison) -> float | None:
        """That it is this person, by the card's fits of the kind of comparison that was made."""
        size = compared.list_size
        scale = (
            single_scale(self._calibration, size)
            if compared.single
            else scale_of(self._calibration, size, normalised=compared.normalised, covered=compared.covered)
        )
        if scale.tail is None or scale.genuine is None:
            return None
        rate = self._config.base_rate
        return probability_true(scale.genuine, scale.tail, similarity, list_size=size, base_rate=rate)

    def _thresholds_at(
        self, list_size: int, normaliser: ScoreNormaliser, covered: str = "", single: bool = False
    ) -> Thresholds:
        normalised = normaliser.rule is not None
        if single:
            return single_thresholds(self._calibration, self._config, list_size, normalised=normalised)
        return thresholds_for(self._calibration, self._config, list_size, normalised=normalised, covered=covered)

    def _gallery_of(self, rows: Sequence[StoredVector]) -> Gallery:
        return Gallery(rows, self._card.enrolled_as, self._card.vector_length)

    def _covered_gallery(self, rows: Sequence[StoredVector], region: str) -> tuple[Gallery, ScoreNormaliser]:
        """The faces with a region painted over, and what normalises their similarities."""
        gallery = self._gallery_of(_covered_rows(rows, region))
        return gallery, ScoreNormaliser(gallery.first_vectors(), self._calibration.covered[region].score_norm)

    def _own_rows(self, rows: Sequence[StoredVector]) -> list[StoredVector]:
        """The pictures of entries that may be compared in this kind of deployment."""
        allowed = [row for row in rows if self._may_be_compared(row.entry)]
        own = [row for row in allowed if row.model == self._card.enrolled_as]
        others = {row.entry.entry_id: row.model for row in allowed if row.model not in self._other_models}
        for row in own:
            others.pop(row.entry.entry_id, None)
        if others:
            raise ModelError(
                "the watchlist was enrolled with another model",
                got=f"{len(others)} entries with {', '.join(sorted(set(others.values())))}",
                allowed=self._card.enrolled_as,
                next_step=f"enrol it again: lfr watchlist import DIR --site SITE.yaml --model {self._card.id}",
            )
        return own

    def _may_be_compared(self, entry: Entry) -> bool:
        if self._kind == LIVE and entry.category == TEST:
            return False
        return self._categories is None or entry.category in self._categories


@dataclass(frozen=True, slots=True, eq=False)
class _Comparison:
    """With what a tracklet was compared, and how."""

    gallery: Gallery
    covered: str
    single: bool
    fused: Floats
    threshold: float
    list_size: int
    moment_s: float
    normalised: bool


def _views_of(known: _LoadedList, region: str) -> int:
    """Entries that have a view with that region painted over."""
    return len(known.covered[region][0]) if region in known.covered else 0


def _covered_rows(rows: Sequence[StoredVector], region: str) -> list[StoredVector]:
    """The same pictures with a region painted over, where they have such a view."""
    return [replace(row, vector=row.covered[region]) for row in rows if region in row.covered]
