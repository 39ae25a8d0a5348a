"""Kills a frozen process, on whichever node it runs; where the node does not answer, Ray gives up the node."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from lfr_ray.actors.ray_private import row_of


def kill_on_its_node(actor: Any) -> None:
    """Kill an actor's process of now, so that it is made anew.

    ``ray.kill`` keeps what it cannot deliver: once a node that was cut off is given up, it would kill the process that
    has taken the place of the one that was meant. For one of its own node it would wait.
    """
    row = row_of(actor)
    node, pid = row["Address"]["NodeID"], row["Pid"]
    if node == ray.get_runtime_context().get_node_id():
        kill(pid)
        return
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(kill).options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(pid)


def kill(pid: int) -> bool:
    """Kill one of Ray's processes of this machine; False: there is none of that number any more."""
    title = Path(f"/proc/{pid}/cmdline")
    try:
        if title.exists() and not title.read_bytes().startswith(b"ray::"):
            return False
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
