"""Is this tracklet possibly one of the listed people? Pure functions of similarities.

A single look is not evidence: one blurred frame in a thousand resembles somebody. So all good views of a tracklet are
fused into one vector, which must be near enough to an entry, and besides several views must point to that same
entry by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfr_ray.array_checks import check_array
from lfr_ray.config import EvidenceConfig
from lfr_ray.match.threshold import Thresholds
from lfr_ray.records import Floats

NOT_COMPARED = -2.0
"""Stands for the similarity of an entry that is not in force: below every possible similarity."""

NO_OTHER = 2.0
"""The margin when no other entry was compared."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Evidence that was enough. Entries are column numbers of the similarities; runner_up is None without another."""

    entry: int
    similarity: float
    margin: float
    runner_up: int | None
    views_agreeing: int
    views_compared: int


def fuse(vectors: Floats, weights: Floats) -> Floats:
    """The tracklet's one vector ``float32 (D,)``: the views' mean, weighted by quality, of unit length.

    It is all zero where the views cancel out, so that nothing is near. ``vectors`` are ``float32 (n, D)`` of unit
    length, ``weights`` ``float32 (n,)``; where all are zero, every view counts the same.
    """
    check_array("vectors", vectors, ("n", "D"), np.float32, finite=True)
    check_array("weights", weights, (len(vectors),), np.float32, finite=True)
    shares = np.maximum(weights, 0.0)
    if not shares.any():
        shares = np.ones_like(weights)
    mean = (shares[:, None] * vectors).sum(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return np.zeros(vectors.shape[1], np.float32)
    fused: Floats = (mean / length).astype(np.float32)
    return fused


def decide(
    similarities: Floats, fused: Floats, thresholds: Thresholds, evidence: EvidenceConfig, min_margin: float = 0.0
) -> Decision | None:
    """Whether the evidence is enough for "possibly this person"; None: no alert.

    Args:
        similarities: ``float32 (n, E)``: each view to each entry; :data:`NOT_COMPARED` where an entry is not in force.
        fused: ``float32 (E,)``: the fused views to each entry, in the same way.
        thresholds: What must be reached.
        evidence: How many views there must be, and how many must agree.
        min_margin: Least lead over the nearest other entry.
    """
    check_array("similarities", similarities, ("n", len(fused)), np.float32)
    check_array("fused", fused, ("E",), np.float32)
    views, entries = similarities.shape
    if entries == 0 or views < evidence.min_views:
        return None
    entry = int(fused.argmax())
    similarity = float(fused[entry])
    if similarity <= NOT_COMPARED or similarity < thresholds.fused:
        return None
    runner_up, margin = _runner_up(fused, entry)
    if margin < min_margin:
        return None
    own = similarities[:, entry]
    agreeing = int(((own >= similarities.max(axis=1)) & (own >= thresholds.view)).sum())
    if agreeing < evidence.min_agreeing:
        return None
    return Decision(entry, similarity, margin, runner_up, agreeing, views)


def _runner_up(fused: Floats, entry: int) -> tuple[int | None, float]:
    """The nearest other entry in force, and the lead over it."""
    others = fused.copy()
    others[entry] = NOT_COMPARED
    runner_up = int(others.argmax())
    if float(others[runner_up]) <= NOT_COMPARED:
        return None, NO_OTHER
    return runner_up, float(fused[entry]) - float(others[runner_up])
