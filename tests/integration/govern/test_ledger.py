"""The ledger on disk: durable, chained, shared, and what happens to it when things break."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lfr_ray.errors import IntegrityError, StoreError
from lfr_ray.govern.ledger_event import CLOCK_ACCEPTED, Event
from lfr_ray.govern.ledger_verify import KnownHead, read_records, verify_ledger
from tests.disk import full_disk


def event(number: int = 0) -> Event:
    return Event("decision", "alert decided", actor="op-1", subject=f"alert-{number}", facts={"value": number})


def filled(site: Any, count: int = 10, seal_every: int = 4) -> list[bytes]:
    ledger = site.ledger(seal_every)
    for number in range(count):
        site.clock.advance(1)
        ledger.append(event(number))
    ledger.close()
    lines: list[bytes] = site.path.read_bytes().splitlines(keepends=True)
    return lines


def verdict(site: Any, *known: KnownHead) -> Any:
    return verify_ledger(site.files, site.trusted, known)


def test_what_is_appended_is_there_and_verifies(site: Any) -> None:
    filled(site)
    found = verdict(site)
    assert found.holds
    assert not found.notes
    assert found.sealed == found.records
    kinds = [record["kind"] for record in read_records(site.files)]
    assert kinds.count("decision") == 10
    assert kinds.count("seal") >= 3


def test_it_goes_on_where_it_ended(site: Any) -> None:
    filled(site, 3)
    filled(site, 3)
    assert verdict(site).holds
    numbers = [record["n"] for record in read_records(site.files)]
    assert numbers == list(range(1, len(numbers) + 1))


def rewrite(site: Any, lines: list[bytes]) -> None:
    site.path.write_bytes(b"".join(lines))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_any_damage_is_detected(site: Any, data: st.DataObject) -> None:
    lines = getattr(site, "lines", None)
    if lines is None:
        lines = site.lines = filled(site)
    how = data.draw(st.sampled_from(["change", "remove", "swap", "truncate", "double", "insert"]))
    at = data.draw(st.integers(0, len(lines) - 1))
    damaged = list(lines)
    if how == "change":
        place = data.draw(st.integers(0, len(lines[at]) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != lines[at][place]))
        damaged[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    elif how == "remove":
        del damaged[at]
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda value: value != at))
        damaged[at], damaged[other] = damaged[other], damaged[at]
    elif how == "truncate":
        cut = data.draw(st.integers(0, sum(map(len, lines)) - 1))
        damaged = [b"".join(lines)[:cut]]
    elif how == "double":
        damaged.insert(at, lines[at])
    else:
        damaged.insert(at, b'{"n":1}\n')
    rewrite(site, damaged)
    found = verdict(site)
    assert not found.holds, how
    assert all(len(fault) < 300 for fault in found.faults)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"alert-1", b"alert-9"), *lines[2:]], "record 2: it was changed"),
        (lambda lines: [*lines[:3], *lines[4:]], "record 4 is missing before record 5"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "out of order"),
        (lambda lines: lines[:5], "truncated: the signed head counts"),
        (lambda lines: [], "truncated"),
    ],
)
def test_the_verdict_says_what_was_done(site: Any, damage: Any, words: str) -> None:
    rewrite(site, damage(filled(site)))
    assert any(words in fault for fault in verdict(site).faults)


def test_a_chain_that_was_made_anew_fails_for_want_of_the_key(site: Any) -> None:
    from lfr_ray.govern.ledger_event import FIRST_PREVIOUS, line_of

    filled(site)
    previous, forged = FIRST_PREVIOUS, []
    for record in read_records(site.files):
        value = {"value": 99} if record["n"] == 2 else record["facts"]
        made = Event(record["kind"], record["what"], actor=record["actor"], subject=record["subject"], facts=value)
        line, previous = line_of(made, record["n"], 1.0, previous)
        forged.append(line)
    rewrite(site, forged)
    faults = verdict(site).faults
    assert any("seals other records" in fault for fault in faults)
    assert any("is not the one that the signed head names" in fault for fault in faults)


def test_a_head_signed_by_a_stranger_does_not_count(site: Any) -> None:
    filled(site)
    for path in (site.data_dir / "keys").glob("*.pub"):
        path.unlink()
    assert any("unknown key" in fault for fault in verify_ledger(site.files, site.trusted).faults)


def test_setting_back_ledger_and_head_together_is_seen_by_a_receipt(site: Any) -> None:
    filled(site, 3)
    early = {path: path.read_bytes() for path in site.data_dir.glob("ledger.*")}
    filled(site, 3)
    number, digest = verdict(site).head.split(":")
    known = KnownHead(int(number), digest, "receipt airshow-1")
    assert verdict(site, known).holds
    for path, content in early.items():
        path.write_bytes(content)
    assert verdict(site).holds
    assert any("receipt airshow-1" in fault for fault in verdict(site, known).faults)


@pytest.mark.parametrize("cut", [1, 40, 150])
def test_a_crash_in_the_middle_of_a_write_loses_nothing_else(site: Any, cut: int) -> None:
    ledger = site.ledger()
    ledger.append_many([event(number) for number in range(5)])
    site.abandon(ledger)
    whole = site.path.read_bytes()
    torn = whole.splitlines(keepends=True)[-1][:cut]
    site.path.write_bytes(whole + torn)
    before = verdict(site)
    assert before.holds
    assert any("unfinished" in note for note in before.notes)
    site.ledger().append(event(6))
    assert verdict(site).holds
    assert torn in site.path.with_suffix(".torn").read_bytes()
    records = list(read_records(site.files))
    assert [record["facts"]["value"] for record in records if record["kind"] == "decision"] == [0, 1, 2, 3, 4, 6]
    assert records[5]["what"] == "the ledger was not closed cleanly"
    assert records[5]["facts"]["bytes_count"] == cut


def test_whole_lines_after_the_head_are_taken_up(site: Any) -> None:
    ledger = site.ledger()
    ledger.append(event(0))
    head = site.path.with_suffix(".head").read_bytes()
    ledger.append(event(1))
    site.abandon(ledger)
    site.path.with_suffix(".head").write_bytes(head)
    site.ledger().append(event(2))
    assert verdict(site).holds
    values = [record["facts"].get("value") for record in read_records(site.files) if record["kind"] == "decision"]
    assert values == [0, 1, 2]


@pytest.mark.parametrize("slot", [0, 1])
def test_a_torn_head_leaves_the_one_before(site: Any, slot: int) -> None:
    ledger = site.ledger()
    for number in range(3):
        ledger.append(event(number))
    site.abandon(ledger)
    path = site.path.with_suffix(".head")
    data = bytearray(path.read_bytes())
    data[slot * 512 + 100 : slot * 512 + 400] = b"\0" * 300
    path.write_bytes(bytes(data))
    site.ledger().append(event(4))
    assert verdict(site).holds


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "truncated"),
        (lambda path: path.unlink(), "truncated"),
        (lambda path: path.with_suffix(".head").unlink(), "head file is missing"),
        (lambda path: path.with_suffix(".head").write_bytes(b"{}"), "damaged"),
    ],
)
def test_a_truncated_ledger_is_not_opened(site: Any, damage: Any, words: str) -> None:
    filled(site, 3)
    damage(site.path)
    with pytest.raises(IntegrityError, match=words) as caught:
        site.ledger()
    assert "lfr audit verify" in caught.value.next_step


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b""), "truncated"),
        (lambda path: path.unlink(), "removed"),
        (lambda path: (path.rename(path.with_suffix(".old")), path.write_bytes(b"x" * 9999)), "replaced"),
    ],
)
def test_a_ledger_that_is_taken_away_under_us_stops_matching(site: Any, damage: Any, words: str) -> None:
    ledger = site.ledger()
    ledger.append(event(0))
    assert not ledger.fault()
    damage(site.path)
    with pytest.raises(IntegrityError, match=words):
        ledger.append(event(1))
    assert words in ledger.fault()


def test_a_full_disk_stops_matching_and_loses_nothing(site: Any) -> None:
    ledger = site.ledger()
    ledger.append_many([event(number) for number in range(20)])
    size = site.path.stat().st_size
    with full_disk(size + 100):
        for number in (20, 21):
            with pytest.raises(StoreError, match="free space") as caught:
                ledger.append(event(number))
            site.clock.advance(10)
        assert "2 records wait" in caught.value.next_step
        assert ledger.fault()
        assert "cannot be written" in ledger.fault()
        assert site.path.stat().st_size == size
        assert verdict(site).holds
    assert not ledger.fault()
    assert not site.path.with_suffix(".failed").exists()
    assert verdict(site).holds
    records = [record for record in read_records(site.files) if record["kind"] == "decision"]
    assert [record["facts"]["value"] for record in records] == list(range(22))
    assert records[20]["at"] < records[21]["at"], "waiting records keep their times"


def test_another_process_sees_that_the_ledger_cannot_be_written(site: Any) -> None:
    writer, matcher = site.ledger(), site.ledger()
    writer.append(event(0))
    with full_disk(site.path.stat().st_size + 10), pytest.raises(StoreError):
        writer.append(event(1))
    assert "another process" in matcher.fault()
    assert not writer.fault()
    assert not matcher.fault()


def test_records_that_a_dead_process_could_not_write_are_accounted_for(site: Any) -> None:
    writer = site.ledger()
    writer.append(event(0))
    with full_disk(site.path.stat().st_size + 10), pytest.raises(StoreError):
        writer.append(event(1))
    site.abandon(writer)
    writer._marker.clear(remove=False)
    ledger = site.ledger()
    assert not ledger.fault()
    assert any("ended without recovering" in record["what"] for record in read_records(site.files))


def test_a_nearly_full_disk_is_a_fault(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = site.ledger()
    monkeypatch.setattr("lfr_ray.govern.ledger_health.LEAST_SPACE_BYTES", 2**62)
    assert "nearly full" in ledger.fault()


def test_many_threads_wait_together(site: Any) -> None:
    ledger = site.ledger()
    threads = [
        threading.Thread(target=lambda base=base: [ledger.append(event(base + number)) for number in range(20)])
        for base in range(0, 800, 100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdict(site).holds
    values = {record["facts"]["value"] for record in read_records(site.files)}
    assert len(values) == 160


WRITER = """
import sys
from pathlib import Path
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.trust_file import site_key, trusted_keys
from lfr_ray.govern.ledger_event import Event
folder = DataDir(Path(sys.argv[1]))
with Ledger(folder, site_key(folder), trusted_keys(folder), seal_every=10) as ledger:
    for number in range(30):
        ledger.append(Event("decision", "alert decided", facts={"value": int(sys.argv[2]) + number}))
