"""The matcher: tracklets in, possible matches out, and no comparison without permission."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from functools import lru_cache

from lfr_ray.config import EvidenceConfig, MatchConfig
from lfr_ray.errors import LfrError, ModelError
from lfr_ray.match.comparer import Carried, Comparer, Found, LoadedList
from lfr_ray.match.permission import Permission, Permit
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.threshold import (
    FACES,
    expected_false_alerts,
)
from lfr_ray.match.watchlist_entries import TEST, Entry
from lfr_ray.match.watchlist_figures import ListState
from lfr_ray.match.watchlist_in_memory import Gallery
from lfr_ray.match.watchlist_store import StoredVector, WatchlistStore
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.models.cards import ModelCard
from lfr_ray.records import Answer, Match, Probe

SHOWN = 32
"""Pictures of so many entries that were matched last are kept in memory, while the list is the same."""

RELOAD_EVERY_S = 1.0
"""A list that changes on disk is read again at most this often."""

LIVE = "live"
"""The kind of deployment in which test entries are never compared."""


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
        only: Entries that it names one by one; None: it names none.
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
        only: Container[str] | None = None,
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
        self._comparer = Comparer(card, card.calibration, config or MatchConfig(), evidence or EvidenceConfig())
        self._kind = kind
        self._categories = categories
        self._only = only
        self._deployment = deployment
        self._other_models = other_models
        self._checked_s = -math.inf
        self._use(self._empty("", "the watchlist was not read yet"))

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
            self._comparer.thresholds(len(gallery), normaliser)
            approval = self._store.approval_of(loaded.content_hash, now_s)
        except LfrError as error:
            self._use(self._empty(revision, str(error)))
            raise
        approved_hash = loaded.content_hash if approval is not None else ""
        expired = {row.entry.entry_id for row in loaded.vectors if not row.entry.in_force(now_s)}
        hashes = loaded.content_hash, approved_hash
        self._use(LoadedList(gallery, normaliser, covered, *hashes, revision, "", len(expired)))

    def match(self, probes: Sequence[Probe], now_s: float) -> list[Answer]:
        """Compare tracklets with the list.

        Permission is asked for every probe first; the vectors of a refused one are not looked at.

        Args:
            probes: Tracklets.
            now_s: Wall time. An entry has expired at the later of this and the tracklet's own time.

        Returns:
            One answer a probe, in their order.
        """
        known, refused = self._permitted(probes, now_s)
        answers = [
            Answer(refused=why or self._comparer.unfit(known, probe), deployment=self._deployment)
            for probe, why in zip(probes, refused, strict=True)
        ]
        allowed = [number for number, answer in enumerate(answers) if not answer.refused]
        compared = self._comparer.found(known, [probes[number] for number in allowed], now_s)
        for number, found in zip(allowed, compared, strict=True):
            if found is not None:
                answers[number] = self._answer(known, found)
        return answers

    def permit(self, probes: Sequence[Probe], now_s: float) -> Permit:
        """Whether these may be compared, and with which list; their vectors are not looked at.

        No version is named while nothing at all may be compared.
        """
        known, refused = self._permitted(probes, now_s)
        return Permit(refused, "" if known.fault or self.permission.status() else known.version, now_s)

    def carried(self) -> Carried:
        """The list in force for a replica: vectors, and how they are compared; nobody's name, id or picture."""
        return self._list.anonymous(), self._comparer, self._deployment

    def state(self, now_s: float) -> ListState:
        """The list in force, in numbers."""
        known = self._list
        compared = known.gallery.in_force(now_s)
        in_force = int(compared.sum())
        thresholds = self._comparer.thresholds(in_force, known.normaliser)
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
        self._use(self._empty("", why))

    def _use(self, known: LoadedList) -> None:
        """From now on this list, and no picture of an earlier one."""
        self._list, self._read_pictures = known, lru_cache(SHOWN)(self._store.shown)

    def _shown(self, entry_id: str, image_id: str) -> tuple[bytes | None, tuple[bytes, ...]]:
        """As the store gives it now, which is read once while the store is as it was when the list was read.

        A listed person is looked at ten times a second until the alert, and a bucket needs a tenth of one for pictures.
        """
        same = self._store.revision() == self._list.revision
        return (self._read_pictures if same else self._store.shown)(entry_id, image_id)

    def _permitted(self, probes: Sequence[Probe], now_s: float) -> tuple[LoadedList, Sequence[str]]:
        """The list in force, and of each tracklet why it may not be compared with that very list."""
        self._reload_if_changed(now_s)
        known = self._list
        if known.fault:
            return known, [known.fault] * len(probes)
        return known, self.permission.refusals(probes, known.approved_hash)

    def _empty(self, revision: str, why: str) -> LoadedList:
        """Nobody is listed, and this is why."""
        gallery = self._gallery_of([])
        return LoadedList(gallery, ScoreNormaliser(gallery.first_vectors(), None), {}, "", "", revision, why)

    def _reload_if_changed(self, now_s: float) -> None:
        """Read the list again when it was never read or has changed on disk; checked once a second."""
        # The wall clock may be set back; then it counts as a long time.
        if self._checked_s == math.inf or abs(now_s - self._checked_s) < RELOAD_EVERY_S:
            return
        self._checked_s = now_s
        if self._list.fault or self._store.revision() != self._list.revision:
            with contextlib.suppress(LfrError):
                self.reload(now_s)

    def _answer(self, known: LoadedList, found: Found) -> Answer:
        gallery, decision = found.gallery, found.decision
        try:
            nearest = gallery.nearest_image(decision.entry, found.fused)
            jpeg, others = self._shown(gallery.entries[decision.entry].entry_id, nearest)
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
            threshold=found.threshold,
            margin=decision.margin,
            runner_up="" if decision.runner_up is None else gallery.entries[decision.runner_up].entry_id,
            views_agreeing=decision.views_agreeing,
            views_compared=decision.views_compared,
            list_size=found.list_size,
            relatives=known.gallery.relatives(
                known.gallery.entries.index(entry), self._calibration.relative, found.moment_s
            ),
            probability=self._comparer.probability(found),
            covered=found.covered,
        )
        return Answer(match=match, deployment=self._deployment, watchlist_jpeg=jpeg, enrolled_jpegs=others)

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
        if self._only is not None and entry.entry_id not in self._only:
            return False
        return self._categories is None or entry.category in self._categories


def _covered_rows(rows: Sequence[StoredVector], region: str) -> list[StoredVector]:
    """The same pictures with a region painted over, where they have such a view."""
    return [replace(row, vector=row.covered[region]) for row in rows if region in row.covered]
