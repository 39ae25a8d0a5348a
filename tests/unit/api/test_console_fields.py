"""The console reads only fields that the documents have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

NAMES = {
    "alert": "Alert",
    "decision": "Decision",
    "outcome": "ShownRecord",
    "record": "ShownRecord",
    "verdict": "ShownRecord",
    "seen": "Sightings",
    "page": "AlertPage",
    "camera": "CameraState",
    "site": "DeploymentList",
    "happened": "FeedEvent",
    "listed": "WatchlistState",
    "granted": "AuthorityState",
    "account": "RecordSoFar",
    "ledger": "LedgerVerdict",
    "likelihood": "Likelihood",
    "counted": "Counts",
    "checked": "PictureCheck",
    "entry": "ListedEntry",
    "leaf": "ListPage",
    "claim": "Claim",
    "known": "PersonState",
    "session": "SessionState",
    "made": "GivenToken",
}
"""What the console calls a document, and its schema."""

READ = re.compile(r"(?<![\w\"'`-])(?:this\.|view\.|event\.)?(" + "|".join(NAMES) + r")((?:\.[a-z_]+)+)\b")


def source(repository: Path) -> str:
    """The scripts without what only looks like a document: imports, addresses, and one name for both kinds of event."""
    text = ""
    for path in sorted((repository / "lfr_ray" / "console").glob("*.js")):
        lines = path.read_text(encoding="utf-8").splitlines()
        script = "\n".join(line for line in lines if not re.search(r"^import |\"fulfilled\"", line))
        text += re.sub(r"\b(?:happened|event)\.(?=alert\b|kind\b)", "happened.", script) + "\n"
    return text


def schemas(house: Any) -> dict[str, Any]:
    found: dict[str, Any] = house.get("/openapi.json").json()["components"]["schemas"]
    return found


def unknown(text: str, known: dict[str, Any]) -> tuple[int, list[str]]:
    """How many reads there are, and those of fields that do not exist."""
    reads = sorted(set(READ.findall(text)))
    return len(reads), [f"{name}{path}" for name, path in reads if not _exists(NAMES[name], path, known)]


def _exists(kind: str, path: str, known: dict[str, Any]) -> bool:
    schema = known[kind]
    for name in path.strip(".").split("."):
        if name not in schema["properties"]:
            return False
        inner = schema["properties"][name]
        references = [one["$ref"] for one in (inner, *inner.get("anyOf", ())) if "$ref" in one]
        if not references:
            return True  # a value; what follows is JavaScript's own
        schema = known[references[0].rpartition("/")[2]]
    return True


def test_every_field_that_the_console_reads_exists(house: Any, repository: Path) -> None:
    count, missing = unknown(source(repository), schemas(house))
    assert missing == []
    assert count > 50


@pytest.mark.parametrize(
    "wrong", ["alert.colour", "view.alert.case.stage", "this.alert.sightings.number", "happened.alert.decision.by"]
)
def test_a_field_that_is_gone_would_be_seen(house: Any, wrong: str) -> None:
    assert unknown(f"{wrong};", schemas(house))[1]
