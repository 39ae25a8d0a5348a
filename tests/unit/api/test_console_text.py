"""Every text of the console is in every language, and every text that a script asks for exists."""

from __future__ import annotations

import json
import re
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
        r"(\w+): \"\w+", (console(repository) / "text.js").read_text(encoding="utf-8").split("\n\n")[1]
    )
    assert sorted(offered[: len(LANGUAGES)]) == sorted(LANGUAGES)
    parts = ("", "list_")
    files = sorted(path.stem for path in (console(repository) / "text").iterdir())
    assert files == sorted(f"{part}{language}" for part in parts for language in LANGUAGES)


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_language_says_the_same(repository: Path, language: str) -> None:
    english, other = texts(repository, "en"), texts(repository, language)
    assert list(english) == list(other)
    assert len(english) > 300
    assert [key for key in english if not other[key].strip()] == []
    places = {key: sorted(PLACE.findall(text)) for key, text in english.items()}
    assert {key: sorted(PLACE.findall(text)) for key, text in other.items()} == places


def test_every_text_that_is_asked_for_exists(repository: Path) -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in console(repository).glob("*.js"))
    page = (console(repository) / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r"\bt\(\"([^\"]+)\"", scripts)) | set(re.findall(r"data-(?:text|label)=\"([^\"]+)\"", page))
    english = texts(repository, "en")
    assert len(asked) > 150
    assert sorted(asked - set(english)) == []
    families = {family.split("${")[0] for family in re.findall(r"\bt\(`([^`]+)`", scripts)}
    assert [family for family in sorted(families) if not any(key.startswith(family) for key in english)] == []
