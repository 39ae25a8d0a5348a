"""A live site whose processes are killed one after the other: it goes on and loses nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ray
from ray._private.state import actors as actor_table

from lfr_ray.actors.actor_names import SERVES_CONTROLLER, find_actor
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.clock import parse_utc
from lfr_ray.errors import ResourceError
from lfr_ray.records import Probe, Sighting
from tests.integration.actors.conftest import EXPECTED, SOON_S, Site
from tests.processes import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


def info(name: str) -> dict[str, Any]:
    """What Ray knows of a named actor."""
    actor = find_actor(name)
    return {} if actor is None else dict(actor_table(actor._actor_id.hex()))


def killed(name: str) -> int:
    """Kill an actor's process, as a fault would; how often it had been started anew before."""
    actor, before = find_actor(name), int(info(name)["NumRestarts"])
    assert actor is not None
    ray.kill(actor, no_restart=False)
    return before


def started_anew(name: str, before: int) -> None:
    eventually(lambda: int(info(name).get("NumRestarts", 0)) > before, SOON_S, lambda: info(name))


def test_everybody_expected_is_alerted_and_nobody_else(site: Site) -> None:
    assert {(one["camera"], one["entry_id"]) for one in site.both_alerts()} == EXPECTED
    eventually(lambda: site.get("readyz").status_code == 200, SOON_S, lambda: site.get("readyz").text)


def test_a_camera_that_cannot_be_read_is_blind_alone(site: Site) -> None:
    camera = eventually(lambda: (one := site.camera("mast"))["problem"] and one, SOON_S)
    assert camera["state"] != "live"


def test_cameras_outlive_their_fleet_and_are_found_again(site: Site) -> None:
    def processes() -> list[tuple[Any, ...]]:
        found = [info(site.names.camera(name)) for name in ("pier", "gate")]
        return [(one["ActorID"], one["Pid"], one["NumRestarts"]) for one in found]

    before = processes()
    frames = site.camera("pier")["frames"]
    (replica,) = [one for one in ray.util.list_named_actors(all_namespaces=True) if "#fleet#" in one["name"]]
    ray.kill(ray.get_actor(replica["name"], namespace=replica["namespace"]))

    def another() -> bool:
        present = [one["name"] for one in ray.util.list_named_actors(all_namespaces=True) if "#fleet#" in one["name"]]
        return bool(present) and replica["name"] not in present

    eventually(another, SOON_S)
    eventually(lambda: site.camera("pier")["frames"] > frames, SOON_S, site.said)
    assert processes() == before
    site.matched_again()


def test_a_camera_that_dies_comes_back(site: Site) -> None:
    name, other = site.names.camera("gate"), info(site.names.camera("pier"))
    before = killed(name)
    started_anew(name, before)
    eventually(lambda: (one := site.camera("gate"))["state"] == "live" and one["frames"] > 0, SOON_S)
    # Its process is the one that it was; that it sees may be told late by a machine that is busy with the start.
    eventually(lambda: site.camera("pier")["state"] == "live", SOON_S, site.said)
    assert info(site.names.camera("pier"))["Pid"] == other["Pid"]


def test_a_matcher_that_dies_reads_the_list_again_and_goes_on(site: Site) -> None:
    watchlist = site.get("v1/watchlist").json()
    assert (watchlist["entries"], watchlist["fault"]) == (2, "")
    before = killed(site.names.matcher)
    started_anew(site.names.matcher, before)
    eventually(lambda: site.get("v1/watchlist").status_code == 200, SOON_S)
    assert site.get("v1/watchlist").json() == watchlist
    site.matched_again()


