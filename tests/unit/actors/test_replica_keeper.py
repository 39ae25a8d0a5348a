"""Which replicas of the matcher there are, which of them cameras ask, and that each camera asks its own node's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lfr_ray
from lfr_ray.actors import actor_keeper, replica_keeper
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.configuration_digest import digest_of
from lfr_ray.actors.remote_matcher_and_models import RemoteStages
from lfr_ray.actors.replica_keeper import FROZEN_TIMES, ReplicaKeeper
from lfr_ray.config import SiteConfig
from lfr_ray.strict_yaml import parse_section

HERE, FAR = "node-here", "node-far"


class Method:
    """Stands for a method of Ray's own handle."""

    def __init__(self, process: Process, name: str) -> None:
        self._process, self._name = process, name

    def options(self, **_: Any) -> Method:
        return self

    def remote(self, *arguments: Any) -> asyncio.Future[Any]:
        self._process.asked.append((self._name, *arguments))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer = self._process.answers[self._name]
        if answer is not SILENT:
            future.set_result(answer)
        return future


SILENT = object()
"""In place of an answer that never comes."""


class Process(Handle[Any]):
    """An actor that answers what a test says."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(self)
        self.answers, self.asked, self.killed = answers, list[Any](), False

    def __getattr__(self, name: str) -> Method:
        return Method(self, name)

    def kill(self) -> None:
        self.killed = True


class Replicas:
    """The cluster: a replica a node, made anew once it was ended."""

    def __init__(self, site: SiteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.made = site, dict[str, Process]()
        monkeypatch.setattr(replica_keeper, "_others", lambda: {HERE: "here", FAR: "far"})
        monkeypatch.setattr(replica_keeper, "matcher_replica", self.make)
        monkeypatch.setattr(replica_keeper, "ANSWER_S", 0.01)
        monkeypatch.setattr(replica_keeper.Names, "find_replicas", lambda _: dict(self.made))

    def make(self, _: SiteConfig, node: str, __: str) -> Process:
        if node not in self.made or self.made[node].killed:
            self.made[node] = Process(keep=digest_of(self.site), forget=True)
        return self.made[node]


@pytest.fixture
def site(tmp_path: Path) -> SiteConfig:
    cameras = [{"name": name, "url": "demo:gate"} for name in ("gate", "pier")]
    fields = {"site": "pier", "data_dir": tmp_path, "authority": {"kind": "test"}, "cameras": cameras}
    return parse_section(SiteConfig, fields, "site")


@pytest.fixture
def replicas(site: SiteConfig, monkeypatch: pytest.MonkeyPatch) -> Replicas:
    return Replicas(site, monkeypatch)


def ticks(keeper: ReplicaKeeper, nodes: set[str], count: int = 1) -> set[str]:
    """The nodes whose replica answers after so many looks."""

    async def run() -> None:
        for _ in range(count):
            await keeper.tick(nodes, Process(), Process())

    asyncio.run(run())
    return set(keeper.answering)


def test_only_nodes_with_cameras_have_one(replicas: Replicas) -> None:
    assert ticks(ReplicaKeeper(replicas.site), {FAR, "the matcher's own"}) == {FAR}
    assert set(replicas.made) == {FAR}


def test_where_cameras_leave_it_drops_the_list_and_ends(replicas: Replicas) -> None:
    keeper = ReplicaKeeper(replicas.site)
    assert ticks(keeper, {HERE, FAR}) == {HERE, FAR}
    assert ticks(keeper, {HERE}) == {HERE}
    left = replicas.made[FAR]
    assert left.asked[-1] == ("forget",)
    assert left.killed
    assert not replicas.made[HERE].killed


def test_one_of_another_configuration_is_made_anew(replicas: Replicas) -> None:
    keeper, old = ReplicaKeeper(replicas.site), replicas.make(replicas.site, FAR, "far")
    old.answers["keep"] = "another digest"
    assert ticks(keeper, {FAR}) == set(), "cameras do not ask it"
    assert old.killed
    assert ticks(keeper, {FAR}) == {FAR}
    assert replicas.made[FAR] is not old


def test_one_of_another_version_is_not_asked(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a node that joined later, with an older image."""
    with monkeypatch.context() as there:
        there.setattr(lfr_ray, "__version__", "0.0.1")
        old = replicas.make(replicas.site, FAR, "far")
    assert ticks(ReplicaKeeper(replicas.site), {FAR}) == set()
    assert old.killed


def test_a_silent_one_is_not_asked_and_ended_only_if_it_ever_answered(replicas: Replicas) -> None:
    keeper, one = ReplicaKeeper(replicas.site), replicas.make(replicas.site, FAR, "far")
    one.answers["keep"] = SILENT
    assert ticks(keeper, {FAR}, 2 * FROZEN_TIMES) == set()
    assert not one.killed, "it is still being started"
    one.answers["keep"] = digest_of(replicas.site)
    assert ticks(keeper, {FAR}) == {FAR}
    one.answers["keep"] = SILENT
    assert ticks(keeper, {FAR}, FROZEN_TIMES - 1) == set()
    assert not one.killed
    ticks(keeper, {FAR})
    assert one.killed


def test_while_the_cluster_cannot_be_asked_the_matcher_answers(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = ReplicaKeeper(replicas.site)
    assert ticks(keeper, {FAR}) == {FAR}

    def lost() -> dict[str, str]:
        raise ConnectionError

    monkeypatch.setattr(replica_keeper, "_others", lost)
    assert ticks(keeper, {FAR}) == set()


def test_each_camera_asks_its_own_node_s_replica(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    site, where = replicas.site, {"gate": FAR, "pier": "the matcher's own"}
    cameras = {
        one.name: Process(renew=SimpleNamespace(digest=digest_of(site, one), node=where[one.name]))
        for one in site.cameras
    }
    said = SimpleNamespace(digest=digest_of(site), fault="")
    for name in ("desk_actor", "matcher_actor"):
        process = Process(said=said)
        monkeypatch.setattr(actor_keeper, name, lambda _, process=process: process)
    monkeypatch.setattr(actor_keeper, "camera_actor", lambda _, camera: cameras[camera.name])
    monkeypatch.setattr(actor_keeper, "found_cameras", lambda *_: {})
    monkeypatch.setattr(actor_keeper.Names, "listed_cameras", lambda _: set(cameras))
    keeper = Keeper(site, Process(), Process(), None)

    def near() -> dict[str, Any]:
        """The replica that each camera was told of at the last look."""
        asyncio.run(keeper.tick())
        told: dict[str, RemoteStages] = {name: one.asked[-1][1] for name, one in cameras.items()}
        return {name: stages._near for name, stages in told.items()}

    assert near() == {"gate": None, "pier": None}, "where they are is not known yet"
    near()
    assert near() == {"gate": replicas.made[FAR], "pier": None}
    replicas.made[FAR].answers["keep"] = SILENT
    near()
    assert near() == {"gate": None, "pier": None}, "the matcher answers instead"
