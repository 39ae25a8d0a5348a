"""Where no Ray is, that is said at once: Ray itself would try for ten minutes and more."""

from __future__ import annotations

import time

import pytest

from lfr_ray.actors.start_or_join_ray import ANSWER_S, join
from lfr_ray.errors import ResourceError
from tests.processes import free_port


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "auto", "[::1]:{port}"])
def test_an_address_where_nobody_answers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address, other = address.format(port=free_port()), f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", other)
    began_s = time.monotonic()
    with pytest.raises(ResourceError, match="the Ray cluster cannot be reached") as raised:
        join(address)
    assert address in str(raised.value)
    assert time.monotonic() - began_s < ANSWER_S + 5.0


def test_an_address_that_is_none() -> None:
    with pytest.raises(ResourceError, match="the Ray cluster cannot be reached"):
        join("127.0.0.1:99999")
