"""The table of kinds of trouble: every row names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_kind_of_trouble_names_its_test() -> None:
    page = (ROOT / "lfr_ray" / "camera" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!kind).*$", page.partition("## Kinds of trouble")[2].partition("\n## ")[0], re.MULTILINE)
    assert len(rows) >= 28
    there = {
        f"{path.stem}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = [re.search(r"`(\S+)` \|$", row) for row in rows]
    assert [row for row, one in zip(rows, named, strict=True) if one is None or one[1] not in there] == []
