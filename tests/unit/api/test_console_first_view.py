"""What the first view loads: fetched at once and not module after module, and light."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lfr_ray.api.console_files import packed

MOST_BYTES = 150_000
HEAD_BYTES = 900
"""Of each answer, at most."""


def modules(folder: Path) -> set[str]:
    """What `main.js` imports, and what those import."""
    found, waiting = set(), ["main.js"]
    while waiting:
        found.add(one := waiting.pop())
        text = (folder / one).read_text(encoding="utf-8")
        waiting += set(re.findall(r'^import [^;]*? from "\./([\w/]+\.js)";', text, flags=re.MULTILINE)) - found
    return found


def test_the_page_names_every_module_that_it_begins_with(repository: Path) -> None:
    folder = repository / "lfr_ray" / "console"
    named = re.findall(r'rel="modulepreload" href="/console/([^"]+)"', (folder / "index.html").read_text("utf-8"))
    assert named == sorted(modules(folder) - {"main.js"})


def test_the_first_view_is_light_in_every_language(repository: Path) -> None:
    folder = repository / "lfr_ray" / "console"
    page = (folder / "index.html").read_text(encoding="utf-8")
    named = {*re.findall(r'(?:href|src)="/console/([^"]+)"', page), *modules(folder), "index.html", "icon.svg"}
    for texts in ({"text/en.js"}, {"text/de.js", "text/server_de.js"}, {"text/fr.js", "text/server_fr.js"}):
        files = named | texts
        assert sum(len(packed((folder / one).read_bytes())[0]) + HEAD_BYTES for one in files) < MOST_BYTES


def test_a_file_travels_packed_and_only_when_it_has_changed(house: Any) -> None:
    plain = house.ask("GET", "/console/main.js", headers={"Accept-Encoding": "identity"})
    answer = house.ask("GET", "/console/main.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert answer.content == plain.content
    assert int(answer.headers["content-length"]) < len(plain.content) * 0.6
    again = house.ask("GET", "/console/main.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (
        house.ask("GET", "/console/translation.js", headers={"If-None-Match": answer.headers["etag"]}).status_code
        == 200
    )
