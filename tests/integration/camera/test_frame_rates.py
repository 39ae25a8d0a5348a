"""One person passes a camera of any frame rate, with the real models: one alert, and nobody else's.

The people are those of the demo's photographs, before a virtual camera that moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lfr_ray.camera.demo_source import DemoSource, write_watchlist
from lfr_ray.config import CameraConfig
from lfr_ray.records import Frame, Picture
from tests.integration.data.chain import NOW_S, RealChain

LISTED = "demo-touchline"
STAY_S = {0.2: 60.0, 0.5: 24.0, 1.0: 12.0, 2.0: 6.0, 5.0: 4.0, 25.0: 2.0, 120.0: 1.0}
"""How long the person is there, by frames a second: a handful of frames at least."""


class Listed:
    """Frames as a source."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = iter(frames)

    async def get_async(self) -> Frame | None:
        return next(self._frames, None)


def demo_pictures(scene: str, first: int, last: int) -> list[Picture]:
    config = CameraConfig(name="gate", url=f"demo:{scene}")
    return [picture.convert() for picture in DemoSource(config).pictures()][first:last]


def frames(pictures: Sequence[Picture], moments_s: Sequence[float], *, single: bool = False) -> Listed:
    return Listed(
        [
            Frame("gate", index, at_s, NOW_S + at_s, picture, 0.0, single)
            for index, (picture, at_s) in enumerate(zip(pictures, moments_s, strict=True))
        ]
    )


def spread(pictures: Sequence[Picture], count: int) -> list[Picture]:
    return [pictures[int(place)] for place in np.linspace(0, len(pictures) - 1, count)]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> RealChain:
    folder = tmp_path_factory.mktemp("rates")
    return RealChain(write_watchlist(folder / "people"), folder)


@pytest.fixture(scope="module")
def touchline() -> list[Picture]:
    return demo_pictures("pier", 0, 81)


@pytest.mark.parametrize("fps", list(STAY_S))
def test_one_who_passes_alerts_once_at_any_rate(chain: RealChain, touchline: list[Picture], fps: float) -> None:
    count = round(STAY_S[fps] * fps)
    sightings = chain.watches(frames(spread(touchline, count), [index / fps for index in range(count)]))
    assert {one.match.entry_id for one in sightings} == {LISTED}


def test_frames_that_come_unevenly_alert_once(chain: RealChain, touchline: list[Picture]) -> None:
    """Bursts of two, then nothing for a second and a half."""
    moments_s = [burst * 1.5 + within * 0.04 for burst in range(8) for within in range(2)]
    sightings = chain.watches(frames(spread(touchline, len(moments_s)), moments_s))
    assert {one.match.entry_id for one in sightings} == {LISTED}


def test_stills_are_judged_one_by_one_by_a_stricter_threshold(chain: RealChain, touchline: list[Picture]) -> None:
    followed = chain.watches(frames(touchline[::4], [index * 0.1 for index in range(len(touchline[::4]))]))
    stills = chain.watches(frames(spread(touchline, 8), [float(index) for index in range(8)], single=True))
    assert len(stills) >= 4
    assert {(one.match.entry_id, one.match.views_compared) for one in stills} == {(LISTED, 1)}
    assert min(one.match.threshold for one in stills) > max(one.match.threshold for one in followed)


def test_strangers_do_not_alert_one_by_one(chain: RealChain) -> None:
    street = demo_pictures("pier", 81, 122)
    assert chain.watches(frames(spread(street, 8), [float(index) for index in range(8)], single=True)) == []
    assert chain.watches(frames(spread(street, 8), [float(index) for index in range(8)])) == []
