"""What processes import stays small: a camera holds no model runtime, and what is started anew is back soon."""

from __future__ import annotations

import subprocess
import sys

CHAIN = (
    "lfr_ray.camera.demo_source",
    "lfr_ray.camera.lease",
    "lfr_ray.camera.reader",
    "lfr_ray.camera.recordings",
    "lfr_ray.camera.redact",
    "lfr_ray.camera.stills",
    "lfr_ray.detect.canvas",
    "lfr_ray.detect.letterbox",
    "lfr_ray.embed.align",
    "lfr_ray.embed.occlusion",
    "lfr_ray.embed.quality",
    "lfr_ray.embed.regions",
    "lfr_ray.models.cards",
    "lfr_ray.models.catalogue",
    "lfr_ray.pipeline.check_lists",
    "lfr_ray.pipeline.steps",
    "lfr_ray.track.best_shot",
    "lfr_ray.track.tracker",
)
STARTED_ANEW = (
    "ray",
    "lfr_ray.actors.capability",
    "lfr_ray.actors.desk",
    "lfr_ray.actors.matcher",
    "lfr_ray.alert.ways_out",
    "lfr_ray.match.matcher",
    "lfr_ray.site.open",
    "lfr_ray.site.schedule",
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
