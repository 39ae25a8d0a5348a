"""Every text of the console is in every language, and every text that a script asks for exists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PAIR = re.compile(r'"([^"]+)": ("(?:[^"\\]|\\.)*")')
PLACE = re.compile(r"\{(\w+)\}")
LANGUAGES = ("de", "en", "fr")


def console(repository: Path) -> Path:
    return repository / "lfr_ray" / "console"


def texts(repository: Path, language: str) -> dict[str, str]:
    files = sorted((console(repository) / "text").glob(f"*{language}.js"))
    written = PAIR.findall("".join(path.read_text(encoding="utf-8") for path in files))
    found = {key: json.loads(text) for key, text in written}
    assert len(found) == len(written), "a key is written twice"
    return found


def test_each_part_is_in_every_language(repository: Path) -> None:
    offered = re.findall(
        r"(\w+): \"\w+", (console(repository) / "translation.js").read_text(encoding="utf-8").split("\n\n")[1]
    )
    assert sorted(offered[: len(LANGUAGES)]) == sorted(LANGUAGES)
    wanted = {f"{part}{language}" for part in ("", "server_", "site_") for language in LANGUAGES}
    files = {path.stem for path in (console(repository) / "text").iterdir()}
    assert files == wanted - {"server_en"}, "the server's own sentences are English"


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_language_says_the_same(repository: Path, language: str) -> None:
    other = texts(repository, language)
    said = {key: key for key in texts(repository, "de") if key.startswith("said.")}
    english = texts(repository, "en")
    assert [key for key in other if key not in said] == list(english)
    english |= said
    assert english.keys() == other.keys()
    assert len(english) > 300
    assert [key for key in english if not other[key].strip()] == []
    places = {key: sorted(PLACE.findall(text)) for key, text in english.items()}
    assert {key: sorted(PLACE.findall(text)) for key, text in other.items()} == places


def test_every_text_that_is_asked_for_exists(repository: Path) -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in console(repository).glob("*.js"))
    page = (console(repository) / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r"\bt\(\"([^\"]+)\"", scripts)) | set(re.findall(r"data-(?:text|label)=\"([^\"]+)\"", page))
    english = texts(repository, "en")
    known = {key.partition(".")[0] for key in english}
    # Some are handed on by name before they are asked for.
    quoted = re.findall(r"\"([a-z_]+(?:\.[a-z_]+)+)\"", scripts)
    asked |= {one for one in quoted if one.partition(".")[0] in known and not one.endswith((".js", ".csv"))}
    assert len(asked) > 150
    assert sorted(asked - set(english)) == []
    families = {family.split("${")[0] for family in re.findall(r"\bt\(`([^`]+)`", scripts)}
    assert [family for family in sorted(families) if not any(key.startswith(family) for key in english)] == []


SAYING = {
    "health.py": ("fault", "camera_health", "processes_fault", "_warning"),
    "govern/authority_gate.py": ("_state_refusal", "_read", "_site_fault"),
    "govern/authority.py": ("time_refusal", "_camera_refusal", "_place_refusal", "_list_refusal", "_model_refusal"),
    "match/comparer.py": ("unfit",),
    "camera/reconnect.py": ("observed",),
}
"""Where the sentences are made that say why a camera is blind or not compared."""


def sentences(tree: ast.AST, functions: tuple[str, ...]) -> Iterator[str]:
    """Every sentence that these functions write, with 7 for whatever stands in its places."""
    made = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in functions]
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    notes = {id(node.body[0].value) for node in made if isinstance(node.body[0], ast.Expr)}
    for node in (inner for one in made for inner in ast.walk(one)):
        if isinstance(node, ast.JoinedStr) and len(node.values) > 1:
            yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in parts | notes and " " in str(node.value):
            yield str(node.value)


@pytest.mark.parametrize("file", SAYING)
def test_every_sentence_of_the_servers_has_its_form_in_each_language(repository: Path, file: str) -> None:
    known = [key.removeprefix("said.") for key in texts(repository, "de") if key.startswith("said.")]
    forms = [re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(form)) + "$") for form in known]
    found = list(sentences(ast.parse((repository / "lfr_ray" / file).read_text(encoding="utf-8")), SAYING[file]))
    assert found
    for one in found:  # its end may be empty, and what it is of may stand before another sentence
        whole = (one.strip(), one.removesuffix("7"), f"{one}: 7")
        assert any(form.match(text) for form in forms for text in whole), one
