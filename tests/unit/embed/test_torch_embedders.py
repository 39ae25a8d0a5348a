"""IR-ResNet, EdgeFace and MobileFaceNet from small checkpoints in the original formats."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.embedder_self_test import probe_chips
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card

pytestmark = pytest.mark.usefixtures("single_precision")

Tensors = dict[str, torch.Tensor]
WIDTHS = (8, 8, 12, 16, 20)
"""Channels of the stem and of the four stages of the small IR-ResNets, two blocks a stage."""


def norm(name: str, channels: int, affine: bool = True) -> Tensors:
    weights = {f"{name}.running_mean": torch.randn(channels) / 9, f"{name}.running_var": torch.rand(channels) + 0.5}
    if affine:
        weights |= {f"{name}.weight": torch.rand(channels) + 0.5, f"{name}.bias": torch.randn(channels) / 9}
    return {**weights, f"{name}.num_batches_tracked": torch.tensor(7)}


def conv(name: str, after: int, before: int, side: int) -> Tensors:
    return {f"{name}.weight": torch.randn(after, before, side, side) / (before * side * side) ** 0.5}


def prelu(name: str, channels: int) -> Tensors:
    return {f"{name}.weight": torch.rand(channels) / 2}


def block_layers(names: tuple[str, ...], before: int, after: int) -> Tensors:
    layers = (norm(names[0], before), conv(names[1], after, before, 3), norm(names[2], after), prelu(names[3], after))
    return {key: value for layer in layers for key, value in layer.items()} | (
        conv(names[4], after, after, 3) | norm(names[5], after)
    )


def tface(prefix: str = "") -> Tensors:
    """A small checkpoint in AdaFace's layout: short cuts only where the width changes."""
    torch.manual_seed(1)
    weights = conv("input_layer.0", 8, 3, 3) | norm("input_layer.1", 8) | prelu("input_layer.2", 8)
    number = 0
    for stage, after in enumerate(WIDTHS[1:]):
        for before in (WIDTHS[stage], after):
            name = f"body.{number}"
            weights |= block_layers(tuple(f"{name}.res_layer.{index}" for index in range(6)), before, after)
            if before != after:
                weights |= conv(f"{name}.shortcut_layer.0", after, before, 1) | norm(f"{name}.shortcut_layer.1", after)
            number += 1
    weights |= norm("output_layer.0", 20) | norm("output_layer.4", 32, affine=False)
    weights |= {"output_layer.3.weight": torch.randn(32, 980) / 30, "output_layer.3.bias": torch.zeros(32)}
    return {prefix + name: value for name, value in weights.items()}


def insightface() -> Tensors:
    """A small checkpoint in InsightFace's layout: a short cut at the beginning of every stage."""
    torch.manual_seed(2)
    weights = conv("conv1", 8, 3, 3) | norm("bn1", 8) | prelu("prelu", 8)
    for stage, after in enumerate(WIDTHS[1:]):
        for number, before in enumerate((WIDTHS[stage], after)):
            name = f"layer{stage + 1}.{number}"
            layers = ("bn1", "conv1", "bn2", "prelu", "conv2", "bn3")
            weights |= block_layers(tuple(f"{name}.{layer}" for layer in layers), before, after)
            if number == 0:
                weights |= conv(f"{name}.downsample.0", after, before, 1) | norm(f"{name}.downsample.1", after)
    weights |= norm("bn2", 20) | norm("features", 32)
    return weights | {"fc.weight": torch.randn(32, 980) / 30, "fc.bias": torch.zeros(32)}


def run_norm(values: torch.Tensor, weights: Tensors, name: str) -> torch.Tensor:
    return functional.batch_norm(
        values,
        weights[f"{name}.running_mean"],
        weights[f"{name}.running_var"],
        weights.get(f"{name}.weight"),
        weights.get(f"{name}.bias"),
    )


