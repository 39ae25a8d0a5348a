"""Torch networks converted for OpenVINO: kept, checked, and made anew where they were altered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
import torch
from torch import nn

from lfr_ray.models import torch_to_openvino as conversion
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.choose_runtime import open_torch
from lfr_ray.models.device_and_self_test import Device
from lfr_ray.models.torch_to_openvino import converted

CARD = card("mobilefacenet_casia").model_copy(update={"mean": (0.0, 0.0, 0.0), "scale": 1.0})
BUILDER = f"{__name__}:build"
CALLS: list[Path] = []


def build(_card: Any, path: Path, **_options: Any) -> tuple[nn.Module, dict[str, Any]]:
    CALLS.append(path)
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return network, {"read": path.read_text()}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(conversion, "builder_of", lambda _name: build)
    monkeypatch.setattr(conversion.importlib.util, "find_spec", lambda _name: type("Spec", (), {"origin": __file__}))
    CALLS.clear()
    path = tmp_path / "weights" / "file.pt"
    path.parent.mkdir()
    path.write_text("weights")
    return path


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "models" / conversion.FOLDER).iterdir())


def test_it_computes_what_the_module_computes(weights: Path) -> None:
    network, about = open_torch(CARD, weights, Device("cpu", 1), BUILDER, side_px=(16, 20), batch=8)
    assert about == {"read": "weights"}
    given = np.random.default_rng(0).integers(0, 256, (11, 16, 20, 3), np.uint8)
    with torch.no_grad():
        wanted = build(CARD, weights)[0](torch.from_numpy(given.transpose(0, 3, 1, 2)).float()).numpy()
    np.testing.assert_allclose(network.run(given)[0], wanted, rtol=1e-4, atol=1e-3)
    other = given[:, :12]
    with torch.no_grad():
        wanted = build(CARD, weights)[0](torch.from_numpy(other.transpose(0, 3, 1, 2)).float()).numpy()
    np.testing.assert_allclose(network.run(other)[0], wanted, rtol=1e-4, atol=1e-3)


def test_it_is_made_once_for_each_file_card_and_size(weights: Path, tmp_path: Path) -> None:
    converted(CARD, weights, BUILDER, 16, 16)
    assert converted(CARD, weights, BUILDER, 16, 16)[1] == {"read": "weights"}
    assert len(CALLS) == 1
    converted(CARD, weights, BUILDER, 16, 20)
    converted(CARD.model_copy(update={"vector_length": 7}), weights, BUILDER, 16, 16)
    converted(CARD, weights, BUILDER, 16, 16, trust=True)
    weights.write_text("other weights")
    assert converted(CARD, weights, BUILDER, 16, 16)[1] == {"read": "other weights"}
    weights.with_name("config.json").write_text("{}")
    converted(CARD, weights, BUILDER, 16, 16)
    assert len(CALLS) == len(kept(tmp_path)) == 6


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "index.json"])
@pytest.mark.parametrize("change", [lambda content: content[:-1] + b"#", lambda _content: b""], ids=["byte", "empty"])
def test_an_altered_one_is_made_anew_and_said(weights: Path, tmp_path: Path, name: str, change: Any) -> None:
    model = converted(CARD, weights, BUILDER, 16, 16)[0]
    path = kept(tmp_path)[0] / name
    sound = path.read_bytes()
    path.write_bytes(change(sound))
    with structlog.testing.capture_logs() as lines:
        again, about = converted(CARD, weights, BUILDER, 16, 16)
    assert len(CALLS) == 2
    assert [line["event"] for line in lines] == ["a converted model was altered, and is made anew"]
    assert str(kept(tmp_path)[0]) in lines[0]["got"]
    assert lines[0]["allowed"]
    assert lines[0]["next_step"]
    assert about == {"read": "weights"}
    assert [op.get_type_name() for op in again.get_ops()] == [op.get_type_name() for op in model.get_ops()]
    assert path.read_bytes() != change(sound), "the altered file is gone"
    converted(CARD, weights, BUILDER, 16, 16)
    assert len(CALLS) == 2


def test_a_folder_that_cannot_be_written(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LFR_MODELS_DIR", str(tmp_path / "file"))
    with structlog.testing.capture_logs() as lines:
        assert converted(CARD, weights, BUILDER, 16, 16)[1] == {"read": "weights"}
    assert [line["event"] for line in lines] == ["a converted model cannot be kept"]
