"""A data folder from before RFC 8785: it opens as it is, goes on, and what it holds is named as of the older form."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import audit, deployment
from lfr_ray.client.site_requests import TOKEN_ENV
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError
from lfr_ray.govern.authority import Officer, Place
from lfr_ray.govern.authority_gate import AuthorityGate
from lfr_ray.govern.country_profile import keep_profile, kept_profile, load_profile
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.signed_authority import list_grants, load_grant, signed
from lfr_ray.govern.trial_deployment import trial_authority
from tests.trust_tree import CARRIED, TrustTree, approval, give_token, record_opening

LIST_HASH = "a" * 64


def older_json(value: Any) -> bytes:
    """How documents were signed and hashed: whole numbers of type float keep their ``.0``."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Site:
    """A terminal at a data folder."""

    def __init__(self, folder: Path, tree: TrustTree) -> None:
        self.files, self.tree = DataDir(folder), tree
        tree.site(self.files)
        self._env = {TOKEN_ENV: give_token(self.files, "sup-1", "supervisor")}
        self._app = typer.Typer()
        self._app.add_typer(deployment.app)
        self._app.add_typer(audit.app)

    def __call__(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(self._app, [*words, "--data-dir", str(self.files.root)], env=self._env)
        assert result.exit_code == code, result.output
        return result.stdout

    def verify(self, code: int = 0) -> Any:
        return json.loads(self("audit", "verify", "--json", "-", code=code))

    def open_live(self) -> None:
        """An authority with whole numbers of type float in it."""
        rules, officer, now_s = load_profile("uk-police"), self.tree.officer("supt-1", "superintendent"), time.time()
        approver = self.tree.officer("insp-7", role="approver")
        changes = {
            "kind": "live",
            "profile": rules.name,
            "profile_sha256": rules.sha256,
            "who": ("suspect",),
            "ends_at": now_s + 3600,
            "cameras": ("pier",),
            "where": Place(
                case="protective-security", name="n", rationale="r", latitude=52.0, longitude=1.0, radius_m=500.0
            ),
            **approval(approver, LIST_HASH, round(now_s, 3)),
            "watchlist_approved_by": "insp-7",
            **CARRIED,
            "model": "dlib_resnet",
            "threshold": 0.97,
            "false_alerts_per_face": 0.0001,
            "documents": dict.fromkeys(
                ("policy", "impact_assessment", "equality_assessment", "appropriate_policy"), "v1"
            ),
            "authorising_officer": Officer(id="supt-1", rank="superintendent"),
        }
        trial = trial_authority(rules, now_s, deployment="airshow-1")
        keep_profile(self.files, rules)
        grant = signed(trial.model_copy(update=changes), officer, now_s)
        grant.save(self.files)
        with open_ledger(self.files) as ledger:
            record_opening(ledger, grant)


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust_tree: TrustTree) -> Site:
    """One trial that was opened, closed and accounted for, one that is open, and a live deployment in force."""
    site = Site(tmp_path / "site", trust_tree)
    with monkeypatch.context() as before:
        before.setattr("rfc8785.dumps", older_json)
        site("deployment", "open", "first", "--kind", "test")
        with open_ledger(site.files) as ledger:
            for watched_s in (60.0, 12.5):
                facts = {"frames": 10, "faces_seen": 4, "watched_s": watched_s, "blind_s": 0.0}
                ledger.append(Event("collection", "faces counted", "first", "camera", "pier", facts=facts))
        site("deployment", "close", "first")
        site("deployment", "record", "first")
        site("deployment", "open", "second", "--kind", "test")
        site.open_live()
    return site


def test_it_is_of_the_older_form(older: Site) -> None:
    """The fixture is what it says: whole numbers stand as they stood then."""
    assert b'"watched_s":60.0' in older.files.ledger.read_bytes()
    assert b'"radius_m":500.0' in older.files.grant("airshow-1").read_bytes()
    assert older.files.profile(load_profile("uk-police").sha256).exists() is False


def test_everything_of_it_verifies_and_is_named(older: Site) -> None:
    found = older.verify()
    assert found["holds"], found["faults"]
    assert found["receipts"] == 1
    assert found["ledger"]["older_form"] == 2
    assert found["older_form"] == ["deployment airshow-1", "public record first", "2 ledger records"]
    shown = CliRunner().invoke(older._app, ["audit", "verify", "--data-dir", str(older.files.root)])
    assert "older form: public record first" in shown.stderr


def test_it_goes_on(older: Site) -> None:
    states = {
        row["id"]: row["state"] for row in json.loads(older("deployment", "status", "--json", "-"))["deployments"]
    }
    assert states["airshow-1"] == states["second"] == "in force"
    rules = load_profile("uk-police")
    with open_ledger(older.files) as ledger:
        here = {"pier": (52.0, 1.0)}
        gate = AuthorityGate(older.files, "airshow-1", rules, ledger, positions=here)
        assert gate.refusal("pier", time.time(), LIST_HASH, "dlib_resnet") == ""
    written = load_grant(older.files, "airshow-1")
    assert kept_profile(older.files, written.authority.profile_sha256) == rules
    older.files.grant("airshow-1").unlink()
    older("deployment", "close", "second")
    older("deployment", "record", "second")
    found = older.verify(code=1)
    assert found["faults"] == ["deployment airshow-1: the ledger records it, and its authority was taken away"]
    assert found["receipts"] == 2
    assert "public record second" not in found["older_form"]
    assert found["ledger"]["older_form"] == 2, "what is written now is RFC 8785"


def test_a_record_is_written_anew_from_older_counts(older: Site) -> None:
    before = json.loads(older.files.signed_records[0].read_bytes())
    after = json.loads(older("deployment", "record", "first", "--json", "-"))
    assert before["record"]["cameras"] == after["record"]["cameras"]
    assert after["record"]["cameras"]["pier"]["watched_s"] == 72.5
    assert older.verify()["older_form"] == ["deployment airshow-1", "2 ledger records"]


def test_an_export_keeps_every_line_as_it_was(older: Site) -> None:
    exported = older("audit", "export", "-").encode().splitlines()
    assert exported == older.files.ledger.read_bytes().splitlines()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (lambda files: files.ledger, b'"watched_s":60.0', b'"watched_s":60'),
        (lambda files: files.ledger, b'"watched_s":60.0', b'"watched_s":61.0'),
        (lambda files: files.grant("airshow-1"), b'"radius_m":500.0', b'"radius_m":900.0'),
        (lambda files: files.signed_records[0], b'"faces_seen": 8', b'"faces_seen": 9'),
    ],
)
def test_an_older_document_that_was_altered_does_not_hold(
    older: Site, path: Callable[[DataDir], Path], old: bytes, new: bytes
) -> None:
    file = path(older.files)
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))
    assert not older.verify(code=1)["holds"]


def test_older_rules_that_were_altered_are_refused(older: Site) -> None:
    sha256 = list_grants(older.files)[0].authority.profile_sha256
    path = older.files.profile(sha256)
    path.write_bytes(path.read_bytes().replace(b'"small_cell":5', b'"small_cell":0'))
    with pytest.raises(IntegrityError, match="rules of a deployment were changed"):
        kept_profile(older.files, sha256)
