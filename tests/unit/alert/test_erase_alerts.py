"""Purged alerts leave no byte in the database's files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.alert.alert_queries import AlertQuery
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.erase_alerts import AlertEraser
from lfr_ray.alert.open_database import Database
from lfr_ray.errors import NotFoundError, StoreError
from lfr_ray.records import CaseRecord, Details, Sighting

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
SECRETS = (
    b"SECRET-FACE",
    b"SECRET-SCENE",
    b"SECRET-VIEW",
    b"SECRET-ENROLLED",
    b"SECRET-LISTED",
    b"Secret Name",
    b"secret note",
    b"secret-action",
)
SECRETS += (b"secret-entry", b"PC-SECRET")
"""In the feed of events, too."""


def fill(desk: AlertService, make: Make, count: int) -> list[str]:
    ids = []
    for number in range(count):
        sighting = make(
            f"tracklet-{number}",
            camera=f"camera-{number}",
            match={"name": f"Secret Name {number}", "action": "secret-action", "entry_id": f"secret-entry-{number}"},
            face_jpeg=b"\xff\xd8" + b"SECRET-FACE" * 3000,
            scene_jpeg=b"\xff\xd8" + b"SECRET-SCENE" * 3000,
            watchlist_jpeg=b"\xff\xd8" + b"SECRET-LISTED" * 300,
            view_jpegs=(b"\xff\xd8" + b"SECRET-VIEW" * 3000,) * 3,
            enrolled_jpegs=(b"\xff\xd8" + b"SECRET-ENROLLED" * 3000,),
        )
        ids.append(desk.raise_alert(sighting).alert_id)
        desk.record(ids[-1], CaseRecord("decision", "PC-SECRET", "engage", note="secret note", details=COMPARED))
    return ids


def found(folder: Path) -> set[bytes]:
    content = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    return {secret for secret in SECRETS if secret in content}


def test_the_search_would_find_what_is_there(desk: AlertService, make_sighting: Make, tmp_path: Path) -> None:
    fill(desk, make_sighting, 2)
    assert found(tmp_path) == set(SECRETS)


def test_after_purge_and_vacuum_nothing_is_found(
    desk: AlertService, database: Database, make_sighting: Make, tmp_path: Path
) -> None:
    ids = fill(desk, make_sighting, 5)
    eraser = AlertEraser(database)
    erased = eraser.purge(ids, now_s=5.0, reason="retention")
    assert [one.alert_id for one in erased] == ids
    assert all(len(one.image_sha256) == 7 for one in erased)
    assert eraser.vacuum() == ""
    assert found(tmp_path) == set()
    with pytest.raises(NotFoundError):
        desk.store.image(ids[0], "face")
    raised = desk.store.events_after(0)[0].facts
    assert (raised["camera"], raised["category"]) == ("camera-0", "wanted"), "what is counted in public stays"
    event = desk.completed(desk.store.events_after(0)[-1])
    assert (event.kind, event.alert) == ("erasure", None)


def test_what_stays_is_whole(desk: AlertService, database: Database, make_sighting: Make) -> None:
    ids = fill(desk, make_sighting, 4)
    eraser = AlertEraser(database)
    eraser.purge(ids[:2], now_s=5.0, reason="retention")
    eraser.vacuum()
    assert [alert.id for alert in desk.list(AlertQuery(order="oldest")).alerts] == ids[2:]
    assert desk.store.image(ids[2], "face").startswith(b"\xff\xd8SECRET-FACE")
    assert desk.raise_alert(make_sighting("tracklet-2")).new is False


def test_a_held_alert_is_kept(desk: AlertService, database: Database, make_sighting: Make) -> None:
    ids = fill(desk, make_sighting, 2)
    desk.hold(ids[0], by="DS9", reason="evidence")
    erased = AlertEraser(database).purge([*ids, "gone"], now_s=5.0, reason="retention")
    assert [one.alert_id for one in erased] == [ids[1]]
    assert desk.get(ids[0]).hold is not None


def test_a_purge_may_be_repeated(desk: AlertService, database: Database, make_sighting: Make) -> None:
    ids = fill(desk, make_sighting, 1)
    eraser = AlertEraser(database)
    eraser.purge(ids, now_s=5.0, reason="retention")
    assert eraser.purge(ids, now_s=6.0, reason="retention") == []
    assert [event.kind for event in desk.events_after(0)].count("erasure") == 1


def test_many_alerts_are_purged_in_chunks(desk: AlertService, database: Database, make_sighting: Make) -> None:
    for number in range(230):
        desk.raise_alert(make_sighting(f"tracklet-{number}", camera=f"camera-{number}"))
    eraser = AlertEraser(database)
    ids = [facts.alert_id for facts in eraser.retention_facts()]
    assert len(eraser.purge(ids, now_s=5.0, reason="closing")) == 230
    assert eraser.retention_facts() == []


def test_retention_facts_tell_what_a_timer_needs(desk: AlertService, database: Database, make_sighting: Make) -> None:
    ids = fill(desk, make_sighting, 1)
    (facts,) = AlertEraser(database).retention_facts()
    assert (facts.alert_id, facts.deployment, facts.status) == (ids[0], "airshow", "decided")
    assert facts.raised_at == 1_700_000_001.0
    assert "Secret" not in repr(facts)


def test_a_reader_in_the_way_is_an_error_that_says_so(desk: AlertService, make_sighting: Make, tmp_path: Path) -> None:
    ids = fill(desk, make_sighting, 1)
    impatient = Database.at(tmp_path / "desk.sqlite", busy_timeout_s=0.05)
    other = sqlite3.connect(tmp_path / "desk.sqlite", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM alerts").fetchone()
    eraser = AlertEraser(impatient)
    eraser.purge(ids, now_s=5.0, reason="retention")
    with pytest.raises(StoreError, match="left in them"):
        eraser.vacuum()
    other.execute("COMMIT")
    other.close()
    assert eraser.vacuum() == ""
    assert found(tmp_path) == set()
    impatient.close()


def test_a_volunteers_entry_stays_until_the_trial_is_counted(
    desk: AlertService, database: Database, make_sighting: Make
) -> None:
    alert_id = desk.raise_alert(make_sighting(match={"category": "blue-list"})).alert_id
    AlertEraser(database).purge([alert_id], now_s=5.0, reason="retention")
    assert desk.store.events_after(0)[0].facts["entry_id"] == "entry-1"
