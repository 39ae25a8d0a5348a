"""What a model's similarities mean: the calibration section of its card, and the mathematics of its fits.

A fit says how strangers' similarities thin out towards the top (:class:`TailFit`) or how similar two pictures of one
person are (:class:`GenuineFit`). Which threshold follows for a list stands in ``match/threshold.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import Field, field_validator, model_validator

from lfr_ray.errors import ConfigError
from lfr_ray.records import REGIONS
from lfr_ray.strict_yaml import Section

OBSERVED = 10
"""A rate at which fewer comparisons of the fitted data than this would be false matches is extrapolated."""

STRAIGHT = 1e-9
"""A tail whose shape is nearer to zero than this is taken as exponential."""

USUAL_SD = 2.326
"""Standard deviations above the mean that 99 % of right people's similarities stay below."""

NEAREST = 1e-6
"""Similarities nearer to the ceiling than this are treated as that: the logarithm ends there."""


class TailFit(Section):
    """Generalised Pareto tail of the impostor similarities above ``start``."""

    start: float
    start_rate: float = Field(gt=0, lt=1, description="Share of impostor comparisons above start.")
    shape: float
    scale: float = Field(gt=0)
    comparisons: int = Field(gt=0)
    p_value: float = Field(ge=0, le=1, description="Goodness of fit.")

    def rate_at(self, similarity: float) -> float:
        """False match rate of one comparison at a threshold; at most the rate at the tail's start.

        >>> tail = TailFit(start=0.5, start_rate=0.01, shape=0.0, scale=0.1, comparisons=10**6, p_value=0.5)
        >>> round(tail.rate_at(0.5 + 0.1 * math.log(10)), 9)
        0.001
        """
        return self.start_rate * self._survival(similarity, 0.0)

    def density_at(self, similarity: float) -> float:
        """Density of impostor similarities there; the start's density below the start."""
        return self.start_rate / self.scale * self._survival(similarity, 1.0)

    def similarity_at(self, rate: float) -> float:
        """The similarity that a share ``rate`` of impostor comparisons reaches: the inverse of the rate, at most 1.

        >>> tail = TailFit(start=0.5, start_rate=0.01, shape=-0.1, scale=0.05, comparisons=10**6, p_value=0.5)
        >>> round(tail.rate_at(tail.similarity_at(1e-6)), 9)
        1e-06
        """
        if rate >= self.start_rate:
            return self.start
        share = max(rate, 1e-300) / self.start_rate
        if abs(self.shape) < STRAIGHT:
            return min(1.0, self.start - self.scale * math.log(share))
        return min(1.0, self.start + self.scale / self.shape * (math.pow(share, -self.shape) - 1.0))

    def extrapolates(self, rate: float) -> bool:
        """Whether a rate is rarer than the fitted comparisons could show."""
        return rate * self.comparisons < OBSERVED

    def _survival(self, similarity: float, steeper: float) -> float:
        """The tail's survival function; with ``steeper`` 1 its density in units of the scale."""
        over = max(0.0, (similarity - self.start) / self.scale)
        if abs(self.shape) < STRAIGHT:
            return math.exp(-over)
        base = 1.0 + self.shape * over
        return math.pow(base, -1.0 / self.shape - steeper) if base > 0 else 0.0


class GenuineFit(Section):
    """Similarities of two pictures of one person: ``-log(ceiling - similarity)`` is taken as normal.

    Every person counts the same, however many pictures there are of them. The ceiling is 1 for plain similarities;
    normalised ones may exceed 1.
    """

    ceiling: float = Field(default=1.0, gt=0)
    mean: float
    sd: float = Field(gt=0)
    pairs: int = Field(gt=0)
    identities: int = Field(gt=0)

    @property
    def usual(self) -> float:
        """The similarity that 99 % of right people stay below."""
        return self.ceiling - math.exp(-(self.mean + USUAL_SD * self.sd))

    def density_at(self, similarity: float) -> float:
        """Density of the right person's similarities."""
        distance = max(NEAREST, self.ceiling - similarity)
        over = (-math.log(distance) - self.mean) / self.sd
        return math.exp(-0.5 * over * over) / (self.sd * math.sqrt(2 * math.pi) * distance)

    def miss_rate_at(self, threshold: float) -> float:
        """Share of the right person's similarities below a threshold: the expected false non-match rate."""
        distance = max(NEAREST, self.ceiling - threshold)
        return 0.5 * math.erfc((self.mean + math.log(distance)) / (self.sd * math.sqrt(2)))


