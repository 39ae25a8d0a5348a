"""Networks in OpenVINO: batches, sizes, streams, precision, and everything that a file can have wrong."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lfr_ray.errors import ModelError, ShapeError
from lfr_ray.models import choose_runtime, openvino_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.choose_runtime import open_file
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.onnx_runtime import OnnxNetwork
from lfr_ray.models.openvino_runtime import OpenVinoNetwork

CPU = Device("cpu", threads=1)
PLAIN = card("yunet_n").model_copy(update={"colour": "RGB"})
Array = np.ndarray[Any, Any]


def save(path: Path, nodes: list[Any], shape: list[Any], kind: int = TensorProto.FLOAT, opset: int = 13) -> Path:
    weights = {"first": np.full((1, 3, 1, 1), 0.5, np.float32)}
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("output", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(model, {"made_by": "a test"})
    onnx.save(model, str(path))
    return path


def means(path: Path, batch: int | str = "batch", kind: int = TensorProto.FLOAT, sides: Any = ("h", "w")) -> Path:
    """A file whose output is the mean of each channel."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["output"]),
    ]
    return save(path, nodes, [batch, 3, *sides], kind)


def pictures(count: int, height: int = 8, width: int = 12) -> Array:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), np.uint8)


def wanted(batch: Array, described: ModelCard = PLAIN) -> Array:
    ordered = batch if described.colour == "RGB" else batch[..., ::-1]
    return (ordered.mean(axis=(1, 2)) - np.array(described.mean)) * described.scale


@pytest.mark.parametrize("most", [1, 8])
@pytest.mark.parametrize("batch", ["batch", 1, 4])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_any_batch_through_a_fixed_or_free_one(tmp_path: Path, batch: int | str, count: int, most: int) -> None:
    network = open_file(PLAIN, means(tmp_path / "means.onnx", batch), CPU, batch=most)
    assert isinstance(network, OpenVinoNetwork)
    given = pictures(count)
    given.setflags(write=False)
    (output,) = network.run(given)
    assert output.shape == (count, 3)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, wanted(given), atol=1e-3)


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
def test_colour_mean_and_scale_are_the_cards(tmp_path: Path, colour: str) -> None:
    described = PLAIN.model_copy(update={"colour": colour, "mean": (10.0, 20.0, 30.0), "scale": 0.5})
    (output,) = open_file(described, means(tmp_path / "means.onnx"), CPU, batch=8).run(pictures(2))
    np.testing.assert_allclose(output, wanted(pictures(2), described), atol=1e-3)
    assert np.abs(output - wanted(pictures(2), described)[:, ::-1]).max() > 1


def test_half_precision_files(tmp_path: Path) -> None:
    (output,) = open_file(PLAIN, means(tmp_path / "h.onnx", kind=TensorProto.FLOAT16), CPU, batch=8).run(pictures(2))
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, wanted(pictures(2)), atol=0.5)


def test_what_a_network_says_of_its_file(tmp_path: Path) -> None:
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), CPU, batch=8)
    assert (network.height_px, network.width_px) == (None, None)
    assert network.output_names == ("output",)
    assert network.metadata["made_by"] == "a test"
    with pytest.raises(ShapeError):
        network.run(pictures(1)[0])
    stated = means(tmp_path / "fixed.onnx", sides=(8, 16))
    assert (open_file(PLAIN, stated, CPU, batch=1).height_px, open_file(PLAIN, stated, CPU, batch=1).width_px) == (
        8,
        16,
    )
    free = open_file(PLAIN, stated, CPU, batch=1, any_size=True)
    assert (free.height_px, free.width_px) == (None, None)
    np.testing.assert_allclose(free.run(pictures(2))[0], wanted(pictures(2)), atol=1e-3)


def test_sizes_are_compiled_by_themselves_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "SIZES", 2)
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), CPU, batch=1)
    assert isinstance(network, OpenVinoNetwork)
    for height in (8, 12, 16, 8):
        given = pictures(2, height)
        np.testing.assert_allclose(network.run(given)[0], wanted(given), atol=1e-3)
        assert len(network._compiled) <= 2


