"""`lfr deployment` and `lfr audit` from the first key to the public record, as an operator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from typer.testing import CliRunner

from lfr_ray.cli import audit, deployment, people, watchlist
from lfr_ray.cli.site_option import site_of, who_makes_the_list
from lfr_ray.client.site_requests import TOKEN_ENV
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConfigError, ConflictError, LfrError, NotFoundError
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.match.watchlist_draft import ListDraft
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.trust_tree import TrustTree, give_token

SITE = """
applications:
- name: lfr
  import_path: lfr_ray.app:build
  args:
    site: clacton
    data_dir: {data_dir}
    cameras: [{{name: pier, url: "rtsp://10.0.0.7/pier", latitude: 51.789, longitude: 1.153}}]
    ledger: {{anchors: ["{data_dir}.anchor"]}}
"""


class Desk:
    """A terminal at a site's data folder."""

    def __init__(self, folder: Path, tree: TrustTree) -> None:
        self.folder, self.tree = folder, tree
        self.data_dir = folder / "data"
        self.site = folder / "site.yaml"
        self.site.write_text(SITE.format(data_dir=self.data_dir))
        tree.site(DataDir(self.data_dir))
        self.token = give_token(DataDir(self.data_dir), "sup-1", "supervisor")
        self.app = typer.Typer()
        self.app.add_typer(deployment.app)
        self.app.add_typer(audit.app)
        self.app.add_typer(watchlist.app)
        self.app.add_typer(people.app)

    def __call__(self, *words: str, code: int = 0) -> str:
        env = {TOKEN_ENV: self.token}
        result = CliRunner().invoke(self.app, [*words, "--site", str(self.site)], env=env)
        if isinstance(result.exception, LfrError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", "-", code=code))

    def key(self, holder: str, rank: str, role: str = "authoriser") -> str:
        path = self.folder / f"{holder}.key"
        if not path.exists():
            self.tree.officer(holder, rank, role).save(path)
        return str(path)

    def list_people(self, count: int = 4, *, approve: bool = True, category: str = "suspect") -> None:
        rng = np.random.default_rng(1)
        store = WatchlistStore(self.data_dir / "watchlist")
        images = []
        for number in range(count):
            vector = rng.normal(size=128).astype(np.float32)
            entry = Entry(f"e{number}", "x", category, nominal_id=f"N{number}")
            picture = b"\xff\xd8" + rng.bytes(3000)
            vector /= np.linalg.norm(vector)
            images.append(
                EnrolledImage(entry, f"{number:064x}", "dlib_resnet", vector, 0.9, 80.0, picture, "op-1", 1.0)
            )
        store.put(images)
        if approve:
            self("watchlist", "approve", "--key", self.key("insp-7", "inspector", "approver"))

    def plan(self, **changes: Any) -> str:
        content = {
            "deployment": "airshow-1",
            "purpose": "locate people wanted by the courts",
            "legal_basis": "common law policing powers",
            "why": "outstanding warrants",
            "where": {
                "case": "protective-security",
                "name": "Clacton Airshow",
                "rationale": "large public event",
                "latitude": 51.789,
                "longitude": 1.153,
                "radius_m": 500,
            },
            "who": ["suspect"],
            "hours": 8,
            "cameras": ["pier"],
            "documents": {
                "policy": "LFR policy v4",
                "impact_assessment": "DPIA v2",
                "equality_assessment": "EIA v2",
                "appropriate_policy": "APD v1",
            },
            "applicant": {"id": "insp-7", "rank": "inspector"},
        }
        path = self.folder / "plan.yaml"
        path.write_text(yaml.safe_dump({**content, **changes}))
        return str(path)

    def state(self, name: str = "airshow-1") -> str:
        rows = {row["id"]: row["state"] for row in self.json("deployment", "status")["deployments"]}
        return str(rows[name])


@pytest.fixture
def desk(tmp_path: Path, trust_tree: TrustTree) -> Desk:
    return Desk(tmp_path, trust_tree)


def test_a_trial_is_one_line(desk: Desk) -> None:
    found = desk.json("deployment", "open", "--kind", "test")
    assert found["authority"]["kind"] == "test"
    assert desk.state("trial") == "in force"
    assert desk.json("deployment", "open", "--kind", "test") == found, "opening it again changes nothing"
    assert desk.json("deployment", "close")["receipt"]["deployment"] == "trial"
    with pytest.raises(ConflictError, match="already recorded"):
        desk("deployment", "open", "--kind", "test")
    assert (
        desk.json("deployment", "open", "again", "--kind", "test", "--hours", "2")["authority"]["deployment"] == "again"
    )


@pytest.mark.parametrize("count", [4, 60, 150])
def test_the_threshold_follows_from_the_card_the_list_and_the_profile_s_target(desk: Desk, count: int) -> None:
    desk.list_people(count)
    key = desk.key("supt-1", "superintendent")
    opened = desk.json("deployment", "open", "--from", desk.plan(), "--key", key)
    authority = opened["authority"]
    target = load_profile("uk-police").threshold.target
    assert 0.9 * target < authority["false_alerts_per_face"] <= target
    assert 0.95 < authority["threshold"] < 0.97


def test_from_the_first_key_to_the_public_record(desk: Desk) -> None:
    desk.list_people()
    key = desk.key("supt-1", "superintendent")
    opened = desk.json("deployment", "open", "--from", desk.plan(), "--key", key)
    authority = opened["authority"]
    assert authority["watchlist_entries"] == 4
    assert authority["watchlist_approved_by"] == "insp-7"
    assert authority["authorising_officer"] == {"id": "supt-1", "rank": "superintendent"}
    assert authority["threshold"] > 0.9
    assert desk.state() == "in force"
    assert desk.json("deployment", "stop", "--reason", "disorder")["stopped"]
    assert "was stopped: disorder" in desk.state()
    assert desk.json("deployment", "status")["stop"]["reason"] == "disorder"
    assert desk.json("deployment", "resume", "--reason", "calm")["lifted"] == ["stop"]
    closed = desk.json("deployment", "close", "--reason", "over")
    assert closed["receipt"]["parts"][0]["found_before"] == 8
    assert "was closed" in desk.state()
    record = desk.json("deployment", "record", "airshow-1")["record"]
    assert record["deletion"]["parts"][0]["found_by_search_after"] == 0
    assert [one["what"] for one in record["incidents"]["list"]] == ["matching stopped", "matching resumed"]
    assert record["watchlist"]["categories"]["total"] == 4
    assert (desk.data_dir / "records" / "airshow-1.html").exists()
    listed = desk.json("deployment", "listed", "N2", "--reason", "subject access request 7")
    assert listed["listed"] == [{"deployment": "airshow-1", "entry_id": "e2", "category": "suspect"}]
    verdict = desk.json("audit", "verify")
    assert verdict["holds"], verdict["faults"]
    assert verdict["deletion"]["items_looked_for"] == 8
    desk("audit", "export", "-")
    lines = [json.loads(line) for line in desk("audit", "export", "-").splitlines()]
    kinds = {line["kind"] for line in lines}
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert {"authority", "stop", "alteration", "erasure", "disclosure", "consultation", "seal"} <= kinds
    assert {"public record written", "ledger exported"} <= {line["what"] for line in lines}
    some = desk("audit", "export", "-", "--kind", "stop", "--since", "2020-01-01").splitlines()
    assert [json.loads(line)["reason"] for line in some] == ["disorder"]


def test_moments_may_be_written_as_yaml_understands_them(desk: Desk) -> None:
    desk.list_people()
    plan = Path(desk.plan())
    plan.write_text(plan.read_text() + "starts_at: 2026-08-28T09:00:00Z\n")
    with pytest.raises(AuthorityError, match="at most 24 hours"):
        desk("deployment", "open", "--from", str(plan), "--hours", "30", "--key", desk.key("supt-1", "superintendent"))


def test_the_urgent_route(desk: Desk) -> None:
    desk.list_people()
    inspector, superintendent = desk.key("insp-9", "inspector"), desk.key("supt-1", "superintendent")
    with pytest.raises(AuthorityError, match="rank inspector may not authorise"):
        desk("deployment", "open", "--from", desk.plan(), "--key", inspector)
    opened = desk.json(
        "deployment", "open", "--from", desk.plan(), "--key", inspector, "--urgent-reason", "threat to life"
    )
    assert opened["authority"]["urgent"]
    assert desk.json("deployment", "status")["deployments"][0]["ratify_by"]
    with pytest.raises(AuthorityError, match="may not ratify"):
        desk("deployment", "ratify", "--key", inspector)
    desk("deployment", "ratify", "--key", superintendent)
    assert desk.json("deployment", "status")["deployments"][0]["ratify_by"] is None


@pytest.mark.parametrize(
    ("changes", "options", "error", "words"),
    [
        ({"hours": -1}, (), ConfigError, "must come after starts_at"),
        ({"starts_at": "2026-08-28T10:00:00Z", "ends_at": "2026-08-28T09:00:00Z"}, (), ConfigError, "must come after"),
        ({"starts_at": "soon"}, (), ConfigError, "starts_at or hours is wrong"),
        ({"surprise": 1}, (), ConfigError, "surprise"),
        ({"where": None}, (), AuthorityError, "a place is missing"),
        ({"who": ["missing-or-at-risk"]}, (), AuthorityError, "categories that the authority does not name"),
        ({"who": ["suspect", "intelligence"]}, (), AuthorityError, "does not permit the categories intelligence"),
        ({"false_alerts_per_face": 0.01}, (), ConfigError, "not given but computed"),
        ({}, ("--threshold", "0.5"), AuthorityError, "above the floor"),
        ({}, ("--threshold", "0.955"), AuthorityError, "state a threshold_reason"),
        ({"documents": {}}, (), AuthorityError, "references are missing: policy"),
        ({"cameras": ["gate"]}, (), ConfigError, "cameras that the site does not have; got: gate"),
        ({}, ("--hours", "30"), AuthorityError, "at most 24 hours"),
        ({}, ("--profile", "narnia"), ConfigError, "no such profile"),
        ({}, ("--profile", "test"), AuthorityError, "does not permit deployments of kind live"),
    ],
)
def test_bad_input_opens_nothing(
    desk: Desk, changes: dict[str, Any], options: tuple[str, ...], error: type[LfrError], words: str
) -> None:
    desk.list_people()
    key = desk.key("supt-1", "superintendent")
    with pytest.raises(error, match=words):
        desk("deployment", "open", "--from", desk.plan(**changes), "--key", key, *options)
    assert desk.json("deployment", "status")["deployments"] == []


def test_a_list_that_nobody_approved_opens_nothing(desk: Desk) -> None:
    desk.list_people(approve=False)
    with pytest.raises(AuthorityError, match="not approved"):
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))


