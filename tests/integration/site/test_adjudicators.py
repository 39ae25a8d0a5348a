"""Under a real profile only officers whose training is in date decide on alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lfr_ray.clock import FakeClock
from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import RefusedError
from lfr_ray.records import CaseRecord
from lfr_ray.site.open_site import OpenedAlerts

DAY_S = 86_400.0


def site(folder: Path, profile: str) -> SiteConfig:
    authority = AuthorityConfig(kind="live", deployment="airshow-1", profile=profile)
    return SiteConfig(site="pier", data_dir=folder, authority=authority)


@pytest.mark.parametrize("profile", ["uk-police", "eu-ai-act"])
def test_training_counts_until_its_day(tmp_path: Path, make_sighting: Any, trust_tree: Any, profile: str) -> None:
    def enlist(holder: str, training_until: float | None, **fields: Any) -> None:
        trust_tree.officer(holder, role="operator", training_until=training_until, **fields)

    trust_tree.site(DataDir(tmp_path))
    clock = FakeClock(1.8e9)
    desk = OpenedAlerts(site(tmp_path, profile), clock).service
    enlist("PC1", clock.wall_s() + DAY_S)
    enlist("PC2", None)
    enlist("PC3", clock.wall_s() + DAY_S, valid_until=clock.wall_s() - 1)
    alert_id = desk.raise_alert(make_sighting()).alert_id
    for officer, why in {"PC2": "not recorded or has run out", "PC3": "has run out", "PC9": "is not known"}.items():
        with pytest.raises(RefusedError) as caught:
            desk.record(alert_id, CaseRecord("decision", officer, "not_a_match"))
        assert why in caught.value.got
    assert desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match")).case.verdicts_given == 1
    other = desk.raise_alert(make_sighting("tracklet-2", match={"entry_id": "e9"})).alert_id
    clock.advance(2 * DAY_S)
    with pytest.raises(RefusedError, match="may not decide"):
        desk.record(other, CaseRecord("decision", "PC1", "not_a_match"))
    enlist("PC1", clock.wall_s() + DAY_S)  # trained again
    assert desk.record(other, CaseRecord("decision", "PC1", "not_a_match")).case.verdicts_given == 1


def test_a_test_asks_nobody_for_training(tmp_path: Path, make_sighting: Any) -> None:
    config = SiteConfig(site="pier", data_dir=tmp_path, authority=AuthorityConfig(kind="test"))
    desk = OpenedAlerts(config, FakeClock(1.8e9)).service
    alert_id = desk.raise_alert(make_sighting()).alert_id
    assert desk.record(alert_id, CaseRecord("decision", "anybody", "not_a_match")).status == "decided"
