"""Networks in torch, as they run on a GPU: batches, colours, ONNX files, and half precision's room."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from lfr_ray.embed.chip_embedder import ChipEmbedder
from lfr_ray.embed.dlib_torch_module import build
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models import device_and_self_test, torch_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_file
from lfr_ray.models.device_and_self_test import Device, check_not_lost, choose_device, half_if_same
from lfr_ray.models.torch_runtime import TorchNetwork, open_onnx
from lfr_ray.models.weight_files import find_weights

CPU = Device("cpu")


def plain_card(**fields: object) -> ModelCard:
    plain = ModelCard(
        id="plain", task="embed", family="f", title="t", licence="MIT", commercial_use=True, origin="here"
    )
    return plain.model_copy(update=fields)


def small_network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 4, 3))


def pictures(batch: int, height: int = 20, width: int = 24) -> np.ndarray[Any, Any]:
    return np.random.default_rng(batch).integers(0, 256, (batch, height, width, 3), np.uint8)


@pytest.mark.parametrize("batch", [1, 3, 8, 70])
@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_a_batch_is_what_the_module_says(batch: int, colour: str) -> None:
    network = small_network()
    running = TorchNetwork(network, CPU, plain_card(mean=(10.0, 20.0, 30.0), scale=0.01, colour=colour))
    given = pictures(batch)
    given.setflags(write=False)
    (found,) = running.run(given)
    ordered = given if colour == "RGB" else given[..., ::-1].copy()
    values = torch.from_numpy(ordered.astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        wanted = network((values - torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)) * 0.01)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


class Unusable(nn.Module):
    """Divides by the picture: a black one gives NaN."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values / values


def test_outputs_that_are_not_finite() -> None:
    running = TorchNetwork(Unusable(), CPU, plain_card())
    running.run(np.ones((2, 4, 4, 3), np.uint8))
    with pytest.raises(ModelError, match="not finite"):
        running.run(np.zeros((2, 4, 4, 3), np.uint8))


