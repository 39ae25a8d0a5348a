"""Clips of the demo's rendered people, and ways to damage them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from lfr_ray.camera.demo_source import DemoSource
from lfr_ray.config import CameraConfig

FPS = 25
FRAMES = 150
LENGTH_S = FRAMES / FPS
PICTURES = 50
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


class Clips:
    """Writes clips of people with sound, once for each kind.

    Args:
        folder: Where they are written.
        frames: Pictures of each.
    """

    def __init__(self, folder: Path, frames: int = FRAMES) -> None:
        self._folder = folder
        self._frames = frames
        self._made: dict[object, Path] = {}
        source = DemoSource(CameraConfig(name="gate", url="demo:pier"))
        self._pictures = [one.convert() for _, one in zip(range(PICTURES), source.pictures(), strict=False)]

    def __call__(self, name: str = "clip.mp4", *, gop: int = 25, codec: str = "libx264", **options: str) -> Path:
        key = (name, gop, codec, tuple(options.items()))
        if key not in self._made:
            path = self._made[key] = self._folder / str(len(self._made)) / name
            path.parent.mkdir()
            self._write(path, gop, codec, options or {"movflags": "faststart"})
        return self._made[key]

    def _write(self, path: Path, gop: int, codec: str, options: dict[str, str]) -> None:
        with av.open(str(path), "w", options=options if path.suffix == ".mp4" else {}) as container:
            video = container.add_stream(codec, rate=FPS)
            video.width, video.height, video.pix_fmt = 640, 360, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            video.gop_size, video.bit_rate, video.max_b_frames = gop, 2_000_000, 0
            if codec == "libx264":
                video.options = {"sc_threshold": "0", "preset": "veryfast"}
            sound = container.add_stream("aac" if path.suffix != ".avi" else "mp2", rate=44_100, layout="stereo")
            for index in range(self._frames):
                container.mux(
                    video.encode(
                        av.VideoFrame.from_ndarray(self._pictures[index * PICTURES // self._frames], format="rgb24")
                    )
                )
            for index in range(int(self._frames / FPS * 44_100 / 1024)):
                noise = np.random.default_rng(index).integers(-5000, 5000, (2, 1024)).astype(np.float32) / 32768
                heard = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
                heard.sample_rate, heard.pts, heard.time_base = 44_100, index * 1024, Fraction(1, 44_100)
                container.mux(sound.encode(heard))
            container.mux(video.encode(None))
            container.mux(sound.encode(None))


def small(path: Path, codec: str, b_pictures: int = 0, frames: int = FRAMES, step_px: int = 2) -> Path:
    """A clip of a pattern that moves by so much a picture, without sound, of any codec."""
    options = {
        "libx264": {"preset": "veryfast", "x264-params": "b-adapt=0:scenecut=0"},
        "libx265": {"preset": "ultrafast", "x265-params": f"log-level=none:bframes={b_pictures}:b-adapt=0"},
    }
    pattern = np.random.default_rng(1).integers(0, 255, (96, 128 + step_px * frames, 3)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options=options.get(codec, {}))
        video.width, video.height, video.pix_fmt = 128, 96, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        video.gop_size = 25
        if codec != "mjpeg":
            video.max_b_frames = b_pictures
        for index in range(frames):
            picture = np.ascontiguousarray(pattern[:, step_px * index : step_px * index + 128])
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
    return path


def cut(path: Path, share: float, into: Path) -> Path:
    data = path.read_bytes()
    shorter = into / path.name
    shorter.write_bytes(data[: int(len(data) * share)])
    return shorter


def filtered(path: Path, rule: str, into: Path, name: str = "") -> Path:
    """The same clip, each packet of which went through a bitstream filter."""
    target = into / (name or path.name)
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        video = source.streams.video[0]
        copied = container.add_stream_from_template(video)
        changing = BitStreamFilterContext(rule, video)
        for packet in source.demux(video):
            for one in changing.filter(packet if packet.dts is not None else None):
                one.stream = copied
                container.mux(one)
    return target
