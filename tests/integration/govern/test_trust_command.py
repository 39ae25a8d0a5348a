"""`lfr trust` as an administrator types it, from the root to a revoked certificate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import trust as command
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConflictError, LfrError
from lfr_ray.govern.trust import VARIABLE, site_key
from tests.trust_tree import as_service


def test_from_the_root_to_a_revoked_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    command.register(app)
    for name in (command.ROOT_PASSPHRASE, "LFR_SITE_PASSPHRASE"):
        monkeypatch.setenv(name, "correct horse")
    folder, root, data = tmp_path / "trust", tmp_path / "root.key", DataDir(tmp_path / "data")
    offline = ("--root-key", str(root), "--trust", str(folder))

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["trust", *words])
        if isinstance(result.exception, LfrError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    run("init", *offline)
    assert b"ENCRYPTED" in root.read_bytes()
    with pytest.raises(ConflictError, match="trust file already"):
        run("init", *offline)
    made = json.loads(run("issue", "supt-1", "--out", str(tmp_path / "supt.key"), "--json", "-", *offline))
    with pytest.raises(LfrError, match="must be encrypted"):
        run("issue", "pier", "--role", "site", "--out", str(data.site_key), *offline)
    site = ("--role", "site", "--out", str(data.site_key), "--passphrase-env", "LFR_SITE_PASSPHRASE")
    run("issue", "pier", *site, *offline)
    monkeypatch.setenv(VARIABLE, str(folder / "trust.yaml"))
    as_service(monkeypatch)
    run("revoke", made["id"], *offline)
    keys = json.loads(run("list", "--json", "-", "--data-dir", str(data.root)))["keys"]
    assert {(key["holder"], key["role"], bool(key["revoked_at"])) for key in keys} == {
        ("supt-1", "authoriser", True),
        ("pier", "site", False),
    }
    assert site_key(data).id in {key["id"] for key in keys}
    with pytest.raises(LfrError, match="no certificate of this key"):
        run("revoke", "0" * 16, *offline)
