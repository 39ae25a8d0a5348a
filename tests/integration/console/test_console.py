"""The operator's page, as an operator meets it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.alert.erase_alerts import AlertEraser
from lfr_ray.records import CaseRecord, Details
from tests.integration.console.waiting import until

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def shot(page: Any, tmp_path: Path, name: str) -> None:
    """A picture of the page, to look at: in LFR_SCREENSHOTS or the test's own folder."""
    folder = Path(os.environ.get("LFR_SCREENSHOTS", str(tmp_path)))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


def compare(page: Any, findings: dict[str, str]) -> None:
    for feature, finding in findings.items():
        page.check(f"input[name=feature-{feature}][value={finding}]", force=True)
    page.click("#compared")


def test_an_alert_arrives_live_is_compared_decided_and_concluded(house: Any, open_page: Open, tmp_path: Path) -> None:
    page = open_page(house.url)
    assert page.inner_text("#no-alerts").startswith("No alert so far")
    alert_id = house.alert("tracklet-1", relatives=("entry-7",), margin=0.02, probability=0.8714, similarity=0.961)
    page.wait_for_selector(f".item[data-id='{alert_id}']")
    assert "north-gate" in page.inner_text("#news")
    assert page.title().startswith("(1) Alerts")
    shot(page, tmp_path, "1-arrived")

    page.click(".item")
    for kind in ("face", "watchlist", "scene"):
        page.wait_for_selector(f"img[data-kind={kind}]")
        until(page, f"document.querySelector('img[data-kind={kind}]').naturalWidth > 0")
    before = page.inner_html("#alert")
    assert "87 %" not in before
    assert "Possible relative" not in before
    assert page.is_disabled("[data-decision=engage]")
    assert page.is_disabled("#compared")
    shot(page, tmp_path, "2-to-compare")

    compare(page, {"nose": "agrees", "ears": "agrees", "marks": "unclear"})
    page.wait_for_selector("#figures >> text=once in")
    figures = page.inner_text("#figures")
    assert "87 %" in figures
    assert "0.96" not in figures, "officers see a probability, and never a raw similarity"
    assert "4 of 5" in figures
    assert "once in" in figures
    assert "to anybody of this list of 500" in figures
    assert "Possible relative" in figures
    assert "Close runner-up" in figures
    assert page.is_disabled("input[name=feature-nose][value=differs]")
    shot(page, tmp_path, "3-figures")

    page.fill("#note", "same scar <b>left</b> cheek")
    page.click("[data-decision=engage]")
    assert "Engage" in page.inner_text("#ruling")
    assert "<b>left</b>" in page.inner_text("#ruling")
    decided = house.desk.get(alert_id)
    until(page, "document.activeElement.id === 'ruling'")  # the focus stays with what was decided
    assert page.locator("#steps .table tbody tr").all_inner_texts() == [
        "Nose\tAgrees",
        "Ears\tAgrees",
        "Scars, marks\tUnclear",
    ]
    assert decided.decision.officer == "PC4711"
    assert [record.kind for record in decided.history] == ["comparison", "decision"]
    assert decided.history[0].comparison == {"nose": "agrees", "ears": "agrees", "marks": "unclear"}
    page.wait_for_selector(".item.decided")

    page.select_option("#outcome-choice", "arrest")
    page.fill("#offence", "theft")
    page.fill("#minutes", "12.5")
    page.click("text=Record the outcome")
    page.wait_for_selector("#outcome")
    assert "Arrest · theft · 12.5 min" in page.inner_text("#outcome")
    shot(page, tmp_path, "4-concluded")

    what = {facts["what"] for facts in house.consulted} - {"signed in"}
    shown = ("face", "scene", "watchlist", "view1", "view2", "view3", "enrolled1")
    pictures = {f"picture {kind}" for kind in shown}
    assert what == pictures | {"list of alerts", "alert", "likelihood"}
    assert {facts["who"] for facts in house.consulted} == {"PC4711"}