class ScoreNorm(Section):
    """Score normalisation against a cohort, which are the other entries of the list (see ``match/score_norm.py``).

    The mean similarity to the nearest of the cohort is taken off, for the probe and for the entry.
    """

    weight: float = Field(ge=0, le=1, description="Share of the cohort's mean that is taken off, each side.")
    share: float = Field(gt=0, lt=1, description="Share of the list whose nearest entries are averaged.")
    least: int = Field(ge=1, description="At least so many entries are averaged.")
    min_entries: int = Field(ge=2, description="Similarities to a shorter list are not normalised.")


class CoveredFit(Section):
    """What similarities mean where one region is covered, painted over on both sides: ``embed/covered_regions.py``.

    The fields mean what they mean in :class:`Calibration`, tail and genuine those of fused views.
    """

    threshold: float = Field(gt=-1, lt=1)
    view_threshold: float = Field(gt=-1, lt=1)
    list_size: int = Field(gt=0)
    tail: TailFit
    genuine: GenuineFit
    score_norm: ScoreNorm | None = None
    short_list_threshold: float | None = Field(default=None, gt=-1, lt=1)
    short_tail: TailFit | None = None
    short_genuine: GenuineFit | None = None

    @model_validator(mode="after")
    def _both_scales(self) -> CoveredFit:
        if self.score_norm is not None and (self.short_tail is None or self.short_genuine is None):
            raise ValueError("with score_norm, short_tail and short_genuine must be given: short lists have no cohort")
        return self


class Calibration(Section):
    """What similarities of this model mean, and on which data that was measured.

    A list shorter than ``score_norm.min_entries`` is a short list: it has no cohort, so its similarities are not
    normalised and are on a scale of their own. The fields that begin with ``short_`` say what they mean.

    Attributes:
        threshold: Fused similarity that alerts by default.
        view_threshold: Similarity at which a single view agrees.
        short_list_size: Up to this size of a short list; a longer one has a higher threshold.
        list_size: Watchlist size for which the default threshold was chosen.
        relative: Two entries at least this similar are reported as possible relatives.
        same_person: Single pictures of two entries at least this similar show one person under two ids.
        different_person: A picture less like an entry's other pictures than this shows somebody else.
        min_stability: A view whose vector and that of its mirror image are less similar is not compared; None: all are.
        data: Name and size of the data, in words.
        provisional: Not measured with this model but taken from a related one: for test deployments only.
        tail: Fit of the false-match tail of single comparisons; fused_tail: of fused views; short_tail: of fused views
            against a short list. ``genuine`` and the like: similarities of the right person.
        covered: The regions for which covered faces have views of their own; without an entry they are compared as
            they are.
    """

    threshold: float = Field(gt=-1, lt=1)
    view_threshold: float = Field(gt=-1, lt=1)
    short_list_threshold: float | None = Field(default=None, gt=-1, lt=1)
    short_list_size: int = Field(default=30, gt=0)
    score_norm: ScoreNorm | None = None
    list_size: int = Field(gt=0)
    relative: float = Field(gt=-1, le=1)
    same_person: float | None = Field(default=None, gt=-1, le=1)
    different_person: float | None = Field(default=None, gt=-1, le=1)
    min_stability: float | None = Field(default=None, gt=-1, lt=1)
    data: str
    provisional: bool = False
    tail: TailFit | None = None
    fused_tail: TailFit | None = None
    short_tail: TailFit | None = None
    genuine: GenuineFit | None = None
    fused_genuine: GenuineFit | None = None
    short_genuine: GenuineFit | None = None
    covered: dict[str, CoveredFit] = Field(default_factory=dict)

    @field_validator("covered")
    @classmethod
    def _known_regions(cls, covered: dict[str, CoveredFit]) -> dict[str, CoveredFit]:
        if unknown := sorted(covered.keys() - set(REGIONS)):
            raise ValueError(f"no such region: {', '.join(unknown)}; allowed: {', '.join(REGIONS)}")
        return covered

    @property
    def score_norms(self) -> dict[str, ScoreNorm]:
        """How similarities are normalised: of whole faces under the empty text, of covered ones under the region."""
        rules = {"": self.score_norm} | {region: fit.score_norm for region, fit in self.covered.items()}
        return {kind: rule for kind, rule in rules.items() if rule is not None}


