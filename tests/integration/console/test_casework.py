"""Officers at work on one alert: who has it, and every view of the passage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.console.barriers import barriers
from tests.integration.console.waiting import until

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def test_an_officer_takes_an_alert_and_others_see_it(house: Any, open_page: Open) -> None:
    alert_id = house.alert("tracklet-1")
    first = open_page(f"{house.url}alerts/{alert_id}", "SGT1")
    first.wait_for_selector("#claim >> text=Nobody has taken this alert.")
    first.keyboard.press("Alt+T")
    first.wait_for_selector("#claim >> text=You have it since")
    assert first.inner_text("#claim-act") == "Give it back"
    first.wait_for_selector(".item .claimed >> text=You have it since")
    assert house.desk.get(alert_id).claim.officer == "SGT1"

    second = open_page(f"{house.url}alerts/{alert_id}", "SGT2", width=360, height=740, scheme="dark")
    second.wait_for_selector("#claim >> text=SGT1 has it since")
    assert barriers(second) == []
    second.click("#claim-act >> text=Take it over")  # a supervisor may
    second.wait_for_selector("#claim >> text=You have it since")
    first.wait_for_selector("#claim >> text=SGT2 has it since")

    for feature in ("nose", "ears", "marks"):  # and it hinders nobody
        first.check(f"input[name=feature-{feature}][value=differs]", force=True)
    first.click("#compared")
    first.wait_for_selector("#figures")
    second.focus("#claim-act")
    second.keyboard.press("Enter")
    second.wait_for_selector("#claim >> text=Nobody has taken this alert.")
    assert second.evaluate("document.activeElement.id") == "claim-act"
    claims = [(one.officer, one.value) for one in house.desk.store.alert(alert_id).records if one.kind == "claim"]
    assert claims == [("SGT1", "taken"), ("SGT2", "taken_over"), ("SGT2", "released")]


def test_every_view_of_the_passage_stands_beside_the_face(house: Any, open_page: Open) -> None:
    alert_id = house.alert("tracklet-1")
    page = open_page(f"{house.url}alerts/{alert_id}")
    for number in (1, 2, 3):
        page.wait_for_selector(f".views img[data-kind=view{number}]")
    until(page, "[...document.querySelectorAll('.faces img')].every((one) => one.naturalWidth > 0)")
    face, enrolled = (
        page.evaluate(f"(() => {{ const one = document.querySelector('img[data-kind={kind}]'); "
                      "return one.clientHeight / one.naturalHeight; })()")
        for kind in ("face", "watchlist")
    )  # fmt: skip
    assert abs(face * 125 / (enrolled * 100) - 1) < 0.15, "both faces at the same scale: 125 and 100 pixels high"
    assert barriers(page) == []
    page.focus(".views button:has(img[data-kind=view2])")
    page.keyboard.press("Enter")
    page.wait_for_selector("#zoom[open]")
    assert page.locator("#large img").count() == 2, "beside the enrolled picture"
    page.click("#zoom button")
    page.click(".views button:has(img[data-kind=enrolled1])")
    page.wait_for_selector("#zoom[open]")
    kinds = [one.get_attribute("alt") for one in page.locator("#large img").all()]
    assert kinds == ["The face that was seen", "Another picture of the entry, 1"]
    looked = {facts["what"] for facts in house.consulted}
    assert {"picture view1", "picture view2", "picture view3"} <= looked
