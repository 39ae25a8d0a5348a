"""What a camera shows on demand: no face of this frame or of those around it, one picture for everybody who asks."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
from PIL import Image

from lfr_ray.clock import FakeClock
from lfr_ray.errors import StreamError
from lfr_ray.pipeline.preview import AFTER_FRAMES, WANTED_S, Preview
from lfr_ray.records import Faces, Frame, Picture

STRIPES = np.zeros((180, 320, 3), np.uint8)
STRIPES[:, ::2] = 255


def frame(index: int, pixels: Picture = STRIPES) -> Frame:
    return Frame("gate", index, index / 10, 1_700_000_000.0 + index / 10, pixels)


def faces(*boxes: tuple[float, float, float, float]) -> Faces:
    count = len(boxes)
    rows = np.array(boxes, np.float32).reshape(count, 4)
    return Faces(rows, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32))


async def shown(preview: Preview, clock: FakeClock, *seen: Faces) -> Picture:
    """The picture that is made while these faces are seen, a tenth of a second apart."""
    asked = asyncio.create_task(preview.picture())
    await asyncio.sleep(0)
    for index, one in enumerate(seen):
        preview.note(frame(index), one)
        clock.advance(0.1)
    return np.asarray(Image.open(io.BytesIO(await asked)).convert("L"))


def contrast(picture: Picture, box: tuple[int, int, int, int]) -> float:
    x1, y1, x2, y2 = box
    return float(picture[y1:y2, x1:x2].std())


def test_faces_of_the_frames_around_are_hidden_too() -> None:
    before, now, after = (10, 60, 50, 110), (120, 60, 160, 110), (240, 60, 280, 110)
    clock = FakeClock()

    async def made() -> Picture:
        preview = Preview(clock)
        await shown(preview, clock, faces(before), faces(), faces())  # makes a picture, and remembers
        clock.advance(0.4)
        return await shown(preview, clock, faces(now), faces(after), faces())

    picture = asyncio.run(made())
    for box in (before, now, after):
        assert contrast(picture, box) < 12
    assert contrast(picture, (60, 10, 110, 50)) > 60, "what is no face stays as it is"


def test_nothing_is_made_or_kept_before_anybody_asks() -> None:
    preview = Preview(FakeClock())
    preview.note(frame(0), faces((10, 10, 50, 50)))
    assert preview._pending is None
    assert not preview._around


def test_ten_who_ask_get_the_same_picture() -> None:
    clock = FakeClock()

    async def asked() -> list[bytes]:
        preview = Preview(clock)
        tasks = [asyncio.create_task(preview.picture()) for _ in range(10)]
        await asyncio.sleep(0)
        for index in range(AFTER_FRAMES + 1):
            preview.note(frame(index), faces())
        return [*await asyncio.gather(*tasks), await preview.picture()]

    pictures = asyncio.run(asked())
    assert len({id(one) for one in pictures}) == 1


def test_a_while_after_the_last_question_everything_is_forgotten() -> None:
    clock = FakeClock()

    async def left() -> Preview:
        preview = Preview(clock)
        await shown(preview, clock, *[faces((10, 10, 50, 50))] * (AFTER_FRAMES + 1))
        clock.advance(WANTED_S + 0.1)
        preview.note(frame(9), faces((10, 10, 50, 50)))
        return preview

    preview = asyncio.run(left())
    assert (preview._pending, preview._jpeg, len(preview._around)) == (None, b"", 0)


def test_a_camera_without_pictures_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfr_ray.pipeline.preview.ANSWER_S", 0.01)
    with pytest.raises(StreamError, match="no picture"):
        asyncio.run(Preview(FakeClock()).picture())


def test_where_the_next_frame_is_far_off_the_one_in_hand_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfr_ray.pipeline.preview.ANSWER_S", 0.01)
    clock = FakeClock()
    picture = asyncio.run(shown(Preview(clock), clock, faces((120, 60, 160, 110))))
    assert contrast(picture, (120, 60, 160, 110)) < 12
