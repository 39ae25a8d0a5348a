"""An alert is never lost and never two, whatever happens to the processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lfr_ray.alert.alert_queries import AlertQuery
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.open_database import Database

PROGRAM = Path(__file__).with_name("raise_once.py")
DeskOn = Callable[..., AlertService]


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(PROGRAM), *arguments], stdout=subprocess.PIPE, text=True)


def alert_ids(desk_on: DeskOn, url: str) -> list[str]:
    database = Database(url)
    try:
        return [alert.id for alert in desk_on(database).list(AlertQuery()).alerts]
    finally:
        database.close()


def check_killed_then_retried(desk_on: DeskOn, url: str) -> None:
    first = run(url, "tracklet-1", "die-after-commit")
    answer, _ = first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    assert answer == ""
    (recorded,) = alert_ids(desk_on, url)
    answer, _ = run(url, "tracklet-1").communicate(timeout=60)
    assert answer.split() == [recorded, "False"]
    assert alert_ids(desk_on, url) == [recorded]


def check_at_once(desk_on: DeskOn, url: str, folder: Path) -> None:
    go = folder / "go"
    racers = [run(url, "tracklet-1", "wait-for", str(go)) for _ in range(3)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    go.touch()
    answers = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len({answer[0] for answer in answers}) == 1
    assert sorted(answer[1] for answer in answers) == ["False", "False", "True"]
    assert alert_ids(desk_on, url) == [answers[0][0]]


def test_killed_between_commit_and_answer_then_retried(desk_on: DeskOn, sqlite_url: str) -> None:
    check_killed_then_retried(desk_on, sqlite_url)


def test_the_same_key_from_three_processes_at_once(desk_on: DeskOn, sqlite_url: str, tmp_path: Path) -> None:
    check_at_once(desk_on, sqlite_url, tmp_path)


def test_at_once_on_postgresql(desk_on: DeskOn, clean_postgres_url: str, tmp_path: Path) -> None:
    check_at_once(desk_on, clean_postgres_url, tmp_path)


def test_killed_on_postgresql(desk_on: DeskOn, clean_postgres_url: str) -> None:
    check_killed_then_retried(desk_on, clean_postgres_url)