def expected(weights: Tensors, layout: str, values: torch.Tensor) -> torch.Tensor:
    """The network's definition, written out over the tensors' original names."""
    t = layout == "tface"
    stem = ("input_layer.0", "input_layer.1", "input_layer.2") if t else ("conv1", "bn1", "prelu")
    values = functional.conv2d(values, weights[f"{stem[0]}.weight"], padding=1)
    values = functional.prelu(run_norm(values, weights, stem[1]), weights[f"{stem[2]}.weight"])
    for number in range(8):
        begins = number % 2 == 0
        name = f"body.{number}" if t else f"layer{number // 2 + 1}.{number % 2}"
        layers = [f"res_layer.{index}" for index in range(6)] if t else ["bn1", "conv1", "bn2", "prelu", "conv2", "bn3"]
        a, b, c, d, e, f = (f"{name}.{layer}" for layer in layers)
        main = functional.conv2d(run_norm(values, weights, a), weights[f"{b}.weight"], padding=1)
        main = functional.prelu(run_norm(main, weights, c), weights[f"{d}.weight"])
        main = functional.conv2d(main, weights[f"{e}.weight"], padding=1, stride=2 if begins else 1)
        cut = f"{name}.shortcut_layer" if t else f"{name}.downsample"
        if f"{cut}.0.weight" in weights:
            short = run_norm(functional.conv2d(values, weights[f"{cut}.0.weight"], stride=2), weights, f"{cut}.1")
        else:
            short = values[:, :, ::2, ::2] if begins else values
        values = run_norm(main, weights, f) + short
    ends = ("output_layer.0", "output_layer.3", "output_layer.4") if t else ("bn2", "fc", "features")
    values = run_norm(values, weights, ends[0]).flatten(1)
    values = functional.linear(values, weights[f"{ends[1]}.weight"], weights[f"{ends[1]}.bias"])
    return functional.normalize(run_norm(values, weights, ends[2]))


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def load(path: Path, known: str, *, mirror: bool = False, trust: bool = False, **changes: Any) -> Any:
    update = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "git_blob": "", "probe": (), **changes}
    described = card(known).model_copy(update=update)
    return load_embedder(described, device="cpu", weights=path, mirror=mirror, trust=trust)


def as_input(chips: np.ndarray[Any, Any], colour: str) -> torch.Tensor:
    ordered = chips if colour == "RGB" else chips[..., ::-1]
    return torch.from_numpy((ordered.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) * 0.00784314)


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
@pytest.mark.parametrize(
    ("layout", "content"),
    [
        ("tface", lambda: tface()),
        ("tface", lambda: {"state_dict": tface("model.") | {"head.kernel": torch.ones(32, 5)}, "epoch": 25}),
        ("insightface", lambda: insightface()),
    ],
    ids=["tface", "adaface-as-trained", "insightface"],
)
def test_an_ir_resnet_equals_its_definition_in_the_card_s_colours(
    tmp_path: Path, layout: str, content: Any, colour: str
) -> None:
    embedder = load(save(tmp_path / "ir.ckpt", content()), "adaface_ir101_webface12m", vector_length=32, colour=colour)
    weights = tface() if layout == "tface" else insightface()
    chips = probe_chips(112, 112)
    wanted = expected(weights, layout, as_input(chips, colour)).numpy()
    np.testing.assert_allclose(embedder.embed(chips), wanted, atol=1e-4)
    np.testing.assert_allclose(embedder.embed(chips[:1]), wanted[:1], atol=1e-4)
    other = expected(weights, layout, as_input(chips, "BGR" if colour == "RGB" else "RGB")).numpy()
    assert np.abs(wanted[0] - other[0]).max() > 0.01


def test_adaface_in_the_wrong_colours_is_told_by_its_probe(tmp_path: Path) -> None:
    path = save(tmp_path / "ir.ckpt", tface())
    vector = load(path, "adaface_ir101_webface12m", vector_length=32).embed(probe_chips(112, 112)[:1])[0]
    probe = tuple(float(number) for number in vector[:16])
    with pytest.raises(ModelError, match=r"colour order RGB.*state BGR"):
        load(path, "adaface_ir101_webface12m", vector_length=32, probe=probe, colour="RGB")


def test_another_network_s_checkpoint(tmp_path: Path) -> None:
    deeper = tface() | prelu("body.0.res_layer.6", 8)
    wider = tface() | {"output_layer.3.weight": torch.ones(32, 720)}
    broken = {name: value for name, value in tface().items() if not name.startswith("output_layer.3")}
    for content, message in [
        (deeper, r"a layer body\.0\.res_layer\.6\.weight"),
        ({"layer1.0.conv4.weight": torch.ones(1)}, r"layer1\.0\.conv4"),
        (wider, "720 inputs"),
        (broken, "KeyError 'full.weight'"),
        (nn.Linear(3, 2).state_dict(), "a layer weight"),
    ]:
        with pytest.raises(ModelError, match=f"another network.*{message}"):
            load(save(tmp_path / "other.ckpt", content), "adaface_ir101_webface12m", vector_length=32)


