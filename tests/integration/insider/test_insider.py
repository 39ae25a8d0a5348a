"""An attacker inside: with the service's own rights on the data folder, and every way round the rules that has a name.

Each is tried on a real data folder with a live deployment in force. Afterwards either nothing is compared, or
`lfr audit verify` says that something does not hold.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.clock import FakeClock
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import CLOCK_ACCEPTED, Event
from lfr_ray.match.watchlist_entries import EnrolledImage, Entry
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.site.open_site import open_permission
from tests.integration.govern.test_cli import Desk
from tests.integration.insider import by_hand
from tests.integration.insider.attacks import (
    Inside,
    accept_smaller_faces,
    approve_what_was_changed_by_hand,
    bring_the_list_back,
    call_it_a_test,
    call_it_a_test_and_hide_the_camera,
    call_it_a_trial,
    change_a_line,
    change_a_receipt,
    change_the_public_record,
    change_the_rules_that_were_kept,
    close_and_remove_the_receipt,
    close_and_take_the_closing_out,
    cut_the_ledger,
    date_a_signature_back,
    drop_what_happened_with_the_site_s_own_key,
    empty_the_ledger,
    forget_what_was_destroyed,
    lengthen_the_authority,
    list_somebody_else,
    look_once_instead_of_three_times,
    lower_the_threshold,
    move_a_camera_on_paper,
    name_another_camera,
    name_another_category,
    name_no_deployment,
    open_one_that_the_ledger_does_not_know,
    pause_and_remove_the_file,
    play_a_recording_as_if_it_were_live,
    point_a_camera_elsewhere,
    put_another_site_s_ledger_there,
    remove_the_authority,
    remove_the_ledger,
    revoke_the_officer,
    send_alerts_elsewhere,
    set_ledger_and_head_back_behind_a_stop,
    sign_with_a_key_of_ones_own,
    sign_with_the_approver_s_key,
    sign_with_the_site_s_key,
    stop_and_forge_the_resumption,
    stop_and_remove_the_file,
    swap_the_site_s_key,
    take_out_the_configuration,
    trust_a_root_of_ones_own,
    trust_nobody,
    vector,
    widen_the_place,
    write_rules_of_ones_own,
)
from tests.trust_tree import TrustTree


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A list approved by signature, a live deployment opened, an anchor outside the folder."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(folder, TrustTree(folder / "trust", patch))
        images = [
            EnrolledImage(
                Entry(f"e{number}", "x", "suspect", nominal_id=f"N{number}"),
                f"{number:064x}",
                "dlib_resnet",
                vector(number),
                0.9,
                80.0,
                b"\xff\xd8" + np.random.default_rng(number).bytes(3000),
                "op-1",
                1.0,
            )
            for number in range(4)
        ]
        WatchlistStore(desk.data_dir / "watchlist").put(images)
        desk("watchlist", "approve", "--key", desk.key("insp-7", "inspector", "approver"))
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))
        yield desk


@pytest.fixture
def inside(template: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    shutil.copytree(template.data_dir, tmp_path / "data")
    made = Inside(template, tmp_path, monkeypatch)
    anchor, noted = made.anchor, made.anchor.read_bytes()
    yield made
    anchor.write_bytes(noted)


def test_without_an_attack_it_compares_and_everything_holds(inside: Inside) -> None:
    answer = inside.match()
    assert answer.refused == ""
    assert answer.match is not None
    assert answer.match.entry_id == "e0"
    assert inside.shown() == []


STOPPED: dict[Callable[[Inside], None], str] = {
    lengthen_the_authority: "altered after it was signed",
    name_another_camera: "altered",
    lower_the_threshold: "altered",
    name_another_category: "altered",
    widen_the_place: "altered",
    take_out_the_configuration: "altered",
    sign_with_a_key_of_ones_own: "unknown key",
    sign_with_the_site_s_key: "role site, needed: authoriser",
    sign_with_the_approver_s_key: "role approver, needed: authoriser",
    date_a_signature_back: "the ledger has it between",
    open_one_that_the_ledger_does_not_know: "another authority of this id",
    remove_the_authority: "does not exist",
    stop_and_remove_the_file: "was stopped: disorder",
    pause_and_remove_the_file: "circuit breaker: too many",
    stop_and_forge_the_resumption: "was stopped",
    close_and_take_the_closing_out: "was closed",
    close_and_remove_the_receipt: "was closed",
    remove_the_ledger: "the ledger",
    empty_the_ledger: "the ledger",
    cut_the_ledger: "truncated",
    change_a_line: "the ledger",
    put_another_site_s_ledger_there: "the ledger",
    set_ledger_and_head_back_behind_a_stop: "was set back",
    by_hand.write_the_ledger_anew_with_the_site_s_own_key: "was set back or is another one",
    by_hand.name_no_anchor_any_more: "was set back or is another one",
    by_hand.remove_the_anchor: "anchor is gone",
    by_hand.take_the_anchors_out: "altered",
    by_hand.have_an_authority_without_an_anchor_signed: "names no anchor",
    drop_what_happened_with_the_site_s_own_key: "gone, was set back or is another one",
    send_alerts_elsewhere: "webhooks",
    list_somebody_else: "not approved",
    approve_what_was_changed_by_hand: "not the one that was approved",
    look_once_instead_of_three_times: "evidence.min_views",
    accept_smaller_faces: "quality.min_size_px",
    point_a_camera_elsewhere: "cameras.pier.url",
    move_a_camera_on_paper: "cameras.pier.latitude",
    play_a_recording_as_if_it_were_live: "these cameras are recordings",
    call_it_a_test: "these cameras are live",
    call_it_a_test_and_hide_the_camera: "nobody is compared",
    call_it_a_trial: "does not permit trial use",
    name_no_deployment: "names no deployment",
    write_rules_of_ones_own: "rules of the profile uk-police were changed",
    trust_a_root_of_ones_own: "can write the trust file",
    trust_nobody: "",
    revoke_the_officer: "was revoked",
    swap_the_site_s_key: "no certificate of the role site",
    by_hand.let_the_site_authorise_itself: "self_authorised is for test and trial; an officer signs",
    by_hand.look_for_the_wanted_in_a_trial: "names suspect; allowed: blue-list",
    by_hand.look_for_the_wanted_in_a_test: "names suspect; allowed: blue-list, test",
    by_hand.let_a_trial_last_a_month: "at most 86400, a day",
    by_hand.call_the_wanted_volunteers_and_name_one: "nobody is compared",
    by_hand.feed_a_pipe_as_a_recording: "these cameras are live",
    by_hand.call_a_device_by_another_name: "these cameras are live",
    by_hand.set_the_ledger_back_and_move_the_folder: "was set back",
    by_hand.approve_as_of_when_one_still_could: "its key signed nothing any more",
}


@pytest.mark.parametrize("attack", STOPPED, ids=lambda attack: attack.__name__)
def test_it_ends_matching(inside: Inside, attack: Callable[[Inside], None]) -> None:
    attack(inside)
    try:
        why = inside.stopped()
        assert why
        assert STOPPED[attack] in why
    finally:
        getattr(inside, "undo", lambda: None)()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"camera": "gate"}, "not among the authorised ones"),
        ({"captured_at": 1.7e9}, "before the authority started"),
        ({"captured_at": time.time() + 3600}, "later than this machine's clock"),
        ({"model": "arcface_w600k_r50"}, ""),
    ],
)
def test_vectors_sent_to_the_matcher_directly(inside: Inside, changes: dict[str, Any], words: str) -> None:
    why = inside.stopped(**changes)
    assert why
    assert words in why


@pytest.mark.parametrize("accepted", [False, True])
def test_the_clock_is_set_back(inside: Inside, accepted: bool) -> None:
    clock = FakeClock(wall_s=time.time() - 3600)
    with open_ledger(inside.files) as ledger:
        if accepted:  # by a record that anybody with the site's key can write
            ledger.append(Event("incident", CLOCK_ACCEPTED, actor="supt-1"))
        gate = open_permission(inside.site, ledger, clock)
        assert "clock was set backwards" in gate.refusal("pier", clock.wall_s(), "", "dlib_resnet")


SHOWN = (
    lengthen_the_authority,
    remove_the_authority,
    sign_with_a_key_of_ones_own,
    date_a_signature_back,
    close_and_take_the_closing_out,
    close_and_remove_the_receipt,
    remove_the_ledger,
    cut_the_ledger,
    change_a_line,
    put_another_site_s_ledger_there,
    drop_what_happened_with_the_site_s_own_key,
    set_ledger_and_head_back_behind_a_stop,
    by_hand.write_the_ledger_anew_with_the_site_s_own_key,
    by_hand.name_no_anchor_any_more,
    by_hand.remove_the_anchor,
    swap_the_site_s_key,
    bring_the_list_back,
    forget_what_was_destroyed,
    change_the_public_record,
    change_the_rules_that_were_kept,
    change_a_receipt,
    by_hand.give_oneself_a_token,
    by_hand.raise_oneself,
    by_hand.sign_oneself_in,
    by_hand.bring_a_revoked_token_back,
)


@pytest.mark.parametrize("attack", SHOWN, ids=lambda attack: attack.__name__)
def test_it_is_shown(inside: Inside, attack: Callable[[Inside], None]) -> None:
    attack(inside)
    assert inside.shown()


def test_there_are_enough_of_them() -> None:
    assert len({*STOPPED, *SHOWN}) >= 25
