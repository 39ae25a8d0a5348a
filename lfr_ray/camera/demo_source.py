"""Footage for the demo, rendered at run time from photographs that installed packages ship.

What this is not: it is no film of people walking. Each scene moves a virtual camera over a still photograph
(pan, zoom), changes the light and adds sensor noise. It shows that the chain works on real faces; it says nothing
about accuracy. The watchlist pictures are made from the same photographs in another way (a tighter crop, mirrored,
other brightness, other size, strong JPEG compression), because the packages hold no second picture of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from lfr_ray.camera.footage_interface import DecodedPicture, Footage, SourceCounts, SourceInfo
from lfr_ray.config import CameraConfig
from lfr_ray.errors import SourceError
from lfr_ray.models.weight_files import package_file
from lfr_ray.records import Picture

SCHEME = "demo"
WIDTH_PX, HEIGHT_PX, FPS = 640, 360, 10.0
NOISE_GREY = 3.0
"""Standard deviation of the sensor noise, grey values."""
NOISE_SHIFT_PX = 64
"""One field of noise serves a scene, moved by up to so much from frame to frame: new noise costs more than all else."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where the virtual camera looks at one moment: centre and width of its view of the photograph, and brightness."""

    at_s: float
    x_px: float
    y_px: float
    width_px: float
    light: float


@dataclass(frozen=True, slots=True)
class Shot:
    """A move of the virtual camera over one photograph."""

    package: str
    file: str
    keys: tuple[Keyframe, ...]


TOUCHLINE = ("ultralytics", "assets/zidane.jpg")
STREET = ("ultralytics", "assets/bus.jpg")
ASTRONAUT = ("skimage", "data/astronaut.png")

SCENES: dict[str, tuple[Shot, ...]] = {
    "pier": (
        Shot(
            *TOUCHLINE,
            (Keyframe(0, 560, 380, 760, 0.9), Keyframe(4, 760, 330, 1000, 1.1), Keyframe(8, 930, 250, 760, 0.8)),
        ),
        Shot(*STREET, (Keyframe(0, 200, 470, 330, 0.8), Keyframe(4, 260, 450, 420, 1.15))),
    ),
    "gate": (
        Shot(*STREET, (Keyframe(0, 300, 450, 420, 1.1), Keyframe(4, 180, 470, 320, 0.9))),
        Shot(
            *ASTRONAUT,
            (Keyframe(0, 330, 130, 900, 0.8), Keyframe(3, 230, 140, 760, 1.0), Keyframe(6, 150, 170, 620, 1.15)),
        ),
    ),
}
"""Scenes by name: ``demo:pier`` and ``demo:gate``."""


@dataclass(frozen=True, slots=True)
class EnrolmentPicture:
    """How one watchlist picture is made from a photograph."""

    entry_id: str
    package: str
    file: str
    crop_px: tuple[int, int, int, int]
    size: float
    light: float
    jpeg_quality: int


WATCHLIST: tuple[EnrolmentPicture, ...] = (
    EnrolmentPicture("demo-touchline", *TOUCHLINE, (850, 20, 1130, 380), 0.8, 1.2, 60),
    EnrolmentPicture("demo-astronaut", *ASTRONAUT, (90, 0, 380, 300), 0.7, 0.75, 60),
)

EXPECTED: dict[str, frozenset[str]] = {
    "pier": frozenset({"demo-touchline"}),
    "gate": frozenset({"demo-astronaut"}),
}
"""Who must be alerted at which camera; the other faces of the photographs must not be."""


class DemoSource(Footage):
    """One scene as a recording of 10 frames a second."""

    def __init__(self, config: CameraConfig) -> None:
        name = config.url.partition(":")[2]
        if name not in SCENES:
            raise SourceError(
                "there is no such demo scene",
                got=name,
                allowed=", ".join(SCENES),
                next_step="use one of them as demo:NAME",
            )
        self.counts = SourceCounts()
        self._shots = SCENES[name]
        self.info = SourceInfo(WIDTH_PX, HEIGHT_PX, FPS, sum(map(_frames, self._shots)), live=False)
        # One seed a scene: the demo is the same on every machine.
        self._random = np.random.default_rng(sorted(SCENES).index(name))
        size = (HEIGHT_PX + NOISE_SHIFT_PX, WIDTH_PX + NOISE_SHIFT_PX, 3)
        self._noise = NOISE_GREY * self._random.standard_normal(size, np.float32)

    def pictures(self) -> Iterator[DecodedPicture]:
        """The scene, each picture rendered when it is wanted."""
        for shot in self._shots:
            still = photograph(shot.package, shot.file)
            for step in range(_frames(shot)):
                at_s = self.counts.decoded / FPS
                self.counts.decoded += 1
                # Noise by the picture's number, whoever skips the ones before it.
                down, right = self._random.integers(0, NOISE_SHIFT_PX, 2)
                yield DecodedPicture(at_s, partial(self._render, still, shot.keys, step / FPS, int(down), int(right)))

    def _render(
        self, photograph: Image.Image, keys: tuple[Keyframe, ...], at_s: float, down: int, right: int
    ) -> Picture:
        view = _between(keys, at_s)
        height_px = view.width_px * HEIGHT_PX / WIDTH_PX
        left, top = view.x_px - view.width_px / 2, view.y_px - height_px / 2
        factor = view.width_px / WIDTH_PX
        seen = photograph.transform(
            (WIDTH_PX, HEIGHT_PX),
            Image.Transform.AFFINE,
            (factor, 0.0, left, 0.0, factor, top),
            resample=Image.Resampling.BILINEAR,
            fillcolor=(118, 122, 126),
        )
        lit = np.asarray(seen, np.float32) * np.float32(view.light)
        lit += self._noise[down : down + HEIGHT_PX, right : right + WIDTH_PX]
        pixels: Picture = np.clip(lit, 0, 255, out=lit).astype(np.uint8)
        return pixels


def write_watchlist(folder: Path) -> Path:
    """Make the demo's watchlist in a folder, as ``<entry-id>/<image>``; the same folder."""
    for one in WATCHLIST:
        picture = ImageOps.mirror(photograph(one.package, one.file).crop(one.crop_px))
        size = (round(picture.width * one.size), round(picture.height * one.size))
        picture = ImageEnhance.Brightness(picture.resize(size, Image.Resampling.LANCZOS)).enhance(one.light)
        target = folder / one.entry_id
        target.mkdir(parents=True, exist_ok=True)
        picture.save(target / "enrolment.jpg", quality=one.jpeg_quality)
    return folder


def _frames(shot: Shot) -> int:
    return int(shot.keys[-1].at_s * FPS) + 1


def _between(keys: tuple[Keyframe, ...], at_s: float) -> Keyframe:
    times, *fields = zip(*map(astuple, keys), strict=True)
    return Keyframe(at_s, *(float(np.interp(at_s, times, values)) for values in fields))


def photograph(package: str, file: str) -> Image.Image:
    """A photograph out of an installed package, which is found but not imported."""
    path = package_file(package, file)
    if path is None or not path.is_file():
        raise SourceError(
            "the demo's photograph is not installed",
            got=f"{package}/{file}",
            next_step=f"install the package {package}",
        )
    with Image.open(path) as picture:
        photograph: Image.Image = picture.convert("RGB")
    return photograph
