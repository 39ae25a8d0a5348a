"""Tokens: shown once, kept as hashes, ended by time and by name; one person is one person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lfr_ray.cli import people as command
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConflictError, InputError, IntegrityError, NotFoundError
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.people.tokens_and_sessions import DAY_S, SESSION_S, People
from lfr_ray.records import Person

NOW = 1_800_000_000.0


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(DataDir(tmp_path))


def test_a_token_proves_its_person_until_its_end(people: People, tmp_path: Path) -> None:
    token = people.add("PC1", "officer", days=1, now_s=NOW)
    found = people.find(token, NOW + DAY_S - 1)
    assert found is not None
    assert found.proven == Person("PC1", frozenset({"officer"}))
    assert people.find(token, NOW + DAY_S) is None
    assert people.find(token, NOW - 3600) is None, "a clock that was set back makes nobody known"
    assert people.find(token + "x", NOW) is None
    assert people.find("", NOW) is None
    assert token not in DataDir(tmp_path).people.read_text()


def test_another_process_sees_it_at_once_and_its_end_too(people: People, tmp_path: Path) -> None:
    other = People(DataDir(tmp_path))
    assert other.all() == ()
    token = people.add("PC1", "officer", days=1, now_s=NOW)
    assert other.find(token, NOW) is not None
    assert people.revoke("pc1") == 1
    assert other.find(token, NOW) is None
    with pytest.raises(NotFoundError):
        people.revoke("PC1")


def test_one_person_has_one_role_and_one_spelling(people: People) -> None:
    people.add("Alice", "officer", days=1, now_s=NOW)
    people.add("Alice", "officer", days=2, now_s=NOW)
    for person, role in (("alice", "officer"), ("Alice", "supervisor")):
        with pytest.raises(ConflictError, match="another role or spelling"):
            people.add(person, role, days=1, now_s=NOW)
    people.add("alice", "supervisor", days=1, now_s=NOW + 3 * DAY_S)  # the others are over


@pytest.mark.parametrize(
    ("person", "role", "days"),
    [("", "officer", 1), ("a b", "officer", 1), ("PC1", "chief", 1), ("PC1", "officer", 0), ("PC1", "officer", 367)],
)
def test_what_is_no_person_role_or_time(people: People, person: str, role: str, days: float) -> None:
    with pytest.raises(InputError):
        people.add(person, role, days=days, now_s=NOW)
    assert people.all() == ()


def test_a_session_ends_with_its_shift_its_token_and_its_sign_out(people: People) -> None:
    person = Person("PC1", frozenset({"officer"}))
    longest = people.find(people.sign_in(person, now_s=NOW), NOW)
    assert longest is not None
    assert longest.expires_at == NOW + SESSION_S
    short = people.sign_in(person, now_s=NOW, until_s=NOW + 60)
    assert people.find(short, NOW + 61) is None
    people.end(short, "session")
    assert people.find(short, NOW) is None
    raised = Person("PC1", frozenset({"supervisor"}))
    people.sign_in(raised, now_s=NOW)
    assert {one.role for one in people.all()} == {"supervisor"}, "the issuer changed the role"


def test_a_damaged_file_lets_nobody_in(people: People, tmp_path: Path) -> None:
    DataDir(tmp_path).people.write_text('{"people": [{"person": "PC1"}]}')
    with pytest.raises(IntegrityError):
        people.find("x", NOW)


def test_the_command_shows_a_token_once_and_puts_it_into_the_ledger(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(command.app, [*words, "--data-dir", str(tmp_path)])
        assert done.exit_code == 0, done.exception
        return done.stdout

    token = json.loads(run("add", "PC1", "--role", "officer", "--by", "admin1", "--json", "-"))["token"]
    listed = run("list", "--json", "-")
    assert json.loads(listed)["people"][0]["role"] == "officer"
    run("revoke", "PC1", "--reason", "left", "--by", "admin1")
    assert json.loads(run("list", "--json", "-"))["people"] == []
    records = [(one["what"], one["actor"], one["subject"]) for one in read_records(DataDir(tmp_path))]
    assert ("token given out", "typed:admin1", "PC1") in records
    assert ("tokens revoked", "typed:admin1", "PC1") in records
    assert token not in listed + DataDir(tmp_path).ledger.read_text()
