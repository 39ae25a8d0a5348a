"""A cluster as the README starts it, and Serve's own commands on it: run, deploy, status."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from lfr_ray.alert.alert_queries import AlertQuery
from lfr_ray.cli.deployment import THIS_ALONE
from lfr_ray.config import SiteConfig
from lfr_ray.site.open_site import open_storage
from lfr_ray.strict_yaml import load_yaml
from tests.integration.actors.conftest import EXPECTED, SOON_S, TOKEN
from tests.processes import Command, command, eventually, free_port, ray_node, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

READY_S = 300.0
REFUSAL_S = 45.0
"""What a cluster lacks is said within this time, where the machine has little else to do."""

WAITING = {
    "detector": {"model": "simulated-detector-1", "cpus": 0.1},
    "embedder": {"model": "simulated-embedder-1", "cpus": 0.1},
    "watchlist": "",
}
"""Models that wait instead of computing, for what no model decides."""

TOO_MUCH = {"detector": {"gpus": 1}, "embedder": {"cpus": 1000}}


@dataclass
class Cluster:
    """One node on loopback, with its dashboard, and the environment that clients need."""

    folder: Path
    dashboard: str
    environment: dict[str, str]
    node: Command
    http_port: int
    """Serve's proxy keeps the port of the first site as long as the cluster lives."""

    def run(self, *words: object, limit_s: float = 180.0) -> Command:
        """A client's command, to its end."""
        with command(self.folder / "clients", *words, environment=self.environment) as started:
            started.wait(limit_s)
            return started

    def code(self, done: Command) -> int:
        return done.wait(1.0)


def start(folder: Path, ray_folder: Path) -> Iterator[Cluster]:
    gcs, dashboard = free_port(), free_port()
    environment = {
        **TOKEN,
        "RAY_ADDRESS": f"127.0.0.1:{gcs}",
        "RAY_DASHBOARD_ADDRESS": f"http://127.0.0.1:{dashboard}",
        "RAY_TMPDIR": str(ray_folder),
    }
    words = (
        "ray start --head --block --disable-usage-stats --include-dashboard=true --num-cpus=2 "
        f"--node-ip-address=127.0.0.1 --dashboard-host=127.0.0.1 --port={gcs} --dashboard-port={dashboard} "
        f"--temp-dir={ray_folder} --object-store-memory=400000000 --object-spilling-directory=/dev/shm"
    ).split()
    words.append('--system-config={"automatic_object_spilling_enabled": false}')
    own = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"}
    with ray_node(folder / "node", *words, environment=own) as node:
        cluster = Cluster(folder, environment["RAY_DASHBOARD_ADDRESS"], environment, node, free_port())
        header = {"Authorization": f"Bearer {environment['RAY_AUTH_TOKEN']}"}

        def answers() -> bool:
            assert node.running, node.stdout[-2000:] + node.stderr[-2000:]
            try:
                found = httpx.get(f"{cluster.dashboard}/api/version", headers=header, timeout=5, trust_env=False)
                return found.status_code == 200
            except httpx.HTTPError:
                return False

        eventually(answers, READY_S, lambda: node.stdout[-2000:])
        yield cluster  # ended at once: in order a node takes half a minute


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """As README and cluster/README.md start it."""
    with short_folder() as ray_folder:
        yield from start(tmp_path_factory.mktemp("cluster"), ray_folder)


def site_file(folder: Path, repository: Path, port: int, **changes: Any) -> tuple[Path, str]:
    """serve_configs/local.yaml on this port, with a folder of its own; and the site's address."""
    document = load_yaml(repository / "serve_configs" / "local.yaml")
    document["http_options"]["port"] = port
    args = document["applications"][0]["args"] | {"data_dir": str(folder / "data")}
    args["cameras"] = [one | {"max_fps": 5} for one in args["cameras"]]  # other tests run beside
    document["applications"][0]["args"] = args | changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path, f"http://127.0.0.1:{port}/"


def alerted(address: str) -> set[tuple[str, str]]:
    """Who was alerted; nobody while the site is being started."""
    try:
        answer = httpx.get(address + "v1/alerts", timeout=10, trust_env=False)
    except httpx.HTTPError:
        return set()
    if answer.status_code != 200:
        return set()
    return {(one["camera"], one["entry_id"]) for one in answer.json()["alerts"]}


