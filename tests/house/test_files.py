"""The house itself: sizes, names, depth, and what must never be committed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

LONGEST_FILE_LINES = 400
LONGEST_ACTOR_LINES = 150
LARGEST_FILE_BYTES = 400_000
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "stuff", "base_utils"}

BINARY_SUFFIXES = {
    *(".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"),
    *(".mp4", ".mkv", ".avi", ".mov", ".webm", ".mjpeg", ".ts"),
    *(".onnx", ".pt", ".pth", ".ckpt", ".dat", ".safetensors", ".npy", ".npz", ".pkl", ".bin"),
    *(".pem", ".key", ".sqlite", ".db", ".lance"),
}
BINARY_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"RIFF": "WebP or AVI",
    b"\x1a\x45\xdf\xa3": "Matroska",
    b"PK\x03\x04": "zip or torch checkpoint",
    b"\x80\x02": "pickle",
    b"\x80\x04": "pickle",
    b"SQLite format 3": "SQLite",
}
PNG = b"\x89PNG"

# In pieces, so that this file does not itself contain what it forbids.
UNFINISHED = re.compile(
    r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b"
    r"|raise NotImplemented" + r"Error"
    r"|pytest\.sk" + r"ip\(\)"
    r"|assert Tr" + r"ue\b"
)
ELSEWHERE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:wo" + r"rk|root|home/\w+|Users/\w+)/",  # somebody's own folders
            r"extra-index" + r"-url|--index" + r"-url|--find-links(?!=|$)\s+\S+/",  # a package index
            r"/simp" + r"le/|/packa" + r"ges/[0-9a-f]{2}/",
            r"files\.pythonho" + r"sted\.org",
        )
    )
)
TEXT_SUFFIXES = {
    *(".py", ".md", ".toml", ".yaml", ".yml", ".json", ".js", ".css", ".html", ".lock", ".txt", ".csv", ".cfg"),
    *(".service", ".sh", ".svg", ""),
}


def text_of(path: Path) -> str | None:
    """The file as text, or None where it is not text."""
    if path.suffix.lower() not in TEXT_SUFFIXES:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def hits(files: list[Path], pattern: re.Pattern[str], root: Path) -> list[str]:
    """Every line of the files that the pattern finds, as path:line: text."""
    found = []
    for path in files:
        for number, line in enumerate((text_of(path) or "").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:120]}")
    return found


def test_no_source_file_is_longer_than_400_lines(sources: list[Path], repository: Path) -> None:
    lengths = {path.relative_to(repository): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE_LINES} == {}


def test_no_test_file_is_longer_than_400_lines(repository: Path) -> None:
    lengths = {
        str(path.relative_to(repository)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (repository / "tests").rglob("*.py")
    }
    assert lengths, "no tests at all"
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE_LINES} == {}


def test_no_actor_is_longer_than_150_lines(repository: Path) -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in (repository / "lfr_ray" / "actors").glob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_ACTOR_LINES} == {}


def test_files_are_named_by_what_they_are(sources: list[Path]) -> None:
    vague = [str(path) for path in sources if {path.stem, path.parent.name} & VAGUE_NAMES]
    assert vague == []


def test_no_package_is_deeper_than_two(sources: list[Path], repository: Path) -> None:
    deep = [str(path) for path in sources if len(path.relative_to(repository).parts) > 3]
    assert deep == []


def test_unit_tests_mirror_the_package(repository: Path) -> None:
    packages = {path.parent.name for path in (repository / "lfr_ray").glob("*/__init__.py")}
    folders = {path.parent.name for path in (repository / "tests" / "unit").glob("*/test_*.py")}
    assert folders - packages == set(), "a folder of tests/unit is named after a package of lfr_ray"


OWN_WEIGHTS = "lfr_ray/embed/occlusion.npz"
"""Made by benchmarks/training/train_occlusion.py, so nobody else's; far too few numbers to hold a face."""


def test_no_picture_film_weight_or_key_is_committed(files: list[Path], repository: Path) -> None:
    suspicious = []
    for path in files:
        name = str(path.relative_to(repository))
        with path.open("rb") as opened:
            head = opened.read(64)
        if name == OWN_WEIGHTS:
            assert path.stat().st_size < 64_000
            continue
        if path.suffix.lower() in BINARY_SUFFIXES:
            suspicious.append(f"{name}: {path.suffix}")
        suspicious += [f"{name}: {kind}" for magic, kind in BINARY_SIGNATURES.items() if head.startswith(magic)]
        if head[4:8] == b"ftyp":
            suspicious.append(f"{name}: MP4")
        if head.startswith(PNG) and path.suffix != ".png":
            suspicious.append(f"{name}: PNG under another name")
        if b"PRIVATE KEY-----" in head:
            suspicious.append(f"{name}: private key")
    assert suspicious == []


def test_no_file_is_large(files: list[Path], repository: Path) -> None:
    # A lock holds the hash of every file of every package: nobody reads it, and no picture hides in it.
    large = {str(one.relative_to(repository)): one.stat().st_size for one in files if one.suffix != ".lock"}
    assert {name: size for name, size in large.items() if size > LARGEST_FILE_BYTES} == {}


def test_nothing_is_left_unfinished(files: list[Path], repository: Path) -> None:
    code = [path for path in files if path.suffix in {".py", ".js"}]
    assert hits(code, UNFINISHED, repository) == []


def test_nothing_names_a_machine_or_a_package_index(files: list[Path], repository: Path) -> None:
    assert hits(files, ELSEWHERE, repository) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (UNFINISHED, "x = 1  # TO" + "DO later"),
        (UNFINISHED, "    raise NotImplemented" + "Error"),
        (ELSEWHERE, "pip install --index" + "-url https://example.org"),
        (ELSEWHERE, 'path = "/ro' + 'ot/thing"'),
    ],
)
def test_the_patterns_find_what_they_forbid(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_tests_use_real_parts(repository: Path) -> None:
    mocking = []
    for path in sorted((repository / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(name.startswith("unittest.mock") or name == "mock" for name in names):
                mocking.append(str(path.relative_to(repository)))
    assert mocking == []


def test_the_licence_is_agpl(repository: Path) -> None:
    text = (repository / "LICENSE").read_text(encoding="utf-8")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 19 November 2007" in text


def test_scripts_are_executable_and_parse(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True, check=False).returncode == 0


def test_what_make_starts_caches_compiled_modules(repository: Path) -> None:
    words = [
        "make",
        "--silent",
        "--eval",
        "cached: ; @python3 -c 'import sys; print(sys.dont_write_bytecode)'",
        "cached",
    ]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=repository, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
