"""Devices, buckets, frozen graphs, and what happens to unusable outputs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lfr_ray.models.onnx_graph import read_onnx
from torch import nn

from lfr_ray.detect.base import load_detector
from lfr_ray.embed.base import load_embedder
from lfr_ray.embed.dlib_resnet import build_network
from lfr_ray.errors import ConfigError, ModelError, ResourceError, ShapeError
from lfr_ray.models import runtime
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.catalogue import card
from lfr_ray.models.runtime import BUCKETS, Runtime, available_devices, bucket_of, choose_device, parts_of, self_test
from lfr_ray.models.weights import find_weights

CPU = torch.device("cpu")


def plain_card(**fields: object) -> ModelCard:
    plain = ModelCard(
        id="plain", task="embed", family="f", title="t", licence="MIT", commercial_use=True, origin="here"
    )
    return plain.model_copy(update=fields)


def small_network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 4, 3))


def pictures(batch: int, height: int = 20, width: int = 24) -> np.ndarray:
    return np.random.default_rng(batch).integers(0, 256, (batch, height, width, 3), np.uint8)


def test_the_cpu_is_always_there_and_last() -> None:
    assert available_devices()[-1] == "cpu"
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type == available_devices()[0]


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there(wanted: str) -> None:
    if wanted in available_devices():
        assert choose_device(wanted).type == wanted
        return
    with pytest.raises(ResourceError) as caught:
        choose_device(wanted)
    assert wanted in caught.value.what
    assert "cpu" in caught.value.got


def test_a_device_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="cpu, cuda, mps"):
        choose_device("tpu")


def test_threads() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        runtime.set_threads(1)
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
        load_detector(card("centerface"), device="cpu")
        assert torch.get_num_threads() == 1
        load_detector(card("centerface"), device="cpu", threads=2)
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (2, 2)
        with pytest.raises(ConfigError):
            runtime.set_threads(0)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


@given(st.integers(1, 400), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_parts_hold_the_batch_and_waste_little(batch: int, max_padding: float) -> None:
    parts = parts_of(batch, max_padding)
    assert sum(parts) == batch
    for part in parts:
        bucket = bucket_of(part)
        assert bucket in BUCKETS
        assert 1 - part / bucket <= max_padding


@pytest.mark.parametrize("batch", [1, 3, 5, 8, 70])
def test_a_batch_is_as_good_as_one_by_one(batch: int) -> None:
    network = small_network()
    running = Runtime(network, CPU, plain_card(mean=(10.0, 20.0, 30.0), scale=0.01))
    given_pictures = pictures(batch)
    given_pictures.setflags(write=False)
    (found,) = running.run(given_pictures)
    values = torch.from_numpy(given_pictures.astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        wanted = network((values - torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)) * 0.01)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    one_by_one = torch.cat([running.run(given_pictures[i : i + 1])[0] for i in range(batch)])
    torch.testing.assert_close(found, one_by_one, atol=1e-5, rtol=1e-5)


def test_sizes_have_their_own_graphs_and_old_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "GRAPHS", 2)
    network = small_network()
    running = Runtime(network, CPU, plain_card())
    for height in (20, 24, 28, 20):
        given_pictures = pictures(2, height)
        with torch.no_grad():
            wanted = network(torch.from_numpy(given_pictures.astype(np.float32)).permute(0, 3, 1, 2))
        torch.testing.assert_close(running.run(given_pictures)[0], wanted, atol=1e-2, rtol=1e-4)
        assert len(running._graphs) <= 2


def test_colour_order_is_the_cards() -> None:
    network = small_network()
    rgb, bgr = (Runtime(network, CPU, plain_card(colour=colour)) for colour in ("RGB", "BGR"))
    given_pictures = pictures(2)
    turned = np.ascontiguousarray(given_pictures[..., ::-1])
    torch.testing.assert_close(rgb.run(given_pictures)[0], bgr.run(turned)[0])
    assert not torch.allclose(rgb.run(given_pictures)[0], bgr.run(given_pictures)[0])


def test_threads_may_call_at_once() -> None:
    running = Runtime(small_network(), CPU, plain_card())
    batches = [pictures(1 + index % 5, 20 + 4 * (index % 3)) for index in range(24)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda batch: running.run(batch)[0], batches))
    for batch, found in zip(batches, together, strict=True):
        torch.testing.assert_close(found, running.run(batch)[0], atol=1e-3, rtol=1e-4)


class Unusable(nn.Module):
    """Divides by the picture: a black one gives NaN."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values / values


def test_outputs_that_are_not_finite() -> None:
    running = Runtime(Unusable(), CPU, plain_card())
    running.run(np.ones((2, 4, 4, 3), np.uint8))
    with pytest.raises(ModelError, match="not finite"):
        running.run(np.zeros((2, 4, 4, 3), np.uint8))


@pytest.mark.parametrize("wrong", [np.zeros((2, 4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.float32)])
def test_pictures_of_another_shape(wrong: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        Runtime(small_network(), CPU, plain_card()).run(wrong)


def test_the_self_test_says_device_and_time() -> None:
    for result in (
        self_test(load_detector(card("centerface"), device="cpu"), width_px=64, height_px=64, repeats=2),
        self_test(load_embedder(card("dlib_resnet"), device="cpu", mirror=False), repeats=2),
    ):
        assert result.device.startswith("cpu (")
        assert result.ms_per_picture > 0
        assert result.model in str(result)
        assert "ms a picture" in str(result)


@pytest.mark.parametrize(
    ("name", "network", "shape"),
    [("centerface", read_onnx, (1, 3, 96, 128)), ("dlib_resnet", build_network, (2, 3, 150, 150))],
)
def test_half_precision_has_room_for_these_networks(
    name: str, network: Callable[[Path], nn.Module], shape: tuple[int, ...]
) -> None:
    """CUDA runs in half precision, which ends at 65,504: the largest inputs must stay far below it inside."""
    described = card(name)
    inputs = torch.from_numpy(np.random.default_rng(1).choice(np.float32([0, 255]), shape))
    inputs = (inputs - torch.tensor(described.mean).view(1, 3, 1, 1)) * described.scale
    whole = network(find_weights(described)).eval()
    largest: list[float] = []
    for layer in whole.modules():
        layer.register_forward_hook(lambda _layer, _inputs, output: largest.append(_largest(output)))
    with torch.inference_mode():
        full = whole(inputs)
        half = whole.half()(inputs.half())
    assert max(largest) < 1000
    for wanted, found in zip(_tuple(full), _tuple(half), strict=True):
        torch.testing.assert_close(found.float(), wanted, atol=0.02, rtol=0.02)


def _tuple(output: object) -> tuple[torch.Tensor, ...]:
    return output if isinstance(output, tuple) else (output,)  # type: ignore[return-value]


def _largest(output: object) -> float:
    return max(float(value.abs().max()) for value in _tuple(output))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_half_precision_on_cuda_stays_close_to_the_cpu() -> None:
    chips = np.random.default_rng(0).integers(0, 256, (5, 150, 150, 3), np.uint8)
    embedder = load_embedder(card("dlib_resnet"), device="cuda")
    cosines = (embedder.embed(chips) * load_embedder(card("dlib_resnet"), device="cpu").embed(chips)).sum(axis=1)
    assert cosines.min() > 0.9995
