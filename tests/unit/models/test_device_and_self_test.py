"""Devices, the self-test, and what stays out of a process that only runs a network."""

from __future__ import annotations

import subprocess
import sys

import cv2
import pytest
import torch
from structlog.testing import capture_logs

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.errors import ConfigError, ResourceError
from lfr_ray.models import device_and_self_test, openvino_runtime
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import Device, available_devices, choose_device, self_test, set_threads
from lfr_ray.records import Picture

ALONE = """
import sys
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.device_and_self_test import self_test
self_test(load_detector(card("centerface"), device="cpu"), width_px=64, height_px=64)
self_test(load_embedder(card("dlib_resnet"), device="cpu"))
print(" ".join({"torch", "torchvision", "onnx", "onnxruntime", "ultralytics", "openvino_telemetry"} & set(sys.modules)))
print(sys.modules["openvino_telemetry"])
"""


def test_the_cpu_is_always_there() -> None:
    assert "cpu" in available_devices()
    assert choose_device("cpu", 2, 2) == Device("cpu", threads=2, streams=2)
    assert choose_device("auto").kind == available_devices()[0]


@pytest.mark.parametrize("wanted", ["cuda", "mps", "intel_gpu", "intel_npu"])
def test_a_device_that_is_not_there(wanted: str) -> None:
    if wanted in available_devices():
        assert choose_device(wanted).kind == wanted
        return
    with pytest.raises(ResourceError) as caught:
        choose_device(wanted)
    assert wanted in caught.value.what
    assert "cpu" in caught.value.got
    assert "auto, cpu" in caught.value.allowed
    assert "set `device`" in caught.value.next_step


@pytest.mark.parametrize("full", [False, True])
def test_a_card_that_does_not_compute_is_passed_over(monkeypatch: pytest.MonkeyPatch, *, full: bool) -> None:
    kind = torch.OutOfMemoryError if full else getattr(torch, "AcceleratorError", RuntimeError)

    def refuse(*_: object, **_more: object) -> None:
        raise kind("CUDA error: no kernel image is available for execution on the device\nmore words")

    monkeypatch.setattr(device_and_self_test, "_gpu_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    real_ones = torch.ones
    monkeypatch.setattr(torch, "ones", lambda count, **_: real_ones(count))
    assert choose_device("auto").kind == "cuda"
    monkeypatch.setattr(torch, "ones", refuse)
    with capture_logs() as said:
        assert choose_device("auto").kind != "cuda"
    assert said[0]["got"] == "cuda: CUDA error: no kernel image is available for execution on the device"
    with pytest.raises(ResourceError, match="cuda was asked for"):
        choose_device("cuda")


def test_a_device_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="cpu, cuda, mps, intel_gpu, intel_npu"):
        choose_device("tpu")
    for wrong in ({"threads": 0}, {"streams": 0}):
        with pytest.raises(ConfigError, match="1 or more"):
            choose_device("cpu", **wrong)


def test_threads() -> None:
    before = cv2.getNumThreads()
    try:
        set_threads(1)
        assert cv2.getNumThreads() == 1
        load_detector(card("centerface"), device="cpu")
        assert cv2.getNumThreads() == 1
        detector = load_detector(card("centerface"), device="cpu", threads=2)
        assert cv2.getNumThreads() == 2
        assert "2 of" in self_test(detector, width_px=64, height_px=64, repeats=1).device
        with pytest.raises(ConfigError):
            set_threads(0)
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize(("capabilities", "precision"), [(("FP32",), "float32"), (("FP32", "BF16"), "bfloat16")])
def test_the_self_test_says_device_precision_and_time(
    monkeypatch: pytest.MonkeyPatch, capabilities: tuple[str, ...], precision: str
) -> None:
    monkeypatch.setattr(openvino_runtime, "capabilities", lambda _device: capabilities)
    for result in (
        self_test(load_detector(card("centerface"), device="cpu"), width_px=64, height_px=64, repeats=2),
        self_test(load_embedder(card("dlib_resnet"), device="cpu", mirror=False), repeats=2),
    ):
        assert result.device.startswith("cpu (")
        assert "OpenVINO" in result.device
        assert result.precision == precision
        assert result.ms_per_picture > 0
        assert f"in {precision}: " in str(result)
        assert "ms a picture" in str(result)


def test_every_size_of_batch_comes_before_anything_is_measured() -> None:
    embedder = load_embedder(card("dlib_resnet"), device="cpu", mirror=False)
    given: list[int] = []

    class Heard:
        card, network = embedder.card, embedder.network

        @staticmethod
        def embed(chips: Picture) -> None:
            given.append(len(chips))

    self_test(Heard, repeats=3, most=6)  # type: ignore[arg-type]
    assert given == [1, 2, 4, 8, 1, 1, 1]
    given.clear()
    self_test(Heard, repeats=2)  # type: ignore[arg-type]
    assert given == [1, 1, 1]


def test_a_process_that_runs_models_on_a_cpu_imports_no_torch() -> None:
    load_embedder(card("dlib_resnet"), device="cpu")  # converted, if it was not yet
    outcome = subprocess.run([sys.executable, "-W", "ignore", "-c", ALONE], capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines() == ["openvino_telemetry", "None"], "its reporter is kept out"
