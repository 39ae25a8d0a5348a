"""How many pictures and faces a second does a card do, stage by stage and over several streams?

    python -m benchmarks.gpu [--device cuda] [--width 640] [--height 384] [--batch 1 8 32] [--streams 1 2 4]

It needs torch and torchvision only: no weights, no footage, nothing of this project but ``benchmarks/record.py``. The
networks have the size of those that run here (a detector of CenterFace's cost, a ResNet for chips), with random
weights; pictures are noise. Stages: pictures from pinned memory to the device, the detector in half precision, the same
recorded as a CUDA graph, non-maximum suppression on the device, chips aligned in one batch, vectors. On a CPU it shows
that it works, no more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import torch
import torchvision
from torch import nn
from torch.nn import functional

from benchmarks.record import write_result

CANDIDATES, FACES, CHIP_PX, LEAST_PER_S = 256, 8, 112, 200.0


class Stages:
    """The stages of one stream on one device.

    Args:
        device: Where they run.
        batch: Pictures of a call.
        side_px: Height and width of a picture.
    """

    def __init__(self, device: torch.device, batch: int, side_px: tuple[int, int]) -> None:
        cuda = device.type == "cuda"
        self.dtype = torch.float16 if cuda else torch.float32
        self.device, self.batch, self.side_px = device, batch, side_px
        noise = torch.randint(0, 256, (batch, *side_px, 3), dtype=torch.uint8)
        self.pictures = noise.pin_memory() if cuda else noise
        backbone = torchvision.models.mobilenet_v2().features
        self.detector = self._ready(nn.Sequential(backbone, nn.Conv2d(1280, 15, 1)))
        self.embedder = self._ready(torchvision.models.resnet18(num_classes=128))
        self.stream = torch.cuda.Stream(device) if cuda else None
        corner = torch.rand(batch * CANDIDATES, 2, device=device) * 400
        self.boxes = torch.cat((corner, corner + 40), dim=1)
        self.scores = torch.rand(batch * CANDIDATES, device=device)
        self.which = torch.arange(batch, device=device).repeat_interleave(CANDIDATES)
        turn = torch.tensor([[0.2, -0.02, 0.1], [0.02, 0.2, 0.1]], device=device, dtype=self.dtype)
        self.turns = turn.expand(batch * FACES, 2, 3)

    def _ready(self, network: nn.Module) -> nn.Module:
        ready = network.eval().requires_grad_(False).to(self.device, self.dtype, memory_format=torch.channels_last)
        return ready

    def copy(self) -> torch.Tensor:
        """Pictures on the device, as the networks take them."""
        there = self.pictures.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        return there.to(self.dtype) / 255

    def detect(self, pictures: torch.Tensor) -> Any:
        """What the detector's network says."""
        return self.detector(pictures)

    def as_graph(self, pictures: torch.Tensor) -> Callable[[], None]:
        """The detector's work for these pictures, recorded: the processor starts it as a whole."""
        beside = torch.cuda.Stream(self.device)
        beside.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(beside):
            for _ in range(3):
                self.detect(pictures)
        torch.cuda.current_stream(self.device).wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.detect(pictures)
        return graph.replay

    def suppress(self) -> torch.Tensor:
        """The best boxes that stand apart, of all pictures at once."""
        return torchvision.ops.batched_nms(self.boxes, self.scores, self.which, 0.4)

    def align(self, pictures: torch.Tensor) -> torch.Tensor:
        """Chips of all faces of all pictures, turned upright in one batch."""
        grid = functional.affine_grid(self.turns, [len(self.turns), 3, CHIP_PX, CHIP_PX], align_corners=False)
        # A picture's chips are sampled as one tall one: else each would need a copy of the whole picture.
        tall = grid.view(self.batch, FACES * CHIP_PX, CHIP_PX, 2)
        chips = functional.grid_sample(pictures, tall, align_corners=False).unflatten(2, (FACES, CHIP_PX))
        return chips.transpose(1, 2).flatten(0, 1)

    def embed(self, chips: torch.Tensor) -> Any:
        """Vectors of unit length."""
        return functional.normalize(self.embedder(chips).float())

    def all(self) -> None:
        """Everything, in this stream and in whatever thread: telling faces apart waits for the device."""
        with torch.inference_mode(), torch.cuda.stream(self.stream) if self.stream is not None else nullcontext():
            pictures = self.copy()
            self.detect(pictures)
            self.suppress()
            self.embed(self.align(pictures))


def finished(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ms_of(work: Callable[[], Any], device: torch.device, rounds: int) -> float:
    """Median milliseconds of one call, finished."""
    times = []
    for _ in range(rounds + 2):
        finished(device)
        began_s = time.perf_counter()
        work()
        finished(device)
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times[2:])


def measure(
    device: torch.device, batch: int, chosen: argparse.Namespace, stages_ms: dict[str, float], per_s: dict[str, float]
) -> None:
    """Fill in what one size of batch takes, stage by stage, and what several streams do a second."""
    side_px = (chosen.height, chosen.width)
    one = Stages(device, batch, side_px)
    pictures = one.copy()
    chips = one.align(pictures)
    work: dict[str, Callable[[], Any]] = {
        "copy": one.copy,
        "detect": lambda: one.detect(pictures),
        "suppress": one.suppress,
        "align": lambda: one.align(pictures),
        "embed": lambda: one.embed(chips),
    }
    if device.type == "cuda":
        work["detect_as_graph"] = one.as_graph(pictures)
    for name, call in work.items():
        stages_ms[name] = ms_of(call, device, chosen.rounds)
    for streams in chosen.streams:
        beside = [Stages(device, batch, side_px) for _ in range(streams)]
        with ThreadPoolExecutor(streams) as threads:
            took_ms = ms_of(lambda: list(threads.map(Stages.all, beside)), device, chosen.rounds)  # noqa: B023
        per_s[str(streams)] = batch * streams * 1000 / took_ms


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("error: torch sees no CUDA device; allowed here: --device cpu, which proves nothing", file=sys.stderr)
        return 2
    device = torch.device(chosen.device)
    stages_ms: dict[str, dict[str, float]] = {str(batch): {} for batch in chosen.batch}
    per_s: dict[str, dict[str, float]] = {str(batch): {} for batch in chosen.batch}
    failed: dict[str, str] = {}
    with torch.inference_mode():
        for batch in map(str, chosen.batch):
            try:
                measure(device, int(batch), chosen, stages_ms[batch], per_s[batch])
            except RuntimeError as error:  # memory that is full, mostly: what was measured is written all the same
                failed[batch] = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
    best = max((rate for rates in per_s.values() for rate in rates.values()), default=0.0)
    write_result(
        f"gpu_{chosen.device}",
        "How many pictures and faces a second does a card do, stage by stage and over several streams?",
        {
            "device": chosen.device,
            "size_px": [chosen.width, chosen.height],
            "faces_a_picture": FACES,
            "stages_ms_by_batch": stages_ms,
            "pictures_per_s_by_batch_and_streams": per_s,
            "pictures_per_s_best": best,
            "not_measured_to_the_end_by_batch": failed,
        },
        f"at least {LEAST_PER_S:g} pictures a second on a card",
        met := chosen.device == "cuda" and best >= LEAST_PER_S,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
