"""The page of those who look after the list, on a real list with painted faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.camera.still_pictures import encode_jpeg
from tests.integration.console.barriers import barriers
from tests.integration.console.roles import signed_in
from tests.painted import painted

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
REGISTER = """entry_id;name;category;legal_basis;image_source;authorised_by;expires_at;action
E-1;Anna;suspect;"s. 1; s. 2";custody;Insp. 7;2031-01-01;stop
E-2;Ben;intelligence;s. 1;custody;Insp. 7;2031-01-01;stop
"""


def picture(*people: tuple[int, int], **options: Any) -> dict[str, Any]:
    return {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encode_jpeg(painted(*people, **options), 95)}


def test_somebody_is_put_on_the_list_changed_and_taken_off(house: Any, open_page: Open) -> None:
    page = signed_in(house, open_page, "watchlist", "importer-1", "importer", width=360, height=740, scheme="dark")
    assert page.get_attribute("#pages [data-page=alerts]", "hidden") is not None
    page.set_input_files("#list-file", picture((3, 1), (4, 1), size=240, face=70))
    page.wait_for_selector(".stage .face >> nth=1")
    assert page.locator(".face[aria-pressed=true]").count() == 0
    assert page.is_disabled("#list-add")
    page.locator(".face").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".face:nth-of-type(2)[aria-pressed=true]:focus")
    page.get_by_text("The picture can be used").wait_for()
    assert barriers(page) == []
    assert page.evaluate("document.getElementById('main').scrollWidth") <= 360
    page.fill("#list-entry_id", "E-1")
    page.fill("#list-name", "Anna <b>Example</b>")
    page.select_option("#list-category", "test")
    page.click("#list-add")
    row = page.locator("tr[data-entry=E-1]")
    row.get_by_text("added", exact=True).wait_for()
    assert "Anna <b>Example</b>" in row.inner_text()
    assert barriers(page) == []

    page.set_input_files("#list-file", picture((4, 1), size=260))
    page.get_by_text("on the list already: E-1").wait_for()
    page.set_input_files("#list-file", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"<svg onload='x()'/>"})
    page.get_by_text("not a picture that can be read").wait_for()

    row.get_by_role("button", name="Change").click()
    page.fill("#entry-expires", "2031-05-01")
    page.fill("#entry-reason", "a new warrant")
    page.click("#entry-go")
    row.get_by_text("2031").wait_for()
    row.get_by_role("button", name="Remove").click()
    page.fill("#entry-reason", "a mistake")
    assert barriers(page) == []
    page.click("#entry-go")
    row.wait_for(state="detached")
    assert [event.what for event in house.site.list_events if event.subject == "E-1"] == [
        "watchlist entry added",
        "watchlist entry changed",
        "watchlist entry erased",
    ]


def test_a_folder_is_imported_and_every_reject_is_named(house: Any, open_page: Open, tmp_path: Path) -> None:
    folder = tmp_path / "list"
    for name, content in {
        "E-1/1.jpg": picture((1, 1))["buffer"],
        "E-1/2.jpg": picture((1, 2))["buffer"],
        "E-1/3.jpg": b"hello",
        "E-2/1.jpg": picture((2, 1))["buffer"],
        "E-3/1.jpg": picture((3, 1))["buffer"],
        "notes.txt": b"x",
        "watchlist.csv": REGISTER.encode(),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    page = signed_in(house, open_page, "watchlist", "importer-1", "importer")
    page.set_input_files("#bulk-folder", folder)
    page.get_by_text("2 added, 0 there before, 4 rejected.").wait_for()
    told = page.inner_text("#bulk-rejects")
    for file, why in {
        "E-1/3.jpg": "not a picture",
        "E-2/1.jpg": "unlawful",
        "E-3/1.jpg": "no row",
        "notes.txt": "Not a picture",
    }.items():
        assert any(file in line and why in line for line in told.splitlines()), (file, told)
    assert "2" in page.inner_text("tr[data-entry=E-1] td >> nth=3")
    assert barriers(page) == []
    page.set_input_files("#bulk-folder", folder)
    page.get_by_text("0 added, 2 there before, 4 rejected.").wait_for()


@pytest.mark.parametrize(("role", "sees"), [("supervisor", True), ("viewer", False)])
def test_others_see_what_their_role_may_see(house: Any, open_page: Open, role: str, sees: bool) -> None:
    page = signed_in(house, open_page, "watchlist", "person-1", role)
    page.locator(".facts").get_by_text("Missing or at risk").wait_for()
    assert page.locator("#entries-text").count() == int(sees)
    assert page.locator("#list-file").count() == 0
    assert page.locator("#bulk-folder").count() == 0
