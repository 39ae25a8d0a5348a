"""A node of Ray that has not come up within Ray's own 30 s, on a machine that is busy, is started a second time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lfr_ray.errors import ResourceError

GAVE_UP = "timed out during startup"
"""Of the words with which Ray gives up; how long it waits cannot be set."""


@contextmanager
def second_start(node: Any, tell: Callable[[str], None]) -> Iterator[None]:
    """Until the block ends, whoever makes such a node gets the second one where Ray gave up on the first.

    Args:
        node: Ray's class. One that is made starts a node's processes.
        tell: Hears that it is tried again, before it is.

    Raises:
        ResourceError: Of whoever makes one: Ray gave up on the second as well.
    """
    init = node.__init__

    def start(self: Any, ray_params: Any, *args: Any, **options: Any) -> None:
        unused = copy.deepcopy(ray_params)  # to start a node notes its ports and its session there
        for given in (ray_params, unused):
            try:
                init(self, given, *args, **options)
            except Exception as error:
                if GAVE_UP not in str(error):
                    raise
                self.kill_all_processes(check_alive=False, wait=True)
            else:
                return
            if given is ray_params:
                tell("Ray has not started within 30 s, as this machine is busy: it is ended, and tried once more")
        raise ResourceError(
            "Ray does not start",
            got="its node was not there within 30 s, twice",
            next_step="end what keeps the processors of this machine busy, and run the same command again",
        )

    node.__init__ = start
    try:
        yield
    finally:
        node.__init__ = init
