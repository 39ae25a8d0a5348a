"""The Ray cluster below a site: started or joined."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ray

from lfr_ray.actors.ray_private import WITHOUT_SPILLING, own_signals, print_no_worker_output, without_extras
from lfr_ray.errors import RefusedError, ResourceError

NAMESPACE = "lfr"
"""Ray's namespace of all our actors."""

OBJECT_STORE_BYTES = 1 << 30
"""For a cluster that we start ourselves: some thousand canvases, far more than are ever under way."""

NODE_STORE_BYTES = 200 << 20
"""For each node of a simulated cluster."""

PROXY_LOOKED_AT = ("RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S", "2")
"""Serve starts a proxy anew that three looks found dead: after 6 s, not 30."""

WITHOUT_PRESTART = "RAY_prestart_worker_first_driver"
"""Ray would start a process for each processor that a simulated node says it has."""

STDERR = 2

ANSWER_S = 10.0
"""Who takes no connection in this time is not there."""

UNKNOWN_CALLER = "Unauthenticated"
"""What Ray's own log says, and its exception does not."""


def quieten() -> None:
    """Keep Ray's own notes off the terminal: stdout belongs to results, stderr to what an operator can act on."""
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    print_no_worker_output()


def start_local(tell: Callable[[str], None] = lambda _: None) -> None:
    """Start Ray on this machine, with nothing that writes objects to disk, and with nothing that only others need.

    Args:
        tell: Hears when a slow start is tried again.
    """
    os.environ.setdefault(*PROXY_LOOKED_AT)
    with warnings.catch_warnings(), own_signals(), without_extras(tell):
        # Ray's processes are forked and replaced at once; LanceDB warns of forks that go on.
        warnings.filterwarnings("ignore", message="lancedb fork support")
        ray.init(
            address="local",  # not whatever cluster happens to run on this machine
            namespace=NAMESPACE,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=OBJECT_STORE_BYTES,
            **WITHOUT_SPILLING,
        )
    quieten()


@contextmanager
def several_nodes(count: int, cpus: float, tell: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """So many nodes on this machine, which say that they have so many processors: to simulate a cluster.

    Returns:
        Its address, until the block ends.
    """
    from ray.cluster_utils import Cluster

    os.environ[WITHOUT_PRESTART] = "0"
    node: dict[str, Any] = {"num_cpus": cpus, "object_store_memory": NODE_STORE_BYTES, "include_dashboard": False}
    with own_signals(), without_extras(tell):
        cluster = Cluster(initialize_head=True, head_node_args={**node, **WITHOUT_SPILLING})
        try:
            for _ in range(count - 1):
                cluster.add_node(**node)
            yield cluster.address
        finally:
            ray.shutdown()  # whoever is connected to a node may not end it
            cluster.shutdown()


def join(address: str) -> None:
    """Connect to a cluster that is already running.

    Raises:
        ResourceError: Nobody answers there.
        RefusedError: It wants another token, or would spill objects to disk.
    """
    said: list[str] = []
    try:
        _reach(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
        with own_signals(), _held_back(said):
            ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
    except (ray.exceptions.AuthenticationError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, ray.exceptions.AuthenticationError) or UNKNOWN_CALLER in "".join(said):
            raise RefusedError(
                "the Ray cluster wants its token",
                got=f"{address}: RAY_AUTH_MODE={os.environ.get('RAY_AUTH_MODE', '')}",
                allowed="RAY_AUTH_MODE=token, and the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN",
                next_step="copy the token from the head node, set RAY_AUTH_MODE=token and run the same command again",
            ) from None
        raise ResourceError(
            "the Ray cluster cannot be reached",
            got=f"{address}: {type(error).__name__}",
            next_step="start it with `ray start --head` (see cluster/README.md) or leave --address out",
        ) from None
    quieten()
    from lfr_ray.actors.cluster_checks import check_spilling  # loads a site's fields and more

    check_spilling()


def _reach(address: str) -> None:
    """Connect to ``host:port`` and hang up: Ray itself tries for ten minutes and more, without a word.

    Raises:
        OSError: Nobody is there.
        ValueError: There is no such port.
    """
    parts = urlsplit(f"//{address.rpartition('://')[2]}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), ANSWER_S).close()


@contextmanager
def _held_back(said: list[str]) -> Iterator[None]:
    """What is written to stderr meanwhile, by Ray a line for each of its tries, goes to the end of a list instead."""
    with tempfile.TemporaryFile() as written:
        kept = os.dup(STDERR)
        os.dup2(written.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            written.seek(0)
            said.append(written.read().decode(errors="replace"))
