"""Where a camera looks: drawn over its picture with the pointer, or typed; saved by a supervisor alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.console.barriers import barriers
from tests.integration.console.roles import signed_in
from tests.integration.console.waiting import until

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
CARD = "[data-camera=north-gate]"


def test_a_region_is_drawn_with_the_pointer(house: Any, open_page: Open) -> None:
    page = open_page(f"{house.url}cameras")
    page.click(f"{CARD} summary")
    until(page, f"document.querySelector('{CARD} img')?.naturalWidth > 0")
    page.locator(CARD).get_by_text("A new authority is needed.").wait_for(state="detached")
    page.locator(f"{CARD} .preview").scroll_into_view_if_needed()
    box = page.locator(f"{CARD} .preview").bounding_box()
    side, middle = box["height"], box["x"] + box["width"] / 2  # the photograph is square
    for down, (across, along) in enumerate([(-0.25, 0.25), (0.25, 0.75)]):
        page.mouse.move(middle + across * side, box["y"] + along * side)
        (page.mouse.up if down else page.mouse.down)()
    assert page.locator(f"{CARD} .region").count() == 1
    page.fill(f"{CARD} [id^=focus-least]", "120")
    page.fill(f"{CARD} [id^=focus-reason]", "a poster")
    page.locator(CARD).get_by_role("button", name="Save").click()
    page.get_by_text("Saved, and recorded.").wait_for()
    (focus,) = house.site.focus.values()
    assert focus.min_face_px == 120
    assert focus.regions[0] == pytest.approx((0.25, 0.25, 0.5, 0.5), abs=0.02)


def test_a_region_is_typed_and_the_page_says_what_was_signed(house: Any, open_page: Open) -> None:
    house.site.authority = house.site.authority.model_copy(update={"configuration": {"cameras.van.regions": "0" * 16}})
    page = open_page(f"{house.url}cameras", width=360, height=740, scheme="dark")
    page.focus(f"{CARD} summary")
    page.keyboard.press("Enter")
    page.locator(CARD).get_by_text("A new authority is needed.").wait_for()
    page.locator(CARD).get_by_role("button", name="Add a region").press("Enter")
    for value in ("10", "20", "30", "40"):
        page.keyboard.press("Control+A")
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    assert barriers(page) == []
    assert page.evaluate("document.getElementById('main').scrollWidth") <= 360
    page.fill(f"{CARD} [id^=focus-reason]", "the gate alone")
    page.press(f"{CARD} [id^=focus-reason]", "Enter")
    page.get_by_text("Saved, and recorded.").wait_for()
    assert house.site.focus["north-gate"].regions == ((0.1, 0.2, 0.3, 0.4),)
    page.reload()
    page.wait_for_selector(CARD)
    page.locator(CARD).get_by_role("button", name="Show what it sees").click()
    page.wait_for_selector(f"{CARD} .region")


def test_who_is_no_supervisor_sees_it_and_sets_nothing(house: Any, open_page: Open) -> None:
    page = signed_in(house, open_page, "cameras", "PC5", "officer")
    page.wait_for_selector(CARD)
    assert page.locator(".focus").count() == 0
