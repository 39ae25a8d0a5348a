"""The matcher's replicas on a cluster of three nodes, while its list changes, it is stopped, and one of them dies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.actors.conftest import SOON_S
from tests.processes import command, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

LISTED = 600

CLIENT = f"""
import asyncio, json, os, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import ray
from lfr_ray.actors.start_or_join_ray import join, several_nodes
from lfr_ray.actors.launch_actors import matcher_actor
from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_keeper import Keeper
from lfr_ray.actors.actor_names import HEALTH, Names
from lfr_ray.actors.node_leftover_scan import search_nodes, searching
from lfr_ray.actors.actor_protocols import MatcherCalls
from lfr_ray.actors.matcher_replica import MatcherReplica
from lfr_ray.actors.process_counters import Counted
from lfr_ray.actors.ray_private import row_of
from lfr_ray.actors.remote_matcher_and_models import RemoteStages, ReplicaCalls
from lfr_ray.actors.replace_actors import stop_actors
from lfr_ray.actors.replica_keeper import ReplicaKeeper
from lfr_ray.config import SiteConfig
from lfr_ray.govern.erasure_fingerprints import ScanKey, fingerprints_of
from lfr_ray.govern.leftover_scan import Scanner
from lfr_ray.match.permission import Permit
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.metrics import merged
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Probe
from lfr_ray.site.open_site import open_store

MODEL = "simulated-embedder-1"
site = SiteConfig(
    site="replicas", authority={{"kind": "test"}}, data_dir=Path(sys.argv[1]) / "data", embedder={{"model": MODEL}}
)

def vector(seed):
    found = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    return found / np.linalg.norm(found)

def image(seed):
    return EnrolledImage(
        entry=Entry(f"e{{seed}}", "Name", "test"), file_sha256=f"{{seed:064x}}", model=card(MODEL).enrolled_as,
        vector=vector(seed), quality=0.9, size_px=100.0, jpeg=b"picture", imported_by="maker", imported_at=1.0,
    )

def probe(seed):
    return Probe("gate", 1, time.time(), MODEL, np.stack([vector(seed)] * 4), np.ones(4, np.float32))

def say(what, **said):
    print(what, json.dumps(said), flush=True)

class Slow:
    worked = 0

    def match(self, probes):
        time.sleep(0.1)
        self.worked += 1

    def permit(self, probes, node, version):
        self.match(probes)
        return Permit([], "", 0.0)

    def ready(self):
        return self.worked

STRANGER, ADDED = 10_000, 5_000
store = open_store(site)
store.put([image(seed) for seed in range({LISTED})])

async def main(nodes):
    matcher, keeper = matcher_actor(site), ReplicaKeeper(site)

    async def keep():
        while True:
            await keeper.tick(nodes, matcher, matcher)  # no stranger calls here: the desk is not asked
            await asyncio.sleep(0.2)

    async def until(ready):
        while not await ready():
            await asyncio.sleep(0.05)

    async def answers(replica):
        began_s = time.monotonic()
        probes = [probe(seed) for seed in (STRANGER, ADDED, 0)]
        found = await replica.ask(ReplicaCalls.match, probes).within(30.0) or [None] * 3
        return began_s, *("left" if one is None else one.refused or "nobody" for one in found)

    async def level():
        return len(keeper.answering) == 2 and not [
            one for one in keeper.answering.values() if (await answers(one))[1] != "nobody"
        ]

    keeping = asyncio.create_task(keep())
    await until(level)
    replicas = dict(keeper.answering)
    answering = Keeper.replicas.fget(SimpleNamespace(_replicas=keeper))
    here = SimpleNamespace(cameras={{}}, matcher=matcher, desk=matcher, replicas=answering)
    counted = merged(await Counted(here, {{}}, {{}}).snapshots()).values.items()
    say("memory", held={{dict(of)["process"]: bytes_ for (name, of), bytes_ in counted if name == "memory_rss_bytes"}})
    say("begun", replicas=len(replicas), first=[(await answers(one))[1:] for one in replicas.values()])
    scanner = Scanner(key := ScanKey.create(), {{"d1": fingerprints_of(key, [vector(9).tobytes()])}})
    say("shared", found=sum(len(one.findings) for one in (await asyncio.to_thread(search_nodes, scanner))[0]))

    # A list change under way: both replicas are asked all the time.
    asked, over = [], asyncio.Event()

    async def hammer(replica):
        while not over.is_set():
            asked.append(await answers(replica))

    hammering = [asyncio.create_task(hammer(one)) for one in replicas.values()]
    before = (await matcher.ask(MatcherCalls.watchlist)).hash
    await asyncio.to_thread(store.put, [image(ADDED)])

    async def taken_up():
        return (await matcher.ask(MatcherCalls.watchlist)).hash != before

    await until(taken_up)
    acknowledged_s = time.monotonic()
    await until(level)
    level_s = time.monotonic()
    await asyncio.sleep(1.0)
    late = [one for one in asked if one[0] > acknowledged_s]
    (answer,) = await matcher.ask(MatcherCalls.match, [probe(ADDED)])
    say(
        "changed", older=sum(one[2] == "nobody" for one in late), asked=len(asked), asked_later=len(late),
        before=[one[1:] for one in asked][0], behind=sum(one[1] == "left" for one in asked),
        took_s=level_s - acknowledged_s, matched=answer.match.entry_id,
    )
    counted = await matcher.ask(MatcherCalls.snapshot)
    say("behind", nodes=[value for (name, _), value in counted.values.items() if name == "matcher_replica_behind"])

    await matcher.ask(MatcherCalls.halt, "PC1", "test")
    stopped_s, asked[:] = time.monotonic(), []
    await asyncio.sleep(2.0)
    say("stopped", after=sorted({{said for one in asked if one[0] > stopped_s for said in one[1:]}}), asked=len(asked))
    await matcher.ask(MatcherCalls.resume, "PC1", "test")
    await until(level)
    over.set()
    await asyncio.gather(*hammering)

    # One is frozen, one is killed.
    keeping.cancel()
    frozen, killed = replicas.values()
    stages = [RemoteStages(None, None, matcher, matcher, near=one) for one in (frozen, killed)]
    os.kill(row_of(frozen.remote)["Pid"], signal.SIGSTOP)
    os.kill(old := row_of(killed.remote)["Pid"], signal.SIGKILL)
    began_s = time.monotonic()
    found = [await one.match([probe(STRANGER), probe(ADDED)]) for one in stages]
    entries = [[one.match and one.match.entry_id for one in some] for some in found]
    say("gone", entries=entries, took_s=time.monotonic() - began_s)

    async def begun_anew():
        return await killed.ask(ReplicaCalls.forget).within(5.0)

    await until(begun_anew)
    _, left_out = await asyncio.to_thread(searching(site, 5.0), scanner)
    say("searched", left_out=left_out)
    keeping = asyncio.create_task(keep())
    await until(level)
    say("back", pids=len({{old, *(row_of(one.remote)["Pid"] for one in keeper.answering.values())}}))
    _, left_out = await asyncio.to_thread(searching(site), scanner)
    keeping.cancel()
    say("dropped", left_out=left_out)
    await stop_actors(site)
    say("ended", replicas=len(Names.of(site).find_replicas()))

    # With groups of threads, as the matcher is: of an actor without them Ray takes no question back.
    slow = Handle(ray.remote(num_cpus=0, concurrency_groups={{HEALTH: 1}})(Slow).remote())
    await slow.ask(MatcherCalls.ready)
    stages, replica = RemoteStages(None, None, slow, slow), MatcherReplica(site, "node")
    await replica.keep(slow, slow)
    unheld = Probe("gate", 1, 0.0, "", np.zeros((1, 0)), np.ones(1))
    cameras = [asyncio.create_task(stages.match([unheld])) for _ in range(40)]
    await asyncio.sleep(0.5)
    for one in cameras:
        one.cancel()
    of_cameras = await slow.ask(MatcherCalls.ready)
    await asyncio.gather(*(replica.match([unheld]) for _ in range(40)))
    await replica.forget()
    say("withdrawn", cameras=of_cameras, replicas=await slow.ask(MatcherCalls.ready) - of_cameras)

