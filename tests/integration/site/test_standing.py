"""How things stand with comparisons: what a stop changes is told for every camera at once, and is not recorded."""

from __future__ import annotations

import time
from pathlib import Path

from lfr_ray.config import AuthorityConfig, CameraConfig, EmbedderConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.emergency_stop import emergency_stop
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.site.matcher_status import matcher_said
from lfr_ray.site.open_site import open_matcher


def test_a_refusal_follows_the_stop_and_the_resumption(tmp_path: Path) -> None:
    site = SiteConfig(
        site="harbour",
        data_dir=tmp_path,
        authority=AuthorityConfig(kind="test"),
        embedder=EmbedderConfig(model="dlib_resnet"),
        cameras=tuple(CameraConfig(name=name, url=f"demo:{name}") for name in ("pier", "gate")),
    )
    folder = DataDir(tmp_path)
    with open_ledger(folder) as ledger:
        matcher = open_matcher(site, ledger)
        unread = matcher_said(site, matcher, time.time())
        assert unread.list_fault == unread.refusals["pier"] == "the watchlist was not read yet"
        matcher.reload(time.time())
        allowed = matcher_said(site, matcher, time.time())
        assert (allowed.list_fault, allowed.authority, dict(allowed.refusals)) == ("", "", {"pier": "", "gate": ""})
        emergency_stop(folder).set("PC1", "a rehearsal", time.time())
        stopped = matcher_said(site, matcher, time.time())
        assert all("a rehearsal" in one for one in (stopped.authority, *stopped.refusals.values()))
        emergency_stop(folder).clear()
        assert matcher_said(site, matcher, time.time()) == allowed
        assert not [one for one in read_records(folder) if one["kind"] == "refusal"]
