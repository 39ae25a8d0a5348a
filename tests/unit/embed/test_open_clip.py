"""Image towers of open_clip: a tiny one with random weights, saved as its users save theirs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.embedder_self_test import probe_chips
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ChipSpec

pytestmark = pytest.mark.usefixtures("single_precision")

SIDE_PX = 64
TINY = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": SIDE_PX, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1},
}
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
TEMPLATE = ((20.0, 28.0), (44.0, 28.0), (32.0, 40.0), (24.0, 50.0), (40.0, 50.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as open_clip's own repositories have it."""
    where = tmp_path_factory.mktemp("tower")
    (where / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": TINY, "preprocess_cfg": {"mean": MEAN, "std": DEVIATION}})
    )
    torch.manual_seed(5)
    model = open_clip.create_model(f"local-dir:{where}", load_weights=False).eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    save_file(state, str(where / "open_clip_model.safetensors"))
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}, where / "x.pt")
    return where


def load(path: Path, **changes: Any) -> Any:
    update = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "architecture": "",
        "vector_length": 48,
        "chip": ChipSpec(width_px=SIDE_PX, height_px=SIDE_PX, template_px=TEMPLATE),
        **changes,
    }
    described = card("open_clip_vit_b_32").model_copy(update=update)
    return load_embedder(described, device="cpu", weights=path, mirror=False)


@pytest.mark.parametrize("file", ["open_clip_model.safetensors", "x.pt"])
def test_the_tower_with_its_projection_equals_open_clip(folder: Path, file: str) -> None:
    embedder = load(folder / file)
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    chips = probe_chips(SIDE_PX, SIDE_PX)
    pixels = torch.from_numpy(chips.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    pixels = (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
    with torch.no_grad():
        wanted = functional.normalize(model.encode_image(pixels)).numpy()
    np.testing.assert_allclose(embedder.embed(chips), wanted, atol=1e-4)
    np.testing.assert_allclose(np.concatenate([embedder.embed(chip[None]) for chip in chips]), wanted, atol=1e-4)


def test_the_tower_without_its_projection(folder: Path) -> None:
    with pytest.raises(ModelError, match="another length"):
        load(folder / "x.pt", projection=False)
    embedder = load(folder / "x.pt", projection=False, vector_length=64)
    with_it = load(folder / "x.pt")
    raw = embedder.raw(probe_chips(SIDE_PX, SIDE_PX))
    projection = torch.load(folder / "x.pt", weights_only=True)["state_dict"]["module.visual.proj"].numpy()
    np.testing.assert_allclose(raw @ projection, with_it.raw(probe_chips(SIDE_PX, SIDE_PX)), atol=1e-4)


def test_red_and_blue_are_not_alike_to_it(folder: Path) -> None:
    embedder = load(folder / "x.pt")
    chip = probe_chips(SIDE_PX, SIDE_PX)[:1]
    assert (embedder.embed(chip) @ embedder.embed(chip[..., ::-1]).T).item() < 0.999
    with pytest.raises(ModelError, match="in another way than open_clip does"):
        load(folder / "x.pt", colour="BGR")
    with pytest.raises(ModelError, match="in another way than open_clip does"):
        load(folder / "x.pt", scale=1.0)


def test_another_architecture_than_the_file_s(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"open_clip cannot load.*ViT-S-32"):
        load(folder / "x.pt", architecture="ViT-S-32")
    with pytest.raises(ModelError, match=r"names no network of open_clip.*ViT-Huge"):
        load(folder / "x.pt", architecture="ViT-Huge")


def test_no_architecture_and_no_configuration(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "alone.pt"
    path.write_bytes((folder / "x.pt").read_bytes())
    with pytest.raises(ModelError, match="no configuration beside its file"):
        load(path)


def test_another_chip_than_the_tower_takes(folder: Path) -> None:
    chip = ChipSpec(width_px=112, height_px=112, template_px=TEMPLATE)
    with pytest.raises(ModelError, match=r"another chip.*112x112.*64x64"):
        load(folder / "x.pt", chip=chip)


def test_a_checkpoint_with_code_in_it(folder: Path, tmp_path: Path) -> None:
    class Program:
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, ("raise SystemExit",)

    path = tmp_path / "program.pt"
    torch.save({"state_dict": {}, "more": Program()}, path)
    (tmp_path / "open_clip_config.json").write_text((folder / "open_clip_config.json").read_text())
    with pytest.raises(ModelError, match="program, not only tensors"):
        load(path)
