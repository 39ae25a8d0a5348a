"""Which folder a command is about: never one that is no site's."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.testing import CliRunner

from lfr_ray.cli import deployment, people, watchlist
from lfr_ray.errors import NotFoundError


def test_no_command_takes_a_folder_for_a_site_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "lfr-data" / "van-1" / "keys").mkdir(parents=True)
    terminal, run = typer.Typer(), CliRunner()
    for one in (deployment, people, watchlist):
        terminal.add_typer(one.app)
    for words in (
        ("deployment", "stop", "--reason", "wrong person"),
        ("deployment", "status"),
        ("deployment", "resume", "--reason", "x"),
        ("people", "list"),
        ("people", "revoke", "x"),
        ("watchlist", "list"),
    ):
        outcome = run.invoke(terminal, [*words, "--data-dir", str(tmp_path / "lfr-data")])
        assert isinstance(outcome.exception, NotFoundError), words
        assert outcome.exception.allowed == str(tmp_path / "lfr-data" / "van-1")
        assert [str(one.relative_to(tmp_path)) for one in sorted(tmp_path.rglob("*"))] == [
            "lfr-data",
            "lfr-data/van-1",
            "lfr-data/van-1/keys",
        ]
        missing = tmp_path / "typo"
        assert isinstance(run.invoke(terminal, [*words, "--data-dir", str(missing)]).exception, NotFoundError)
        assert not missing.exists()
