"""The watchlist over HTTP: who may, what is refused in words, and that a picture leaves nothing behind."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from lfr_ray.api.middleware import MAX_BODY_BYTES, MAX_PICTURE_BYTES
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.painted import painted

CHECK = "/v1/watchlist/check"
ENTRIES = "/v1/watchlist/entries"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
POSITION = "51.789 north"


def picture(person: int = 2, look: int = 1) -> bytes:
    return encode_jpeg(painted((person, look)), 95)


def entry(entry_id: str = "E-1", data: bytes | None = None, **more: Any) -> dict[str, Any]:
    shown = base64.b64encode(picture() if data is None else data).decode()
    return {"entry_id": entry_id, "name": "Anna", "category": "test", "picture": shown, **more}


def bomb() -> bytes:
    """A small file that would be 10 gigapixels."""
    out = io.BytesIO()
    Image.new("1", (8, 8)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    return bytes(data)


def with_position() -> bytes:
    """As a telephone saves it: where it was taken stands in the file."""
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = POSITION
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(painted((2, 1))).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"hello", SVG, bomb(), b"\xff\xd8\xff\xe0"], ids=["", "text", "svg", "bomb", "cut"]
)
def test_what_is_no_picture_is_refused_in_words(house: Any, check_problem: Callable[..., Any], data: bytes) -> None:
    told = check_problem(house.ask("POST", CHECK, content=data), 422)
    assert told["next_step"]
    if data:
        check_problem(house.post(ENTRIES, entry(data=data)), 422)
    assert house.get(ENTRIES).json()["entries"] == []


def test_a_picture_may_be_large_for_those_who_send_one(guarded: Any, check_problem: Callable[..., Any]) -> None:
    importer = guarded.by("imp1", "importer")
    large = picture() + bytes(MAX_PICTURE_BYTES - len(picture()))
    assert guarded.ask("POST", CHECK, content=large, headers=importer).json()["usable"]
    told = check_problem(guarded.ask("POST", CHECK, content=large + b"x", headers=importer), 413)
    assert told["allowed"] == f"{MAX_PICTURE_BYTES} bytes"
    usual = bytes(MAX_BODY_BYTES + 1)
    check_problem(guarded.ask("POST", CHECK, content=usual, headers=guarded.by("PC7", "officer")), 413)
    check_problem(guarded.ask("POST", "/v1/stop", content=usual, headers=importer), 413)


def test_where_a_picture_was_taken_is_not_kept(house: Any) -> None:
    data = with_position()
    assert POSITION.encode() in data
    assert house.post(ENTRIES, entry(data=data)).status_code == 201
    waiting: WatchlistStore = house.site.keeper.draft._waiting
    kept = [path.read_bytes() for path in waiting.folder.rglob("*") if path.is_file()]
    assert len(kept) > 1
    assert not any(POSITION.encode() in one or b"Exif" in one for one in kept)


def test_names_are_for_those_who_look_after_the_list(guarded: Any) -> None:
    assert guarded.ask("POST", ENTRIES, json=entry(), headers=guarded.by("imp1", "importer")).status_code == 201
    for role, status in (
        ("importer", 200),
        ("supervisor", 200),
        ("auditor", 200),
        ("officer", 403),
        ("administrator", 403),
    ):
        answer = guarded.get(ENTRIES, headers={**guarded.by(f"{role}-1", role), "X-Reason": "looking"})
        assert answer.status_code == status, role
        assert ("Anna" in answer.text) == (status == 200)
    last = guarded.site.list_events[-1]
    assert (last.kind, last.actor, last.reason) == ("consultation", "auditor-1", "looking")
    added = next(one for one in guarded.site.list_events if one.kind == "collection")
    assert (added.actor, added.subject, added.facts) == ("imp1", "E-1", {"waits": True})


def test_a_check_tells_the_id_of_who_is_listed_and_no_similarity(house: Any) -> None:
    house.post(ENTRIES, entry())
    told = house.ask("POST", CHECK, content=picture()).json()
    assert told["alike"] == ["E-1"]
    assert "Anna" not in str(told)
    assert "similarity" not in str(told)
    assert house.ask("POST", CHECK, content=picture(9)).json()["alike"] == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"category": "suspect"}, 422),
        ({"category": "person-of-interest"}, 422),
        ({"under_18": True}, 422),
        ({"expires_at": "soon"}, 422),
        ({"expires_at": "1500-01-01"}, 422),
        ({"entry_id": "../../etc"}, 422),
        ({"picture": "not base64!"}, 422),
        ({"face": 4}, 404),
        ({"unheard_of": 1}, 422),
        ({"expires_at": "2031-05-01T10:00:00Z", "priority": 1, "action": "<b>stop</b>"}, 201),
    ],
)
def test_the_rules_are_those_of_the_csv(house: Any, more: dict[str, Any], status: int) -> None:
    answer = house.post(ENTRIES, entry(**more))
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["expires_at"] == "2031-05-01T10:00:00.000Z"
        assert answer.json()["action"] == "<b>stop</b>"


def test_an_entry_is_changed_with_a_reason_and_goes_again(house: Any) -> None:
    house.post(ENTRIES, entry("E-7"))
    assert house.ask("PATCH", f"{ENTRIES}/E-7", json={"expires_at": "2031-01-01"}).status_code == 422, "no reason"
    changed = house.ask("PATCH", f"{ENTRIES}/E-7", json={"expires_at": "2031-01-01", "reason": "a new warrant"})
    assert changed.json()["expires_at"].startswith("2031-01-01")
    assert house.post(f"{ENTRIES}/E-7/removal", {"reason": "a mistake"}).status_code == 204
    assert house.post(f"{ENTRIES}/E-7/removal", {"reason": "a mistake"}).status_code == 404
    assert house.site.list_events[-1].reason == "a mistake"
