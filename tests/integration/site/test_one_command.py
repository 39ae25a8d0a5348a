"""What a second command, or an older version, is told before Ray starts: the site that runs is not touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import ray

from lfr_ray.alert.alert_tables import SCHEMA_VERSION
from lfr_ray.alert.open_database import Database
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import locked
from lfr_ray.errors import ConflictError, StoreError
from lfr_ray.site_file import SiteFile, read_site_file
from lfr_ray.site_start_stop import live_site


@pytest.fixture
def file(tmp_path: Path, repository: Path) -> SiteFile:
    return read_site_file(repository / "serve_configs" / "local.yaml", {"data_dir": str(tmp_path)}, port=0)


def test_a_second_command_is_told_what_runs_where(file: SiteFile) -> None:
    path = DataDir(file.site.data_dir).running
    claim = "process 4711 on pier since 2026-08-21T12:00:00Z, http://127.0.0.1:8000/"
    with locked(path, wait=False) as taken:
        assert taken
        path.write_text(claim, encoding="utf-8")
        with pytest.raises(ConflictError, match="runs already") as caught:
            live_site(file).__enter__()
    assert caught.value.got == claim
    assert path.read_text(encoding="utf-8") == claim
    assert not ray.is_initialized()


def test_a_database_of_a_newer_version_is_refused_with_both_versions(file: SiteFile) -> None:
    path = DataDir(file.site.data_dir).alert_database
    Database.at(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE desk SET schema_version = ?", (SCHEMA_VERSION + 1,))
    raw.close()
    with pytest.raises(StoreError, match="newer version") as caught:
        live_site(file).__enter__()
    assert str(SCHEMA_VERSION + 1) in caught.value.got
    assert str(SCHEMA_VERSION) in caught.value.allowed
    assert not ray.is_initialized()
