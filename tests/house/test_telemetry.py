"""No dependency reports home: each library is loaded in a fresh process, as `lfr` loads it, and asked.

Every probe runs outside pytest, because some libraries keep quiet when they notice it, and with a home
folder of its own. An audit hook notes every address that Python code looks up or connects to.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lfr_ray.telemetry_off import SWITCHES

WATCH = """
import sys
reached = []
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            reached.append(("connect", str(address[0])))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if str(arguments[0]) not in ("localhost", "127.0.0.1", "::1", "None", ""):
            reached.append(("look up", str(arguments[0])))
sys.addaudithook(note)
"""
CHECK = """
assert not reached, reached
"""
ONLINE = """
import socket
socket.getaddrinfo = lambda *arguments, **options: [(2, 1, 6, "", ("127.0.0.1", 0))]
"""
"""As on a machine with a network: every name resolves."""


def probe(code: str, home: Path, *, hushed: bool = True) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter whose environment carries none of our switches."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in SWITCHES and not name.startswith(("PYTEST", "GITHUB", "OTEL", "XDG", "COV", "CI"))
    }
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
    start = "import lfr_ray\n" if hushed else ""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", start + code],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def assert_holds(code: str, home: Path) -> None:
    outcome = probe(code, home)
    assert outcome.returncode == 0, outcome.stderr[-2000:]


def test_ray_sends_no_usage_statistics(tmp_path: Path) -> None:
    code = "from ray._common.usage.usage_lib import usage_stats_enabled as on\nassert not on()"
    assert_holds(WATCH + code + CHECK, tmp_path)


def test_ray_would_send_them_otherwise(tmp_path: Path) -> None:
    # The same question without our switch: were the answer no, the test above would prove nothing.
    code = "from ray._common.usage.usage_lib import usage_stats_enabled as on\nassert on()"
    outcome = probe(code, tmp_path, hushed=False)
    assert outcome.returncode == 0, outcome.stderr[-2000:]


ULTRALYTICS = (
    ONLINE
    + """
from ultralytics.utils import AUTOINSTALL, ONLINE, TESTS_RUNNING
from ultralytics.utils.events import events
assert not TESTS_RUNNING
"""
)


def test_ultralytics_sends_no_events_and_installs_nothing(tmp_path: Path) -> None:
    outcome = probe(ULTRALYTICS + "assert not (ONLINE or AUTOINSTALL or events.enabled)", tmp_path)
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    assert outcome.stdout == "", "stdout belongs to `--json -`"


def test_ultralytics_would_otherwise_and_is_silenced_late_too(tmp_path: Path) -> None:
    code = ULTRALYTICS + (
        "from ultralytics.utils import SETTINGS\n"
        "assert ONLINE and AUTOINSTALL and events.enabled and SETTINGS['sync']\n"
        "import lfr_ray\n"
        "assert not events.enabled and not SETTINGS['sync']\n"
    )
    outcome = probe(code, tmp_path, hushed=False)
    assert outcome.returncode == 0, outcome.stderr[-2000:]


def test_the_model_hub_is_offline_and_silent(tmp_path: Path) -> None:
    code = """
from huggingface_hub import constants
from huggingface_hub.utils import _telemetry
assert constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY
_telemetry.send_telemetry("anything")
assert _telemetry._TELEMETRY_THREAD is None and _telemetry._TELEMETRY_QUEUE.empty()
"""
    assert_holds(WATCH + code + CHECK, tmp_path)


ONNX_SESSION = """
import numpy, onnxruntime
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
assert session.run(None, {"x": numpy.array([-1.0], numpy.float32)})[0] == 0
"""


def test_onnxruntime_makes_no_device_identifier_and_no_upload_queue(tmp_path: Path) -> None:
    # With its telemetry on, it leaves a device id and a database of events below the cache folder.
    assert_holds(WATCH + ONNX_SESSION + CHECK, tmp_path)
    assert [str(path) for path in tmp_path.rglob("*") if "__pycache__" not in str(path)] == []


CONVERSION = """
import multiprocessing, openvino, torch
events = []
class Refused:  # OpenVINO sends each event from a process of its own
    def __init__(self, **options):
        events.append(options["args"])
        raise OSError
multiprocessing.Process = Refused
model = openvino.convert_model(torch.nn.ReLU(), example_input=torch.zeros(1, 3))
assert openvino.Core().compile_model(model, "CPU")([-torch.ones(1, 3).numpy()])[0].max() == 0
import threading
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(5)
"""


def test_openvino_reports_no_conversion_and_leaves_no_identifier(tmp_path: Path) -> None:
    assert_holds(WATCH + CONVERSION + "assert not events, events\n" + CHECK, tmp_path)
    assert not (tmp_path / "intel").exists()


def test_openvino_would_report_it_otherwise_and_is_silenced_late_too(tmp_path: Path) -> None:
    outcome = probe(CONVERSION + "assert events", tmp_path, hushed=False)
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    assert (tmp_path / "intel").exists(), "it writes down who it takes the user for, as soon as it is imported"
    late = tmp_path / "late"
    late.mkdir()
    outcome = probe("import openvino\nimport lfr_ray\n" + CONVERSION + "assert not events", late, hushed=False)
    assert outcome.returncode == 0, outcome.stderr[-2000:]


def test_fastapi_exports_nothing_though_the_environment_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import os
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
from fastapi import FastAPI
assert not getattr(FastAPI(), "_telemetry", {}).get("auto_configure", False)
"""
    assert_holds(code, tmp_path)


def test_loading_and_using_every_library_reaches_nobody(tmp_path: Path) -> None:
    code = """
import torch, torchvision, lancedb, pyarrow, open_clip, timm, ray, ray.serve, ultralytics.trackers.byte_tracker
import onnxruntime, onnx, av, PIL, cv2, skimage, scipy, fastapi, sqlalchemy, cryptography, httpx, structlog
import lap, openvino, prometheus_client, pydantic, rich, typer, yaml
table = lancedb.connect("list").create_table("t", [{"id": 1, "vector": [0.0, 1.0]}])
assert table.search([0.0, 1.0]).limit(1).to_list()[0]["id"] == 1
"""
    assert_holds(WATCH + code + CHECK, tmp_path)


def test_the_watch_sees_a_look_up(tmp_path: Path) -> None:
    code = """
import socket
try:
    socket.getaddrinfo("nowhere.invalid", 80)
except OSError:
    pass
"""
    assert probe(WATCH + code + CHECK, tmp_path).returncode == 1


def test_the_command_itself_reaches_nobody(tmp_path: Path) -> None:
    code = """
import sys
from lfr_ray.cli.main import run
sys.argv = ["lfr", "--help"]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert_holds(WATCH + code + CHECK, tmp_path)


def test_a_crash_leaves_no_core_file(tmp_path: Path) -> None:
    outcome = probe("import os\nos.abort()", tmp_path)
    assert outcome.returncode < 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("core")] == []


def test_the_makefile_sets_the_same_switches(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    exported = dict(re.findall(r"^export (\w+) := (\S+)$", makefile, flags=re.MULTILINE))
    assert {name: exported.get(name) for name in SWITCHES} == dict(SWITCHES)
