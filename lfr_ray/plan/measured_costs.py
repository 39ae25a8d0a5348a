"""What each stage costs on a kind of machine: tables that a benchmark measured, one file each."""

from __future__ import annotations

from importlib import resources
from typing import Literal

from pydantic import Field

from lfr_ray.errors import ConfigError
from lfr_ray.strict_yaml import Section, parse_section, parsed_yaml

FOLDER = "hardware"

CHAIN = (
    "Everything else that a camera does for a frame that is looked at: the whole less its parts. 0.0: too little to be "
    "told from nothing, not that it is free. Where no view was compared (`views` of the result), nothing of comparing."
)

MEASURE = "measure them on one such machine: `python -m benchmarks.costs --hardware NAME`"


class Growth(Section):
    """A time that grows with a picture's size: ``ms + ms_per_mpx * megapixels``."""

    ms: float = Field(ge=0, description="Of a picture of no size.")
    ms_per_mpx: float = Field(ge=0, description="More for each million pixels.")

    def of_ms(self, width_px: int, height_px: int) -> float:
        """Milliseconds for a picture of this size."""
        return self.ms + self.ms_per_mpx * width_px * height_px / 1e6


class MemoryCosts(Section):
    """Own memory of processes, MB: what is not shared with others. `benchmarks/costs.py` says where it is from."""

    camera: float = Field(gt=0)
    detector: float = Field(gt=0, description="One replica, whatever its streams.")
    embedder: float = Field(gt=0)
    site: float = Field(gt=0, description="Matcher, desk, fleet, Serve, and Ray itself, on the head node.")
    node: float = Field(gt=0, description="Ray itself and the matcher's replica, on every other node.")


class HardwareCosts(Section):
    """One kind of machine. Times are of one core; those of detection and embedding on a GPU are the GPU's."""

    id: str = Field(description="Its name, as `--hardware` takes it.")
    title: str = Field(description="The machine in words.")
    device: Literal["cpu", "cuda"] = Field(description="Where detection and embedding were measured.")
    detector: str = Field(description="Card id of the model whose times these are; another one's are others.")
    embedder: str = Field(description="Card id, in the same way.")
    measured: str = Field(description="When, ISO 8601.")
    decode: Growth = Field(description="One frame of an H.264 stream, decoded and made into a canvas.")
    chain_ms: float = Field(ge=0, description=CHAIN)
    detect: Growth = Field(description="One canvas, in batches on a GPU.")
    embed_ms: float = Field(gt=0, description="One view, with its mirror image.")
    memory_mb: MemoryCosts


def hardware() -> tuple[str, ...]:
    """Every kind of machine that was measured."""
    folder = resources.files("lfr_ray.plan") / FOLDER
    return tuple(sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml")))


def costs_of(hardware_id: str = "") -> HardwareCosts:
    """The table of one kind of machine; without a name, the only one that there is.

    Raises:
        ConfigError: Nobody measured it, or there are several to choose from; those that were measured are named.
    """
    known = hardware()
    if not hardware_id and len(known) == 1:
        (hardware_id,) = known
    if hardware_id not in known:
        raise ConfigError(
            "there are no costs for this hardware" if hardware_id else "it is not said whose costs are taken",
            got=hardware_id,
            allowed=", ".join(known),
            next_step=MEASURE if hardware_id else "name one with --hardware",
        )
    text = (resources.files("lfr_ray.plan") / FOLDER / f"{hardware_id}.yaml").read_text(encoding="utf-8")
    return parse_section(HardwareCosts, parsed_yaml(text), f"the costs of {hardware_id}")
