"""Who may import whom: the contracts of import-linter, and one foreign library per folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from importlinter.cli import lint_imports

HOMES = {
    "ray": {"actors", "app", "live_site", "site_start_stop", "retrospective_run", "cli"},
    "av": {"camera"},
    "PIL": {"camera"},
    "cv2": {"camera", "detect", "embed", "models"},
    "lancedb": {"match"},
    "pyarrow": {"match"},
    "sqlalchemy": {"alert", "govern", "database_url"},
    "fastapi": {"api", "actors"},
    "starlette": {"api", "actors"},
    "typer": {"cli"},
    "rich": {"cli"},
    "cryptography": {"govern", "people"},
    "pkcs11": {"govern"},
    "onnx": {"models"},
    "onnxruntime": {"models", "detect", "embed"},
    "ultralytics": {"track", "detect"},
    "open_clip": {"embed"},
    "timm": {"embed"},
    "jinja2": {"report"},
    "openvino": {"models"},
    "opentelemetry": {"tracing"},
    "paho": {"alert"},
    "scipy": {"evaluate", "govern", "track", "match", "models", "stats"},
}
"""Foreign library -> the packages or files of lfr_ray that may import it."""

NEVER = {"pickle", "marshal", "dill", "cloudpickle", "sentry_sdk", "posthog"}
"""Libraries that have no place here: code in data, or reports home."""


def imports(path: Path) -> Iterator[str]:
    """First names of everything a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def room(path: Path, repository: Path) -> str:
    """The package a file stands in, or its own name where it stands at the top."""
    parts = path.relative_to(repository / "lfr_ray").parts
    return parts[0] if len(parts) > 1 else path.stem


def test_the_floors_hold(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.syspath_prepend(str(repository))
    status = lint_imports(no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


def test_every_package_stands_on_a_floor(project: dict[str, Any], sources: list[Path], repository: Path) -> None:
    floors = next(one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")["layers"]
    known = {name.strip().removeprefix("lfr_ray.") for floor in floors for name in floor.split("|")}
    rooms = {room(path, repository) for path in sources} - {"__init__", "__main__"}
    assert rooms - known == set(), "a package or file is on no floor of pyproject.toml"


def test_each_foreign_library_has_one_home(sources: list[Path], repository: Path) -> None:
    strangers = [
        f"{path.relative_to(repository)} imports {name}"
        for path in sources
        for name in set(imports(path))
        if name in HOMES and room(path, repository) not in HOMES[name]
    ]
    assert sorted(strangers) == []


def test_libraries_without_a_place_stay_out(sources: list[Path], repository: Path) -> None:
    found = [f"{path.relative_to(repository)}: {name}" for path in sources for name in set(imports(path)) & NEVER]
    assert found == []
