"""From card to model: everything wrong with a card or a file is said before anything runs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.weight_files import find_weights


def with_hash_of(described: ModelCard, path: Path) -> ModelCard:
    """A card that vouches for this file: the hash is right and only the content is wrong."""
    return described.model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})


def test_the_wrong_task() -> None:
    with pytest.raises(ModelError, match=r"another task.*embed.*detect"):
        load_detector(card("dlib_resnet"))
    with pytest.raises(ModelError, match="another task"):
        load_embedder(card("centerface"))


def test_a_misspelt_option_loads_nothing() -> None:
    wrong: Any = {"declared_used": "operational", "devise": "cuda"}
    with pytest.raises(TypeError, match="declared_used, devise"):
        load_detector(card("centerface"), **wrong)


def test_an_unknown_family() -> None:
    with pytest.raises(ModelError, match=r"centreface.*centerface"):
        load_detector(card("centerface").model_copy(update={"family": "centreface"}))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        load_embedder(card("dlib_resnet"), weights=tmp_path / "none.dat")


def test_an_altered_file(tmp_path: Path) -> None:
    content = bytearray(find_weights(card("centerface")).read_bytes())
    content[1_000_000] ^= 1
    path = tmp_path / "altered.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_detector(card("centerface"), weights=path)
    assert str(path) in caught.value.got
    assert card("centerface").sha256 in caught.value.allowed
    assert hashlib.sha256(content).hexdigest() in caught.value.got


def test_each_others_files(tmp_path: Path) -> None:
    onnx_file, dlib_file = find_weights(card("centerface")), find_weights(card("dlib_resnet"))
    with pytest.raises(ModelError, match="not an ONNX model"):
        load_detector(with_hash_of(card("centerface"), dlib_file), weights=dlib_file)
    with pytest.raises(ModelError, match="not a whole dlib network"):
        load_embedder(with_hash_of(card("dlib_resnet"), onnx_file), weights=onnx_file)


def test_another_dlib_network() -> None:
    dlib_file = find_weights(card("dlib_resnet"))
    detector = dlib_file.with_name("mmod_human_face_detector.dat")
    with pytest.raises(ModelError) as caught:
        load_embedder(with_hash_of(card("dlib_resnet"), detector), weights=detector)
    assert detector.name in str(caught.value)
