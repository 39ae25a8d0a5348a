"""A list is signed on the approver's machine, and the site takes the signature for what it is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lfr_ray.cli import watchlist
from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, InputError
from lfr_ray.govern.authority import APPROVE
from lfr_ray.site.open_site import list_rules
from tests.trust_tree import TrustTree

DOCUMENT = {"content_hash": "ab" * 32, "imported_by": ["imp1", "imp2"]}


def test_what_an_approver_signed_elsewhere_counts_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = TrustTree(tmp_path / "trust", monkeypatch)
    approver, officer = tree.officer("app1", role="approver"), tree.officer("supt-1")
    site = SiteConfig(site="test", data_dir=tmp_path / "data", authority=AuthorityConfig(kind="live", deployment="d-1"))
    tree.site(DataDir(site.data_dir))
    rule = list_rules(site)["approver"]
    (tmp_path / "to-sign.json").write_text(json.dumps({**DOCUMENT, "waiting": 2}))
    approver.save(tmp_path / "app1.key")
    run = ["sign", str(tmp_path / "to-sign.json"), "--key", str(tmp_path / "app1.key")]
    written = json.loads(CliRunner().invoke(watchlist.app, run).stdout)
    assert written["content_hash"] == DOCUMENT["content_hash"]
    holder, at = rule(DOCUMENT, written["signature"])
    assert holder == "app1"
    assert abs(at - time.time()) < 60

    def refused(document: Any, signature: Any) -> str:
        with pytest.raises(AuthorityError) as caught:
            rule(document, signature)
        return str(caught.value)

    assert "altered" in refused({**DOCUMENT, "imported_by": ["imp1"]}, written["signature"])
    now_s = time.time()
    other = officer.sign(APPROVE, DOCUMENT, now_s).model_dump(mode="json")
    assert "needed: approver" in refused(DOCUMENT, other)
    assert "ahead" in refused(DOCUMENT, approver.sign(APPROVE, DOCUMENT, now_s + 900).model_dump(mode="json"))
    (tmp_path / "to-sign.json").write_text("{}")
    assert isinstance(CliRunner().invoke(watchlist.app, run).exception, InputError)