def test_a_partly_covered_face_is_called_so(house: Any, open_page: Open, tmp_path: Path) -> None:
    house.alert("tracklet-1", covered="lower")
    page = open_page(house.url)
    page.click(".item")
    compare(page, {"eyes_brows": "agrees", "forehead": "agrees", "mouth_chin": "unclear"})
    figures = page.inner_text("#figures")
    assert "Face partly covered" in figures
    assert "upper half" in figures
    shot(page, tmp_path, "partly-covered")


def test_a_correction_stands_beside_what_it_replaces(house: Any, open_page: Open) -> None:
    alert_id = house.alert("tracklet-1")
    house.desk.record(alert_id, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    page = open_page(house.url)
    page.click(".item")
    page.click("text=Correct the decision")
    page.select_option("#correct-to", "not_a_match")
    page.fill("#correct-note", "another person")
    page.click("text=Record the correction")
    page.wait_for_selector("#ruling >> text=Not a match")
    page.click("text=2 records in all")
    assert "replaces 1" in page.inner_text(".history")


def test_two_officers_decide_and_the_second_is_blind(open_house: Callable[..., Any], open_page: Open) -> None:
    house = open_house(two_person=True)
    alert_id = house.alert("tracklet-1")
    findings = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}
    second = open_page(house.url, "PC-SECOND")
    second.click(".item")
    second.check("input[name=feature-nose][value=differs]", force=True)
    second.fill("#note", "half a senten")
    first = open_page(house.url, "PC-FIRST")
    first.click(".item")
    compare(first, findings)
    first.click("[data-decision=engage]")
    first.wait_for_selector("#ruling >> text=Engage")
    assert "A second officer decides without knowing it" in first.inner_text("#ruling")
    assert first.inner_text("#status") == "Waits for another officer"
    first.wait_for_selector(".item.waiting")
    second.wait_for_selector("text=One verdict is given")
    second.wait_for_selector(".item.second")
    assert second.input_value("#note") == "half a senten", "what the second officer writes is not erased"
    until(second, "document.activeElement.id === 'note'")
    assert second.is_checked("input[name=feature-nose][value=differs]")
    assert "PC-FIRST" not in second.content()

    first.click("#undo-possible_match")  # a wrong press, put right before anybody knows of it
    first.wait_for_selector("#ruling >> text=Possible match")
    compare(second, {"ears": "agrees", "marks": "agrees"})
    second.click("[data-decision=not_a_match]")
    second.wait_for_selector("#ruling >> text=Not a match")
    assert "nobody is engaged" in second.inner_text("#ruling")
    assert "PC-FIRST" in second.inner_text("#steps .table")
    first.wait_for_selector("#ruling >> text=Not a match")
    decided = house.desk.get(alert_id)
    assert decided.decision.agreed is False
    verdicts = [one for one in decided.history if one.kind == "decision"]
    assert [one.corrects for one in verdicts] == [None, 2, None]
    assert verdicts[2].note == "half a senten"


def test_the_emergency_stop_asks_and_shows(house: Any, open_page: Open, tmp_path: Path) -> None:
    page = open_page(house.url)
    page.click("#stop")
    page.wait_for_selector("#halt[open]")
    shot(page, tmp_path, "5-stop-asked")
    page.click("#halt-cancel")
    assert house.site.halt is None
    page.click("#stop")
    page.fill("#halt-reason", "wrong list")
    page.click("#halt-go")
    page.wait_for_selector("#banner >> text=Matching is stopped")
    assert house.site.halt.by == "PC4711"
    assert house.site.halt.reason == "wrong list"
    shot(page, tmp_path, "6-stopped")
    page.click("text=Resume matching")
    page.fill("#halt-reason", "list corrected")
    page.click("#halt-go")
    page.wait_for_selector("#banner", state="hidden")
    assert house.site.halt is None


