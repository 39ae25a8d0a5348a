"""A public record is verified with none of our code: twenty lines of JavaScript in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import deployment
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.public_record import sign_record
from lfr_ray.govern.trust_file import site_key

SCRIPT = Path(__file__).with_name("verify_record.mjs")

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def holds(path: Path, key_id: str) -> bool:
    done = subprocess.run(["node", str(SCRIPT), str(path), key_id], capture_output=True, text=True, check=False)
    assert done.stdout in ("it holds\n", "it does not hold\n"), done.stderr
    return done.returncode == 0


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The record of a trial that was opened and closed by command."""
    app = typer.Typer()
    app.add_typer(deployment.app)
    for words in (("open", "--kind", "test"), ("close", "trial"), ("record", "trial")):
        result = CliRunner().invoke(app, ["deployment", *words, "--data-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
    return DataDir(tmp_path).signed_records[0]


def test_node_verifies_a_real_record(record: Path, tmp_path: Path) -> None:
    assert holds(record, site_key(DataDir(tmp_path)).id)
    assert not holds(record, "0" * 16), "the key must be one that is known from elsewhere"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["record"]["totals"].update(alerts=1),
        lambda document: document["record"]["rules"].update(unmatched_forgotten_s=1.5),
        lambda document: document["record"].update(note="added"),
        lambda document: document["signature"].update(at="2020-01-01T00:00:00.000Z"),
        lambda document: document.update(sha256="0" * 64),
    ],
)
def test_node_refuses_an_altered_record(record: Path, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(record.read_text())
    change(document)
    record.write_text(json.dumps(document))
    assert not holds(record, site_key(DataDir(tmp_path)).id)


def test_both_write_every_value_alike(tmp_path: Path) -> None:
    key = site_key(DataDir(tmp_path))
    numbers = [1.0, -0.0, 0.1, 1e-7, 123456789012.5, 1e21, 5e-324, 1.7976931348623157e308, 2**53 - 1, 1 / 3]
    texts = {"\u20ac": '\n\t"\\/', "\ufb33": "\u007f\u0080", "\U0001f600": "\u2028", "a": "é", "A": ""}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(sign_record({"numbers": numbers, "texts": texts, "nothing": [None, {}, []]}, key, 1.0)))
    assert holds(path, key.id)
