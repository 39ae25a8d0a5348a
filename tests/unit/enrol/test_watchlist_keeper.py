"""The watchlist, entry by entry: a check keeps nothing, and what changes waits where somebody approves the list."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.clock import FakeClock
from lfr_ray.enrol import watchlist_keeper as keeping
from lfr_ray.enrol.watchlist_keeper import ListKeeper
from lfr_ray.errors import ConflictError, NotFoundError, PictureError, RefusedError, ResourceError, WatchlistError
from lfr_ray.govern.ledger_event import Event, check_event
from lfr_ray.match.keeper_answers import ListQuery
from lfr_ray.match.watchlist_draft import ListDraft
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.painted import FixedDetector, PaintEmbedder, painted

NOW = 1.8e9
TEST_ENTRY = {"entry_id": "E-1", "name": "Anna", "category": "test"}


class Desk:
    """A keeper with a list of its own, what it recorded, and its questions without an event loop."""

    def __init__(self, folder: Path, *, at_once: bool = False, **options: Any) -> None:
        self.ledger: list[Event] = []
        self.store = WatchlistStore(folder / "list")
        self.waiting = None if at_once else WatchlistStore(folder / "waiting")
        self.draft = ListDraft(self.store, self.waiting)
        embedders: Any = [PaintEmbedder()]
        self.keeper = ListKeeper(
            FixedDetector(),
            embedders,
            draft=self.draft,
            record=self._record,
            clock=FakeClock(wall_s=NOW),
            **options,
        )

    def _record(self, event: Event) -> None:
        check_event(event)
        self.ledger.append(event)

    def ask(self, name: str, *arguments: Any, by: str = "imp1", **more: Any) -> Any:
        return asyncio.run(getattr(self.keeper, name)(*arguments, by=by, **more))

    def add(self, person: int, entry_id: str, look: int = 1, **more: Any) -> Any:
        cells = {**TEST_ENTRY, "entry_id": entry_id, "name": f"name of {entry_id}"}
        return self.ask("add_entry", cells, picture(person, look), face=None, **more)

    def listed(self, **query: Any) -> Any:
        return self.ask("list_entries", ListQuery(**query), reason="")

    def waits(self) -> dict[str, str]:
        return {one.entry_id: one.waits for one in self.listed().entries}


def picture(person: int, look: int = 1, *others: tuple[int, int], **options: Any) -> bytes:
    return encode_jpeg(painted((person, look), *others, **options), 95)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_check_tells_faces_quality_and_who_is_the_same_person_and_keeps_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.add(1, "E-1")
    desk.add(2, "E-2")
    before = {path: path.read_bytes() for path in files_in(tmp_path)}
    found = desk.ask("check_picture", picture(1, 2), face=None, reason="a new picture")
    assert found.usable
    assert (found.chosen, found.alike, found.alike_checked) == (1, (), True), "another look is not near enough"
    same = desk.ask("check_picture", picture(1, 1, size=260), face=None, reason="")
    assert same.alike == ("E-1",)
    assert 0 < same.quality <= 1
    (face,) = same.faces
    left, top, right, bottom = face.box
    assert (left + right) / 2 == pytest.approx(0.5, abs=0.02)
    assert (right - left) * same.width_px == pytest.approx(90, abs=4)
    assert (bottom - top) * same.height_px == pytest.approx(90, abs=4)
    assert {path: path.read_bytes() for path in files_in(tmp_path)} == before
    event = desk.ledger[-1]
    assert (event.kind, event.actor, event.reason) == ("consultation", "imp1", "not stated")
    assert event.facts == {"faces_found": 1, "alike": ["E-1"]}


def test_of_several_faces_the_chosen_one_alone_is_compared(desk: Desk) -> None:
    desk.add(1, "E-1")
    two = picture(1, 1, (3, 1), face=60)
    unclear = desk.ask("check_picture", two, face=None, reason="")
    assert (unclear.usable, unclear.chosen, unclear.alike, unclear.quality) == (False, None, (), None)
    assert [face.number for face in unclear.faces] == [1, 2]
    assert unclear.faces[0].box[0] < unclear.faces[1].box[0]
    assert "none is clearly the subject" in unclear.reason
    first, second = (desk.ask("check_picture", two, face=number, reason="") for number in (1, 2))
    assert (first.chosen, first.alike, second.chosen, second.alike) == (1, ("E-1",), 2, ())
    assert not desk.ask("check_picture", two, face=3, reason="").usable


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg onload='alert(1)'/>", b"\xff\xd8\xff", b"GIF89a" + bytes(20)])
def test_what_is_no_picture_is_refused_in_words(desk: Desk, data: bytes) -> None:
    with pytest.raises(PictureError):
        desk.ask("check_picture", data, face=None, reason="")
    with pytest.raises(PictureError):
        desk.ask("add_entry", TEST_ENTRY, data, face=None)
    assert desk.listed().found == 0


def test_a_wrong_entry_is_refused_before_its_picture_is_looked_at(desk: Desk) -> None:
    for cells, words in (
        ({"category": "intelligence"}, "unlawful"),
        ({"category": "suspect"}, "must not be empty"),
        ({"entry_id": "../x"}, "not allowed"),
        ({"declared_group": "a"}, "blue-list only"),
    ):
        with pytest.raises(WatchlistError, match=words):
            desk.ask("add_entry", {**TEST_ENTRY, **cells}, b"", face=None)


def test_whoever_is_on_the_list_already_is_a_conflict(desk: Desk) -> None:
    desk.add(1, "E-1")
    for cells, data, words in (
        ({}, picture(5), "id is on the list"),
        ({"entry_id": "E-2"}, picture(1), "picture is on the list already"),
        ({"entry_id": "E-2"}, picture(1, 1, size=260), "duplicate person: the face is also entry E-1's"),
    ):
        with pytest.raises(ConflictError, match=words):
            desk.ask("add_entry", {**TEST_ENTRY, **cells}, data, face=None)
    twin = desk.ask(
        "add_entry", {**TEST_ENTRY, "entry_id": "E-2"}, picture(1, 1, size=260), face=None, same_person=True
    )
    assert twin.entry_id == "E-2"
    assert desk.ledger[-1].facts == {"same_person": True, "waits": True}
    with pytest.raises(ConflictError, match="different people"):
        desk.ask("add_picture", "E-1", picture(7), face=None)
    assert desk.ask("add_picture", "E-1", picture(1, 2), face=None).pictures == 2
    with pytest.raises(NotFoundError):
        desk.ask("add_picture", "E-9", picture(9), face=None)


def test_what_changes_waits_and_the_list_stays_as_it_was_approved(desk: Desk) -> None:
    desk.add(1, "E-1")
    desk.add(2, "E-2")
    assert desk.store.entries() == ()
    assert desk.draft.take_up() == 2
    desk.store.approve("app1", NOW)
    approved = desk.store.content_hash()
    assert desk.waits() == {"E-1": "", "E-2": ""}

    desk.ask("change_entry", "E-1", {"expires_at": NOW + 60, "action": "stop"}, reason="a new warrant", by="imp2")
    desk.ask("add_picture", "E-1", picture(1, 2), face=None)
    desk.ask("remove_entry", "E-2", reason="a mistake")
    desk.add(3, "E-3")
    assert desk.waits() == {"E-1": "changed", "E-2": "removed", "E-3": "added"}
    page = desk.listed()
    assert (page.waiting, page.at_once, page.approved_by) == (3, False, "app1")
    assert desk.store.content_hash() == approved
    assert desk.store.approval(NOW) is not None
    with pytest.raises(NotFoundError):
        desk.ask("change_entry", "E-2", {"action": "x"}, reason="gone")

    assert desk.draft.importers() == {"imp1", "imp2"}
    assert desk.draft.take_up() == 3
    assert desk.draft.take_up() == 0
    images = desk.store.all()
    assert [one.entry.entry_id for one in images] == ["E-1", "E-1", "E-3"]
    assert {(one.entry.action, one.entry.expires_at) for one in images[:2]} == {("stop", NOW + 60)}
    assert desk.store.importers() == {"imp1", "imp2"}, "whoever changed it may not approve it either"
    assert desk.store.approval(NOW) is None
    assert desk.waits() == {"E-1": "", "E-3": ""}


def test_a_taking_up_that_was_cut_off_is_finished_by_repeating_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add(1, "E-1")
    desk.add(2, "E-2")
    with monkeypatch.context() as broken:
        broken.setattr(desk.waiting, "destroy", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.draft.take_up()
    once = desk.store.content_hash()
    assert desk.draft.take_up() == 2
    assert desk.store.content_hash() == once
    assert desk.draft.take_up() == 0


def test_what_waits_is_taken_back_and_erased(desk: Desk, tmp_path: Path) -> None:
    desk.add(1, "E-1")
    desk.draft.take_up()
    desk.ask("remove_entry", "E-1", reason="a mistake")
    desk.ask("take_back", "E-1")
    assert desk.waits() == {"E-1": ""}
    with pytest.raises(ConflictError):
        desk.ask("take_back", "E-1")
    desk.add(2, "E-2")
    assert desk.waiting is not None
    jpeg = desk.waiting.images("E-2")[0].jpeg
    desk.ask("remove_entry", "E-2", reason="never approved")
    assert desk.waits() == {"E-1": ""}
    assert not any(jpeg in path.read_bytes() for path in files_in(tmp_path))
    assert [(event.kind, event.what) for event in desk.ledger if event.subject == "E-2"] == [
        ("collection", "watchlist entry added"),
        ("erasure", "watchlist entry erased"),
    ]


def test_in_a_test_that_nobody_approves_changes_count_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, at_once=True)
    desk.add(1, "E-1")
    desk.ask("add_picture", "E-1", picture(1, 2), face=None)
    desk.ask("change_entry", "E-1", {"name": "Anna B"}, reason="married")
    assert {one.entry.name for one in desk.store.all()} == {"Anna B"}
    assert len(desk.store.all()) == 2
    assert desk.listed().at_once
    desk.ask("remove_entry", "E-1", reason="over")
    assert desk.store.all() == ()


def test_the_list_is_filtered_and_paged(desk: Desk) -> None:
    for person in range(1, 6):
        desk.add(person, f"E-{person}")
    first = desk.listed(limit=2)
    assert [one.entry_id for one in first.entries] == ["E-1", "E-2"]
    assert (first.after, first.found) == ("E-2", 5)
    rest = desk.listed(limit=9, after="E-2")
    assert ([one.entry_id for one in rest.entries], rest.after) == (["E-3", "E-4", "E-5"], None)
    assert [one.entry_id for one in desk.listed(text="OF e-4").entries] == ["E-4"]
    assert desk.listed(category="suspect").found == 0
    assert desk.ledger[-1].what == "watchlist listed"


def test_an_approver_does_not_make_the_list(tmp_path: Path) -> None:
    desk = Desk(tmp_path, unfit=lambda person: "an approver" if person == "app1" else "")
    with pytest.raises(RefusedError):
        desk.add(1, "E-1", by="app1")
    desk.add(1, "E-1", by="imp1")
    for ask in (
        lambda: desk.ask("change_entry", "E-1", {}, reason="x", by="app1"),
        lambda: desk.ask("remove_entry", "E-1", reason="x", by="app1"),
        lambda: desk.ask("add_picture", "E-1", picture(1, 2), face=None, by="app1"),
    ):
        with pytest.raises(RefusedError):
            ask()


def test_so_many_wait_for_their_turn_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_QUEUED", 2)

    async def three() -> list[Any]:
        asked = [desk.keeper.check_picture(picture(1), face=None, by="imp1", reason="") for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(three())
    assert [isinstance(one, ResourceError) for one in answers] == [False, False, True]
    assert desk.ask("check_picture", picture(1), face=None, reason="").usable


def test_an_approver_signs_elsewhere_what_the_list_would_be(tmp_path: Path) -> None:
    signed: list[dict[str, Any]] = []

    def approver(document: dict[str, Any], signature: Any) -> tuple[str, float]:
        signed.append(document)
        return signature["who"], NOW - 5

    desk = Desk(tmp_path, approver=approver)
    desk.add(1, "E-1")
    seen = asyncio.run(desk.keeper.proposal())
    desk.add(2, "E-2", by="imp2")
    with pytest.raises(ConflictError, match="changed since"):
        desk.ask("approve", seen.content_hash, {"who": "app1"}, by="sup1")
    proposed = asyncio.run(desk.keeper.proposal())
    assert (proposed.imported_by, proposed.waiting) == (("imp1", "imp2"), 2)
    with pytest.raises(RefusedError):
        desk.ask("approve", proposed.content_hash, {"who": "imp2"}, by="sup1")
    assert desk.store.entries() == ()
    done = desk.ask("approve", proposed.content_hash, {"who": "app1"}, by="sup1")
    assert (done.approved_by, done.taken_up, done.content_hash) == ("app1", 2, desk.store.content_hash())
    approval = desk.store.approval(NOW)
    assert approval is not None
    assert (approval.approved_at, approval.signature, approval.imported_by) == (
        NOW - 5,
        {"who": "app1"},
        ("imp1", "imp2"),
    )
    assert signed[-1] == {"content_hash": proposed.content_hash, "imported_by": ["imp1", "imp2"]}
    assert (desk.ledger[-1].what, desk.ledger[-1].actor) == ("watchlist approved", "app1")
    desk.ask("remove_entry", "E-2", reason="a mistake")
    desk.ask("change_entry", "E-1", {"action": "stop"}, reason="new")
    proposed = asyncio.run(desk.keeper.proposal())
    desk.draft.take_up()
    assert desk.store.content_hash() == proposed.content_hash


def test_a_list_that_nobody_approves_takes_no_signature(tmp_path: Path) -> None:
    desk = Desk(tmp_path, at_once=True, approver=lambda _document, _signature: ("app1", NOW))
    desk.add(1, "E-1")
    with pytest.raises(ConflictError, match="nobody approves"):
        desk.ask("approve", asyncio.run(desk.keeper.proposal()).content_hash, {}, by="sup1")
