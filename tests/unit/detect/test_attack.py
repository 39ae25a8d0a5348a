"""Attack models: a small MiniFASNet in the original format, and the crop that it is shown."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lfr_ray.detect.attack import AttackCheck, crop_around, load_attack_check
from lfr_ray.errors import ConfigError, LicenceError, ModelError, ShapeError
from lfr_ray.models.catalogue import card

Tensors = dict[str, torch.Tensor]
NARROW, WIDE = 4, 6


def norm(name: str, channels: int) -> Tensors:
    return {
        f"{name}.weight": torch.ones(channels),
        f"{name}.bias": torch.randn(channels) / 9,
        f"{name}.running_mean": torch.zeros(channels),
        f"{name}.running_var": torch.ones(channels),
        f"{name}.num_batches_tracked": torch.tensor(1),
    }


def layer(name: str, after: int, each: int, side: int, *, active: bool = True) -> Tensors:
    weights = {f"{name}.conv.weight": torch.randn(after, each, side, side) / (each * side * side) ** 0.5}
    weights |= norm(f"{name}.bn", after)
    return weights | ({f"{name}.prelu.weight": torch.full((after,), 0.25)} if active else {})


def unit(name: str, *, excited: bool = False) -> Tensors:
    weights = layer(f"{name}.conv", WIDE, NARROW, 1) | layer(f"{name}.conv_dw", WIDE, 1, 3)
    weights |= layer(f"{name}.project", NARROW, WIDE, 1, active=False)
    if excited:
        weights |= {f"{name}.se_module.fc1.weight": torch.randn(2, NARROW, 1, 1)} | norm(f"{name}.se_module.bn1", 2)
        weights |= {f"{name}.se_module.fc2.weight": torch.randn(NARROW, 2, 1, 1)}
        weights |= norm(f"{name}.se_module.bn2", NARROW)
    return weights


def minifasnet(*, excited: bool) -> Tensors:
    """A narrow MiniFASNetV2, or V1SE where the last unit of each stage is excited."""
    torch.manual_seed(4)
    weights = layer("conv1", NARROW, 3, 3) | layer("conv2_dw", NARROW, 1, 3)
    for stage, count in (("conv_3", 4), ("conv_4", 6), ("conv_5", 2)):
        for at in range(count):
            weights |= unit(f"{stage}.model.{at}", excited=excited and at == count - 1)
    for between in ("conv_23", "conv_34", "conv_45"):
        weights |= unit(between)
    weights |= layer("conv_6_sep", 8, NARROW, 1) | layer("conv_6_dw", 8, 1, 5, active=False)
    weights |= {"linear.weight": torch.randn(5, 8) / 9, "prob.weight": torch.randn(3, 5) / 3} | norm("bn", 5)
    return {f"module.{name}": value for name, value in weights.items()}


def load(path: Path, known: str = "minifasnet_v2", **changes: Any) -> AttackCheck:
    update = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **changes}
    return load_attack_check([card(known).model_copy(update=update)], device="cpu", weights={known: path})


@pytest.fixture
def picture() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)


BOXES = np.array([[100, 60, 140, 110], [10, 10, 40, 40]], np.float32)


@pytest.mark.parametrize(("known", "excited"), [("minifasnet_v2", False), ("minifasnet_v1se", True)])
def test_every_face_gets_a_score(tmp_path: Path, picture: Any, known: str, excited: bool) -> None:
    torch.save(minifasnet(excited=excited), tmp_path / "fas.pth")
    check = load(tmp_path / "fas.pth", known)
    together = check.scores(picture, BOXES)
    assert together.shape == (2,)
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([check.scores(picture, box[None]) for box in BOXES])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert check.scores(picture, BOXES[:0]).shape == (0,)


def test_several_models_are_averaged(tmp_path: Path, picture: Any) -> None:
    torch.save(minifasnet(excited=False), tmp_path / "v2.pth")
    torch.save(minifasnet(excited=True), tmp_path / "v1se.pth")
    one, other = load(tmp_path / "v2.pth"), load(tmp_path / "v1se.pth", "minifasnet_v1se")
    both = AttackCheck([*one.models, *other.models])
    mean = (one.scores(picture, BOXES) + other.scores(picture, BOXES)) / 2
    np.testing.assert_allclose(both.scores(picture, BOXES), mean, atol=1e-6)
    with pytest.raises(ConfigError):
        AttackCheck([])


def test_colour_order_and_context_are_the_cards(tmp_path: Path, picture: Any) -> None:
    torch.save(minifasnet(excited=False), tmp_path / "fas.pth")
    right, other = load(tmp_path / "fas.pth"), load(tmp_path / "fas.pth", colour="RGB")
    turned = np.ascontiguousarray(picture[..., ::-1])
    np.testing.assert_allclose(right.scores(picture, BOXES), other.scores(turned, BOXES), atol=1e-6)
    assert np.abs(right.scores(picture, BOXES) - other.scores(picture, BOXES)).max() > 1e-4
    near = load(tmp_path / "fas.pth", context=1.0)
    assert np.abs(right.scores(picture, BOXES) - near.scores(picture, BOXES)).max() > 1e-4


def test_the_crop_is_the_box_enlarged_about_its_middle() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[170:230, 140:220] = 255
    crop = crop_around(picture, np.array([160, 185, 200, 215], np.float32), 4.0)
    assert crop.shape == (80, 80, 3)
    # The white rectangle is twice the box: the middle half of a crop of four times the box.
    np.testing.assert_array_equal(crop[23:57, 23:57], 255)
    assert crop[:17].max() == crop[63:].max() == crop[:, :17].max() == crop[:, 63:].max() == 0


@pytest.mark.parametrize("box", [[0, 0, 50, 60], [250, 140, 300, 200], [-20, -20, 30, 30], [0, 0, 300, 200]])
def test_at_the_edge_the_crop_moves_inwards(box: list[float]) -> None:
    picture = np.full((200, 300, 3), 200, np.uint8)
    assert crop_around(picture, np.array(box, np.float32), 2.7).min() == 200


def test_an_empty_box_is_a_crop_all_the_same(picture: Any) -> None:
    assert crop_around(picture, np.array([50, 50, 50, 50], np.float32), 2.7).shape == (80, 80, 3)


def test_another_network_s_checkpoint(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.ones(3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"another network.*MiniFASNet"):
        load(tmp_path / "other.pth")
    weights = {name: value for name, value in minifasnet(excited=False).items() if "bn.bias" not in name}
    torch.save(weights, tmp_path / "part.pth")
    with pytest.raises(ModelError, match=r"another network.*bn\.bias"):
        load(tmp_path / "part.pth")


def test_wrong_arrays_wrong_task_wrong_licence(tmp_path: Path, picture: Any) -> None:
    torch.save(minifasnet(excited=False), tmp_path / "fas.pth")
    with pytest.raises(ShapeError):
        load(tmp_path / "fas.pth").scores(picture, BOXES.astype(np.float64))
    with pytest.raises(ModelError, match="another task"):
        load_attack_check([card("centerface")])
    described = card("minifasnet_v2").model_copy(update={"commercial_use": False})
    with pytest.raises(LicenceError):
        load_attack_check([described], declared_use="operational")
