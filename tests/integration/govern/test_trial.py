"""A trial as an administrator types it: a live camera, a day, volunteers who agreed, and nobody else."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import deployment
from lfr_ray.clock import SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import load_grant
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.site.open_site import OpenedAlerts, open_permission
from lfr_ray.strict_yaml import parse_section


class Trial:
    """A terminal at a site with one webcam."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, DataDir(folder / "data")
        self.app = typer.Typer()
        self.app.add_typer(deployment.app)
        fields = {
            "site": "office",
            "data_dir": self.files.root,
            "authority": {"kind": "trial", "deployment": "trial"},
            "cameras": [{"name": "door", "url": "/dev/video0"}],
        }
        self.config = parse_section(SiteConfig, fields, "site")

    def enrol(self, count: int, category: str = "blue-list") -> None:
        rng = np.random.default_rng(1)
        images = []
        for number in range(count):
            vector = rng.normal(size=128).astype(np.float32)
            vector /= np.linalg.norm(vector)
            entry = Entry(f"v{number}", "x", category)
            images.append(EnrolledImage(entry, f"{number:064x}", "dlib_resnet", vector, 0.9, 80.0, b"x", "op-1", 1.0))
        WatchlistStore(self.files.watchlist).put(images)

    def consents(self, count: int, moment: str = "2026-08-01") -> None:
        lines = ["entry_id,consented_at", *(f"v{number},{moment}" for number in range(count))]
        (self.folder / "consents.csv").write_text("\n".join(lines) + "\n")

    def open(self, *words: str) -> None:
        consent = ("--consent", str(self.folder / "consents.csv"))
        command = ["deployment", "open", "--kind", "trial", *consent, *words, "--data-dir", str(self.files.root)]
        result = CliRunner().invoke(self.app, command)
        if isinstance(result.exception, LfrError):
            raise result.exception
        assert result.exit_code == 0, result.output

    def refusal(self, content_hash: str, after_s: float = 0.0) -> str:
        with open_ledger(self.files) as ledger:
            gate = open_permission(self.config, ledger)
            now_s = time.time() + after_s
            return gate.refusal("door", now_s, content_hash, "dlib_resnet")


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def test_a_webcam_and_volunteers_are_one_command(trial: Trial, make_sighting: object) -> None:
    trial.enrol(20)
    trial.consents(20)
    trial.open()
    authority = load_grant(trial.files, "trial").authority
    assert (authority.kind, authority.who, len(authority.volunteers)) == ("trial", ("blue-list",), 20)
    assert authority.ends_at - authority.starts_at == 86_400
    assert trial.refusal(authority.watchlist_sha256) == ""
    (record,) = [one for one in read_records(trial.files) if one["what"] == "deployment opened"]
    assert (record["facts"]["kind"], record["facts"]["volunteers_count"]) == ("trial", 20)
    desk = OpenedAlerts(trial.config, SystemClock())
    alert = desk.service.raise_alert(make_sighting())  # type: ignore[operator]
    assert desk.service.get(alert.alert_id).cautions[0] == "trial"
    desk.storage.alerts.database.close()
    desk.storage.ledger.close()


def test_the_list_of_a_trial_is_frozen(trial: Trial) -> None:
    trial.enrol(3)
    trial.consents(3)
    trial.open()
    store = WatchlistStore(trial.files.watchlist)
    assert store.approval(time.time()) is not None
    store.remove("v1")
    assert store.approval(time.time()) is None
    assert "not approved" in trial.refusal("")
    assert "not the one that was approved" in trial.refusal(store.content_hash())


@pytest.mark.parametrize(
    ("enrolled", "category", "agreed", "moment", "words", "error"),
    [
        (21, "blue-list", 21, "2026-08-01", (), "too many volunteers"),
        (0, "blue-list", 1, "2026-08-01", (), "too many volunteers, or none"),
        (3, "blue-list", 2, "2026-08-01", (), "not agreed to a trial; got: v2"),
        (3, "blue-list", 3, "2099-08-01", (), "not agreed to a trial"),
        (3, "blue-list", 3, "soon", (), "consents cannot be read"),
        (3, "suspect", 3, "2026-08-01", (), "volunteers alone; got: categories suspect"),
        (3, "test", 3, "2026-08-01", (), "volunteers alone"),
        (3, "blue-list", 3, "2026-08-01", ("--hours", "25"), "at most 24 hours"),
        (3, "blue-list", 3, "2026-08-01", ("--profile", "uk-police"), "signed by an officer"),
    ],
)
def test_what_is_no_trial(
    trial: Trial, enrolled: int, category: str, agreed: int, moment: str, words: tuple[str, ...], error: str
) -> None:
    if enrolled:
        trial.enrol(enrolled, category)
    trial.consents(agreed, moment)
    with pytest.raises(LfrError, match=error):
        trial.open(*words)
    assert not trial.files.grants


def test_a_test_with_a_stream_is_told_of_the_trial(trial: Trial) -> None:
    config = trial.config.model_copy(update={"authority": trial.config.authority.model_copy(update={"kind": "test"})})
    with open_ledger(trial.files) as ledger, pytest.raises(LfrError, match="--kind trial"):
        open_permission(config, ledger)


def test_police_categories_exist_in_neither(trial: Trial) -> None:
    from lfr_ray.govern.country_profile import load_profile
    from lfr_ray.govern.trial_deployment import open_trial, trial_authority

    rules = load_profile("test")
    for kind in ("test", "trial"):
        authority = trial_authority(
            rules, 1.8e9, kind=kind, who=("suspect",), duration_s=60.0, watchlist_sha256="a" * 64
        )
        with pytest.raises(LfrError, match="does not permit the categories suspect"):
            open_trial(trial.files, authority, rules, 1.8e9)