@pytest.mark.parametrize("streams", [1, 2])
def test_threads_may_call_at_once(tmp_path: Path, streams: int) -> None:
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), Device("cpu", 2, streams), batch=2)
    batches = [pictures(1 + index % 5, 8 + 4 * (index % 3)) for index in range(60)]
    with ThreadPoolExecutor(5) as pool:
        together = list(pool.map(lambda batch: network.run(batch)[0], batches))
    for batch, found in zip(batches, together, strict=True):
        np.testing.assert_allclose(found, wanted(batch), atol=1e-3)


def test_pictures_are_worked_on_side_by_side_and_no_process_holds_cores(tmp_path: Path) -> None:
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), Device("cpu", 2, 2), batch=1)
    assert isinstance(network, OpenVinoNetwork)
    network.run(pictures(1))
    (requests,) = network._compiled.values()
    compiled = requests.get().get_compiled_model()
    assert int(compiled.get_property("NUM_STREAMS")) == 2
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


def test_half_precision_only_where_the_processor_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = means(tmp_path / "means.onnx")
    for capabilities, precision in ((("FP32", "INT8"), None), (("FP32", "BF16"), "bfloat16")):
        monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device, found=capabilities: found)
        network = open_file(PLAIN, path, CPU, batch=1)
        faster = network.faster()
        assert network.precision == "float32"
        assert (faster and faster.precision) == precision
        if faster is not None:
            assert faster.faster() is None
            np.testing.assert_allclose(faster.run(pictures(2))[0], wanted(pictures(2)), rtol=0.02)


def test_an_npu_begins_in_half_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    class Core:
        read_model = staticmethod(openvino_runtime._core().read_model)

        @staticmethod
        def compile_model(_model: object, device: str, settings: dict[str, Any]) -> None:
            asked.append((device, settings))
            raise RuntimeError("there is none here")

    monkeypatch.setattr(openvino_runtime, "_core", Core)
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), Device("intel_npu"), batch=1)
    assert (network.precision, network.faster()) == ("float16", None)
    with pytest.raises(ModelError, match="there is none here"):
        network.run(pictures(1))
    assert asked == [("NPU", {"INFERENCE_PRECISION_HINT": "f16"})]


