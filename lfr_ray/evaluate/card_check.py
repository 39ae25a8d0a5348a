"""Does a model card's promise hold for these pictures? Predicted against counted false matches.

A rate of one comparison is what a list makes of it: one stranger in ten is mistaken for somebody at 1e-2 on a list of
10, at 1e-4 on one of 1,000, at 5e-6 on one of 20,000. On other people than those of the card, that is a held-out check.
"""

from __future__ import annotations

from dataclasses import dataclass

from lfr_ray.evaluate.all_pairs import Normaliser, compare_all
from lfr_ray.evaluate.covered_faces import uncovered
from lfr_ray.evaluate.false_match_tail import FACTOR, shown_rates
from lfr_ray.evaluate.labelled_samples import Samples, if_enough
from lfr_ray.evaluate.probe_fusion import compare_passages, make_passages
from lfr_ray.models.card_calibration import Calibration

RATES = (1e-2, 1e-3, 1e-4, 1e-5, 5e-6)


@dataclass(frozen=True, slots=True)
class Kept:
    """One rate of one kind of comparison.

    Attributes:
        kind: ``single``: picture against picture; ``fused``: passages against a list, as the matcher compares.
        similarity: Where the card says that this rate is, with so many false matches to be expected.
    """

    kind: str
    rate: float
    similarity: float
    expected: float
    counted: int

    @property
    def within(self) -> bool:
        """Counted and expected differ by no more than a factor of two."""
        return self.expected / FACTOR <= self.counted <= self.expected * FACTOR


def check_card(
    samples: Samples, calibration: Calibration, normaliser: Normaliser | None, views: int, rule: str
) -> tuple[Kept, ...]:
    """Every rate that these pictures can show.

    Pictures in which something is judged covered are left out, as in the fits. Passages are of so many views, joined by
    ``rule``.
    """
    samples, kept = uncovered(samples), []
    if calibration.tail is not None:
        kept += [Kept("single", *one) for one in shown_rates(calibration.tail, compare_all(samples), RATES)]
    passages = if_enough(lambda: make_passages(samples, views))
    norm = calibration.score_norm
    short = norm is not None and passages is not None and len(passages.entries) < norm.min_entries
    tail = calibration.short_tail if short else calibration.fused_tail
    if passages is not None and tail is not None:
        pairs = compare_passages(passages, rule, normaliser)
        kept += [Kept("fused", *one) for one in shown_rates(tail, pairs, RATES)]
    return tuple(kept)
