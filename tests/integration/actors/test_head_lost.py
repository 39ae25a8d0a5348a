"""The head of a cluster dies whole; with Redis behind Ray's control store its named actors come back by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.actors.conftest import SOON_S, TOKEN
from tests.processes import command, eventually, free_port, listens, ray_node, short_folder

PASSWORD = "0f1e2d3c4b5a"
EXEC = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"

CLIENT = """
import os, sys
import ray
from lfr_ray.actors.start_or_join_ray import join
from lfr_ray.actors.start_or_join_ray import NAMESPACE
from lfr_ray.actors.actor_names import find_actor

class Kept:
    def pid(self):
        return os.getpid()

join(sys.argv[1])
actor = find_actor("pier/kept")
if len(sys.argv) > 2:
    options = {"name": "pier/kept", "namespace": NAMESPACE, "lifetime": "detached", "max_restarts": -1}
    actor = ray.remote(Kept).options(num_cpus=0, **options).remote()
print("pid", ray.get(actor.pid.remote(), timeout=60))
"""


@pytest.mark.ray
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server")
def test_with_redis_a_lost_head_comes_back_with_its_named_actors(tmp_path: Path) -> None:
    redis_port, gcs = free_port(), free_port()
    kept = tmp_path / "redis"
    kept.mkdir()
    redis = f"redis-server --port {redis_port} --bind 127.0.0.1 --requirepass {PASSWORD} --appendonly yes --dir {kept}"
    head = (
        "ray start --head --block --disable-usage-stats --include-dashboard=false --num-cpus=0 "
        f"--node-ip-address=127.0.0.1 --port={gcs} --redis-password={PASSWORD} --object-store-memory=100000000"
    ).split()
    head.append('--system-config={"automatic_object_spilling_enabled": false}')

    def asked(*more: str) -> int:
        words = ("python", "-c", CLIENT, f"127.0.0.1:{gcs}", *more)
        with command(tmp_path / "client", *words, environment=TOKEN) as one:
            assert one.wait(SOON_S) == 0, one.stderr[-3000:]
            return int(one.stdout.rpartition("pid ")[2])

    with (
        command(tmp_path / "redis-log", "python", "-c", EXEC, *redis.split()),
        short_folder() as ray_folder,
    ):
        eventually(lambda: listens(redis_port), SOON_S)
        settings = TOKEN | {"RAY_REDIS_ADDRESS": f"127.0.0.1:{redis_port}"}
        with ray_node(tmp_path / "first", *head, f"--temp-dir={ray_folder}", environment=settings) as lost:
            before = asked("make")
            lost.kill()
            assert not lost.living()
        with ray_node(tmp_path / "second", *head, f"--temp-dir={ray_folder}", environment=settings) as node:
            assert asked() != before
            assert any("Kept" in line for line in node.living().values())