def test_what_openvino_cannot_read_runs_in_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = means(tmp_path / "means.onnx")

    def refuse(_path: Path) -> None:
        raise RuntimeError("first line\nNo conversion rule found for operations: Frobnicate-13\n\n")

    monkeypatch.setattr(openvino_runtime, "read_file", refuse)
    network = open_file(PLAIN, path, CPU, batch=1)
    assert isinstance(network, OnnxNetwork)
    assert network.runtime == "ONNX Runtime"
    np.testing.assert_allclose(network.run(pictures(2))[0], wanted(pictures(2)), atol=1e-3)
    for device, any_size in ((CPU, True), (Device("intel_gpu"), False)):
        with pytest.raises(ModelError) as caught:
            choose_runtime.open_file(PLAIN, path, device, batch=1, any_size=any_size)
        assert "OpenVINO cannot read" in caught.value.what
        assert "Frobnicate" in caught.value.got
        assert caught.value.allowed
        assert "lfr models verify" in caught.value.next_step


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_a_file_that_is_no_model(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text.{suffix}"
    path.write_bytes(b"no model at all\n" * 20)
    with pytest.raises(ModelError, match=rf"(not an ONNX model|cannot read).*text\.{suffix}"):
        open_file(PLAIN, path, CPU, batch=1)


def test_a_file_that_takes_no_pictures(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["input"], ["output"])
    for shape in (["batch", 128], [1, 1, 8, 8]):
        with pytest.raises(ModelError, match=r"does not take pictures.*batch, 3, height, width"):
            open_file(PLAIN, save(tmp_path / "other.onnx", [node], shape), CPU, batch=1)
    path = save(tmp_path / "double.onnx", [node], [1, 3, 8, 8], TensorProto.DOUBLE)
    with pytest.raises(ModelError, match="another kind of number"):
        open_file(PLAIN, path, CPU, batch=1)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    path = save(tmp_path / "log.onnx", [helper.make_node("Log", ["input"], ["output"])], ["batch", 3, 8, 12])
    network = open_file(PLAIN, path, CPU, batch=1)
    with pytest.raises(ModelError, match="not finite"):
        network.run(np.zeros((1, 8, 12, 3), np.uint8))
    assert network.run(np.ones((1, 8, 12, 3), np.uint8))[0].max() == 0, "one failure does not spoil the next call"


class Request:
    """A request of OpenVINO, which says in which order it was used."""

    def __init__(self, name: str, said: list[str], failing: str = "") -> None:
        self._name, self._said, self._failing = name, said, failing

    def _do(self, what: str) -> None:
        self._said.append(f"{self._name} {what}")
        if what == self._failing:
            raise RuntimeError("Infer Request was canceled\nor is busy")

    def start_async(self, _inputs: object) -> None:
        self._do("start")

    def wait(self) -> None:
        self._do("wait")

    def cancel(self) -> None:
        self._do("cancel")
        self._failing = "wait"


@pytest.mark.parametrize(
    ("failing", "order"),
    [
        (("wait", ""), ["a start", "b start", "a wait", "b cancel", "b wait"]),
        (("", "start"), ["a start", "b start", "a cancel", "a wait", "b cancel", "b wait"]),
    ],
)
def test_what_was_cancelled_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: tuple[str, str], order: list[str]
) -> None:
    network = open_file(PLAIN, means(tmp_path / "means.onnx"), Device("cpu", 1, 2), batch=1)
    said: list[str] = []
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for name, fault in zip("ab", failing, strict=True):
        idle.put(Request(name, said, fault))
    monkeypatch.setattr(network, "_requests", lambda *_: idle)
    with pytest.raises(ModelError, match=r"failed.*\(1, 8, 12, 3\)"):
        network.run(pictures(2))
    assert said == order
    assert idle.qsize() == 2


def test_a_part_that_fails_does_not_spoil_the_calls_after_it(tmp_path: Path) -> None:
    path = save(tmp_path / "log.onnx", [helper.make_node("Log", ["input"], ["output"])], ["batch", 3, "h", "w"])
    network = open_file(PLAIN, path, Device("cpu", 1, 2), batch=1)  # one thread: the second part is still waiting
    bad = np.ones((5, 240, 320, 3), np.uint8)
    bad[0] = 0
    for _ in range(10):
        with pytest.raises(ModelError, match="not finite"):
            network.run(bad)
        assert network.run(bad[1:])[0].max() == 0


def test_outputs_that_lose_the_batch(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMean", ["input"], ["output"], axes=[0], keepdims=1)
    path = save(tmp_path / "lost.onnx", [node], ["batch", 3, 8, 12])
    network = open_file(PLAIN, path, CPU, batch=8)
    assert network.infer(pictures(1))[0].shape == (1, 3, 8, 12)
    with pytest.raises(ModelError, match="does not keep the pictures of a batch apart"):
        network.run(pictures(2))


def test_a_graph_that_fails_on_another_size(tmp_path: Path) -> None:
    shape = helper.make_node("Reshape", ["input", "shape"], ["output"])
    constant = helper.make_node(
        "Constant", [], ["shape"], value=numpy_helper.from_array(np.array([1, 3 * 8 * 8], np.int64), "shape")
    )
    path = save(tmp_path / "fixed.onnx", [constant, shape], ["batch", 3, "height", "width"])
    with pytest.raises(ModelError, match=r"failed.*\(1, 8, 12, 3\)"):
        open_file(PLAIN, path, CPU, batch=1).run(pictures(1))
