"""The operator's page, as an operator meets it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.alert.erase import AlertEraser
from lfr_ray.api.auth import Access
from lfr_ray.records import CaseRecord

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
    alert_id = house.alert("tracklet-1", relatives=("entry-7",), margin=0.02, probability=0.8714)
    page.wait_for_selector(f".item[data-id='{alert_id}']")
    assert "north-gate" in page.inner_text("#news")
    assert page.title() == "(1) Alerts"
    shot(page, tmp_path, "1-arrived")

    page.click(".item")
    for kind in ("face", "watchlist", "scene"):
        page.wait_for_selector(f"img[data-kind={kind}]")
        assert page.evaluate(f"document.querySelector('img[data-kind={kind}]').naturalWidth") > 0
    before = page.inner_html("#alert")
    assert "87 %" not in before
    assert "Possible relative" not in before
    assert page.is_disabled("[data-decision=engage]")
    assert page.is_disabled("#compared")
    shot(page, tmp_path, "2-to-compare")

    compare(page, {"nose": "agrees", "ears": "agrees", "marks": "unclear"})
    figures = page.inner_text("#figures")
    assert "87 %" in figures
    assert "0.810" not in figures, "officers see a probability, and never a raw similarity"
    assert "4 of 5" in figures
    assert "Possible relative" in figures
    assert "Close runner-up" in figures
    assert page.is_disabled("input[name=feature-nose][value=differs]")
    shot(page, tmp_path, "3-figures")

    page.fill("#note", "same scar <b>left</b> cheek")
    page.click("[data-decision=engage]")
    assert "Engage" in page.inner_text("#ruling")
    assert "<b>left</b>" in page.inner_text("#ruling")
    decided = house.desk.get(alert_id)
    assert decided.decision.officer == "PC4711"
    assert decided.history[0].comparison == {"nose": "agrees", "ears": "agrees", "marks": "unclear"}
    page.wait_for_selector(".item.decided")

    page.select_option("#outcome-choice", "arrest")
    page.fill("#offence", "theft")
    page.fill("#minutes", "12.5")
    page.click("text=Record the outcome")
    page.wait_for_selector("#outcome")
    assert "Arrest · theft · 12.5 min" in page.inner_text("#outcome")
    shot(page, tmp_path, "4-concluded")

    what = [facts["what"] for facts in house.consulted]
    assert what[:2] == ["list of alerts", "alert"]
    assert set(what[2:]) == {"alert", "picture face", "picture scene", "picture watchlist"}
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
    house.desk.record(alert_id, CaseRecord("decision", "PC1", "engage"))
    page = open_page(house.url)
    page.click(".item")
    page.click("text=Correct the decision")
    page.select_option("#correct-to", "not_a_match")
    page.fill("#correct-note", "another person")
    page.click("text=Record the correction")
    page.wait_for_selector("#ruling >> text=Not a match")
    page.click("text=All 2 records")
    assert "replaces 1" in page.inner_text(".history")


def test_two_officers_decide_and_the_second_is_blind(open_house: Callable[..., Any], open_page: Open) -> None:
    house = open_house(two_person=True)
    alert_id = house.alert("tracklet-1")
    findings = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}
    first = open_page(house.url, "PC-FIRST")
    first.click(".item")
    compare(first, findings)
    first.click("[data-decision=engage]")
    first.wait_for_selector("text=One verdict is given")
    second = open_page(house.url, "PC-SECOND")
    second.click(".item")
    second.wait_for_selector("text=One verdict is given")
    assert "PC-FIRST" not in second.content()
    compare(second, findings)
    second.click("[data-decision=not_a_match]")
    second.wait_for_selector("#ruling >> text=Not a match")
    assert "nobody is engaged" in second.inner_text("#ruling")
    first.wait_for_selector("#ruling >> text=Not a match")
    assert house.desk.get(alert_id).decision.agreed is False


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


def test_cameras_say_what_they_do_not_see(house: Any, open_page: Open) -> None:
    page = open_page(house.url)
    page.wait_for_selector(".camera.blind")
    assert "Blind since" in page.inner_text(".camera.blind")
    assert "1,204 dropped" in page.inner_text("#cameras")
    assert "Not compared: outside the deployment's hours" in page.inner_text("#cameras")
    house.desk.pause(by="breaker", reason="false alerts above 1 in 1,000 faces")
    page.wait_for_selector("#banner >> text=Alerts are paused")


def test_a_server_that_goes_and_comes_back_costs_no_alert(house: Any, open_page: Open) -> None:
    page = open_page(house.url)
    house.stop()
    page.wait_for_selector("#link.lost")
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
    house = open_house(access=Access.from_text("PC4711:correct-horse-battery"))
    house.alert("tracklet-1")
    page = open_page(house.url, None)
    page.fill("#officer-id", "PC4711")
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("#token", state="visible")
    page.fill("#token", "wrong-horse-battery")
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("text=not valid")
    page.fill("#token", "correct-horse-battery")
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("#link.live")
    page.click(".item")
    page.wait_for_selector("img[data-kind=face]")
    assert page.url == house.url


def test_everything_can_be_done_with_the_keyboard(house: Any, open_page: Open) -> None:
    first, second = house.alert("tracklet-1"), house.alert("tracklet-2", "south-gate")
    page = open_page(house.url)
    page.focus(f".item[data-id='{second}']")
    page.keyboard.press("ArrowDown")
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
    assert page.evaluate("document.activeElement.id") == "figures"
    page.focus("[data-decision=possible_match]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#ruling")
    assert house.desk.get(first).decision.decision == "possible_match"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_nothing_is_cut_off(house: Any, open_page: Open, tmp_path: Path, scheme: str) -> None:
    house.alert("tracklet-1", relatives=("entry-7",))
    house.alert("tracklet-2", "south-gate", name="A Much Longer Name Than Fits On A Telephone Screen")
    page = open_page(house.url, width=390, height=844, scheme=scheme)
    shot(page, tmp_path, f"7-telephone-list-{scheme}")
    page.click(".item >> nth=0")
    page.wait_for_selector("img[data-kind=scene]")
    compare(page, {"nose": "agrees", "ears": "agrees", "marks": "agrees"})
    shot(page, tmp_path, f"8-telephone-alert-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not page.is_visible(".list")
    page.click(".back")
    assert page.is_visible(".list")


def test_dark_and_wide(house: Any, open_page: Open, tmp_path: Path) -> None:
    for number in range(6):
        alert_id = house.alert(f"passage-{number}", f"camera-{number}")
        if number % 2:
            house.desk.record(alert_id, CaseRecord("decision", "PC1", "not_a_match"))
    page = open_page(house.url, scheme="dark", width=1680, height=1000)
    page.click(".item.new >> nth=0")
    page.wait_for_selector("img[data-kind=scene]")
    compare(page, {"nose": "agrees", "ears": "differs", "marks": "unclear"})
    shot(page, tmp_path, "9-dark")
    page.select_option("#filter", "decided")
    assert page.locator(".item").count() == 3


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
