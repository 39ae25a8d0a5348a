"""Does a model card's promise hold for these pictures? Predicted against counted false matches.

A rate of one comparison is what a list makes of it: one stranger in ten is mistaken for somebody at 1e-2 on a list of
10, at 1e-4 on one of 1,000, at 5e-6 on one of 20,000. On other people than those of the card, that is a held-out check.
"""

from __future__ import annotations

from dataclasses import dataclass

from lfr_ray.errors import InputError
from lfr_ray.evaluate.covered import uncovered
from lfr_ray.evaluate.fusion import compare_passages, make_passages
from lfr_ray.evaluate.pairs import Normaliser, Pairs, compare_all
from lfr_ray.evaluate.samples import Samples
from lfr_ray.evaluate.tail import COUNTED, FACTOR
from lfr_ray.evaluate.verification import count_at
from lfr_ray.models.calibration import Calibration, TailFit

RATES = (1e-2, 1e-3, 1e-4, 1e-5, 5e-6)


@dataclass(frozen=True, slots=True)
class Kept:
    """One rate of one kind of comparison.

    Attributes:
        kind: ``single``: picture against picture; ``fused``: passages against a list, as the matcher compares.
        rate: Of one comparison.
        similarity: Where the card says that this rate is.
        expected: False matches there by the card.
        counted: False matches there.
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
    """Every rate that these pictures can show: at least :data:`~lfr_ray.evaluate.tail.COUNTED` false matches expected.

    Args:
        samples: Pictures and vectors; those in which something is judged covered are left out, as in the fits.
        calibration: The card's.
        normaliser: The matcher's score normalisation by the card.
        views: Pictures that are fused into one passage.
        rule: How they are joined.
    """
    samples = uncovered(samples)
    kept = [] if calibration.tail is None else _kept("single", compare_all(samples), calibration.tail)
    try:
        passages = make_passages(samples, views)
    except InputError:  # too few pictures a person
        return tuple(kept)
    norm = calibration.score_norm
    short = norm is not None and len(passages.entries) < norm.min_entries
    tail = calibration.short_tail if short else calibration.fused_tail
    return tuple(kept if tail is None else kept + _kept("fused", compare_passages(passages, rule, normaliser), tail))


def _kept(kind: str, pairs: Pairs, tail: TailFit) -> list[Kept]:
    rows = []
    for rate in RATES:
        expected, similarity = rate * pairs.impostor_count, tail.similarity_at(rate)
        if rate <= tail.start_rate and expected >= COUNTED:
            rows.append(Kept(kind, rate, similarity, expected, count_at(pairs.impostor, similarity)))
    return rows
