"""A live deployment is opened by an authority that was signed elsewhere, and it is exactly what the site proposed."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from lfr_ray.actors import node_leftover_scan
from lfr_ray.actors.desk_audit import DeskAccount
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConflictError
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.trial_deployment import TRIAL
from lfr_ray.site.open_deployment import due, propose, take_in
from lfr_ray.site.open_site import open_permission
from lfr_ray.site_file import read_site_file
from tests.integration.govern.test_cli import Desk
from tests.trust_tree import TrustTree


@pytest.fixture
def desk(tmp_path: Path, trust_tree: TrustTree) -> Desk:
    desk = Desk(tmp_path, trust_tree)
    text = desk.site.read_text() + "    authority: {kind: live, deployment: airshow-1}\n"
    desk.site.write_text(text)
    desk.list_people()
    return desk


def asked(desk: Desk, now_s: float) -> dict[str, Any]:
    fields = dict(yaml.safe_load(Path(desk.plan()).read_text()))
    del fields["deployment"]
    officer = {"id": "supt-1", "rank": "superintendent"}
    return {**fields, "authorising_officer": officer, "starts_at": utc_text(now_s)}


def signed(desk: Desk, authority: Authority | dict[str, Any], holder: str = "supt-1") -> dict[str, Any]:
    """On another machine, where nothing of the site is."""
    content = authority.content() if isinstance(authority, Authority) else authority
    file = desk.folder / "authority.json"
    file.write_text(json.dumps({"authority": content}))
    role = "authoriser" if holder == "supt-1" else "approver"
    rank = "superintendent" if holder == "supt-1" else "inspector"
    run = CliRunner().invoke(desk.app, ["deployment", "sign", str(file), "--key", desk.key(holder, rank, role)])
    assert run.exit_code == 0, run.output
    return dict(json.loads(run.stdout))


def test_what_an_officer_signed_elsewhere_opens_the_deployment(desk: Desk) -> None:
    site, now_s = read_site_file(desk.site).site, time.time()
    assert due(site) == "opening"
    document = signed(desk, propose(site, asked(desk, now_s), now_s))
    assert due(site) == "opening", "what is proposed is not recorded"
    grant = take_in(site, document["authority"], document["signature"], by="sup-1")
    assert grant.authority.authorising_officer.id == "supt-1"
    assert desk.state() == "in force"
    assert due(site) == "closing"
    assert standing(site) == "", "a site that runs compares from now on"
    with pytest.raises(ConflictError, match="already recorded"):
        take_in(site, document["authority"], document["signature"], by="sup-1")


def test_what_is_closed_in_the_browser_is_searched_for_on_every_node(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, now_s = read_site_file(desk.site).site, time.time()
    account = DeskAccount()
    account._site = site
    silent = "the memory of node 192.0.2.9 was not searched: no answer"
    monkeypatch.setattr(node_leftover_scan, "search_nodes", lambda scanner: ([], [silent]))
    document = signed(desk, propose(site, asked(desk, now_s), now_s))
    opened = asyncio.run(account.take_in(document["authority"], document["signature"], by="sup-1"))
    assert opened.id == "airshow-1"
    closed = asyncio.run(account.close_own("airshow-1", by="sup-1", reason="over"))
    assert silent in closed.notes
    assert closed.scanned_files > 0
    assert due(site) == ""


def standing(site: SiteConfig) -> str:
    with open_ledger(DataDir(site.data_dir)) as ledger:
        return open_permission(site, ledger).status()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"false_alerts_per_face": 1e-9}, "false_alerts_per_face"),
        ({"threshold": 0.99999, "watchlist_entries": 1}, "watchlist_entries"),
        ({"configuration": {"software": "0" * 16}}, "configuration"),
        ({"deployment": "another-1"}, "deployment"),
        ({"kind": "trial"}, "kind"),
    ],
)
def test_what_the_site_would_not_propose_is_not_taken(desk: Desk, changes: dict[str, Any], named: str) -> None:
    site, now_s = read_site_file(desk.site).site, time.time()
    content = propose(site, asked(desk, now_s), now_s).content() | changes
    document = signed(desk, content)
    with pytest.raises(AuthorityError, match="would propose now") as caught:
        take_in(site, document["authority"], document["signature"], by="sup-1")
    assert named in caught.value.got
    assert due(site) == "opening"


def test_a_signature_that_does_not_hold_opens_nothing(desk: Desk) -> None:
    site, now_s = read_site_file(desk.site).site, time.time()
    authority = propose(site, asked(desk, now_s), now_s)
    right, other = signed(desk, authority), signed(desk, authority, "insp-7")

    def refused(document: dict[str, Any], signature: dict[str, Any]) -> str:
        with pytest.raises(AuthorityError) as caught:
            take_in(site, document["authority"], signature, by="sup-1")
        return str(caught.value)

    assert "authoriser" in refused(right, other["signature"])
    assert "altered" in refused(right, {**right["signature"], "value": other["signature"]["value"]})
    assert "another time" in refused(right, {**right["signature"], "at": utc_text(now_s + 7200)})
    assert "names" in refused({"authority": {**right["authority"], "ledger_head": f"1:{'0' * 64}"}}, right["signature"])
    desk.list_people(5)
    assert "watchlist" in refused(right, right["signature"])
    assert due(site) == "opening"


def test_only_the_deployment_that_the_sites_file_names_is_opened(desk: Desk) -> None:
    site, now_s = read_site_file(desk.site).site, time.time()
    for changes in ({"deployment": ""}, {"kind": TRIAL}):
        other = site.model_copy(update={"authority": site.authority.model_copy(update=changes)})
        with pytest.raises(ConflictError, match="cannot be opened here"):
            propose(other, asked(desk, now_s), now_s)