def test_the_head_says_what_cameras_do_not_see_and_stays(house: Any, open_page: Open) -> None:
    house.alert("tracklet-1")
    page = open_page(house.url)
    page.wait_for_selector(".camera.blind")
    assert "Blind for 1 min" in page.inner_text(".camera.blind")
    assert "Not compared: outside the deployment's hours" in page.inner_text("#cameras")
    house.desk.pause(by="breaker", reason="false alerts above 1 in 1,000 faces")
    page.wait_for_selector("#banner >> text=Alerts are paused")
    page.click(".item")
    page.wait_for_selector("img[data-kind=scene]")
    page.mouse.wheel(0, 3000)
    for place in ("#stop", "#link", "#cameras", "#decide [data-decision=engage]"):
        box = page.locator(place).bounding_box()
        assert 0 <= box["y"] <= 900 - box["height"], f"{place} is out of sight"


def test_a_server_that_goes_and_comes_back_costs_no_alert(house: Any, open_page: Open) -> None:
    page = open_page(house.url)
    known = house.alert("before")
    page.wait_for_selector(f".item[data-id='{known}']")
    house.stop()
    page.wait_for_selector("#link.lost")
    assert page.locator(".camera.unknown").count() == page.locator(".camera").count()
    page.click(".item")
    page.wait_for_selector("#notice >> text=The server does not answer")
    missed = house.alert("while-away")
    house.start()
    page.wait_for_selector("#link.live", timeout=15_000)
    page.wait_for_selector(f".item[data-id='{missed}']")


def test_an_erased_alert_leaves_the_page(house: Any, open_page: Open) -> None:
    alert_id = house.alert("tracklet-1")
    page = open_page(house.url)
    page.click(".item")
    page.wait_for_selector("img[data-kind=face]")
    AlertEraser(house.database).purge([alert_id], now_s=1.0, reason="retention")
    page.wait_for_selector("#empty", state="visible")
    assert page.query_selector(".item") is None
    assert page.query_selector("#alert img") is None


def test_a_token_is_asked_for_and_kept_out_of_the_address(open_house: Callable[..., Any], open_page: Open) -> None:
    house = open_house()
    house.alert("tracklet-1")
    page = open_page(house.url, None)
    page.wait_for_selector("#token", state="visible")
    page.fill("#token", "wrong-horse-battery")
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("text=not valid")
    page.fill("#token", house.people.add("PC4711", "officer", days=1, now_s=time.time()))
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("#link.live")
    page.click(".item")
    page.wait_for_selector("img[data-kind=face]")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.click("#officer")
    page.wait_for_selector("#token", state="visible")
    assert page.context.cookies() == []
    assert [one.kind for one in house.people.all()] == ["token"], "the session has ended here, too"


