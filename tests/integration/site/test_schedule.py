"""What a site does by the clock, on a real database, ledger and store: counting, forgetting, pausing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.alert.backlog_metrics import count_step
from lfr_ray.clock import FakeClock, parse_utc
from lfr_ray.config import AlertConfig, AuthorityConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, RefusedError, StoreError
from lfr_ray.govern.emergency_stop import breaker_pause, emergency_stop
from lfr_ray.govern.face_counters import COUNTED, CameraCounters, totals
from lfr_ray.govern.ledger_event import RESUMED, Event
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.past_watchlists import Listed, Listing, write_listing
from lfr_ray.metrics import Meter
from lfr_ray.records import CaseRecord, Details, Match, Quality, Sighting
from lfr_ray.site.open_site import OpenedAlerts, SwitchPermission, keep_private
from lfr_ray.site.timed_tasks import COUNT_EVERY_S, Schedule
from tests.disk import RefusingDisk

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

DEPLOYMENT = "trial-1"


@dataclass
class Site:
    config: SiteConfig
    clock: FakeClock
    opened: OpenedAlerts
    schedule: Schedule

    @property
    def files(self) -> DataDir:
        return self.opened.storage.data_dir

    def alert(self, number: int) -> str:
        match = Match(f"e{number}", "Person", "test", "", 0.98, 0.97, 0.02, "", 3, 3, 100)
        sighting = Sighting(
            key=f"key-{number}",
            camera="gate",
            track=number,
            captured_s=1.0,
            captured_at=self.clock.wall_s(),
            match=match,
            model="dlib_resnet",
            deployment=DEPLOYMENT,
            box=(0.0, 0.0, 9.0, 9.0),
            quality=Quality(60, 100, 128, 0, 0, 0, 0.9, 0.5),
            face_jpeg=b"\xff\xd8 face %d" % number,
            scene_jpeg=b"\xff\xd8 scene",
            watchlist_jpeg=b"\xff\xd8 listed",
        )
        return self.opened.service.raise_alert(sighting).alert_id

    def false_alert(self, number: int) -> None:
        alert_id = self.alert(number)
        self.opened.service.record(alert_id, CaseRecord("decision", "pc-1", "engage", details=COMPARED))
        self.opened.service.record(
            alert_id, CaseRecord("outcome", "pc-1", "false_alert", details=Details(confirmed=True))
        )

    def tick(self, faces: int, frames: int = 1) -> None:
        self.clock.advance(COUNT_EVERY_S)
        self.schedule.tick({"gate": CameraCounters(frames=frames, faces_seen=faces, faces_compared=faces)})

    def records(self, what: str) -> list[dict[str, Any]]:
        return [one for one in read_records(self.files) if one["what"] == what]

    def faces_on_record(self) -> int:
        return totals(read_records(self.files), DEPLOYMENT)["gate"].faces_seen


def opened(data_dir: Path, clock: FakeClock, meter: Meter | None = None, **fields: Any) -> Site:
    config = SiteConfig(
        site="s",
        data_dir=data_dir,
        authority=AuthorityConfig(kind="test", deployment=DEPLOYMENT, profile="uk-police"),
        alert=AlertConfig(cooldown_s=0),
        **fields,
    )
    made = OpenedAlerts(config, clock, partial(count_step, meter or Meter()))
    return Site(config, clock, made, Schedule(config, made.storage, clock))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = opened(tmp_path / "data", FakeClock(wall_s=1_787_904_000.0))
    yield made
    made.opened.storage.ledger.close()
    made.opened.storage.alerts.database.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> RefusingDisk:
    made = RefusingDisk()
    monkeypatch.setattr("lfr_ray.govern.ledger.write_all", made)
    return made


def test_what_cameras_counted_is_recorded_as_what_came_since(site: Site) -> None:
    site.tick(faces=10, frames=100)
    site.tick(faces=25, frames=250)
    assert site.faces_on_record() == 25
    site.tick(faces=3, frames=30)
    assert site.faces_on_record() == 28, "a camera that was restarted counts from nothing; nothing is lost or doubled"


def test_an_alert_whose_record_is_refused_is_on_record_and_counted_once(tmp_path: Path, disk: RefusingDisk) -> None:
    meter = Meter()
    site = opened(tmp_path / "data", FakeClock(wall_s=1_787_904_000.0), meter)
    disk.refusals = 3
    for _ in range(3):
        with pytest.raises(StoreError, match="cannot be written"):
            site.alert(1)
    assert meter.value("alerts_total", camera="gate") == 0, "nobody was told that it is durable"
    alert_id = site.alert(1)
    assert site.alert(1) == alert_id, "sent again"
    site.alert(2)
    assert meter.value("alerts_total", camera="gate") == 2
    assert meter.value("sightings_attached_total", camera="gate") == 0
    assert [one["facts"]["event_id"] for one in site.records("alert raised")] == [1, 2]


def test_what_is_sent_to_a_receiver_again_and_again_is_not_on_record_each_time(site: Site, disk: RefusingDisk) -> None:
    alert = site.opened.service.get(site.alert(1))
    disk.refusals = 5
    told = {"to": "https://a.example", "subscription_id": "s1", "event_id": 1, "alert": alert, "by": "pc-1"}
    for _ in range(5):
        with pytest.raises(StoreError):
            site.opened.service.disclosed(**told)
    site.opened.service.disclosed(**told)
    assert len(site.records("alert disclosed to a receiver")) == 2, "the one that met the full disk, and the one sent"


def test_counts_that_are_refused_are_counted_once(site: Site, disk: RefusingDisk) -> None:
    site.tick(faces=10, frames=100)
    disk.refusals = 3
    for faces in (25, 31, 31):
        with pytest.raises(StoreError):
            site.tick(faces, frames=10 * faces)
    site.tick(faces=40, frames=400)
    assert site.faces_on_record() == 40
    assert [one["facts"]["faces_seen"] for one in site.records(COUNTED)] == [10, 15, 6, 9]


def test_removals_that_are_refused_are_on_record_once(site: Site, disk: RefusingDisk) -> None:
    hashes = [f"{number:064x}" for number in range(5)]
    disk.refusals = 3
    for count in (2, 2, 4):  # what came since is behind what is sent again
        with pytest.raises(StoreError):
            site.schedule.record_removals("gate", "run-1", 0, hashes[:count])
    site.schedule.record_removals("gate", "run-1", 0, hashes[:4])
    site.schedule.record_removals("gate", "run-1", 0, hashes[:4])  # the answer came too late
    site.schedule.record_removals("gate", "run-1", 4, hashes[4:])
    site.schedule.record_removals("gate", "run-1", 5, hashes[:1])
    site.schedule.record_removals("gate", "run-2", 0, hashes[:1])
    found = [one["facts"]["sha256"] for one in site.records("pictures removed after use")]
    assert found == [hashes[:2], hashes[2:4], hashes[4:], hashes[:1], hashes[:1]], (
        "the same picture may be removed again"
    )


def test_what_a_process_kept_and_did_not_write_is_appended_by_the_next(
    site: Site, disk: RefusingDisk, tmp_path: Path
) -> None:
    counted = {"gate": CameraCounters(frames=100, faces_seen=10, run="a1")}
    disk.refusals = 2
    with pytest.raises(StoreError):
        site.alert(1)
    with pytest.raises(StoreError):
        site.schedule.count(counted)
    again = opened(tmp_path / "data", site.clock)
    again.opened.service.report()
    again.schedule.count(counted)
    assert [one["facts"]["event_id"] for one in site.records("alert raised")] == [1]
    assert site.faces_on_record() == 10
    again.opened.storage.ledger.close()
    again.opened.storage.alerts.database.close()


def test_frames_that_nobody_looked_at_are_on_record_by_camera_and_minute(site: Site) -> None:
    for gate, pier in ((40, 0), (100, 7)):
        site.clock.advance(COUNT_EVERY_S)
        counted = {"gate": CameraCounters(frames=gate, frames_dropped=2 * gate)}
        site.schedule.tick(counted | {"pier": CameraCounters(frames_dropped=pier)})
    records = [one for one in read_records(site.files) if one["what"] == COUNTED]
    found = [(one["subject"], one["facts"]["frames_dropped"], parse_utc(one["at"])) for one in records]
    began = found[0][2]
    assert [(name, count, at - began) for name, count, at in found] == [
        ("gate", 80, 0.0),
        ("gate", 120, COUNT_EVERY_S),
        ("pier", 7, COUNT_EVERY_S),
    ]


def test_a_camera_that_goes_on_while_the_desk_restarts_is_counted_once(site: Site) -> None:
    site.schedule.count({"gate": CameraCounters(frames=100, faces_seen=10, watched_s=60.0, run="a1")})
    again = Schedule(site.config, site.opened.storage, site.clock)
    again.count({"gate": CameraCounters(frames=130, faces_seen=14, watched_s=5.0, run="a1")})
    found = totals(read_records(site.files), DEPLOYMENT)["gate"]
    assert (found.frames, found.faces_seen) == (130, 14)
    assert found.watched_s == 65.0, "the fleet measures the time, and began anew"
    again.count({"gate": CameraCounters(frames=140, faces_seen=3, run="b2")})
    assert site.faces_on_record() == 17, "another process of the camera counts from nothing, however far it is"


def test_footage_that_is_incomplete_is_on_record_with_its_reasons(site: Site) -> None:
    whole = CameraCounters(frames=100, expected=100)
    cut = CameraCounters(frames=60, expected=100, damaged=2, missing_s=1.5, problems=("the last 1.5 s are missing",))
    for seen in ({"Pier, east": whole}, {"Pier, east": cut, "words.mp4": CameraCounters(problems=("it is no video",))}):
        site.schedule.count(seen)
    recorded = totals(read_records(site.files), DEPLOYMENT)
    assert set(recorded) == {"Pier, east", "words.mp4"}, "a file's name is no id, and it is found again all the same"
    assert recorded["words.mp4"] == CameraCounters(problems=("it is no video",))
    found = recorded["Pier, east"]
    assert (found.damaged, found.missing_s, found.problems) == (cut.damaged, cut.missing_s, cut.problems)
    records = sum(1 for _ in read_records(site.files))
    site.schedule.count({"Pier, east": cut})
    assert sum(1 for _ in read_records(site.files)) == records, "nothing new, no record"


def test_pictures_that_a_folder_deleted_are_on_record(site: Site) -> None:
    hashes = [f"{number:064x}" for number in range(50)]
    site.schedule.record_removals("gate", "run-1", 0, hashes)
    (record,) = site.records("pictures removed after use")
    assert (record["kind"], record["subject"], record["facts"]["sha256"]) == ("erasure", "gate", hashes)


def test_alerts_are_destroyed_when_their_time_is_over(site: Site) -> None:
    site.alert(1)
    site.tick(faces=1)
    site.clock.advance(25 * 3600)
    site.tick(faces=1, frames=2)
    for path in site.config.data_dir.rglob("*"):
        if path.is_file():
            assert b"face 1" not in path.read_bytes(), path


def test_false_alerts_within_the_ceiling_pause_nothing(site: Site) -> None:
    for number in range(3):
        site.false_alert(number)
    site.tick(faces=200_000)
    assert SwitchPermission(site.config).status() == ""


def test_false_alerts_above_the_ceiling_pause_matching_and_say_so(site: Site) -> None:
    for number in range(3):
        site.false_alert(number)
    site.tick(faces=50)
    why = SwitchPermission(site.config).status()
    assert "circuit breaker" in why
    assert "1 in 1000" in why
    kinds = [record["what"] for record in read_records(site.files)]
    assert "matching paused" in kinds


def test_whoever_resumes_accepts_the_false_alerts_until_then(site: Site) -> None:
    for number in range(3):
        site.false_alert(number)
    site.tick(faces=50)
    pause = breaker_pause(site.files)
    assert pause.is_set()
    site.opened.storage.ledger.append(Event("alteration", RESUMED, actor="op-1", reason="looked into"))
    pause.clear()
    site.tick(faces=60, frames=2)
    assert not pause.is_set(), "nothing new has happened"
    site.false_alert(9)
    site.tick(faces=70, frames=3)
    assert pause.is_set(), "one more, with the bound still above the ceiling"


def test_the_emergency_stop_counts_at_once(site: Site) -> None:
    permission = SwitchPermission(site.config)
    assert permission.status() == ""
    emergency_stop(site.files).set("pc-1", "wrong list", site.clock.wall_s())
    assert "wrong list" in permission.status()


def test_a_past_list_is_destroyed_when_its_time_is_over(site: Site) -> None:
    for name in ("old", "new"):
        write_listing(site.files, name, Listing({"suspect": 1}, [Listed("N1", "e1", "suspect")]))
    at = site.clock.wall_s()
    os.utime(site.files.listing("new"), (at, at))
    os.utime(site.files.listing("old"), (at - 189_345_600, at - 189_345_600))
    site.tick(faces=0)
    assert [path.stem for path in site.files.listings] == ["new"]
    assert [one["deployment"] for one in read_records(site.files) if one["what"] == "listing destroyed"] == ["old"]


def test_what_a_separate_recorder_wrote_goes_when_its_time_is_over(tmp_path: Path) -> None:
    clock, folder = FakeClock(wall_s=1_787_904_000.0), tmp_path / "recorder"
    made = opened(tmp_path / "data", clock, recordings=(folder,))
    (folder / "pier").mkdir(parents=True)
    evidence = tmp_path / "evidence.mkv"
    for path, days in ((folder / "pier" / "old.mkv", 31), (folder / "new.mkv", 30), (evidence, 99)):
        path.write_bytes(b"film")
        os.utime(path, (clock.wall_s() - days * 86400,) * 2)
    (folder / "link.mkv").symlink_to(evidence)
    made.tick(faces=0)
    assert sorted(path.name for path in folder.rglob("*.mkv")) == ["link.mkv", "new.mkv"]
    assert evidence.exists()
    (gone,) = [one for one in read_records(made.files) if one["what"].startswith("recordings destroyed")]
    assert gone["facts"] == {"files": 1, "bytes": 4}
    made.opened.storage.ledger.close()
    made.opened.storage.alerts.database.close()


@pytest.mark.parametrize("place", ["..", ".", "keys"])
def test_a_folder_of_recordings_is_apart_from_the_data_folder(site: Site, place: str) -> None:
    near = replace(site.opened.storage, recordings=(site.files.root / place,))
    with pytest.raises(ConfigError, match="destroyed by the clock"):
        Schedule(site.config, near, site.clock)


def test_a_data_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    with pytest.raises(RefusedError, match="open to other users"):
        keep_private(DataDir(folder), is_test=False)
    keep_private(DataDir(folder), is_test=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    keep_private(DataDir(folder), is_test=False)
    keep_private(DataDir(tmp_path / "new"), is_test=False)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
