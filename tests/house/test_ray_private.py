"""Ray's private names are used in one file, so that a new version of Ray is looked at in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOME = Path("lfr_ray/actors/ray_private.py")


def private_names(source: str) -> Iterator[str]:
    """Private modules and names of Ray that are imported, and private attributes of ``ray`` and ``serve``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            found = [ast.unparse(node)]
        elif isinstance(node, ast.keyword):
            found = [f"ray.{node.arg}"] if node.arg == "_system_config" else []
        else:
            continue
        for name in found:
            root, *rest = name.split(".")
            if root in ("ray", "serve") and any(part.startswith("_") and part[1:2] != "_" for part in rest):
                yield name


def test_only_one_file_uses_private_names_of_ray(sources: list[Path], repository: Path) -> None:
    files = [*sources, *sorted((repository / "benchmarks").rglob("*.py"))]
    users = {path.relative_to(repository) for path in files if any(private_names(path.read_text(encoding="utf-8")))}
    assert users == {HOME}


def test_the_search_knows_every_way_to_use_one() -> None:
    for line in (
        "import ray._private.worker",
        "from ray._private import worker",
        "from ray._raylet import ObjectRef",
        "from ray.serve.context import _get_global_client",
        "ray._private.state.state.get_system_config()",
        "ray.init(_system_config={})",
    ):
        assert list(private_names(line)), line
    for line in ("import ray", "from ray.serve.schema import ServeDeploySchema", "ray.init()", "ray.__version__"):
        assert not list(private_names(line)), line