def test_everything_can_be_done_with_the_keyboard(house: Any, open_page: Open) -> None:
    second, first = house.alert("tracklet-1", action="check"), house.alert("tracklet-2", "south-gate")
    page = open_page(house.url)
    assert page.get_attribute(".item >> nth=0", "data-id") == first, "the more urgent one comes first"
    page.focus(f".item[data-id='{second}']")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.id") == first
    page.keyboard.press("Enter")
    page.wait_for_selector("img[data-kind=face]")
    assert page.evaluate("document.activeElement.id") == "detail"
    page.focus("input[name=feature-face_outline][value=agrees]")
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
    page.focus("#compared")
    page.keyboard.press("Enter")
    page.wait_for_selector("#figures:focus")
    assert page.evaluate("document.activeElement.id") == "figures"
    page.keyboard.press("Alt+2")
    page.wait_for_selector("#ruling")
    until(page, "document.activeElement.id === 'ruling'")
    page.keyboard.press("Alt+N")
    page.wait_for_url(f"**/alerts/{second}")
    page.keyboard.press("Escape")
    page.wait_for_url("**/alerts")
    until(page, f"document.activeElement.dataset.id === '{second}'")
    assert house.desk.get(first).decision.decision == "possible_match"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_nothing_is_cut_off(house: Any, open_page: Open, tmp_path: Path, scheme: str) -> None:
    house.alert("tracklet-1", relatives=("entry-7",))
    house.alert("tracklet-2", "south-gate", name="A Much Longer Name Than Fits On A Telephone Screen")
    page = open_page(house.url, width=390, height=844, scheme=scheme)
    page.wait_for_selector(".item >> nth=1 >> img.thumb[src]")
    whole = "[...document.querySelectorAll('.item b')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
    assert page.evaluate(whole), "no name is cut off"
    shot(page, tmp_path, f"7-telephone-list-{scheme}")
    page.click(".item >> nth=0")
    page.wait_for_selector("img[data-kind=scene]")
    for one in ("engage", "not_a_match"):
        box = page.locator(f"[data-decision={one}]").bounding_box()
        assert box["y"] + box["height"] <= 844, "the decision is in sight before anybody scrolls"
    compare(page, {"nose": "agrees", "ears": "agrees", "marks": "agrees"})
    shot(page, tmp_path, f"8-telephone-alert-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not page.is_visible(".list")
    page.click(".back")
    assert page.is_visible(".list")


def test_the_list_is_filtered_and_the_filter_is_in_the_address(house: Any, open_page: Open) -> None:
    for number in range(6):
        alert_id = house.alert(f"passage-{number}", f"camera-{number}", name=f"Person {number}", entry_id=f"E-{number}")
        if number % 2:
            house.desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match"))
    house.desk.hold(alert_id, by="PC1", reason="evidence")
    page = open_page(house.url, scheme="dark", width=1680, height=1000)
    page.wait_for_selector(".item >> nth=5")
    page.click("#filters-button")
    page.select_option("#filter-state", "decided")
    assert page.locator(".item").count() == 3
    page.select_option("#filter-state", "held")
    assert page.locator(".item").count() == 1
    page.select_option("#filter-state", "")
    page.fill("#filter-person", "e-4")
    assert page.locator(".item").count() == 1
    page.reload()
    page.wait_for_selector("#link.live")
    assert page.input_value("#filter-person") == "e-4"
    assert page.locator(".item").count() == 1


def test_an_alert_is_held_and_let_go(house: Any, open_page: Open) -> None:
    alert_id = house.alert("tracklet-1")
    page = open_page(f"{house.url}alerts/{alert_id}")
    page.click("#holding summary")
    page.fill("#hold-reason", "evidence in case 7")
    page.click("text=Keep this alert")
    page.wait_for_selector("#about >> text=evidence in case 7")
    assert house.desk.get(alert_id).hold.by == "PC4711"
    page.click("#release")
    page.wait_for_selector("#about >> text=evidence in case 7", state="detached")
    assert house.desk.get(alert_id).hold is None


def test_a_demo_signs_a_newcomer_in_and_shows_the_first_alert(
    open_house: Callable[..., Any], open_page: Open, tmp_path: Path
) -> None:
    house = open_house(demo_officer="demo-officer")
    page = open_page(house.url, officer=None)
    page.wait_for_selector("#link.live")
    assert not page.is_visible("#sign-in")
    assert page.is_visible("#demo")
    alert_id = house.alert("tracklet-1")
    page.wait_for_selector("img[data-kind=face]")
    assert page.get_attribute(".item[aria-current=true]", "data-id") == alert_id
    house.alert("tracklet-2", camera="south-gate")
    page.wait_for_selector(".item >> nth=1")
    assert page.inner_text("#officer") == "demo-officer"
    shot(page, tmp_path, "demo")

    other = open_page(house.url, officer=None)
    other.wait_for_selector("img[data-kind=face]")
    assert {facts["who"] for facts in house.consulted} == {"demo-officer"}


def test_outside_a_demo_nobody_is_signed_in_by_the_page(house: Any, open_page: Open) -> None:
    page = open_page(house.url, officer=None)
    page.wait_for_selector("#sign-in")
    assert not page.is_visible("#demo")
