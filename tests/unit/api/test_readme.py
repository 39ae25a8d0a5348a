"""The room's README says what the code does."""

from __future__ import annotations

import inspect
import re
import time
from pathlib import Path
from typing import Any

import pytest

from lfr_ray import errors
from lfr_ray.alert.event_kinds import KINDS
from lfr_ray.alert.webhook_delivery import signed_headers
from lfr_ray.alert.webhook_store import new_secret
from lfr_ray.api.http_application import ROLES
from lfr_ray.api.middleware import MAX_BODY_BYTES
from lfr_ray.errors import LfrError
from lfr_ray.records import PEOPLE
from lfr_ray.records import ROLES as ROLE_NAMES


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "lfr_ray" / "api" / "README.md").read_text(encoding="utf-8")


def test_the_routes_are_those_of_the_code(house: Any, readme: str) -> None:
    written = re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \| [^|]+ \| ([^|]+) \|$", readme, flags=re.MULTILINE)
    paths = house.app.openapi()["paths"]
    routes = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert sorted(written) == sorted((*route, who(ROLES[route])) for route in routes)


def who(roles: tuple[str, ...]) -> str:
    return "everybody" if not roles else "people" if roles == PEOPLE else ", ".join(roles)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_each_role_may_what_the_table_says_and_nothing_else(open_house: Any, role: str) -> None:
    house = open_house(demo_officer="")
    headers = house.by("PC1", role)
    for (method, path), roles in ROLES.items():
        if path.endswith("/stream") and role in roles:
            continue  # it has no end
        answer = house.ask(method, re.sub(r"\{\w+\}", "x", path), headers=headers)
        refused = answer.status_code == 403 and "role" in answer.json()["detail"]
        assert refused == (bool(roles) and role not in roles), (method, path, answer.text)


def test_the_errors_are_those_of_the_code(readme: str) -> None:
    written = re.findall(r"^\| `(\w+Error)` \| [^|]+ \| (\d+) \| (\d) \|$", readme, flags=re.MULTILINE)
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LfrError)]
    assert sorted(written) == sorted((kind.__name__, str(kind.http_status), str(kind.exit_code)) for kind in kinds)
    assert f"{MAX_BODY_BYTES // 1024} KiB" in readme


def test_the_kinds_of_events_are_those_of_the_code(readme: str, repository: Path) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (repository / "lfr_ray" / "alert").glob("*.py"))
    calls = re.findall(r"add_event\(connection, (.+?), (?:now_s|draft)", code)
    assert {kind for call in calls for kind in re.findall(r'"(\w+)"', call)} <= set(KINDS)
    written = re.search(r"Kinds: (.+?)\. In silence", readme, flags=re.DOTALL)
    assert written is not None
    assert set(re.findall(r"`(\w+)`", written[1])) == set(KINDS)


def test_the_receivers_code_runs(readme: str) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    secret = new_secret()
    headers = signed_headers(secret, "d1-4", time.time(), '{"id":4}')
    handled: list[Any] = []
    scope = {"secret": secret, "headers": headers, "body": '{"id":4}', "handled": (), "handle": handled.append}
    exec(block, scope)
    assert handled == [{"id": 4}]
