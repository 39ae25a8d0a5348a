"""Nodes that join a site's cluster later: in the clear, or with another version. No camera looks, and each is named."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from lfr_ray.actors.cluster_checks import NOT_ENCRYPTED
from lfr_ray.strict_yaml import load_yaml
from tests.integration.actors.conftest import SOON_S, TOKEN
from tests.processes import START_S, Command, command, eventually, free_port, ray_node, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

HEAD, LATER = "127.0.0.2", "127.0.0.3"
"""Ray takes 127.0.0.1 for this machine's address in its network."""

OTHER_VERSION = """
import sys
if any(word.endswith("default_worker.py") for word in sys.orig_argv):
    import lfr_ray
    lfr_ray.__version__ = "0.0.1"
"""
"""What Ray's workers on a node run first."""

ASKED_FOR = """
import sys
import ray
from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
from ray.experimental.internal_kv import _internal_kv_get
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
print((_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL) or b"[]").decode())
"""
"""What an autoscaler of this cluster would go by."""


class Cluster:
    """One head without TLS, a site's file, and a node that may join."""

    def __init__(self, folder: Path, stack: ExitStack, repository: Path, head_cpus: int) -> None:
        self._folder, self._stack, self._common = folder, stack, ["--block", "--disable-usage-stats"]
        self._common += ["--object-store-memory=200000000"]
        ray_folder, self.address = stack.enter_context(short_folder()), f"{HEAD}:{free_port()}"
        own = [f"--num-cpus={head_cpus}", "--include-dashboard=false", f"--port={self.address.rpartition(':')[2]}"]
        own += ['--system-config={"automatic_object_spilling_enabled": false}', f"--temp-dir={ray_folder}"]
        self.head = self._node("head", "--head", f"--node-ip-address={HEAD}", *own)
        document = load_yaml(repository / "serve_configs" / "local.yaml")
        document["http_options"]["port"] = self.port = free_port()
        document["applications"][0]["args"] |= {"data_dir": str(folder / "data"), "resources_wait_s": SOON_S}
        self.site = folder / "site.yaml"
        self.site.write_text(yaml.safe_dump(document), encoding="utf-8")

    def change(self, **fields: object) -> None:
        """Other fields in the site's file."""
        document = load_yaml(self.site)
        document["applications"][0]["args"] |= fields
        self.site.write_text(yaml.safe_dump(document), encoding="utf-8")

    def _node(self, name: str, *words: str, **environment: str) -> Command:
        node = ray_node(self._folder / name, "ray", "start", *words, *self._common, environment=TOKEN | environment)
        return self._stack.enter_context(node)

    def later(self) -> Command:
        """A node with another version of the software."""
        (here := self._folder / "other").mkdir()
        (here / "sitecustomize.py").write_text(OTHER_VERSION, encoding="utf-8")
        words = (f"--address={self.address}", f"--node-ip-address={LATER}", "--num-cpus=4")
        return self._node("later", *words, PYTHONPATH=str(here))

    def run(self) -> Command:
        """The command that starts the site."""
        words = ("lfr", "run", self.site, "--address", self.address)
        return self._stack.enter_context(command(self._folder / "out", *words, environment=TOKEN))

    def asked_for(self) -> Any:
        """The resources that an autoscaler is asked to add."""
        with command(self._folder / "asked", "python", "-c", ASKED_FOR, self.address, environment=TOKEN) as asking:
            assert asking.wait(SOON_S) == 0, asking.stderr[-2000:]
            return json.loads(asking.stdout)

    def parts(self) -> dict[str, str]:
        """As /readyz tells; empty: no answer."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10, trust_env=False)
            found: dict[str, str] = answer.json()["parts"]
        except (httpx.HTTPError, ValueError, KeyError):
            return {}
        return found


def cameras(*nodes: Command) -> int:
    """Processes of cameras."""
    return sum(line.startswith("ray::CameraActor") for node in nodes for line in node.living().values())


def test_a_node_that_joins_in_the_clear_ends_the_looking_until_it_is_gone(tmp_path: Path, repository: Path) -> None:
    with ExitStack() as stack:
        cluster = Cluster(tmp_path, stack, repository, head_cpus=4)
        cluster.run().said(r"console and alerts: http://")
        eventually(lambda: (found := cluster.parts()) and not any(found.values()), START_S, cluster.parts)
        running = cameras(cluster.head)
        assert running

        node = cluster.later()
        eventually(lambda: cluster.parts().get("site") == NOT_ENCRYPTED, SOON_S, cluster.parts)
        eventually(lambda: not cameras(cluster.head, node), SOON_S, lambda: cluster.head.living())
        other = f"node {LATER}: lfr_ray 0.0.1"
        eventually(lambda: cluster.parts().get("models") == other, SOON_S, cluster.parts)

        node.kill()
        eventually(lambda: (found := cluster.parts()) and not any(found.values()), SOON_S, cluster.parts)
        assert cameras(cluster.head) == running


def test_a_node_that_joins_in_the_clear_while_a_site_waits_for_it_is_refused(tmp_path: Path, repository: Path) -> None:
    with ExitStack() as stack:
        cluster = Cluster(tmp_path, stack, repository, head_cpus=0)
        site = cluster.run()
        wanted = eventually(cluster.asked_for, SOON_S, lambda: site.stderr)
        assert sum(one["CPU"] for one in wanted) > 1.0
        cluster.later()
        assert site.wait(SOON_S) == 2, site.stderr[-3000:]
        assert NOT_ENCRYPTED in site.stderr
        assert cluster.asked_for() == [], "an autoscaler would keep nodes for nobody"

        cluster.change(detector={"cpus": 1000})
        at_once = cluster.run()
        assert at_once.wait(SOON_S / 2) == 2, "it waits for a cluster that may not be used"
        assert NOT_ENCRYPTED in at_once.stderr

        cluster.change(encrypted_network="the test: all nodes are this machine", detector={})
        other = cluster.run()
        assert other.wait(SOON_S) == 2, other.stderr[-3000:]
        assert f"node {LATER}: lfr_ray 0.0.1" in other.stderr
