"""Outputs that run while a test looks, as the desk runs them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.output_delivery import Outputs, Sink
from lfr_ray.clock import SystemClock
from lfr_ray.metrics import Meter

LIMIT_S = 30.0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(done: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < until_s, f"not in time: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def running(sinks: Sequence[Sink], desk: AlertService, cameras: Mapping[str, str] | None = None) -> Iterator[Meter]:
    """New outputs each time: whatever they must remember is in the database."""
    meter, loop = Meter(), asyncio.new_event_loop()
    outputs = Outputs(sinks, desk, SystemClock(), meter, poll_s=0.05)
    outputs.hear(cameras or {})
    task = loop.create_task(outputs.run())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    try:
        yield meter
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(LIMIT_S)
        loop.close()
        names = {f"output-{one.name}" for one in sinks}
        wait_until(lambda: not any(one.name in names for one in threading.enumerate()), "the threads' end")