"""


def test_several_processes_write_one_ledger(site: Any) -> None:
    command = [sys.executable, "-c", WRITER, str(site.data_dir)]
    writers = [subprocess.Popen([*command, str(base)]) for base in (0, 100, 200)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert verdict(site).holds
    values = [record["facts"]["value"] for record in read_records(site.files) if record["kind"] == "decision"]
    assert sorted(values) == [base + number for base in (0, 100, 200) for number in range(30)]


def test_a_killed_process_leaves_a_ledger_that_verifies(site: Any) -> None:
    """Killed at an arbitrary moment, again and again: what was acknowledged is there."""
    endless = WRITER.replace("range(30)", "iter(int, 1)").replace(
        "        ledger.append(", "        print(ledger.head.count, flush=True)\n        ledger.append("
    )
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", endless, str(site.data_dir), "0"], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged = 0
            for line in writer.stdout:
                acknowledged = int(line)
                if acknowledged % 37 == 36:
                    break
            writer.kill()
        assert verdict(site).holds
        assert verdict(site).records >= acknowledged


def test_the_accepted_clock_counts_from_then_on(site: Any) -> None:
    ledger = site.ledger()
    site.clock.advance(1000)
    ledger.append(event(0))
    late = site.clock.wall_s()
    site.clock.set_wall_s(late - 500)
    ledger.append(event(1))
    assert (ledger.head.accepted, ledger.head.latest_at) == (0, late)
    ledger.append(Event("incident", CLOCK_ACCEPTED, actor="op-1", reason="time server repaired"))
    assert (ledger.head.accepted, ledger.head.latest_at) == (1, late - 500)
    opened = site.ledger().head
    assert (opened.accepted, opened.latest_at) == (1, late - 500)


def test_nobody_else_can_read_the_ledger(site: Any) -> None:
    filled(site, 1)
    assert site.path.stat().st_mode & 0o077 == 0


def test_the_lines_are_plain_json(site: Any) -> None:
    for line in filled(site, 2):
        assert set(json.loads(line)) == set(
            ["n", "at", "kind", "what", "deployment", "actor", "subject", "reason", "facts", "previous", "sha256"]
        )
