"""What exists is written down, and what is written down exists."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lfr_ray import errors
from lfr_ray.alert.alert_tables import SCHEMA_VERSION
from lfr_ray.config import SiteConfig
from lfr_ray.errors import LfrError
from lfr_ray.metrics import COUNTERS, GAUGES, TIMINGS

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

needs_readme = pytest.mark.skipif(not README.is_file(), reason="there is no README.md")


def pages() -> list[Path]:
    """README.md, and every page beside code."""
    return [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not any(part.startswith(".") or part == "lfr-data" for part in path.relative_to(ROOT).parts)
    ]


@pytest.fixture(scope="module")
def text() -> str:
    """All pages as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in pages())


def commands() -> dict[str, Any]:
    """Every command by what a person types, such as ``lfr alerts list``."""
    import typer
    from typer.core import TyperGroup

    from lfr_ray.cli.main import GROUPS

    app = typer.Typer()
    for group in GROUPS:
        app.add_typer(importlib.import_module(f"lfr_ray.cli.{group}").app)

    def below(prefix: str, command: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(command, TyperGroup):
            for name, inner in command.commands.items():
                yield from below(f"{prefix} {name}", inner)
        else:
            yield prefix, command

    return dict(below("lfr", typer.main.get_command(app)))


def fields(kind: type[BaseModel] = SiteConfig, prefix: str = "") -> Iterator[str]:
    """Every field of a site by its path, such as ``cameras.max_fps``."""
    for name, field in kind.model_fields.items():
        inner = [
            one
            for one in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        if inner:
            yield from fields(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def error_names() -> list[str]:
    return [name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LfrError)]


def targets() -> dict[str, str]:
    """Targets of the Makefile and their help."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):[^#\n]*## (.+)$", makefile, flags=re.MULTILINE))


def code_in(page: str) -> str:
    """The code blocks and code spans of a page."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", page, flags=re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    indented = re.findall(r"^ {4}(\S.*)$", page, flags=re.MULTILINE)
    return "\n".join([*blocks, *spans, *indented])


@needs_readme
def test_every_command_is_documented(text: str) -> None:
    assert [name for name in commands() if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_every_command_and_option_has_help() -> None:
    silent = []
    for name, command in commands().items():
        if not (command.help or "").strip():
            silent.append(name)
        silent += [f"{name} {one.name}" for one in command.params if not (getattr(one, "help", None) or "").strip()]
    assert silent == []


@needs_readme
def test_every_field_of_a_site_is_documented(text: str) -> None:
    assert [path for path in fields() if f"`{path}`" not in text] == []


@needs_readme
def test_every_error_is_documented(text: str) -> None:
    assert [name for name in error_names() if f"`{name}`" not in text] == []


@needs_readme
def test_every_metric_is_documented_in_the_words_that_prometheus_shows() -> None:
    page = (ROOT / "serve_configs" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `lfr_(\w+)` \| (.+) \|$", page, flags=re.MULTILINE)
    assert rows == [*COUNTERS.items(), *GAUGES.items(), *TIMINGS.items()]


@needs_readme
def test_every_target_of_the_makefile_is_documented(text: str) -> None:
    assert [name for name in targets() if f"make {name}" not in text] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    written = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", written):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        if not (page.parent / target.partition("#")[0]).exists():
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_written_exist(page: Path) -> None:
    code = code_in(page.read_text(encoding="utf-8"))
    known = commands()
    groups = {name.split()[1] for name in known}
    unknown = []
    for first, second in re.findall(r"(?<![\w./-])(?<!-n )lfr ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", code):
        leaf = f"lfr {first}" in known
        whole = f"lfr {first} {second}"
        if first not in groups or (
            not leaf and second and not any(f"{name} ".startswith(f"{whole} ") for name in known)
        ):
            unknown.append(f"lfr {first} {second}".strip())
    for target in re.findall(r"(?<![\w./-])make ([a-z]+)\b", code):
        if target not in targets():
            unknown.append(f"make {target}")
    assert unknown == []


def test_the_changelog_goes_from_what_is_not_released_down_to_the_first_version() -> None:
    from lfr_ray import __version__

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]" or headings[0].startswith(f"[{__version__}] - ")
    versions = [
        re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", one) for one in headings if one != "[Unreleased]"
    ]
    assert None not in versions, "a version is written as [1.2.3] - 2027-01-31"
    numbers = [tuple(map(int, one.groups())) for one in versions if one]
    assert numbers == sorted(set(numbers), reverse=True)
    assert "[Unreleased]" not in headings[1:]
    kinds = set(re.findall(r"^### (.+)$", changelog, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_example_of_an_upgrade_bears_the_next_number() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r'^ +(\d+): \("ALTER TABLE', page, flags=re.MULTILINE) == [str(SCHEMA_VERSION)]