def test_a_chip_that_the_full_layer_does_not_fit(tmp_path: Path) -> None:
    chip = card("mobilefacenet_casia").chip
    with pytest.raises(ModelError, match=r"980 inputs.*chip of 96x112"):
        load(save(tmp_path / "ir.ckpt", tface()), "adaface_ir101_webface12m", vector_length=32, chip=chip)


class LowRank(nn.Module):
    """EdgeFace's own low-rank layer."""

    def __init__(self, layer: nn.Linear, share: float) -> None:
        super().__init__()
        rank = max(2, int(min(layer.in_features, layer.out_features) * share))
        self.linear1 = nn.Linear(layer.in_features, rank, bias=False)
        self.linear2 = nn.Linear(rank, layer.out_features, bias=layer.bias is not None)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.linear2(self.linear1(values))


def edgeface() -> nn.Module:
    """The smallest of timm's EdgeNeXt, made low-rank the way EdgeFace does it, under EdgeFace's names."""
    torch.manual_seed(3)
    network = timm.create_model("edgenext_xx_small", num_classes=64)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear) and "head" not in name:
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, LowRank(module, 0.6))
    return nn.ModuleDict({"model": network}).eval()


def test_edgeface_equals_timm_with_low_rank_layers(tmp_path: Path) -> None:
    original = edgeface()
    path = save(tmp_path / "edge.pt", original.state_dict())
    embedder = load(path, "edgeface_xs_gamma_06", architecture="edgenext_xx_small", vector_length=64)
    chips = probe_chips(112, 112)
    with torch.no_grad():
        wanted = functional.normalize(original["model"](as_input(chips, "RGB"))).numpy()  # type: ignore[index]
    np.testing.assert_allclose(embedder.embed(chips), wanted, atol=1e-4)
    np.testing.assert_allclose(embedder.embed(chips[1:2]), wanted[1:2], atol=1e-4)


def test_edgeface_of_another_size_or_of_no_known_kind(tmp_path: Path) -> None:
    path = save(tmp_path / "edge.pt", edgeface().state_dict())
    with pytest.raises(ModelError, match="another network"):
        load(path, "edgeface_s_gamma_05", vector_length=64)
    with pytest.raises(ModelError, match=r"names no network of timm.*edgenext_x_small"):
        load(path, "edgeface_s_gamma_05", architecture="edgenext_huge")


def test_a_checkpoint_with_code_in_it_is_refused_by_every_family(tmp_path: Path) -> None:
    class Program:
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    path = save(tmp_path / "program.pt", {"state_dict": tface(), "more": Program()})
    for known in ("adaface_ir101_webface12m", "edgeface_s_gamma_05", "mobilefacenet_casia"):
        with pytest.raises(ModelError, match="program, not only tensors"):
            load(path, known)
    assert not (tmp_path / "ran").exists()


def test_a_mobilefacenet_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="another network"):
        load(save(tmp_path / "ir.ckpt", tface()), "mobilefacenet_casia")
    with pytest.raises(ModelError, match=r"another chip.*112x112.*96x112"):
        load(tmp_path / "ir.ckpt", "mobilefacenet_casia", chip=card("mobilefacenet_ms1m").chip)


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    weights = tface() | {"output_layer.3.bias": torch.full((32,), float("nan"))}
    with pytest.raises(ModelError, match="not finite"):
        load(save(tmp_path / "nan.ckpt", weights), "adaface_ir101_webface12m", vector_length=32)


def test_a_constant_network(tmp_path: Path) -> None:
    weights = tface() | {"output_layer.3.weight": torch.zeros(32, 980), "output_layer.3.bias": torch.ones(32)}
    with pytest.raises(ModelError, match="the same vector for every picture"):
        load(save(tmp_path / "constant.ckpt", weights), "adaface_ir101_webface12m", vector_length=32)
