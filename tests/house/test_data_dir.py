"""One place names the files of a site: no other file joins a name under the data folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfr_ray.data_dir import DataDir

HOME = "lfr_ray/data_dir.py"
DATA_FOLDERS = {"data_dir", "root", *(name for name in vars(DataDir) if not name.startswith("_"))}
"""Last names of expressions that are a data folder, or a path in it."""
ROOMS = ("lfr_ray/govern/", "lfr_ray/site/")
"""Every path here is one of the data folder, or of the package itself."""
JOINS = {"joinpath", "with_name", "with_suffix", "with_stem", "glob", "rglob"}
ENDINGS = (".jsonl", ".sqlite", ".listed", ".breaker", ".erasing", ".scan", ".torn", "scan.key", "site.key")
"""Endings that no other files of ours have."""
EXEMPT = {("lfr_ray/durable_files.py", "with_name"), ("lfr_ray/govern/write_public_record.py", "with_name")}
"""The draft beside a file that is replaced, and the files of a record, in whatever folder the operator names."""


def is_text(node: ast.expr) -> bool:
    """A text that is written there."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != "*"
    )


def is_constant(node: ast.expr) -> bool:
    """A constant, which may hold a text."""
    return isinstance(node, ast.Name | ast.Attribute) and last_name(node).isupper()


def last_name(node: ast.expr) -> str:
    """``data_dir`` of ``site.data_dir``, of ``Path(site.data_dir)`` and of ``site.data_dir / "keys"``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.BinOp):
        return last_name(node.left)
    if isinstance(node, ast.Call):
        return last_name(node.args[0]) if node.args else last_name(node.func)
    return ""


def aliases(tree: ast.AST) -> set[str]:
    """Names that a data folder is given to: ``folder = site.data_dir``."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and last_name(node.value) == "data_dir"
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def joins(source: str, path: str) -> Iterator[str]:
    """Every place where a name is joined to a path of the data folder, or stands by itself."""
    tree = ast.parse(source)
    in_rooms = path.startswith(ROOMS)
    folders = aliases(tree) | ({"data_dir", "folder", "path", "root"} if in_rooms else DATA_FOLDERS)

    def is_join(left: ast.expr, right: ast.expr) -> bool:
        ours = last_name(left) in folders
        return (is_text(right) and (ours or in_rooms)) or (is_constant(right) and ours)

    for node in ast.walk(tree):
        found = False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found = is_join(node.left, node.right) and "resources" not in ast.unparse(node.left)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            name = node.func.attr
            found = name in JOINS and (path, name) not in EXEMPT and is_join(node.func.value, node.args[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = node.value.endswith(ENDINGS) and " " not in node.value
        if found:
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def test_no_other_file_names_a_file_of_a_site(sources: list[Path], repository: Path) -> None:
    found = []
    for path in sources:
        name = str(path.relative_to(repository))
        if name != HOME:
            found += list(joins(path.read_text(encoding="utf-8"), name))
    assert found == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lfr_ray/actors/x.py", 'open(site.data_dir / "notes")'),
        ("lfr_ray/actors/x.py", 'NAME = "notes"\nopen(site.data_dir / NAME)'),
        ("lfr_ray/actors/x.py", 'folder = site_of(site).data_dir\nfolder / "notes"'),
        ("lfr_ray/actors/x.py", 'DataDir(site.data_dir).keys / "other.key"'),
        ("lfr_ray/actors/x.py", 'site.data_dir.joinpath("notes")'),
        ("lfr_ray/actors/x.py", 'site.data_dir / "keys" / f"{name}.x"'),
        ("lfr_ray/match/x.py", 'FILE = "ledger.jsonl"'),
        ("lfr_ray/govern/x.py", 'path.with_suffix(".head")'),
        ("lfr_ray/site/x.py", 'anything / "receipts"'),
        ("lfr_ray/site/x.py", 'anything.glob("*.json")'),
    ],
)
def test_the_check_sees_what_it_looks_for(path: str, source: str) -> None:
    assert list(joins(source, path))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lfr_ray/actors/x.py", "DataDir(site.data_dir).ledger"),
        ("lfr_ray/camera/x.py", 'folder / "recording.mkv"'),
        ("lfr_ray/govern/x.py", 'resources.files("lfr_ray.govern") / "profiles"'),
        ("lfr_ray/govern/x.py", "hits / total"),
    ],
)
def test_the_check_leaves_other_paths_alone(path: str, source: str) -> None:
    assert not list(joins(source, path))