def ready(address: str) -> bool:
    """The site runs; asked over HTTP, because each of Serve's commands takes seconds of this machine's cores."""
    try:
        return httpx.get(address + "readyz", timeout=10, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def application(cluster: Cluster) -> dict[str, Any]:
    """What Serve says of the site's application; asked over HTTP for the same reason as in :func:`ready`."""
    header = {"Authorization": f"Bearer {cluster.environment['RAY_AUTH_TOKEN']}"}
    answer = httpx.get(f"{cluster.dashboard}/api/serve/applications/", headers=header, timeout=60, trust_env=False)
    return dict(answer.json()["applications"]["lfr"])


def cameras_of(node: Command) -> dict[int, str]:
    """The kind of each of the site's actors, by process; a title also tells what its process does just now."""
    found = {pid: re.match(r"ray::(CameraActor|MatcherActor|DeskActor)", line) for pid, line in node.living().items()}
    return {pid: kind[1] for pid, kind in found.items() if kind}


def test_serve_deploys_a_site_and_lfr_run_joins_it_and_ends_it(
    cluster: Cluster, tmp_path: Path, repository: Path
) -> None:
    path, address = site_file(tmp_path, repository, cluster.http_port)
    deployed = cluster.run("serve", "deploy", path)
    assert cluster.code(deployed) == 0, deployed.stdout + deployed.stderr
    eventually(lambda: ready(address), READY_S, lambda: application(cluster))
    shown = cluster.run("serve", "status")
    assert cluster.code(shown) == 0, shown.stdout + shown.stderr
    status = yaml.safe_load(shown.stdout)["applications"]["lfr"]
    assert status["status"] == "RUNNING"
    assert {"detector", "embedder", "fleet"} <= {name.lower() for name in status["deployments"]}
    digest = deployed_again(cluster, tmp_path, repository, address)
    words = ("lfr", "run", path, "--address", cluster.environment["RAY_ADDRESS"])
    with command(tmp_path / "out", *words, environment=cluster.environment) as running:
        running.said(f"console and alerts: {address}")
        assert f"configuration in force: {digest}" in running.stderr
        eventually(lambda: ready(address), READY_S)
        a_wrong_file_changes_nothing(cluster, tmp_path, repository, address)
        with command(tmp_path / "second", *words, environment=cluster.environment) as second:
            another_site_and_a_stranger_are_refused(cluster, tmp_path, repository)
            assert second.wait(180) == 2
            assert f"process {running.pid} on " in second.stderr, second.stderr
        assert ready(address)
        assert running.end(signal.SIGINT, 90) < 10.0
        assert running.wait(0) == 130
    eventually(lambda: not cameras_of(cluster.node), 60, lambda: cameras_of(cluster.node))
    assert cluster.node.running
    a_backup_holds_all(tmp_path)


def a_backup_holds_all(folder: Path) -> None:
    """As cluster/README.md makes one and brings it back."""
    backup, restored = folder / "backup.tar", folder / "restored"
    restored.mkdir(mode=0o700)
    subprocess.run(["tar", "--create", "--file", backup, "--directory", folder / "data", "."], check=True)
    subprocess.run(["tar", "--extract", "--file", backup, "--directory", restored], check=True)
    with command(folder / "out", "lfr", "audit", "verify", "--data-dir", restored) as verified:
        assert verified.wait() == 0, verified.stderr
    with open_storage(SiteConfig(site="local", data_dir=folder / "data")) as before:
        alerts, entries = before.alerts.page(AlertQuery())[0], before.watchlist.entries()
    assert alerts
    assert entries
    with open_storage(SiteConfig(site="local", data_dir=restored)) as after:
        assert after.alerts.page(AlertQuery())[0] == alerts
        assert after.watchlist.entries() == entries


def deployed_again(cluster: Cluster, folder: Path, repository: Path, address: str) -> str:
    """Deploy the site with another threshold, cooldown, camera address and pace; the new configuration's digest."""

    def shown(path: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address + path, timeout=30, trust_env=False)
        except httpx.HTTPError:  # Serve replaces the ingress
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    (before,) = shown("v1/deployments")["deployments"]
    threshold = round(shown("v1/watchlist")["threshold"] + 0.01, 4)
    eventually(lambda: alerted(address) >= EXPECTED, READY_S)
    cameras = [
        {"name": "pier", "url": "demo:gate", "on_end": "loop", "max_fps": 4},
        {"name": "mast", "url": "demo:pier", "on_end": "loop", "max_fps": 5},
    ]
    changes = {"match": {"threshold": threshold}, "alert": {"cooldown_s": 1.0}, "cameras": cameras}
    path, _ = site_file(folder, repository, cluster.http_port, **changes)
    deployed = cluster.run("serve", "deploy", path)
    assert cluster.code(deployed) == 0, deployed.stdout + deployed.stderr

    def changed() -> dict[str, Any] | None:
        (now,) = shown("v1/deployments").get("deployments", [before])
        return now if now["configuration"] != before["configuration"] and ready(address) else None

    now = eventually(changed, READY_S, lambda: shown("readyz"))
    assert shown("v1/watchlist")["threshold"] == threshold
    assert [one["name"] for one in shown("v1/cameras")["cameras"]] == ["pier", "mast"]
    eventually(lambda: [*cameras_of(cluster.node).values()].count("CameraActor") == 2, 60)
    new = {("pier", "demo-astronaut"), ("mast", "demo-touchline")}
    eventually(lambda: alerted(address) >= EXPECTED | new, READY_S, lambda: alerted(address))
    (pier, _) = shown("v1/cameras")["cameras"]
    assert pier["fps_wanted"] < 5.0
    return str(now["configuration"])


def a_wrong_file_changes_nothing(cluster: Cluster, folder: Path, repository: Path, address: str) -> None:
    """What runs goes on, and it is said why the new one does not."""
    before = cameras_of(cluster.node)
    assert before
    wrong, _ = site_file(folder / "wrong", repository, cluster.http_port, **TOO_MUCH, resources_wait_s=1)
    assert cluster.code(cluster.run("serve", "deploy", wrong)) == 0
    said = eventually(
        lambda: (one := application(cluster))["status"] == "DEPLOY_FAILED" and one["message"],
        SOON_S,
        lambda: application(cluster),
    )
    assert "the cluster lacks CPU" in said
    assert "GPU 1" in said
    assert ready(address)
    assert cameras_of(cluster.node) == before


def another_site_and_a_stranger_are_refused(cluster: Cluster, folder: Path, repository: Path) -> None:
    """A second site would end the first; and who has no token reads which one is wanted."""
    other, _ = site_file(folder / "other", repository, cluster.http_port, site="other")
    words = ("lfr", "run", other, "--address", cluster.environment["RAY_ADDRESS"])
    without = {name: value for name, value in cluster.environment.items() if not name.startswith("RAY_AUTH")}
    with (
        command(folder / "refused", *words, environment=cluster.environment) as refused,
        command(folder / "stranger", *words, environment=without | {"HOME": str(folder)}) as stranger,
    ):
        assert refused.wait(180) == 2
        assert "another site runs on this Ray cluster" in refused.stderr, refused.stderr
        assert stranger.wait(180) == 1
        assert "RAY_AUTH_MODE=token" in stranger.stderr
        assert len(stranger.stderr.splitlines()) < 8, stranger.stderr


def test_without_the_token_the_answer_is_401(cluster: Cluster) -> None:
    answer = httpx.get(f"{cluster.dashboard}/api/serve/applications/", timeout=30, trust_env=False)
    assert answer.status_code == 401
    with command(
        cluster.folder / "strangers",
        "serve",
        "status",
        environment=cluster.environment | {"RAY_AUTH_TOKEN": "f" * 32},
    ) as refused:
        assert refused.wait(180) != 0
        assert re.search("401|403|[Uu]nauthor|[Ff]orbidden|[Ii]nvalid.*token", refused.stdout + refused.stderr)


def test_a_closing_searches_the_nodes_of_the_cluster_that_it_is_told(cluster: Cluster, tmp_path: Path) -> None:
    notes = []
    for place in ((), ("--address", cluster.environment["RAY_ADDRESS"])):
        data = tmp_path / f"data{len(notes)}"
        for words in (("open", "evening", "--kind", "test"), ("close", "evening", *place, "--json", "-")):
            done = cluster.run("lfr", "deployment", *words, "--data-dir", data)
            assert cluster.code(done) == 0, done.stdout + done.stderr
        notes.append(json.loads(done.stdout)["receipt"]["notes"])
    this_alone, all_nodes = notes
    assert THIS_ALONE in this_alone
    assert THIS_ALONE not in all_nodes
    assert not [one for one in all_nodes if "was not searched" in one]
    assert cluster.node.running


def test_run_ends_with_the_terminal(cluster: Cluster, tmp_path: Path, repository: Path) -> None:
    path, address = site_file(tmp_path, repository, cluster.http_port, site="run", **WAITING)
    with command(tmp_path / "out", "serve", "run", path, environment=cluster.environment) as running:
        eventually(lambda: running.running and ready(address), READY_S, lambda: running.stderr[-3000:])
        assert cameras_of(cluster.node)
        running.end(signal.SIGINT, 90)
    eventually(lambda: not cameras_of(cluster.node), 60, lambda: cameras_of(cluster.node))


@pytest.mark.footage
def test_recorded_footage_is_watched_on_it_and_it_goes_on(cluster: Cluster, tmp_path: Path, shared_data: Path) -> None:
    shutil.copytree(shared_data / "images" / "Lin_Manuel_Miranda", tmp_path / "people" / "Lin_Manuel_Miranda")
    clip = shared_data / "videos" / "hamilton.mp4"
    words = ("lfr", "watch", clip, "--watchlist", tmp_path / "people", "--json", "-")
    done = cluster.run(*words, "--address", cluster.environment["RAY_ADDRESS"], limit_s=READY_S)
    assert cluster.code(done) == 0, done.stderr
    document = json.loads(done.stdout)
    assert [(one["name"], one["frames"]) for one in document["sources"]] == [("hamilton", 275)]
    assert {one["entry_id"] for one in document["alerts"]} == {"Lin_Manuel_Miranda"}
    assert document["problems"] == []
    eventually(lambda: not cameras_of(cluster.node), 60, lambda: cameras_of(cluster.node))
    assert cluster.node.running


@pytest.mark.footage
def test_a_signal_ends_the_watching_on_it_and_leaves_what_was_found(
    cluster: Cluster, tmp_path: Path, shared_data: Path
) -> None:
    shutil.copytree(shared_data / "images" / "Lin_Manuel_Miranda", tmp_path / "people" / "Lin_Manuel_Miranda")
    clips = [shared_data / "videos" / "hamilton.mp4"] * 40
    address = ("--address", cluster.environment["RAY_ADDRESS"])
    words = ("lfr", "watch", *clips, "--watchlist", tmp_path / "people", "--json", tmp_path / "found.json")
    with command(tmp_path / "out", *words, *address, environment=cluster.environment) as crashing:
        crashing.said("watching: ")
    assert cameras_of(cluster.node), "nothing was left: the end below would show nothing"
    with command(tmp_path / "out", *words, *address, environment=cluster.environment) as running:
        running.said("watching: [1-9]")
        assert running.end(signal.SIGTERM, 60) < 10.0
        assert running.wait(0) == 143, running.stderr
        assert running.left() == {}
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["incomplete"] is True
    eventually(lambda: not cameras_of(cluster.node), 60, lambda: cameras_of(cluster.node))
    assert cluster.node.running


def test_what_the_cluster_lacks_is_named_in_time(cluster: Cluster, tmp_path: Path, repository: Path) -> None:
    path, _ = site_file(tmp_path, repository, cluster.http_port, **TOO_MUCH, resources_wait_s=5)
    began_s = time.monotonic()
    words = ("lfr", "run", path, "--address", cluster.environment["RAY_ADDRESS"])
    with command(tmp_path / "out", *words, environment=cluster.environment) as refused:
        assert refused.wait(REFUSAL_S + 60) in (1, 2)
        assert time.monotonic() - began_s < REFUSAL_S
        assert "the cluster lacks CPU" in refused.stderr
        assert "GPU 1" in refused.stderr


PLAIN_RAY = """
import ray, sys
print(ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False).address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


def test_a_cluster_that_spills_objects_is_refused(tmp_path: Path, repository: Path) -> None:
    path, _ = site_file(tmp_path / "site", repository, free_port())
    with short_folder() as ray_folder:
        own = {**TOKEN, "RAY_TMPDIR": str(ray_folder), "RAY_USAGE_STATS_ENABLED": "0"}
        words = [sys.executable, "-W", "ignore", "-c", PLAIN_RAY]
        with subprocess.Popen(
            words, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            address = other.stdout.readline().strip()
            assert address, "it did not start"
            with command(tmp_path / "out", "lfr", "run", path, "--address", address, environment=TOKEN) as refused:
                assert refused.wait(180) in (1, 2)
            other.communicate("", timeout=60)
    assert "spills objects to disk" in refused.stderr
    assert "automatic_object_spilling_enabled" in refused.stderr
