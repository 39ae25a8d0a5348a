"""Profiles are data: those that come along, one of one's own, and what is wrong with a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lfr_ray.errors import ConfigError
from lfr_ray.govern.country_profile import load_profile, profile_names


def test_the_profiles_that_come_along() -> None:
    assert profile_names() == ("eu-ai-act", "test", "uk-police")
    for name in profile_names():
        assert load_profile(name).name == name


def test_what_the_british_profile_says() -> None:
    rules = load_profile("uk-police")
    live = rules.kinds["live"]
    assert (live.min_rank, live.urgent_min_rank, live.ratify_within_s) == ("superintendent", "inspector", 86400)
    assert rules.retention.alert.max_s == 86400
    assert rules.retention.watchlist.after_end_s == 86400
    assert rules.retention.recording.max_s == 31 * 86400
    assert rules.threshold.floor == rules.breaker.ceiling == 0.001
    assert not rules.two_person
    assert not {"other", "intelligence", "test"} & set(live.categories)


def test_what_the_european_profile_says() -> None:
    rules = load_profile("eu-ai-act")
    assert rules.two_person
    assert rules.kinds["live"].min_rank == "independent-authority"
    assert rules.kinds["live"].erase_unratified
    assert rules.retention.ledger.max_s >= 182 * 86400


def test_the_trial_profile_permits_trials_only() -> None:
    assert set(load_profile("test").kinds) == {"test", "trial"}
    for name in ("uk-police", "eu-ai-act"):
        assert "tester" not in load_profile(name).ranks
        assert "test" not in load_profile(name).kinds["live"].categories


def test_ranks_are_an_order() -> None:
    rules = load_profile("uk-police")
    assert rules.outranks("chief-constable", "superintendent")
    assert rules.outranks("superintendent", "superintendent")
    assert not rules.outranks("inspector", "superintendent")
    assert not rules.outranks("emperor", "constable")


def test_a_profile_of_ones_own_needs_no_code(tmp_path: Path) -> None:
    content = load_profile("uk-police").model_dump(mode="json")
    content["name"] = "jersey"
    content["ranks"] = ["centenier", "chief-officer"]
    for rules in content["kinds"].values():
        rules.update(min_rank="chief-officer", urgent_min_rank="", ratify_within_s=0)
    path = tmp_path / "jersey.yaml"
    path.write_text(yaml.safe_dump(content))
    mine = load_profile(path)
    assert mine.kinds["live"].min_rank == "chief-officer"
    assert mine.sha256 != load_profile("uk-police").sha256
    assert load_profile(path).sha256 == mine.sha256


def rules(kind: str, **changes: object) -> dict[str, object]:
    return {kind: {"min_rank": "superintendent", "categories": ["suspect"], "max_duration_s": 60} | changes}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"retentions": {}}, "retentions"),
        ({"ranks": ["constable"]}, "not in ranks"),
        ({"threshold": {"floor": 0.001, "target": 0.01}}, "target must not exceed floor"),
        ({"small_cell": -1}, "small_cell"),
        ({"kinds": rules("live", self_authorised=True)}, "an officer signs"),
        ({"kinds": rules("test", categories=["test", "suspect"])}, "names suspect; allowed: blue-list, test"),
        ({"kinds": rules("trial", categories=["test"])}, "names test; allowed: blue-list"),
        ({"kinds": rules("trial", categories=["blue-list"], max_duration_s=90_000)}, "86400, a day"),
    ],
)
def test_a_bad_profile_is_named_with_its_field(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    content = load_profile("uk-police").model_dump(mode="json") | change
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=reason):
        load_profile(path)


def test_an_unknown_profile_says_which_exist() -> None:
    with pytest.raises(ConfigError, match="eu-ai-act, test, uk-police"):
        load_profile("narnia")
