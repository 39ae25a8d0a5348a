"""What share of ONNX Runtime's time does our CenterFace take on the same file, its weights folded?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime

from benchmarks.record import compare, median_ms, write_result
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.weight_files import find_weights, package_file, verify_weights

LARGEST_SHARE = 0.65


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    options.add_argument("--width", type=int, default=640)
    options.add_argument("--height", type=int, default=384)
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--threads", type=int, default=1, help="compute threads of both sides")
    options.add_argument("--rounds", type=int, default=25, help="timed turns of each")
    options.add_argument("--calls", type=int, default=8, help="calls per turn")
    chosen = options.parse_args()
    described = card("centerface")
    path = find_weights(described)
    verify_weights(described, path)
    loaded: Any = load_detector(described, device=chosen.device, threads=chosen.threads)
    network = loaded.network
    session = open_session(path, chosen.threads, chosen.device, folded=False)
    folded = open_session(path, chosen.threads, chosen.device, folded=True)
    pictures = np.stack([picture(chosen.width, chosen.height)] * chosen.batch)

    # Both start from the same bytes and end with the same four maps.
    def ours() -> Any:
        return network.run(pictures)

    def theirs(peer: onnxruntime.InferenceSession = folded) -> Any:
        values = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32)
        return peer.run(None, {peer.get_inputs()[0].name: values})

    difference = max(
        float((np.abs(mine - other) / np.maximum(1, np.abs(other))).max())
        for mine, other in zip(ours(), theirs(), strict=True)
    )
    found = compare(ours, theirs, rounds=chosen.rounds, warm_up=3, calls=chosen.calls)
    as_it_is = compare(ours, lambda: theirs(session), rounds=max(3, chosen.rounds // 2), warm_up=3, calls=chosen.calls)
    whole_ms = median_ms(lambda: loaded.detect(pictures), rounds=chosen.rounds, calls=chosen.calls)
    share = 1 / found.ratio
    met = share <= LARGEST_SHARE
    write_result(
        "detector" if chosen.device == "cpu" else f"detector_{chosen.device}",
        f"What share of ONNX Runtime's time, weights folded, does CenterFace take at {chosen.width}x{chosen.height}?",
        {
            "device": chosen.device,
            "runtime": network.runtime,
            "precision": network.precision,
            "onnxruntime_provider": session.get_providers()[0],
            "batch": chosen.batch,
            "threads": chosen.threads,
            "share": share,
            "share_quartiles": [1 / found.high, 1 / found.low],
            "rounds": found.rounds,
            "disturbed_rounds": found.disturbed,
            "ours_ms": found.ours_ms,
            "onnxruntime_ms": found.theirs_ms,
            "share_of_onnxruntime_with_the_file_as_it_is": 1 / as_it_is.ratio,
            "onnxruntime_with_the_file_as_it_is_ms": as_it_is.theirs_ms,
            "ours_with_boxes_ms": whole_ms,
            "faces_found": len(loaded.detect(pictures)[0]),
            "largest_relative_difference_of_maps": difference,
        },
        f"at most {LARGEST_SHARE:g} of ONNX Runtime's time, weights folded",
        met,
    )
    return 0 if met else 1


def open_session(path: Path, threads: int, device: str, *, folded: bool) -> onnxruntime.InferenceSession:
    """ONNX Runtime with all its optimisations on the same file.

    The file fixes its input to 10x3x32x32; that is lifted, as the package that ships it does. It also lists
    its weights among its inputs, which forbids ONNX Runtime to fold them: ``folded`` takes them off that list,
    which the package does not do.
    """
    model = onnx.load(str(path))
    if folded:
        weights = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
    for value in (model.graph.input[0], *model.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    providers = [name for name in (*wanted, "CPUExecutionProvider") if name in onnxruntime.get_available_providers()]
    return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=providers)


def picture(width_px: int, height_px: int) -> np.ndarray:
    """A street scene that ultralytics ships, or noise where it is not installed."""
    path = package_file("ultralytics", "assets/bus.jpg")
    read = cv2.imread(str(path)) if path is not None else None
    if read is None:
        return np.random.default_rng(0).integers(0, 256, (height_px, width_px, 3), np.uint8)
    return fit(np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8), width_px, height_px)[0]


if __name__ == "__main__":
    sys.exit(main())
