"""What must not exist: a search over unmatched faces, and inference of ethnicity, emotion or sex about passers-by.

Every surface is inspected as it stands in the running objects: routes, commands, tables, metrics, records, models.
A word that may be there stands in a list here, with the reason.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import typer
from typer.main import get_command

from lfr_ray import metrics, records
from lfr_ray.adjudicate.decision_vocabulary import MONITORING_FIELDS
from lfr_ray.alert import alert_tables as schema_tables
from lfr_ray.api.http_application import ROLES, build_api
from lfr_ray.cli import main
from lfr_ray.config import SiteConfig
from lfr_ray.govern.alert_ledger_events import KEPT
from lfr_ray.govern.ledger_event import FORBIDDEN_KEYS
from lfr_ray.match.lancedb_table import SCHEMA
from lfr_ray.match.watchlist_entries import CATEGORIES, FORBIDDEN_CATEGORIES
from lfr_ray.models.card_catalogue import cards
from lfr_ray.models.cards import ModelCard

INFERRED = re.compile(r"ethnic|\brace\b|racial|emotion|gender|\bsex\b|_sex|sex_|\bage\b|age_band|mood|demograph", re.I)
SEARCH = re.compile(
    r"\bsearch|unmatched|stranger|passer|unknown_?face|by_?(face|image|photo|picture)|similar|lookup", re.I
)

# What an officer perceived of a person who was alerted on, recorded afterwards and by hand, for equality monitoring.
PERCEIVED = frozenset(MONITORING_FIELDS)
# The similarity of an alert to the entry that it names.
ALERT_FIGURES = frozenset({"similarity", "view_similarity"})


def routes() -> dict[str, Any]:
    api = build_api(cast("Any", None), cast("Any", None))
    return cast("dict[str, Any]", api.openapi())


def names_in(schema: Any) -> Iterator[str]:
    """Property and parameter names of an OpenAPI document."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties" and isinstance(value, dict):
                yield from value
            if key == "parameters" and isinstance(value, list):
                yield from (one["name"] for one in value if "name" in one)
            yield from names_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from names_in(value)


def test_no_route_searches_or_infers() -> None:
    document = routes()
    assert len(document["paths"]) > 8
    for path in document["paths"]:
        assert not SEARCH.search(path), path
        assert not INFERRED.search(path), path
    for name in set(names_in(document)) - PERCEIVED - ALERT_FIGURES:
        assert not SEARCH.search(name), name
        assert not INFERRED.search(name), name


ENROLLING = {("POST", "/v1/watchlist/check"), ("POST", "/v1/watchlist/entries/{entry_id}/pictures")}
"""Whoever looks after the list shows a picture to be enrolled, and is told which entries it would double."""

HANDED_IN = {("PUT", "/v1/cameras/{name}/recording")}
"""A test's camera shows a recording that is handed in; as with all cameras the list says who is found."""


def test_no_route_takes_a_picture_to_look_for() -> None:
    for path, methods in routes()["paths"].items():
        for method, operation in methods.items():
            media = operation.get("requestBody", {}).get("content", {})
            if (method.upper(), path) not in ENROLLING | HANDED_IN:
                assert set(media) <= {"application/json"}, f"{method} {path} takes {sorted(media)}"


def test_a_picture_to_be_enrolled_is_compared_for_the_keepers_of_the_list_alone() -> None:
    assert [ROLES[address] for address in sorted(ENROLLING)] == [("importer",)] * len(ENROLLING)
    answer = routes()["components"]["schemas"]["PictureCheck"]
    told = set(names_in(answer))
    assert "alike" in told
    assert not told & {"name", "similarity", "probability", "vector"}
    assert answer["properties"]["alike"]["items"] == {"type": "string"}, "ids of entries, and nothing of anybody else"


def test_no_document_holds_a_picture_but_that_of_a_new_entry() -> None:
    document = routes()["components"]["schemas"]
    for name, schema in document.items():
        for field, value in schema.get("properties", {}).items():
            if (name, field) != ("EntryRequest", "picture"):
                assert value.get("format") not in ("binary", "byte", "base64"), f"{name}.{field}"


def test_perceived_fields_come_from_officers_with_an_outcome_only() -> None:
    document = routes()
    holders = {
        name
        for name, schema in document["components"]["schemas"].items()
        if PERCEIVED & set(schema.get("properties", {}))
    }
    assert all(re.search(r"outcome|record|case|decision", name, re.I) for name in holders), holders
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                assert parameter["name"] not in PERCEIVED, f"{path} filters by what was perceived"


def commands(command: Any, path: str = "lfr") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


def every_command() -> list[tuple[str, Any]]:
    app = typer.Typer()
    for group in main.GROUPS:
        app.add_typer(importlib.import_module(f"lfr_ray.cli.{group}").app)
    return list(commands(get_command(app)))