@pytest.mark.parametrize("wrong", [np.zeros((2, 4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.float32)])
def test_pictures_of_another_shape(wrong: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ShapeError):
        TorchNetwork(small_network(), CPU, plain_card()).run(wrong)


def test_an_onnx_file_in_torch_equals_openvino() -> None:
    described = card("centerface")
    path = find_weights(described)
    in_torch = open_onnx(path, CPU, described, any_size=True)
    in_openvino = open_file(described, path, CPU, batch=1, any_size=True)
    given = pictures(3, 96, 128)
    assert in_torch.output_names == in_openvino.output_names
    for one, other in zip(in_torch.run(given), in_openvino.run(given), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


class Full(nn.Module):
    """A network for which the device has no memory."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore words")


def test_where_half_precision_cannot_be_made_the_network_itself_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_module: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setitem(torch_runtime.HALF, "cpu", torch.float16)
    monkeypatch.setattr(torch_runtime.copy, "deepcopy", full)
    running = TorchNetwork(small_network(), CPU, plain_card(scale=0.01))
    assert half_if_same(running, lambda _full, _half: True) is running


def test_what_torch_raises_says_which_model_and_what_to_do() -> None:
    with pytest.raises(ModelError) as caught:
        TorchNetwork(Full(), CPU, plain_card()).run(pictures(1))
    assert caught.value.what == "the model plain failed on cpu"
    assert caught.value.got == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    assert "lower max_batch" in caught.value.next_step


class Elsewhere(nn.Module):
    """A network that cannot move: the card is full, or has no kernels."""

    def to(self, *_where: Any, **_how: Any) -> nn.Module:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")


def test_a_network_that_does_not_get_to_its_device_says_so_as_well() -> None:
    with pytest.raises(ModelError, match=r"plain failed on cpu.*OutOfMemoryError"):
        TorchNetwork(Elsewhere(), CPU, plain_card())


ACCELERATOR = getattr(torch, "AcceleratorError", RuntimeError)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (ACCELERATOR("CUDA error: an illegal memory access was encountered\nmore words"), True),
        (ACCELERATOR("CUDA error: out of memory"), False),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), False),
        (RuntimeError("shapes cannot be multiplied"), False),
    ],
)
def test_a_gpu_that_is_lost_is_noted_and_one_that_is_full_is_not(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError, *, lost: bool
) -> None:
    monkeypatch.setattr(device_and_self_test, "_LOST", [])
    with (
        pytest.raises(ModelError, match="plain failed on cpu"),
        TorchNetwork(small_network(), CPU, plain_card()).told(),
    ):
        raise error
    with pytest.raises(ModelError, match=r"lost its GPU.*illegal memory access") if lost else nullcontext():
        check_not_lost()


@pytest.mark.parametrize("recordable", [True, False])
def test_on_cuda_only_what_can_be_recorded_is(monkeypatch: pytest.MonkeyPatch, *, recordable: bool) -> None:
    """Nothing runs here: the network lies on the processor, and is told to be on a card."""
    processor = torch.device("cpu")
    monkeypatch.setattr(torch_runtime.torch, "device", lambda _kind: processor)
    network = TorchNetwork(small_network(), Device("cuda"), plain_card(), recordable=recordable)
    assert (network._recorded is not None) is recordable


@pytest.mark.parametrize(("operator", "recordable"), [("Relu", True), ("Shape", False)])
def test_what_the_processor_reads_is_not_recorded(tmp_path: Path, operator: str, *, recordable: bool) -> None:
    nodes = [onnx.helper.make_node("Relu", ["input"], ["output"]), onnx.helper.make_node(operator, ["input"], ["more"])]
    kinds = {"input": TensorProto.FLOAT, "output": TensorProto.FLOAT}
    made, taken = (onnx.helper.make_tensor_value_info(name, kinds[name], [1, 3, 8, 8]) for name in ("output", "input"))
    graph = onnx.helper.make_graph(nodes, "test", [taken], [made])
    path = tmp_path / "test.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), str(path))
    assert open_onnx(path, CPU, plain_card())._recordable is recordable


def test_a_file_that_is_no_onnx(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(b"no model at all\n" * 20)
    with pytest.raises(ModelError, match=r"not an ONNX model that torch can run.*text\.onnx"):
        open_onnx(path, CPU, card("centerface"))
    with pytest.raises(ModelError, match=r"not a TFLite model that torch can run.*model\.tflite.*convolutions"):
        open_file(card("centerface"), path.rename(tmp_path / "model.tflite"), Device("cuda"), batch=1)


@pytest.mark.parametrize(("name", "shape"), [("centerface", (1, 3, 96, 128)), ("dlib_resnet", (2, 3, 150, 150))])
def test_half_precision_has_room_for_these_networks(name: str, shape: tuple[int, ...]) -> None:
    """CUDA runs in half precision, which ends at 65,504: the largest inputs must stay far below it inside."""
    described = card(name)
    inputs = torch.from_numpy(np.random.default_rng(1).choice(np.float32([0, 255]), shape))
    inputs = (inputs - torch.tensor(described.mean).view(1, 3, 1, 1)) * described.scale
    path = find_weights(described)
    whole = open_onnx(path, CPU, described)._network if name == "centerface" else build(described, path)[0].eval()
    largest: list[float] = []
    for layer in whole.modules():
        layer.register_forward_hook(lambda _layer, _inputs, output: largest.append(_largest(output)))
    with torch.inference_mode():
        full = whole(inputs)
        half = whole.half()(inputs.half())
    assert max(largest) < 1000
    for wanted, found in zip(_tuple(full), _tuple(half), strict=True):
        torch.testing.assert_close(found.float(), wanted, atol=0.02, rtol=0.02)


def test_half_precision_is_a_network_of_its_own_where_the_device_gains_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    running = TorchNetwork(small_network(), CPU, plain_card(scale=0.01), recordable=False)
    assert running.faster() is None
    (before,) = running.run(pictures(3))
    monkeypatch.setitem(torch_runtime.HALF, "cpu", torch.float16)
    half = running.faster()
    assert half is not None
    assert (running.precision, half.precision) == ("float32", "float16")
    assert half.faster() is None
    assert not half._recordable
    assert 0 < np.abs(half.run(pictures(3))[0] - before).max() < 0.01
    np.testing.assert_array_equal(running.run(pictures(3))[0], before)


class TooMuch(nn.Module):
    """Vectors of the right directions, on the way to which single precision alone has room."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.relu(values * 1e6).flatten(1)[:, :128] / 1e6


@pytest.mark.parametrize(("narrow", "precision"), [(False, "float16"), (True, "float32")])
def test_an_embedder_keeps_single_precision_where_half_gives_something_else(
    monkeypatch: pytest.MonkeyPatch, narrow: bool, precision: str
) -> None:
    monkeypatch.setitem(torch_runtime.HALF, "cpu", torch.float16)
    described = card("dlib_resnet")
    if narrow:
        described = described.model_copy(update={"probe": ()})
    network = TooMuch() if narrow else build(described, find_weights(described))[0]
    embedder = ChipEmbedder(described, TorchNetwork(network, CPU, described), mirror=False)
    assert embedder.network.precision == precision


def _tuple(output: Any) -> tuple[torch.Tensor, ...]:
    return (output,) if isinstance(output, torch.Tensor) else tuple(output)


def _largest(output: object) -> float:
    return max(float(value.abs().max()) for value in _tuple(output))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_half_precision_on_cuda_stays_close_to_the_cpu() -> None:
    chips = np.random.default_rng(0).integers(0, 256, (5, 150, 150, 3), np.uint8)
    assert choose_device("auto").kind == "cuda"
    embedder = load_embedder(card("dlib_resnet"), device="cuda")
    cosines = (embedder.embed(chips) * load_embedder(card("dlib_resnet"), device="cpu").embed(chips)).sum(axis=1)
    assert cosines.min() > 0.9995
    assert embedder.network.precision == "float16"
