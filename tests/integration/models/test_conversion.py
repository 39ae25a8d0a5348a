"""Torch converts a network for OpenVINO in a process of its own: whoever asks for the network never loads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lfr_ray.models.card_catalogue import card
from lfr_ray.models.torch_to_openvino import FOLDER
from lfr_ray.models.weight_files import FOLDER_VARIABLE, find_weights

LOADS = """
import sys
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.models.card_catalogue import card
load_embedder(card("dlib_resnet"), device="cpu")
print("torch" in sys.modules)
"""
CONVERTS = """
import sys
from pathlib import Path
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.torch_to_openvino import converted
converted(card("dlib_resnet"), Path(sys.argv[1]), "lfr_ray.embed.dlib_torch_module:build", 150, 150)
"""


def fresh(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A fresh process, at its end."""
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def test_who_asks_for_a_network_does_not_load_torch(models: Path) -> None:
    first = fresh(LOADS)
    assert (first.returncode, first.stdout.strip()) == (0, "False"), first.stderr
    (kept,) = (models / FOLDER).glob("dlib_resnet-*")
    written = kept.stat().st_mtime_ns
    assert fresh(LOADS).stdout.strip() == "False"
    assert kept.stat().st_mtime_ns == written, "the second one takes what is kept"


def test_where_it_cannot_be_kept_it_is_made_here(models: Path) -> None:
    models.write_text("a file where the folder should be")
    done = fresh(LOADS)
    assert (done.returncode, done.stdout.strip().splitlines()[-1]) == (0, "True"), done.stderr


def test_what_is_wrong_with_a_file_is_said_as_ever(models: Path, tmp_path: Path) -> None:
    whole = find_weights(card("dlib_resnet")).read_bytes()
    (tmp_path / "short.dat").write_bytes(whole[: len(whole) // 2])
    done = fresh(CONVERTS, str(tmp_path / "short.dat"))
    assert done.returncode == 1
    assert "ModelError" in done.stderr
    assert "short.dat" in done.stderr
    assert not models.exists()