with several_nodes(3, 4.0) as address:
    join(address)
    asyncio.run(main({{one["NodeID"] for one in ray.nodes()}}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the client said, by what it was of."""
    folder = tmp_path_factory.mktemp("replicas")
    with short_folder() as ray_folder:
        words = ("python", "-W", "ignore", "-c", CLIENT, folder)
        settings = {"RAY_TMPDIR": str(ray_folder), "RAY_raylet_start_wait_time_s": "180"}
        with command(folder / "out", *words, environment=settings) as done:
            assert done.wait(SOON_S * 2) == 0, done.stdout[-3000:] + done.stderr[-3000:]
            assert not done.left()
            lines = (one.partition(" ") for one in done.stdout.splitlines())
            return {what: json.loads(text) for what, _, text in lines if text.startswith("{")}


def test_every_node_but_the_matchers_has_one(said: dict[str, Any]) -> None:
    assert said["begun"]["replicas"] == 2
    assert said["begun"]["first"] == [["nobody", "nobody", "left"]] * 2, "who is listed is left to the matcher"
    assert said["shared"]["found"] == 0, "the list travels past Ray's shared memory"


def test_what_each_holds_is_counted(said: dict[str, Any]) -> None:
    matcher, *replicas = sorted(said["memory"]["held"])
    assert matcher == "matcher"
    assert len(replicas) == 2
    assert all(one.startswith("matcher replica ") for one in replicas)
    assert min(said["memory"]["held"].values()) > 10_000_000


def test_nothing_is_answered_from_the_older_list_once_a_change_is_acknowledged(said: dict[str, Any]) -> None:
    changed = said["changed"]
    assert changed["before"][1] == "nobody", "whoever is not on the list yet"
    assert changed["asked_later"] > 10
    assert changed["older"] == 0
    assert changed["behind"] > 0, "meanwhile the matcher is asked"
    assert changed["matched"] == "e5000"
    assert said["behind"]["nodes"] == [0.0, 0.0], "level again"


def test_a_stop_holds_for_replicas(said: dict[str, Any]) -> None:
    assert said["stopped"]["asked"] > 10
    assert "nobody" not in said["stopped"]["after"]


def test_a_replica_that_is_frozen_or_killed_leaves_its_cameras_to_the_matcher_and_comes_back(
    said: dict[str, Any],
) -> None:
    assert said["gone"]["entries"] == [[None, "e5000"]] * 2
    assert said["back"]["pids"] == 3, "both were made anew"


def test_an_erasure_makes_replicas_drop_the_list_or_names_their_node(said: dict[str, Any]) -> None:
    (named,) = said["searched"]["left_out"]
    assert "replica on node" in named
    assert said["dropped"]["left_out"] == []
    assert said["ended"]["replicas"] == 0


def test_questions_that_nobody_awaits_any_more_are_not_worked_on(said: dict[str, Any]) -> None:
    assert 1 <= said["withdrawn"]["cameras"] < 20, "of 40 that were given up after half a second"
    assert 1 <= said["withdrawn"]["replicas"] < 20, "of 40 permits"
