"""Ledger records whose time is over: overwritten, and the chain still holds from a signed checkpoint on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lfr_ray.clock import FakeClock
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import IntegrityError
from lfr_ray.govern.country_profile import keep_profile, load_profile
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_anchors import anchored_heads, check_known, write_anchors
from lfr_ray.govern.ledger_checkpoint import load_checkpoint
from lfr_ray.govern.ledger_event import RESUMED, STOPPED, Event
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import read_records, verify_ledger
from lfr_ray.govern.signed_authority import closed
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.govern.trust_file import site_key, trusted_keys
from lfr_ray.site.ledger_checks_at_start import check_ledger
from lfr_ray.site.ledger_retention import drop_old_records, dropped_early
from lfr_ray.site.timed_tasks import DROP_EVERY_S
from tests.integration.govern.scene import Scene
from tests.integration.site import test_schedule
from tests.integration.site.test_schedule import Site, opened

KEPT_S = 189_345_600.0
"""Six years, by the rules of a police force."""


site = test_schedule.site


def decided(site: Site, subject: str) -> None:
    site.opened.storage.ledger.append(Event("decision", "alert decided", "trial-1", "PC1", subject))


def subjects(site: Site) -> list[str]:
    return [one["subject"] for one in read_records(site.files) if one["kind"] == "decision"]


def state_of(site: Site) -> LedgerState:
    state = LedgerState(site.files)
    state.follow()
    return state


def dropped(site: Site) -> int:
    return drop_old_records(site.opened.storage, load_profile("uk-police").retention, clock=site.clock)


def test_what_is_older_than_the_rules_say_is_gone_and_the_rest_still_verifies(site: Site) -> None:
    for number in range(5):
        decided(site, f"old-{number}")
    site.opened.storage.ledger.append(Event("stop", STOPPED, actor="PC1", reason="disorder"))
    site.clock.advance(KEPT_S / 2)
    decided(site, "newer")
    length = site.files.ledger.stat().st_size
    assert dropped(site) == 0
    site.clock.advance(KEPT_S / 2 + 1)
    # The schedule does it, once a day.
    site.clock.advance(DROP_EVERY_S)
    site.schedule.tick({})
    assert subjects(site) == ["newer"]
    assert b"old-" not in site.files.ledger.read_bytes()
    assert site.files.ledger.stat().st_size > length
    verdict = verify_ledger(site.files, trusted_keys(site.files))
    assert (verdict.faults, verdict.notes[:1]) == ([], ["6 records were dropped when their time was over"])
    assert verdict.records == site.opened.storage.ledger.head.count
    # What they said of now is known still.
    stop = state_of(site).stop
    assert stop is not None
    assert (stop.by, stop.reason) == ("PC1", "disorder")
    site.opened.storage.ledger.append(Event("stop", RESUMED, actor="PC1", reason="over"))
    assert state_of(site).stop is None
    last = [one for one in read_records(site.files) if one["kind"] == "erasure"][-1]
    assert last["facts"] == {"records": 6, "count": 6}


def test_a_crash_while_they_are_overwritten_is_finished_at_the_next_start(site: Site) -> None:
    decided(site, "old-1")
    decided(site, "old-2")
    site.clock.advance(2 * KEPT_S)
    decided(site, "newer")
    before = site.files.ledger.read_bytes()
    assert dropped(site) == 2
    after = site.files.ledger.read_bytes()
    site.opened.storage.ledger.close()
    grown = site.files.ledger.read_bytes()[len(after) :]
    begin = load_checkpoint(site.files).offset_bytes
    site.files.ledger.write_bytes(before[: begin // 2] + after[begin // 2 :] + grown)
    again = opened(site.files.root, site.clock)
    assert b"old-" not in site.files.ledger.read_bytes()
    assert verify_ledger(site.files, trusted_keys(site.files)).faults == []
    again.opened.storage.ledger.close()
    again.opened.storage.alerts.database.close()


@pytest.mark.parametrize("damage", ["removed", "altered", "of another key"])
def test_a_checkpoint_that_does_not_hold_is_a_fault(site: Site, damage: str) -> None:
    decided(site, "old-1")
    site.clock.advance(2 * KEPT_S)
    decided(site, "newer")
    assert dropped(site) == 1
    path, begin = site.files.ledger_checkpoint, load_checkpoint(site.files)
    if damage == "removed":
        path.unlink()
    elif damage == "altered":
        path.write_bytes(path.read_bytes().replace(b'"count":1', b'"count":2'))
    else:
        begin.save(site.files, SigningKey.create(), site.clock.wall_s())
    assert verify_ledger(site.files, trusted_keys(site.files)).faults
    assert state_of(site).fault


def test_a_head_that_was_noted_later_shows_what_was_dropped_early(site: Site, tmp_path: Path) -> None:
    """With the site's own key, somebody drops what happened yesterday."""
    anchor = str(tmp_path / "anchor")
    for number in range(3):
        decided(site, f"n{number}")
        assert write_anchors([anchor], site.opened.storage.ledger.head, site.files) == []
        site.clock.advance(60)
    check_known(state_of(site), anchored_heads([anchor], site.files))
    records = [*read_records(site.files)][:2]
    cut = site.files.ledger.read_bytes().splitlines(keepends=True)[:2]
    forged = LedgerState(site.files).checkpoint(records, sum(map(len, cut)), site.clock.wall_s() - 600)
    site.opened.storage.ledger.drop(forged)
    with pytest.raises(IntegrityError, match="set back or is another one"):
        check_known(state_of(site), anchored_heads([anchor], site.files))
    verdict = verify_ledger(site.files, trusted_keys(site.files), anchored_heads([anchor], site.files))
    assert "dropped before their time" in verdict.faults[0]


def test_records_of_an_open_deployment_and_of_stricter_rules_stay(tmp_path: Path, trust_tree: Any) -> None:
    class Govern:
        """As the scene of a signed authority wants a site."""

        files, clock = DataDir(tmp_path / "data"), FakeClock(wall_s=1_787_904_000.0)

        def ledger(self) -> Ledger:
            self.running = opened(self.files.root, self.clock)
            decided(self.running, "old-1")
            return self.running.opened.storage.ledger

    site = Govern()
    keep_profile(site.files, load_profile("uk-police"))
    scene, storage = Scene(site, trust_tree), site.running.opened.storage
    mild = load_profile("test").retention
    site.clock.advance(2 * KEPT_S)
    assert drop_old_records(storage, mild, clock=site.clock) == 0
    site.clock.advance(-1.5 * KEPT_S)
    closed(scene.grant, site_key(site.files), "op-1", site.clock.wall_s()).save(site.files)
    assert drop_old_records(storage, mild, clock=site.clock) == 0, "six years, where police rules ever held"
    site.clock.advance(KEPT_S)
    assert drop_old_records(storage, mild, clock=site.clock) > 1
    begin = load_checkpoint(site.files)
    assert dropped_early(site.files, begin) == ""
    assert begin.signature is not None
    early = begin.model_copy(update={"before": begin.signature.at - KEPT_S / 2})
    assert "and stay for 189345600 s" in dropped_early(site.files, early)
    check_ledger(site.running.config)
    storage.ledger.close()
    storage.alerts.database.close()