@dataclass(frozen=True, slots=True)
class AlertThreshold:
    """The threshold for a list, and what it means; made by ``match/threshold.py``.

    Attributes:
        similarity: Alert at this similarity and above.
        false_alerts_per_10k_faces: What is to be expected at it, by the fitted tail.
        comparison_rate: The same for one comparison.
        floor: The least similarity that the ceiling allows at this list size.
        at_floor: More was asked for than the ceiling allows, so the floor was taken.
        extrapolated: The rate is rarer than the data could show; it follows from the fit alone.
    """

    similarity: float
    false_alerts_per_10k_faces: float
    comparison_rate: float
    floor: float
    at_floor: bool
    extrapolated: bool


def probability_true(
    genuine: GenuineFit, tail: TailFit, similarity: float, *, list_size: int, base_rate: float
) -> float:
    """Probability that the nearest entry is the right person, by Bayes' rule.

    A passer-by is on the list with probability ``base_rate``. With ``g`` and ``G`` the density and distribution of the
    right person's similarities, ``f`` and ``F`` those of strangers, and ``N`` entries, the nearest entry lies at
    similarity ``s`` because

    * it is the right person: ``base_rate * g(s) * F(s) ** (N - 1)``;
    * it is a wrong entry although the person is listed: ``base_rate * G(s) * (N - 1) * f(s) * F(s) ** (N - 2)``;
    * the person is not listed: ``(1 - base_rate) * N * f(s) * F(s) ** (N - 1)``.

    The probability is the first as a share of all three. Two rules keep it from being too high where nothing was
    measured. A fitted tail may end, but doubles, twins and wrong labels exist: so one comparison more than those that
    were fitted is taken to be as similar as the right person, which adds ``g(s) / comparisons`` to ``f``. And above
    the similarity that 99 % of right people stay below, the value at that similarity is stated.

    Both fits are of the kind that is compared: one view, or fused views. Below the tail's start nothing is known of
    strangers but that they are common there; the start's value is returned as the upper bound. ``list_size`` counts the
    entries in force; the base rate is more than 0 and less than 1.

    Raises:
        ConfigError: No such list or base rate.

    >>> genuine = GenuineFit(mean=3.1, sd=0.35, pairs=1000, identities=100)
    >>> tail = TailFit(start=0.92, start_rate=0.002, shape=-0.09, scale=0.0067, comparisons=10**6, p_value=0.3)
    >>> [round(probability_true(genuine, tail, s, list_size=500, base_rate=1e-4), 3) for s in (0.95, 0.97)]
    [0.003, 0.143]
    """
    if list_size < 1 or not 0 < base_rate < 1:
        raise ConfigError(
            "the list size or the base rate is impossible",
            got=f"{list_size} entries, base rate {base_rate:g}",
            allowed="at least 1 entry, a base rate between 0 and 1",
        )
    place = max(min(similarity, genuine.usual), tail.start)
    density = tail.density_at(place) + genuine.density_at(place) / tail.comparisons
    below = 1.0 - tail.rate_at(place)
    right = base_rate * genuine.density_at(place) * below
    wrong_entry = base_rate * genuine.miss_rate_at(place) * (list_size - 1) * density
    stranger = (1.0 - base_rate) * list_size * density * below
    return right / (right + wrong_entry + stranger)
