"""How many cores a process may use, and how many of them a model works on at the same time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from lfr_ray.config import ModelConfig


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def streams_of(config: ModelConfig) -> int:
    """Pictures that a replica on a CPU works on at the same time, each on a core of its own.

    >>> [streams_of(one) for one in (ModelConfig(cpus=2.5), ModelConfig(cpus=0.3), ModelConfig(cpus=0.3, streams=2))]
    [2, 1, 2]
    """
    return config.streams or max(1, int(config.cpus))


def model_threads(streams: int) -> ThreadPoolExecutor:
    """Threads that wait for a model off the event loop: one for each stream."""
    return ThreadPoolExecutor(streams, thread_name_prefix="model")
