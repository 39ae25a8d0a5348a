"""The emergency stop takes effect while the matcher is busy, survives a restart, and fails for nobody's words."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.actors import matcher_actor
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.actors.matcher_feed import PERMIT_S
from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.emergency_stop import Halts
from lfr_ray.match.comparer import Comparer
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Probe


def vector() -> np.ndarray:
    made = np.random.default_rng(1).normal(size=128).astype(np.float32)
    return made / np.linalg.norm(made)


@pytest.fixture
def matcher(tmp_path: Path) -> MatcherActor:
    image = EnrolledImage(Entry("e1", "x", "test"), "1" * 64, "dlib_resnet", vector(), 0.9, 80.0, b"x", "op-1", 1.0)
    WatchlistStore(DataDir(tmp_path).watchlist).put([image])
    site = SiteConfig.model_validate({"site": "pier", "data_dir": tmp_path, "authority": AuthorityConfig(kind="test")})
    return MatcherActor(site)


def probe() -> Probe:
    return Probe("pier", 1, time.time(), "dlib_resnet", np.stack([vector()] * 3), np.ones(3, np.float32))


def test_a_stop_waits_for_no_comparison_and_counts_for_the_one_under_way(
    matcher: MatcherActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert matcher.match([probe()])[0].match is not None
    comparing, go_on = threading.Event(), threading.Event()
    compare = Comparer.found

    def slow(*arguments: object) -> object:
        comparing.set()
        assert go_on.wait(60)
        return compare(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Comparer, "found", slow)
    answers = []
    under_way = threading.Thread(target=lambda: answers.extend(matcher.match([probe()])))
    under_way.start()
    assert comparing.wait(60)
    stopped = matcher.halt("PC1", "disorder")  # answers while that comparison hangs
    assert stopped.by == "PC1"
    assert "disorder" in Halts(DataDir(matcher._site.data_dir)).refusal()
    go_on.set()
    under_way.join(60)
    assert answers[0].match is None
    assert "disorder" in answers[0].refused


def test_a_stop_returns_once_nothing_permitted_before_counts_any_more(
    matcher: MatcherActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(matcher_actor.time, "sleep", waited.append)
    matcher.halt("PC1", "disorder")
    assert waited == [], "there is no replica"
    matcher.resume("PC1", "it is over")
    assert matcher.permit([], "192.0.2.7/abc", "").version
    matcher.halt("PC1", "disorder")
    assert waited == [PERMIT_S]
    assert matcher.permit([], "192.0.2.7/abc", "").version == ""


@pytest.mark.parametrize("reason", ["", "\x00", "x" * 9000, "A" * 900 + "base64,", "\udcff\n"])
def test_no_reason_is_too_odd(matcher: MatcherActor, reason: str) -> None:
    matcher.halt("PC1", reason)
    assert "was stopped" in matcher.match([probe()])[0].refused


def test_it_survives_a_restart_and_the_removal_of_its_file(matcher: MatcherActor) -> None:
    matcher.halt("PC1", "disorder")
    DataDir(matcher._site.data_dir).stop.unlink()
    again = MatcherActor(matcher._site)
    assert "disorder" in again.match([probe()])[0].refused
    stop = again.deployments().stop
    assert stop is not None
    assert stop.by == "PC1"
    again.resume("PC2", "it is over")
    assert again.match([probe()])[0].refused == ""
