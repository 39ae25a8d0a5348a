"""A closed deployment's public record is due: who asks for the deployments reads until when, and that it is late."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import deployment
from lfr_ray.clock import parse_utc
from lfr_ray.govern.country_profile import load_profile

WITHIN_S = load_profile("test").publish_within_s


def test_a_record_that_is_not_written_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.add_typer(deployment.app)

    def run(*words: str) -> tuple[str, str]:
        result = CliRunner().invoke(app, ["deployment", *words, "--data-dir", str(tmp_path / "data")])
        assert result.exit_code == 0, result.output
        return result.stdout, " ".join(result.stderr.split())

    def due() -> str | None:
        (row,) = json.loads(run("status", "--json", "-")[0])["deployments"]
        found: str | None = row["record_due"]
        return found

    (tmp_path / "data" / "keys").mkdir(parents=True)
    assert json.loads(run("status", "--json", "-")[0])["deployments"] == [], "without a ledger it says what there is"
    run("open", "--kind", "test")
    assert due() is None, "it is still open"
    before_s = time.time()
    run("close")
    until = due()
    assert until is not None
    assert before_s <= parse_utc(until) - WITHIN_S + 0.001 <= time.time() + 0.001
    assert f"is due by {until}: lfr deployment record" in run("status")[1]
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + WITHIN_S)
    assert f"was due by {until}" in run("status")[1]
    run("record")
    assert due() is None
    assert "due by" not in run("status")[1]
