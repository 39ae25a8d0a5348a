"""Any image tower of open_clip, with or without its projection head.

The tower's own configuration states size, mean and deviation; the card gives pixels of 0 to 1 (scale 1/255).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import nn

from lfr_ray.embed.chip_embedder import chip_of
from lfr_ray.errors import ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.torch_checkpoint import read_checkpoint

CONFIG_FILE = "open_clip_config.json"
"""Configuration beside the weights, as open_clip's own repositories have it; for a card that names no architecture."""

TENSORS_ONLY = (".safetensors",)
"""Formats that cannot hold a program."""

PIXEL_SCALE = 1 / 255


def build(card: ModelCard, path: Path, *, trust: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a verified checkpoint, and nothing else of it.

    Raises:
        ModelError: The checkpoint is of another network, or needs trust.
    """
    if card.colour != "RGB" or any(card.mean) or abs(card.scale / PIXEL_SCALE - 1) > 1e-3:
        raise ModelError(
            f"the card of model {card.id} prepares the pixels in another way than open_clip does",
            got=f"colour {card.colour}, mean {card.mean}, scale {card.scale:g}",
            allowed="colour RGB, mean 0, scale 0.00392157 (the tower's own mean and deviation are applied after)",
            next_step="correct the card",
        )
    visual = _tower(card, path, trust=trust)
    height_px, width_px = visual.image_size
    chip_of(card, width_px, height_px)
    if not card.projection:
        _without_projection(card, visual)
    return _Tower(visual), {}


class _Tower(nn.Module):
    """The tower behind its own normalisation."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        self.register_buffer("mean", torch.tensor(visual.image_mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(visual.image_std).view(1, 3, 1, 1))

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.visual((chips - self.mean) / self.deviation)
        return vectors


def _tower(card: ModelCard, path: Path, *, trust: bool) -> Any:
    """The image tower with the file's weights; the text tower is dropped."""
    name = card.architecture or f"local-dir:{path.parent}"
    if card.architecture and card.architecture not in open_clip.list_models():
        raise ModelError(
            f"the card of model {card.id} names no network of open_clip",
            got=card.architecture,
            allowed="a name that open_clip.list_models() gives",
            next_step="correct `architecture` in the card",
        )
    if not card.architecture and not (path.parent / CONFIG_FILE).is_file():
        raise ModelError(
            f"the card of model {card.id} names no architecture, and there is no configuration beside its file",
            got=f"no {path.parent / CONFIG_FILE}",
            next_step="name the `architecture` in the card",
        )
    try:
        model, _, _ = open_clip.create_model_and_transforms(name, load_weights=False, pretrained_text=False)
        if path.suffix in TENSORS_ONLY:
            open_clip.load_checkpoint(model, str(path), weights_only=True)
        else:
            # open_clip's own conversions of older layouts want a file, and this one holds tensors only.
            with tempfile.TemporaryDirectory(prefix="lfr-open-clip-") as folder:
                plain = Path(folder) / "tensors.pt"
                torch.save(read_checkpoint(path, trust=trust).tensors, plain)
                open_clip.load_checkpoint(model, str(plain), weights_only=True)
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - open_clip, timm and safetensors raise whatever they like
        raise ModelError(
            f"open_clip cannot load model {card.id}",
            got=f"{name}, {path}: {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}",
            next_step="use the file and the architecture that belong together",
        ) from None
    return model.visual


def _without_projection(card: ModelCard, visual: Any) -> None:
    """Take the projection off, in place: the vector is the tower's own then."""
    if isinstance(getattr(visual, "proj", None), nn.Parameter):
        visual.proj = None
    elif isinstance(getattr(visual, "head", None), nn.Sequential) and len(visual.head):
        visual.head = nn.Identity()
    else:
        raise ModelError(
            f"the tower of model {card.id} has no projection that can be taken off",
            got=f"{card.architecture or CONFIG_FILE}: {type(visual).__name__}",
            allowed="projection: true",
            next_step="correct `projection` in the card",
        )
