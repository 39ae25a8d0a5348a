"""What processes import stays small: a camera holds no model runtime, and what is started anew is back soon."""

from __future__ import annotations

import subprocess
import sys

CHAIN = (
    "lfr_ray.camera.demo_source",
    "lfr_ray.camera.fleet_lease",
    "lfr_ray.camera.camera_reader",
    "lfr_ray.camera.recording_files",
    "lfr_ray.camera.redact_faces",
    "lfr_ray.camera.still_pictures",
    "lfr_ray.detect.canvas_size",
    "lfr_ray.detect.letterbox",
    "lfr_ray.embed.align",
    "lfr_ray.embed.occlusion",
    "lfr_ray.embed.view_quality",
    "lfr_ray.embed.covered_regions",
    "lfr_ray.models.cards",
    "lfr_ray.models.card_catalogue",
    "lfr_ray.pipeline.order_of_checks",
    "lfr_ray.pipeline.camera_chain",
    "lfr_ray.track.best_shot",
    "lfr_ray.track.tracker",
)
STARTED_ANEW = (
    "ray",
    "lfr_ray.actors.caller_secret",
    "lfr_ray.actors.desk_actor",
    "lfr_ray.actors.matcher_actor",
    "lfr_ray.alert.start_deliveries",
    "lfr_ray.match.matcher",
    "lfr_ray.site.open_site",
    "lfr_ray.site.timed_tasks",
)
TOO_LARGE = ("lancedb", "onnxruntime", "opentelemetry", "openvino", "scipy", "skimage", "torch", "ultralytics")


def imported_by(*modules: str) -> set[str]:
    """Top packages that a fresh interpreter has loaded after it has imported ``modules``."""
    code = f"import sys, {', '.join(modules)}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    return set(outcome.stdout.split())


def test_the_chain_of_a_camera_loads_no_model_runtime() -> None:
    loaded = imported_by(*CHAIN)
    assert {"av", "lap", "numpy"} <= loaded, "the list says what is loaded"
    assert not loaded & set(TOO_LARGE)


def test_the_matcher_and_the_alert_desk_are_back_soon() -> None:
    """Ray Serve, which loads FastAPI, takes as long to load as the rest; so does LanceDB, which one of them needs."""
    loaded = imported_by(*STARTED_ANEW)
    assert {"numpy", "ray", "sqlalchemy"} <= loaded, "the list says what is loaded"
    assert not loaded & {"fastapi", *TOO_LARGE}