def test_a_stranger_s_key_opens_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.list_people()
    SigningKey.create().save(tmp_path / "stranger.key")
    with pytest.raises(AuthorityError, match="no certificate says whose"):
        desk("deployment", "open", "--from", desk.plan(), "--key", str(tmp_path / "stranger.key"))
    with pytest.raises(ConfigError, match="key is missing"):
        desk("deployment", "open", "--from", desk.plan())


def test_a_revoked_officer_s_deployment_ends(desk: Desk) -> None:
    desk.list_people()
    desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))
    assert desk.state() == "in force"
    desk.tree.revoke(SigningKey.load(desk.folder / "supt-1.key"), time.time() + 60)
    assert "was revoked" in desk.state()


def test_without_a_trust_file_nothing_live_is_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFR_TRUST", "none")
    with pytest.raises(AuthorityError, match=r"needs a trust file.*lfr trust init"):
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))


@pytest.mark.parametrize(
    ("approver", "role", "words"),
    [
        ("op-1", "approver", "approved by a second person"),
        ("insp-7", "operator", "somebody with the role approver; got: a key of the role operator"),
        ("insp-7", "authoriser", "somebody with the role approver"),
    ],
)
def test_who_may_not_approve_a_list(desk: Desk, approver: str, role: str, words: str) -> None:
    desk.list_people(approve=False)
    with pytest.raises(LfrError, match=words):
        desk("watchlist", "approve", "--key", desk.key(approver, "", role))


