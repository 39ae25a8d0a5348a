"""The machine of the ledger's copy is silent: a stop stands, a matcher answers, and the record comes in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lfr_ray.actors.desk_audit import DeskAccount
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError, StoreError
from lfr_ray.govern.emergency_stop import HaltAccount, Halts
from lfr_ray.govern.ledger_copy import LedgerCopy
from lfr_ray.govern.ledger_event import RESUMED, STOPPED, STRANGER, Event
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.site.timed_tasks import Schedule
from tests.processes import eventually

STOP = Event("stop", STOPPED, actor="PC1", reason="disorder")


class SilentMachine:
    """Where the copy is. While it is silent whoever asks it waits, and then learns that it does not answer."""

    def __init__(self) -> None:
        self.silent, self.asked, self.let_go = True, threading.Event(), threading.Event()

    def carry(self, copy: LedgerCopy, head: Any) -> None:
        if self.silent:
            self.asked.set()
            self.let_go.wait(60)
        if self.silent:
            raise StoreError("the ledger's copy cannot be reached")

    def answers(self) -> None:
        self.silent = False
        self.let_go.set()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentMachine]:
    made = SilentMachine()
    monkeypatch.setattr(LedgerCopy, "carry", lambda copy, head: made.carry(copy, head))
    monkeypatch.setattr("lfr_ray.govern.write_beside.MOMENT_S", 0.05)
    monkeypatch.setattr("lfr_ray.govern.write_beside.AGAIN_S", 0.02)
    yield made
    made.answers()


@pytest.fixture
def copied(site: Any, tmp_path: Path) -> Any:
    site.files.root.mkdir()
    site.files.ledger_copy.write_text(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    return site


def within(seconds: float, question: Callable[[], Any]) -> Any:
    """Its answer; it must not wait for the machine."""
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(question()), daemon=True)
    asking.start()
    asking.join(seconds)
    assert answers, "it waits for a machine that is silent"
    return answers[0]


def stops(files: DataDir) -> list[str]:
    return [one["reason"] for one in read_records(files) if one["what"] == STOPPED]


def test_whoever_asks_while_another_waits_for_the_machine_is_told_what_was_known_last(
    copied: Any, machine: SilentMachine
) -> None:
    ledger = copied.ledger()
    failed: list[Exception] = []

    def append() -> None:
        try:
            ledger.append(STOP)
        except LfrError as error:
            failed.append(error)

    waiting = threading.Thread(target=append)
    waiting.start()
    assert machine.asked.wait(60)
    assert within(30, ledger.fault) == "", "nothing is known so far"
    machine.let_go.set()
    waiting.join(60)
    assert failed
    machine.let_go.clear()
    machine.asked.clear()
    assert "cannot be reached" in within(30, ledger.fault)
    assert machine.asked.wait(60), "it is tried again, beside whoever asked"
    assert "cannot be reached" in within(30, ledger.fault)
    within(30, lambda: ledger.append_soon(Event("refusal", "no comparison")) or "done")
    machine.answers()
    eventually(lambda: not ledger.fault() and not ledger._waiting, 60)
    assert [one["what"] for one in read_records(copied.files)] == [STOPPED, "no comparison"]


def test_who_asks_how_the_ledger_is_never_waits_and_a_stranger_holds_up_no_desk(
    copied: Any, machine: SilentMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = copied.ledger()
    machine.let_go.set()
    with pytest.raises(StoreError):
        ledger.append(STOP)
    machine.let_go.clear()
    monkeypatch.setattr("lfr_ray.govern.write_beside.MOMENT_S", 60.0)
    assert "cannot be reached" in within(20, ledger.fault)

    monkeypatch.setattr("lfr_ray.govern.write_beside.MOMENT_S", 0.05)
    schedule: Any = Schedule.__new__(Schedule)
    schedule._storage, schedule._deployment = SimpleNamespace(ledger=ledger), ""
    desk: Any = DeskAccount()
    desk._opening = SimpleNamespace(opened=SimpleNamespace(schedule=schedule))
    within(20, lambda: desk.tell_stranger("raise_alert") or "done")
    machine.answers()
    eventually(lambda: not ledger.fault() and not ledger._waiting, 60)
    found = [(one["what"], one["reason"]) for one in read_records(copied.files)]
    assert found == [(STOPPED, "disorder"), (STRANGER, "desk: raise_alert")]


def test_a_stop_returns_and_stands_while_the_machine_is_silent(copied: Any, machine: SilentMachine) -> None:
    config = {"site": "pier", "data_dir": copied.data_dir, "authority": AuthorityConfig(kind="test")}
    matcher = MatcherActor(SiteConfig.model_validate(config))
    assert within(30, lambda: matcher.halt("PC1", "disorder")).by == "PC1"
    assert "disorder" in Halts(copied.files).refusal()
    assert within(30, lambda: matcher.halt("PC2", "asked again")).by == "PC1"
    assert machine.asked.wait(60)
    ledger = matcher._ledger.get()
    assert ledger._waiting
    machine.answers()
    eventually(lambda: not matcher._account._waiting and not ledger._waiting, 60)
    assert stops(copied.files) == ["disorder", "asked again"]
    matcher.resume("PC1", "it is over")
    assert Halts(copied.files).refusal() == ""
    ledger.close()


def test_what_takes_long_may_never_end_so_nothing_is_compared_by_any_process(
    copied: Any, machine: SilentMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that hangs while its machine answers raises no error, however long one waits."""
    monkeypatch.setattr("lfr_ray.govern.write_beside.LATE_S", 0.1)
    ledger, another = copied.ledger(), copied.ledger()
    assert another.fault() == ""
    waiting = threading.Thread(target=lambda: ledger.append(STOP), daemon=True)
    waiting.start()
    assert machine.asked.wait(60)
    eventually(lambda: "does not answer" in within(30, ledger.fault), 60)
    assert within(30, another.fault), "a process that writes nothing itself"
    machine.silent = False
    machine.let_go.set()
    waiting.join(60)
    assert (ledger.fault(), another.fault()) == ("", "")
    assert stops(copied.files) == ["disorder"]


