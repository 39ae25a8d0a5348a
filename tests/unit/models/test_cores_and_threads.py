"""How many pictures a replica on a CPU works on at the same time."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lfr_ray.config import DetectorConfig
from lfr_ray.models.cores_and_threads import model_threads, streams_of, usable_cores


@pytest.mark.parametrize(
    ("fields", "streams"), [({}, 1), ({"cpus": 0.3}, 1), ({"cpus": 4}, 4), ({"cpus": 0.6, "streams": 2}, 2)]
)
def test_as_many_as_it_reserves_unless_it_is_said(fields: dict[str, float], streams: int) -> None:
    assert streams_of(DetectorConfig(**fields)) == streams


def test_none_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="streams"):
        DetectorConfig(streams=0)


def test_there_is_a_thread_for_each() -> None:
    with model_threads(3) as threads:
        assert threads._max_workers == 3
    assert usable_cores() >= 1
