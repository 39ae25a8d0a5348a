"""What stands in Ray's object store stays in memory, even when the store is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lfr_ray.core_dumps_and_spilling_off import OVERFLOW_FOLDER, OVERFLOW_SWITCH
from lfr_ray.telemetry_off import SWITCHES

OVERFLOW = """
import numpy, os, ray
ray.init(
    include_dashboard=False, num_cpus=1, object_store_memory=80 << 20, log_to_driver=False, logging_level="error",
    _system_config={"automatic_object_spilling_enabled": False},
)
kept = [ray.put(numpy.ones(12 << 20, numpy.uint8)) for _ in range(9)]  # more than the store holds
session = ray.get_runtime_context().get_session_name()
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{pid}/cmdline").read()
        if session in command and "/raylet" in command.split("\\0")[0]:
            print("\\n".join({line.split()[5] for line in open(f"/proc/{pid}/maps") if "/plasma" in line}))
    except OSError:
        pass
ray.shutdown()
"""


def mapped_files(start: str, home: Path) -> set[str]:
    """Where the object store of a fresh Ray lies once it holds more than it was given."""
    environment = {name: value for name, value in os.environ.items() if name not in {*SWITCHES, OVERFLOW_SWITCH}}
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", start + OVERFLOW],
        env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=270,  # a busy machine takes its time to start Ray
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    files = set(outcome.stdout.split())
    assert len(files) > 1, "the store did not overflow, so nothing is shown"
    return files


@pytest.mark.ray
@pytest.mark.skipif(not OVERFLOW_FOLDER.is_dir(), reason="no memory-backed folder on this system")
def test_a_full_object_store_goes_on_in_memory(tmp_path: Path) -> None:
    files = mapped_files("import lfr_ray\n", tmp_path)
    assert {str(Path(name).parent) for name in files} == {str(OVERFLOW_FOLDER)}


@pytest.mark.ray
@pytest.mark.skipif(not OVERFLOW_FOLDER.is_dir(), reason="no memory-backed folder on this system")
def test_without_us_it_would_go_on_on_disk(tmp_path: Path) -> None:
    files = mapped_files("", tmp_path)
    assert {str(Path(name).parent) for name in files} != {str(OVERFLOW_FOLDER)}