def test_nobody_resumes_before_it_is_on_record_and_a_stop_is_not_held_up(copied: Any, machine: SilentMachine) -> None:
    config = {"site": "pier", "data_dir": copied.data_dir, "authority": AuthorityConfig(kind="test")}
    matcher = MatcherActor(SiteConfig.model_validate(config))
    matcher.halt("PC1", "disorder")
    eventually(lambda: not matcher._account._waiting, 60)  # the ledger has taken it over
    for _ in range(2):
        with pytest.raises(StoreError, match="nothing is resumed"):
            matcher.resume("PC2", "over")
        assert "disorder" in Halts(copied.files).refusal()
    machine.answers()
    ledger = matcher._ledger.get()
    eventually(lambda: not ledger._waiting, 60)
    matcher.resume("PC2", "over")
    assert Halts(copied.files).refusal() == ""
    whats = [one["what"] for one in read_records(copied.files)]
    assert whats == [STOPPED, RESUMED, STOPPED, RESUMED, STOPPED, RESUMED], "what was refused ends as a stop"
    ledger.close()


def test_a_stop_is_recorded_once_the_ledger_can_be_opened_and_before_whoever_resumes(
    site: Any, machine: SilentMachine
) -> None:
    opens = threading.Event()

    def ledger() -> Any:
        if not opens.is_set():
            raise StoreError("the ledger cannot be opened")
        return site.opened[0] if site.opened else site.ledger()

    account = HaltAccount(ledger)
    account.stopped(STOP)
    with pytest.raises(StoreError, match="nothing is resumed"):
        account.resumed(Event("alteration", "matching resumed", actor="PC1"))
    opens.set()
    eventually(lambda: site.path.exists() and stops(site.files) == ["disorder"], 60)
    eventually(lambda: not account._waiting, 60)
    account.resumed(Event("alteration", "matching resumed", actor="PC1"))
    assert [one["what"] for one in read_records(site.files)] == [STOPPED, "matching resumed"]