def test_a_desk_that_dies_while_alerts_come_loses_none_and_doubles_none(
    site: Site, make_sighting: Callable[..., Sighting]
) -> None:
    cameras, each = 4, 12
    acknowledged: list[str] = []
    done = threading.Event()

    def raise_alerts(camera: int) -> None:
        """As a camera does: the same sighting until it is acknowledged."""
        for number in range(each):
            sighting = make_sighting(
                f"test-{camera}-{number}",
                camera=f"camera-{camera}",
                match={"entry_id": f"entry-{number}"},
                captured_at=time.time(),
                captured_s=float(number),
            )
            while not done.is_set():
                try:
                    if (desk := site.names.find_desk()) is not None:
                        desk.ask(DeskCalls.raise_alert, sighting).wait()
                        acknowledged.append(sighting.key)
                        break
                except ResourceError:
                    pass
                time.sleep(0.1)

    threads = [threading.Thread(target=raise_alerts, args=(number,), daemon=True) for number in range(cameras)]
    for thread in threads:
        thread.start()
    try:
        for kills in range(1, 3):
            eventually(lambda kills=kills: len(acknowledged) >= 10 * kills, SOON_S, lambda: acknowledged)
            before = killed(site.names.desk)
            started_anew(site.names.desk, before)
        for thread in threads:
            thread.join(SOON_S)
    finally:
        done.set()
    assert len(acknowledged) == cameras * each
    eventually(lambda: site.get("readyz").status_code == 200, SOON_S, lambda: site.get("readyz").text)
    keys = [alert["key"] for alert in site.alerts()]
    assert len(keys) == len(set(keys))
    assert set(acknowledged) <= set(keys)
    assert {key for key in keys if key.startswith("test-")} == set(acknowledged)
    events = [event for event in site.live.events(0, 0.0) if event["kind"] == "alert_raised"]
    assert len({event["alert_id"] for event in events}) == len(events)


def pid_of(what: str) -> int:
    """The process of the desk, the matcher, a deployment, or Serve's controller."""
    present = ray.util.list_named_actors(all_namespaces=True)
    (found,) = [one for one in present if f"#{what}#" in one["name"] or one["name"] in (what, f"harbour/{what}")]
    actor = ray.get_actor(found["name"], namespace=found["namespace"])
    return int(actor_table(actor._actor_id.hex())["Pid"])


@pytest.mark.parametrize(("what", "part"), [("detector", "models"), ("desk", "desk"), (SERVES_CONTROLLER, "site")])
def test_a_frozen_process_is_told_at_once_and_started_anew(site: Site, what: str, part: str) -> None:
    eventually(lambda: site.get("readyz").status_code == 200, SOON_S, lambda: site.get("readyz").text)
    before = pid_of(what)
    os.kill(before, signal.SIGSTOP)

    def told() -> str:
        return str(site.get("readyz").json()["parts"][part])

    assert "does not answer" in eventually(told, told_s(), site.said)
    if what == "detector":
        camera = eventually(lambda: (one := site.camera("pier"))["state"] == "blind" and one, told_s(), site.said)
        assert camera["problem"].startswith("its frames are not looked at: the detector")
        assert camera["fps"] == 0.0
    eventually(lambda: site.get("readyz").status_code == 200, SOON_S, lambda: site.get("readyz").text)
    assert pid_of(what) != before
    site.matched_again()


def probe() -> Probe:
    vectors = np.zeros((3, 128), np.float32)
    vectors[:, 0] = 1.0
    return Probe("pier", 1, time.time(), "dlib_resnet", vectors, np.ones(3, np.float32))


def test_the_emergency_stop_ends_matching_at_once_and_is_shown_at_every_camera(site: Site) -> None:
    matcher = site.names.find_matcher()
    assert matcher is not None
    (answer,) = matcher.ask(MatcherCalls.match, [probe()]).wait()
    assert answer.refused == ""
    began_s = time.monotonic()
    stopped = site.post("v1/stop", officer="PC1", reason="a rehearsal")
    assert stopped.status_code == 200, stopped.text
    stopped_at = time.time()
    (answer,) = matcher.ask(MatcherCalls.match, [probe()]).wait()
    assert "a rehearsal" in answer.refused
    assert time.monotonic() - began_s < 1.0 + 4.0 * crowded()
    for camera in ("pier", "gate"):
        eventually(lambda camera=camera: "a rehearsal" in site.camera(camera)["refusal"], told_s(), site.said)
    assert "a rehearsal" in site.get("readyz").json()["parts"]["authority"]
    document = site.get("v1/deployments").json()
    assert document["stop"]["by"] == "PC1"
    assert [one["model"] for one in document["deployments"]] == ["dlib_resnet"], "auto, without any pulled file"
    # What was matched before may still be on its way to a desk that was away; nothing seen since is compared.
    late = [one for one in site.alerts() if one["key"][:5] != "test-" and parse_utc(one["captured_at"]) > stopped_at]
    assert late == []
    resumed = site.post("v1/resume", officer="PC1", reason="the rehearsal is over")
    assert resumed.status_code == 200, resumed.text
    eventually(lambda: site.camera("pier")["refusal"] == "", told_s())
    site.matched_again()


def told_s() -> float:
    """A fault is told within this time."""
    return 2.0 + 4.0 * crowded()


def crowded() -> float:
    """How many times too many processes want to run: 0 on a calm machine."""
    return max(0.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1.0)
