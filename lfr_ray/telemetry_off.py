"""Nothing reports home: switches that must be set before libraries load.

Importing :mod:`lfr_ray` hushes the process, so no part of this project can run unhushed, in whatever
process Ray starts it. Every switch below was found in the source or the binary of the library it names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from lfr_ray.core_dumps_and_spilling_off import keep_memory_off_disk

SWITCHES: Mapping[str, str] = {
    # Ray posts usage statistics from the head node, by default.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ultralytics: events to an analytics service, a DNS probe at import, pip-installing at run time,
    # and notes on stdout, where `--json -` must stand alone.
    "YOLO_OFFLINE": "True",
    "YOLO_AUTOINSTALL": "False",
    "YOLO_VERBOSE": "False",
    # ONNX Runtime uploads events and keeps a device identifier under the cache folder, by default.
    "ORT_DISABLE_TELEMETRY": "1",
    # huggingface_hub, below open_clip and timm.
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # FastAPI would export requests, bodies and tracebacks where OTEL_* variables happen to be set.
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",
    # albumentations, which Ultralytics loads where it is installed, asks for its newest version.
    "NO_ALBUMENTATIONS_UPDATE": "1",
    # The convention of donottrack.sh, for whatever else honours it.
    "DO_NOT_TRACK": "1",
}
"""Environment variables and their values. They overrule what the environment says."""

ONLY_WHERE_ASKED = ("RAY_ENABLE_AUTO_CONNECT", "0")
"""Ray would start, or join a cluster, by itself where a thread of Serve still asks when the site has just ended."""

REPORTER = "openvino_telemetry"
"""OpenVINO's converter sends events to Google Analytics wherever this package is, unless a file in the home folder
forbids it. It works as well without the package, so that the package is kept from being loaded."""


def hush() -> None:
    """Switch every dependency's reporting off and keep memory off the disk, for this process and its children.

    Cheap, idempotent, and imports none of the libraries concerned. Ultralytics, where it was loaded
    before, is silenced in memory; its settings file is left alone.

    >>> hush()
    >>> os.environ["RAY_USAGE_STATS_ENABLED"]
    '0'
    """
    os.environ.update(SWITCHES)
    os.environ.setdefault(*ONLY_WHERE_ASKED)
    keep_memory_off_disk()
    _hush_loaded_ultralytics()
    _hush_openvino()


def _hush_loaded_ultralytics() -> None:
    loaded: Any = sys.modules.get("ultralytics.utils")
    if loaded is None or not hasattr(loaded, "SETTINGS"):
        return
    loaded.ONLINE = False
    # The class's own __setitem__ would rewrite the user's settings file.
    dict.__setitem__(loaded.SETTINGS, "sync", False)
    events: Any = sys.modules.get("ultralytics.utils.events")
    if events is not None:
        events.events.enabled = False


def _hush_openvino() -> None:
    reporter: Any = sys.modules.get(REPORTER)
    if reporter is None:
        sys.modules[REPORTER] = None  # type: ignore[assignment]  # an import of it fails now
        return
    # Loaded before: it takes the answer to its question for no, and drops what was to be sent.
    checker: Any = sys.modules.get(f"{REPORTER}.utils.opt_in_checker")
    if checker is not None:
        checker.OptInChecker.check = lambda *_arguments, **_options: checker.ConsentCheckResult.DECLINED
    sender: Any = sys.modules.get(f"{REPORTER}.utils.sender")
    if sender is not None:
        sender.TelemetrySender.send = lambda *_arguments, **_options: None