def test_what_waits_is_shown_and_taken_up_by_the_approvers_signature(desk: Desk) -> None:
    desk.list_people()
    store = WatchlistStore(desk.data_dir / "watchlist")
    approved = store.content_hash()
    draft = ListDraft(store, WatchlistStore(DataDir(desk.data_dir).watchlist_waiting))
    (image,) = store.images("e0")
    draft.put([replace(image, entry=replace(image.entry, entry_id="e9"), imported_by="imp-1")])
    draft.remove("e1", "imp-1", time.time())
    shown = desk.json("watchlist", "report")
    assert (shown["entries"], shown["waiting"]) == (4, {"e1": "removed", "e9": "added"})
    assert (shown["hash"], shown["approved_by"]) == (approved, "insp-7")
    with pytest.raises(LfrError, match="approved by a second person"):
        desk("watchlist", "approve", "--key", desk.key("imp-1", "inspector", "approver"))
    assert store.content_hash() == approved, "a refusal changes nothing"
    signed = desk.json("watchlist", "approve", "--key", desk.key("insp-7", "inspector", "approver"))
    assert signed["hash"] == store.content_hash() != approved
    assert [one.entry_id for one in store.entries()] == ["e0", "e2", "e3", "e9"]
    assert "waiting" not in desk.json("watchlist", "report")


