"""The locks of versions: complete, consistent, with the hash of every file, and naming no host."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
HOST = re.compile(r"://|\bwww\.|@|^-", re.MULTILINE)
RUN, TEST, BENCH = "requirements.lock", "requirements-test.lock", "requirements-bench.lock"
HASHES = re.compile(r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    """What runs, what the tests add, what the measurements add."""
    return "".join((repository / name).read_text(encoding="utf-8") for name in (RUN, TEST, BENCH))


@pytest.fixture(scope="module")
def lock(text: str) -> list[Requirement]:
    return [Requirement(line) for line in HASHES.sub("\n", text).splitlines()]


def direct(project: dict[str, Any]) -> list[Requirement]:
    """What pyproject.toml asks for, extras included."""
    lines = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    return [Requirement(line) for line in lines]


def pins(lock: list[Requirement], name: str, python: str, system: str = "linux") -> list[Requirement]:
    """The pins of one package that hold for one Python on one system."""
    machine = {"linux": ("Linux", "x86_64"), "darwin": ("Darwin", "arm64")}[system]
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_system": machine[0],
        "platform_machine": machine[1],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    wanted = canonicalize_name(name)
    return [
        one
        for one in lock
        if canonicalize_name(one.name) == wanted and (one.marker is None or one.marker.evaluate(environment))
    ]


def version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def test_the_lock_names_no_host(text: str) -> None:
    assert HOST.findall(text) == []


def test_every_version_has_the_hashes_of_its_files(text: str, lock: list[Requirement]) -> None:
    assert len(HASHES.findall(text)) == len(lock)


PARTS = ["$(VENV)/large.lock", "$(VENV)/rest.lock"]


def test_an_installation_demands_them(repository: Path) -> None:
    # pip would fetch what it builds with by itself, and look at no hash. Tools are wheels; dlib alone wants CMake.
    for name, locks, isolated in (
        ("Makefile", ["$(VENV)/tools.lock", *PARTS, TEST, BENCH], ["$(VENV)/tools.lock", BENCH]),
        ("cluster/Dockerfile", ["/tmp/tools.lock", RUN], ["/tmp/tools.lock"]),
    ):
        text = (repository / name).read_text().replace("\\\n", "")
        installs = re.findall(r"pip install (?!--quiet uv)(.+?)(?: &&|$)", text, re.MULTILINE)
        assert all("--require-hashes" in one or "--no-deps" in one for one in installs), name
        assert re.findall(r"--requirement (\S+)", " ".join(installs)) == locks
        others = " ".join(one for one in installs if "--no-build-isolation" not in one)
        assert re.findall(r"--requirement (\S+)", others) == isolated


def test_both_parts_of_the_lock_are_all_of_it(repository: Path) -> None:
    """One line goes into the one or the other; torch and what it was chosen with stay together."""
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    pattern = re.search(r"^LARGE := (.+)$", makefile, re.MULTILINE)
    assert pattern
    parts = []
    for part in PARTS:
        found = re.search(rf"^\tawk '(.+)' {RUN} > {re.escape(part)}$", makefile, re.MULTILINE)
        assert found, part
        program = found[1].replace("$(LARGE)", pattern[1])
        words = ["awk", program, repository / RUN]
        parts.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines())
    large, rest = parts
    assert sorted(large + rest) == sorted((repository / RUN).read_text(encoding="utf-8").splitlines())
    names = {line.partition("==")[0] for line in large if not line.startswith(" ")}
    assert {"torch", "torchvision", "triton"} <= names
    assert not names & {line.partition("==")[0] for line in rest}


@pytest.mark.parametrize("python", PYTHONS)
def test_what_packages_are_built_with_is_locked(lock: list[Requirement], project: dict[str, Any], python: str) -> None:
    for wanted in map(Requirement, project["build-system"]["requires"]):
        (pin,) = pins(lock, wanted.name, python)
        assert wanted.specifier.contains(version(pin))


def test_every_line_is_one_exact_version(lock: list[Requirement]) -> None:
    loose = [str(one) for one in lock if [part.operator for part in one.specifier] != ["=="]]
    assert loose == []
    assert len(lock) > 100


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_has_one_fitting_version(
    lock: list[Requirement], project: dict[str, Any], python: str, system: str
) -> None:
    faults = []
    for wanted in direct(project):
        found = pins(lock, wanted.name, python, system)
        if len({version(one) for one in found}) != 1:
            faults.append(f"{wanted.name}: {len(found)} versions for Python {python}")
        elif not wanted.specifier.contains(version(found[0]), prereleases=True):
            faults.append(f"{wanted}: locked at {version(found[0])}")
    assert faults == [], "run `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
def test_torch_and_torchvision_fit_each_other(lock: list[Requirement], python: str) -> None:
    (torch,) = pins(lock, "torch", python)
    (vision,) = pins(lock, "torchvision", python)
    # The pair as published: torchvision 0.N belongs to the torch 2.(N-15) line and newer ones.
    wanted = next(Requirement(line) for line in requires("torchvision") or () if Requirement(line).name == "torch")
    assert wanted.specifier.contains(version(torch)), f"torchvision {version(vision)} wants {wanted}"


def test_what_is_not_in_the_project_is_there_for_somebody(lock: list[Requirement], project: dict[str, Any]) -> None:
    # The tool that writes the lock, and editors' tools, must not creep into it.
    names = {canonicalize_name(one.name) for one in lock}
    asked = {canonicalize_name(one.name) for one in direct(project)}
    assert asked <= names
    assert names & {"uv", "pip", "ipython", "pre-commit"} == set()