def test_no_command_searches_or_infers() -> None:
    found = every_command()
    assert len(found) > 25
    # `--search` of close and verify looks for destroyed content on further disks: it must find nothing.
    allowed = {("lfr deployment close", "search"), ("lfr audit verify", "search")}
    for path, command in found:
        assert not SEARCH.search(path), path
        assert not INFERRED.search(path), path
        for parameter in command.params:
            if (path, parameter.name) in allowed:
                continue
            if path == "lfr alerts decide" and parameter.name.removeprefix("--") in PERCEIVED:
                continue
            assert not SEARCH.search(parameter.name), f"{path} {parameter.name}"
            assert not INFERRED.search(parameter.name) or parameter.name in PERCEIVED, f"{path} {parameter.name}"


def test_the_desk_has_no_place_for_anybody_who_matched_nobody() -> None:
    tables = schema_tables.metadata.tables
    known = {
        "desk",
        "alerts",
        "sightings",
        "images",
        "case_records",
        "events",
        "subscriptions",
        "dead_letters",
        "outputs",
    }
    assert set(tables) == known, "a new table: can it hold a face without an alert?"
    blobs = [(name, column.name) for name, table in tables.items() for column in table.columns if is_blob(column)]
    assert blobs == [("images", "jpeg")]
    image = tables["images"]
    assert {str(key.target_fullname) for key in image.columns["alert_id"].foreign_keys} == {"alerts.alert_id"}
    assert not tables["alerts"].columns["entry_id"].nullable, "an alert names whom it may show"
    for name, table in tables.items():
        for column in table.columns:
            assert not re.search(r"vector|embedding|template", column.name), f"{name}.{column.name}"
            assert not INFERRED.search(column.name), f"{name}.{column.name}"


def is_blob(column: Any) -> bool:
    return "BLOB" in str(column.type).upper() or "BINARY" in str(column.type).upper()


def test_the_watchlist_holds_only_who_is_listed() -> None:
    names = set(SCHEMA.names)
    assert {"entry_id", "category", "embedding", "jpeg"} <= names
    for name in names - {"declared_group", "image_date", "under_18"}:
        assert not INFERRED.search(name), name
    assert not FORBIDDEN_CATEGORIES & set(CATEGORIES)
    assert not {"other", "intelligence", "unknown", "unmatched"} & set(CATEGORIES)


TASKS = {"detect", "embed", "occlusion"}
"""Where a face is, whose it may be, and which half of it can be compared."""


def test_no_model_infers_anything_but_where_a_face_is_and_whose_it_may_be() -> None:
    assert set(get_args(ModelCard.model_fields["task"].annotation)) <= TASKS
    assert len(cards()) >= 2
    for card in cards():
        for text in (card.id, card.title, card.family):
            assert not INFERRED.search(text), f"{card.id}: {text}"
            assert not re.search(r"attribute|attrib|fairface|deepface", text, re.I), f"{card.id}: {text}"


RECORDED_BY_OFFICERS = {"Details", "ShownRecord"}
"""What an officer says after the event, for equality monitoring; no program fills it."""


def test_nothing_that_travels_or_is_counted_infers() -> None:
    for name, kind in vars(records).items():
        if dataclasses.is_dataclass(kind) and name not in RECORDED_BY_OFFICERS:
            for field in dataclasses.fields(kind):
                assert not INFERRED.search(field.name), f"{name}.{field.name}"
    for name in (*metrics.COUNTERS, *metrics.GAUGES, *metrics.TIMINGS, *KEPT):
        assert not INFERRED.search(name), name
        assert not SEARCH.search(name) or name == "similarity", name
    for name in section_fields(SiteConfig):
        assert not INFERRED.search(name), name
    assert {"ethnicity", "sex", "emotion", "face", "vector", "name"} <= FORBIDDEN_KEYS


def section_fields(section: Any) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield name
        inner = field.annotation
        if isinstance(inner, type) and hasattr(inner, "model_fields"):
            yield from section_fields(inner)


WORDS = re.compile(
    r"DeepFace|FairFace|face_attribute|age_gender|emotion_recogni|predict_(age|gender|race|emotion)", re.I
)


def test_no_source_line_calls_such_a_thing(repository: Path) -> None:
    sources = sorted((repository / "lfr_ray").rglob("*.py"))
    assert len(sources) > 100
    for path in sources:
        found = WORDS.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found}"


def test_the_readme_says_so(repository: Path) -> None:
    text = " ".join((repository / "README.md").read_text(encoding="utf-8").split()).lower()
    said = re.search(r"(not exist|no )[^.]*search over faces that did not match[^.]*inference of ([^.;]*)", text)
    assert said is not None
    assert all(word in said.group(2) for word in ("ethnicity", "emotion", "sex"))
