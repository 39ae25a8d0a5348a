"""The demo's scenes: the same pictures however many of them are looked at, and no others are rendered."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lfr_ray.camera.demo_source import DemoSource
from lfr_ray.config import CameraConfig


def test_a_picture_is_the_same_whoever_skips_the_ones_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    config = CameraConfig(name="gate", url="demo:gate")
    each = [one.convert() for one in itertools.islice(DemoSource(config).pictures(), 6)]
    rendered: list[int] = []
    render = DemoSource._render

    def counted(self: DemoSource, *words: object) -> object:
        rendered.append(1)
        return render(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(DemoSource, "_render", counted)
    last = [*itertools.islice(DemoSource(config).pictures(), 6)][-1]
    np.testing.assert_array_equal(last.convert(), each[-1])
    assert len(rendered) == 1
