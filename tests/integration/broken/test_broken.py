"""Each kind of process is killed and frozen in turn: what the site says is so, it comes back, and no alert is lost."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from benchmarks.soak import PERIOD_S, TITLES
from tests.integration.broken.conftest import BrokenSite, Seen
from tests.processes import command, eventually

EVERY_FAULT = "LFR_TEST_EVERY_FAULT"

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not os.environ.get(EVERY_FAULT), reason=f"takes many minutes: {EVERY_FAULT}=1 asks for it"),
]

TOLD_S, BACK_S = 2.0, 12.0
SERVE_S = 60.0
"""The controller and the proxies are Serve's own: how long they are away is measured, not promised."""

PART = {"detector": "models", "embedder": "models", "matcher": "matcher", "desk": "desk"}
PART |= {"fleet": "site", "controller": "site"}
"""Which part of /readyz names a fault. Without an ingress or a proxy there is no answer, which says it as well."""

LOOK_ON = {"desk", "fleet", "ingress", "controller", "proxy"}
"""Without these the cameras go on: nobody who comes by is missed, and what is raised is told once it is back."""

CASES = list(itertools.product(TITLES, (signal.SIGKILL, signal.SIGSTOP)))
NAMES = {signal.SIGKILL: "killed", signal.SIGSTOP: "frozen"}


def tells(kind: str, seen: Seen) -> bool:
    """Whether that is what a site says whose process of this kind is broken."""
    if kind in ("ingress", "proxy"):
        return seen.parts is None
    if seen.parts is None:
        return False
    return not all(seen.cameras.values()) if kind == "camera" else bool(seen.parts[PART[kind]])


@pytest.mark.parametrize(("kind", "fault"), CASES, ids=[f"{kind}-{NAMES[fault]}" for kind, fault in CASES])
def test_it_says_so_and_comes_back_and_loses_nothing(broken: BrokenSite, kind: str, fault: signal.Signals) -> None:
    eventually(lambda: broken.look().well, BACK_S * broken.factor, broken.look)
    before = broken.pids(kind)
    assert before, f"no process of the kind {kind}: {broken.started.living()}"
    os.kill(before[0], fault)
    began_s, began = time.monotonic(), time.time()
    # A controller that is killed is back before a look at it can fail.
    told_s, back_s = 0.001 if (kind, fault) == ("controller", signal.SIGKILL) else 0.0, 0.0
    # What a slow machine lets one see late was so at the look before at the earliest.
    untold_s = away_s = 0.0
    limit_s = (SERVE_S if kind in ("controller", "proxy") else BACK_S) * broken.factor
    while not back_s and time.monotonic() - began_s < limit_s + 30.0:
        looked_s, seen = time.monotonic() - began_s, broken.look()
        if not told_s:
            told_s, untold_s = (seen.at_s - began_s, untold_s) if tells(kind, seen) else (0.0, looked_s)
        present = broken.pids(kind)
        if told_s and seen.well and before[0] not in present and len(present) == len(before):
            back_s = seen.at_s - began_s
        else:
            away_s = looked_s
        time.sleep(0.1)
    broken.rows.append(f"| {kind} | {NAMES[fault]} | {told_s:.1f} s | {back_s:.1f} s |")
    sys.stdout.write(f"{broken.rows[-1]} of a machine that is {broken.factor:.1f} times slower\n")
    assert told_s, f"nobody was told: {broken.look()}"
    assert back_s, f"it has not come back: {broken.look()}, {broken.started.stderr[-2000:]}"
    assert untold_s <= TOLD_S * broken.factor
    assert away_s <= limit_s
    came_back = time.time()
    # A passage that began now has ended, and its alert is there, two periods from now.
    enough_s = 2.5 * PERIOD_S * broken.factor
    eventually(lambda: all(broken.passages(came_back).values()), enough_s, lambda: broken.passages(came_back - 30))
    for camera, times in broken.passages(came_back).items():
        assert times[0] - came_back <= 2 * PERIOD_S * broken.factor, f"{camera} missed a passage"
    if kind in LOOK_ON:
        passed = broken.passages(began - 2 * PERIOD_S)
        longest_s = max(b - a for times in passed.values() for a, b in itertools.pairwise(times))
        assert longest_s <= 1.5 * PERIOD_S * broken.factor, f"a camera did not look on: {passed}"
    assert broken.leftovers() == []


def test_nothing_was_lost_and_nothing_doubled(broken: BrokenSite) -> None:
    acknowledged = dict(broken.acknowledged)
    found = broken.alerts()
    assert set(acknowledged) <= {one["id"] for one in found}, "an alert that was told is gone"
    assert len({one["key"] for one in found}) == len(found)
    for camera in ("pier", "gate"):
        times = broken.passages(0.0)[camera]
        assert len(times) >= len(broken.rows)
        # The listed person comes by once a period: two alerts of half a period are one passage.
        apart_s = [later - sooner for sooner, later in itertools.pairwise(times)]
        assert all(one > PERIOD_S / 2 for one in apart_s), sorted(apart_s)[:5]


def test_a_second_command_says_what_runs_where_and_touches_nothing(broken: BrokenSite, tmp_path: Path) -> None:
    with command(tmp_path, "lfr", "run", broken.site_file, "--port", 0) as second:
        assert second.wait(60 * broken.factor) == 2
    assert "the site broken runs already" in second.stderr
    assert f"process {broken.started.pid} on " in second.stderr
    assert broken.url in second.stderr
    assert broken.look().well


def test_it_ends_in_order_while_it_alerts_and_leaves_nothing(broken: BrokenSite) -> None:
    known = {one["id"] for one in broken.alerts()}
    following = threading.Thread(target=broken.get, args=("v1/alerts/stream", 60.0), daemon=True)
    following.start()
    began_s = time.monotonic()
    os.kill(broken.started.pid, signal.SIGTERM)  # as `docker stop` and systemd do: not to Ray at the same time
    assert broken.started.wait(60) == 143, broken.started.stderr
    assert time.monotonic() - began_s < 10.0
    assert broken.started.left() == {}
    assert [str(path) for path in broken.folders[0].rglob("*")] == []
    assert broken.leftovers() == []
    document = json.loads((broken.site_file.parent / "alerts.json").read_text(encoding="utf-8"))
    assert document["incomplete"] is True
    assert known <= {one["id"] for one in document["alerts"]}
    following.join(30)
    assert not following.is_alive(), "the stream is still open"
