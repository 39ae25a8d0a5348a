"""Networks in OpenVINO: on CPUs, and on Intel's GPUs and NPUs."""

from __future__ import annotations

import copy
import queue
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino.preprocess import PrePostProcessor

from lfr_ray.array_checks import check_array
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.device_and_self_test import (
    OPENVINO_DEVICES,
    Device,
    another_input,
    finite,
    kept_apart,
    line_of,
    padded,
)
from lfr_ray.models.tflite_simplify import ANY, free_batch, join_prelu
from lfr_ray.records import Floats, Picture

SIZES = 16
"""Picture sizes kept compiled per model; the one unused for longest goes first."""

HALF = {"CPU": ("BF16", "bf16", "bfloat16"), "GPU": ("FP16", "f16", "float16"), "NPU": ("FP16", "f16", "float16")}
"""OpenVINO's device -> half precision: the capability that it needs, OpenVINO's name, and ours."""


class OpenVinoNetwork:
    """One network in OpenVINO; see :class:`~lfr_ray.models.device_and_self_test.Network`.

    Every picture size is compiled by itself, when it is first seen. Colour order, mean and scale are part of what is
    compiled. Each call uses a request of its own, at most ``device.streams`` at the same time; others wait.

    ``source`` gives the model for pictures of a height and width, called once for each size; the input of ``first``,
    the same model, says what sizes are taken, unless those are an example (``any_size``). ``batch`` is the most
    pictures of one call: 1 suits detectors, whose pictures run side by side in streams.

    Intel's NPU takes no single precision: there half precision is used from the start, compared with nothing. That is
    what its plugin says; it was not tried on one.
    """

    runtime = "OpenVINO"

    def __init__(
        self,
        source: Callable[[int, int], openvino.Model],
        first: openvino.Model,
        device: Device,
        card: ModelCard,
        *,
        batch: int,
        any_size: bool = False,
    ) -> None:
        shape, self._layout = input_of(first, card)
        self.device, self.card = device, card
        self.output_names = tuple(next(iter(output.names), "") for output in first.outputs)
        self.metadata = _metadata(first)
        self.height_px, self.width_px = (None, None) if any_size else shape[1:]
        self._fixed = None if any_size else shape[0]
        self._most = self._fixed or batch
        self._source = source
        self._theirs = OPENVINO_DEVICES[device.kind]
        self._hint, self.precision = HALF["NPU"][1:] if self._theirs == "NPU" else ("f32", "float32")
        self._compiled: OrderedDict[tuple[int, int], queue.SimpleQueue[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def faster(self) -> OpenVinoNetwork | None:
        """The same network in half precision; None where the processor does not compute in it, or this one does."""
        capability, hint, precision = HALF[self._theirs]
        if self.precision == precision or capability not in capabilities(self._theirs):
            return None
        twin = copy.copy(self)
        twin._hint, twin.precision = hint, precision
        twin._compiled, twin._lock = OrderedDict(), threading.Lock()
        return twin

    def run(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs for a batch of any size; see :class:`~lfr_ray.models.device_and_self_test.Network`."""
        check_array("pictures", pictures, ("batch", "height", "width", 3), np.uint8)
        parts = [pictures[at : at + self._most] for at in range(0, len(pictures), self._most)]
        found = []
        for part, outputs in zip(parts, self._all(parts), strict=True):
            whole = kept_apart(outputs, self._fixed or len(part), self.card.id)
            found.append(tuple(output[: len(part)] for output in whole))
        return found[0] if len(found) == 1 else tuple(np.concatenate(same) for same in zip(*found, strict=True))

    def infer(self, pictures: Picture) -> tuple[Floats, ...]:
        """Outputs of one call, as the network gives them; see :class:`~lfr_ray.models.device_and_self_test.Network`."""
        check_array("pictures", pictures, (1, "height", "width", 3), np.uint8)
        return self._all([pictures])[0]

    def _all(self, parts: list[Picture]) -> list[tuple[Floats, ...]]:
        """Outputs of every part; as many run at once as there are streams and idle requests."""
        idle = self._requests(*parts[0].shape[1:3])
        running: deque[Any] = deque()
        found: list[tuple[Floats, ...]] = []
        try:
            for part in parts:
                while True:
                    try:
                        # Whoever holds a request never waits for a second one: two threads would wait for ever.
                        request = idle.get() if not running else idle.get_nowait()
                        break
                    except queue.Empty:
                        found.append(self._outputs(running.popleft(), idle, part.shape))
                running.append(request)
                self._begin(request, part)
            while running:
                found.append(self._outputs(running.popleft(), idle, parts[0].shape))
        finally:
            for request in running:
                with suppress(RuntimeError):  # that it was cancelled
                    request.cancel()
                    request.wait()  # until then it is busy, and its next picture would be refused
                idle.put(request)
        return found

    def _begin(self, request: Any, part: Picture) -> None:
        whole = np.ascontiguousarray(padded(part, self._fixed or len(part)))
        try:
            request.start_async([whole])
        except RuntimeError as error:
            raise self._failed(whole.shape, error) from None

    def _outputs(self, request: Any, idle: queue.SimpleQueue[Any], shape: tuple[int, ...]) -> tuple[Floats, ...]:
        try:
            request.wait()
            # A copy: the request's own memory is overwritten by its next picture.
            found = tuple(np.array(tensor.data, np.float32) for tensor in request.output_tensors)
        except RuntimeError as error:
            raise self._failed(shape, error) from None
        finally:
            idle.put(request)
        return finite(found, self.card.id, f"a batch of {shape} on {self.device} in {self.precision}")

    def _requests(self, height: int, width: int) -> queue.SimpleQueue[Any]:
        """The idle requests for pictures of this size."""
        with self._lock:
            if (height, width) not in self._compiled:
                self._compiled[height, width] = self._compile(height, width)
                if len(self._compiled) > SIZES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end((height, width))
            return self._compiled[height, width]

    def _compile(self, height: int, width: int) -> queue.SimpleQueue[Any]:
        batch = self._fixed or (1 if self._most == 1 else ANY)
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": self._hint}
        if self._theirs == "CPU":
            # Several processes share the cores: none may hold on to the first ones.
            settings |= {"NUM_STREAMS": self.device.streams, "ENABLE_CPU_PINNING": False}
            if self.device.threads is not None:
                settings["INFERENCE_NUM_THREADS"] = self.device.threads
        try:
            model = self._source(height, width).clone()
            sides = [height, width]
            model.reshape([batch, *sides, 3] if self._layout == "NHWC" else [batch, 3, *sides])
            compiled = _core().compile_model(_prepared(model, self._layout, self.card), self._theirs, settings)
        except RuntimeError as error:
            raise self._failed((batch if batch != ANY else 1, height, width, 3), error) from None
        idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self.device.streams):
            idle.put(compiled.create_infer_request())
        return idle

    def _failed(self, shape: tuple[int, ...], error: Exception) -> ModelError:
        return ModelError(
            f"the network of model {self.card.id} failed",
            got=f"a batch of {shape} on {self.device}: {line_of(error)}",
            next_step="compare the input's size with the model card",
        )


def read_file(path: Path) -> openvino.Model:
    """An ONNX or TFLite file as a model whose batch is free where the graph allows it.

    Raises:
        RuntimeError: OpenVINO cannot read it; its own words.
    """
    model = _core().read_model(str(path))
    if path.suffix == ".tflite":
        free_batch(model)
        join_prelu(model)
    return model


def input_of(model: openvino.Model, card: ModelCard) -> tuple[tuple[int | None, int | None, int | None], str]:
    """Batch, height and width that the model's input fixes (None: any), and its layout, ``NCHW`` or ``NHWC``.

    Raises:
        ModelError: Not one batch of pictures, or another kind of number.
    """
    shape = model.inputs[0].partial_shape if len(model.inputs) == 1 else openvino.PartialShape([])
    sides = [None if side.is_dynamic else side.get_length() for side in shape] if shape.rank.is_static else []
    if shape.rank.is_dynamic and len(model.inputs) == 1:
        sides = [None, 3, None, None]  # nothing is stated: the graph itself decides
    if len(sides) != 4 or not (sides[1] in (3, None) or sides[3] == 3):
        got = ", ".join(f"{next(iter(one.names), '')} {one.partial_shape}" for one in model.inputs) or "no input"
        allowed = "one input of shape (batch, 3, height, width) or (batch, height, width, 3)"
        raise another_input(card, "does not take pictures", got, allowed)
    kind = model.inputs[0].element_type
    if kind not in (openvino.Type.f32, openvino.Type.f16):
        raise another_input(card, "takes another kind of number", kind.get_type_name(), "f32, f16")
    if sides[1] in (3, None):
        return (sides[0], sides[2], sides[3]), "NCHW"
    return (sides[0], sides[1], sides[2]), "NHWC"


def capabilities(device: str) -> tuple[str, ...]:
    """What OpenVINO says that a device of its own computes with, such as ``BF16``."""
    return tuple(_core().get_property(device, "OPTIMIZATION_CAPABILITIES"))


@cache
def _core() -> openvino.Core:
    """One for the process: it holds the devices' plugins."""
    return openvino.Core()


def _prepared(model: openvino.Model, layout: str, card: ModelCard) -> openvino.Model:
    """The model with the card's colour order, mean and scale in front: its input is then ``uint8`` RGB."""
    prepared = PrePostProcessor(model)
    prepared.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    prepared.input().model().set_layout(openvino.Layout(layout))
    steps = prepared.input().preprocess().convert_element_type(openvino.Type.f32)
    if card.colour == "BGR":
        steps.reverse_channels()
    if any(card.mean):
        steps.mean(list(card.mean))
    if card.scale != 1.0:
        steps.scale([1 / card.scale] * 3)
    return prepared.build()


def _metadata(model: openvino.Model) -> dict[str, str]:
    """What an ONNX exporter wrote beside the graph."""
    try:
        stated = dict(model.get_rt_info("framework").value.items())
    except (RuntimeError, AttributeError):
        return {}
    return {str(name): str(getattr(value, "value", value)) for name, value in stated.items()}