def test_who_imports_is_proven(desk: Desk, tmp_path: Path) -> None:
    config = site_of(desk.site, None)
    operator, approver = desk.key("op-1", "", "operator"), desk.key("insp-7", "inspector", "approver")
    assert who_makes_the_list(config, "somebody-else", Path(operator), "") == "op-1"
    desk.token = ""
    for words, why in (
        (("--by", "op-1"), "proves who they are: a typed name decides nothing"),
        (("--key", approver), "somebody with the role operator; got: a key of the role approver"),
    ):
        with pytest.raises(AuthorityError, match=why):
            desk("watchlist", "import", str(tmp_path), *words)


def test_who_authorises_may_not_have_approved(desk: Desk) -> None:
    desk.list_people(approve=False)
    desk("watchlist", "approve", "--key", desk.key("SUPT-1", "superintendent", "approver"))
    with pytest.raises(AuthorityError, match="SUPT-1 authorises the deployment and may not approve its list"):
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))


def test_an_approval_that_was_typed_and_not_signed_opens_nothing(desk: Desk) -> None:
    desk.list_people(approve=False)
    with pytest.raises(AuthorityError, match="a typed name decides nothing"):
        desk("watchlist", "approve", "--by", "insp-7")
    WatchlistStore(desk.data_dir / "watchlist").approve("insp-7", time.time())
    with pytest.raises(AuthorityError, match=r"approval does not hold: it is not signed.*--key"):
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))


def test_a_clock_that_went_back_needs_an_officer(desk: Desk) -> None:
    with pytest.raises(AuthorityError, match="authorising officer's signature"):
        desk("deployment", "resume", "--reason", "time server", "--accept-clock")
    desk("deployment", "resume", "--reason", "x", "--accept-clock", "--key", desk.key("supt-1", "superintendent"))
    state = LedgerState(DataDir(desk.data_dir))
    state.follow()
    assert state.accepted == 1


def test_a_truncated_ledger_is_told(desk: Desk) -> None:
    desk("deployment", "open", "--kind", "test")
    path = desk.data_dir / "ledger.jsonl"
    head = desk.json("audit", "verify")["ledger"]["head"]
    assert desk.json("audit", "verify", "--head", head)["holds"]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    verdict = desk.json("audit", "verify", code=1)
    assert not verdict["holds"]
    assert "truncated" in verdict["faults"][0]
    stopped = desk.json("deployment", "stop", "--reason", "x")
    assert stopped["stopped"], "a stop must work whatever the ledger says"
    assert (desk.data_dir / "stop").exists()


def test_what_is_wrongly_asked_of_the_audit(desk: Desk) -> None:
    for name in ("ledger.jsonl", "ledger.head"):
        (desk.data_dir / name).unlink()
    with pytest.raises(NotFoundError, match="no ledger"):
        desk("audit", "verify")
    desk("deployment", "open", "--kind", "test")
    for words in (("export", "-", "--kind", "gossip"), ("export", "-", "--since", "soon"), ("verify", "--head", "x")):
        with pytest.raises(ConfigError):
            desk("audit", *words)
    with pytest.raises(ConfigError, match="cannot be written"):
        desk("audit", "export", str(desk.folder / "no" / "such" / "folder"))


@pytest.mark.parametrize(
    "reason", [" ", "x" * 5000, "line\nbreak \x07 and \udcff", "data:image/png;base64," + "A" * 900]
)
def test_a_stop_never_fails_for_its_words(desk: Desk, reason: str) -> None:
    assert desk.json("deployment", "stop", "--reason", reason)["stopped"]
    state = LedgerState(DataDir(desk.data_dir))
    state.follow()
    assert state.stop is not None, "it is recorded too"


def test_a_stop_loads_nothing_heavy(desk: Desk) -> None:
    code = (
        "import sys, typer; from lfr_ray.cli import deployment; app = typer.Typer(); app.add_typer(deployment.app);\n"
        "try: app(['deployment', 'stop', '--reason', 'x', '--data-dir', sys.argv[1]])\n"
        "finally: print([name for name in ('torch', 'lancedb', 'sqlalchemy', 'scipy', 'ray') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(desk.data_dir)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
    )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
    assert (desk.data_dir / "stop").exists()
