"""Secrets that are named and not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.durable_files import secret, with_secrets
from lfr_ray.errors import ConfigError


def test_a_secret_is_looked_up_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIER_PASSWORD", "p@ss/word")
    (tmp_path / "pier").write_text("from-a-file\n")
    assert with_secrets("rtsp://guard:{env:PIER_PASSWORD}@10.0.0.7/x") == "rtsp://guard:p%40ss%2Fword@10.0.0.7/x"
    assert secret(f"file:{tmp_path}/pier") == "from-a-file"
    assert with_secrets("rtsp://10.0.0.7/x") == "rtsp://10.0.0.7/x"


@pytest.mark.parametrize("reference", ["env:LFR_NOT_THERE", "file:/nowhere/at/all", "hunter22"])
def test_what_is_not_there_is_said_without_being_shown(reference: str) -> None:
    with pytest.raises(ConfigError, match="not where the site says") as caught:
        secret(reference)
    assert "hunter22" not in str(caught.value)
