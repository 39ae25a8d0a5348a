"""Every page of the console: its address, both colour schemes, a telephone and a wall, no barrier that axe finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageOps

from lfr_ray.camera.demo_source import ASTRONAUT, photograph
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import CaseRecord
from tests.integration.console.barriers import barriers
from tests.integration.console.pictures import keep
from tests.integration.console.roles import signed_in
from tests.integration.console.waiting import until

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
PAGES = {
    "alerts": ".item",
    "cameras": ".card >> nth=3",
    "site": "#plan .waits >> nth=1",
    "deployment": "text=False alerts an hour",
    "watchlist": ".facts >> text=Missing or at risk",
    "record": "svg.chart >> nth=1",
    "audit": "text=Everything holds.",
    "wall": ".wall-alerts li",
}
"""Each page, and what is there once it is drawn."""

SCREENS = {"telephone": (360, 740, "light"), "wall": (1920, 1080, "dark")}


@pytest.fixture
def busy(open_house: Callable[..., Any]) -> Any:
    """A site on which something has happened."""
    house = open_house()
    house.first = house.alert("a", name="Eileen Collins", ago_s=280, probability=0.968, similarity=0.961)
    more = {"action": "safeguard", "category": "missing-or-at-risk", "entry_id": "E-7"}
    house.second = house.alert("b", "south-gate", name="A Person With Quite A Long Name Indeed", ago_s=95, **more)
    house.decided = house.alert("c", "south-gate", name="Eileen Collins", ago_s=3000)
    house.desk.record(house.decided, CaseRecord("decision", "PC12", "not_a_match"))
    return house


def settled(page: Any, place: str) -> None:
    page.wait_for_selector("#link.live")
    page.wait_for_selector(place)
    page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("screen", SCREENS)
def test_no_page_has_a_barrier_or_is_cut_off(busy: Any, open_page: Open, screen: str) -> None:
    width, height, scheme = SCREENS[screen]
    page = open_page(busy.url, width=width, height=height, scheme=scheme)
    for name, place in PAGES.items():
        page.goto(f"{busy.url}{name}")
        settled(page, place)
        assert page.title().endswith("Clacton seafront")
        assert barriers(page) == [], f"{name} on a {screen}"
        wide = "Math.max(...['main', 'page'].map((id) => document.getElementById(id).scrollWidth))"
        assert page.evaluate(wide) <= width, f"{name} is cut off on a {screen}"
    page.goto(f"{busy.url}alerts/{busy.first}")
    page.wait_for_selector("img[data-kind=scene]")
    assert barriers(page) == []
    for feature in ("nose", "ears", "marks"):
        page.check(f"input[name=feature-{feature}][value=agrees]", force=True)
    page.click("#compared")
    page.wait_for_selector("#figures")
    assert barriers(page) == []


def test_the_most_urgent_stands_first_of_those_the_oldest_and_what_is_decided_last(busy: Any, open_page: Open) -> None:
    newest = busy.alert("d", "south-gate", entry_id="E-9")  # to be detained, as the first
    page = open_page(busy.url)
    page.wait_for_selector(f".item[data-id='{newest}']")
    shown = page.evaluate("[...document.querySelectorAll('.item')].map((one) => one.dataset.id)")
    assert shown == [busy.first, newest, busy.second, busy.decided]


def test_every_page_has_its_address_and_back_works(busy: Any, open_page: Open) -> None:
    page = open_page(busy.url)
    page.click(f".item[data-id='{busy.first}']")
    page.wait_for_url(f"**/alerts/{busy.first}")
    for name in ("cameras", "deployment"):
        page.click(f"#pages [data-page={name}]")
        page.wait_for_url(f"**/{name}")
        page.wait_for_selector(PAGES[name])
    page.reload()
    page.wait_for_selector(PAGES["deployment"])
    page.go_back()
    page.wait_for_selector(PAGES["cameras"])
    page.go_back()
    page.wait_for_selector("img[data-kind=face]")
    page.reload()
    page.wait_for_selector("img[data-kind=face]")


def test_every_page_of_a_trial_says_so(busy: Any, open_page: Open) -> None:
    page = open_page(busy.url)
    settled(page, PAGES["alerts"])
    assert not page.is_visible("#demo")
    busy.site.kind = "trial"
    for name, place in PAGES.items():
        page.goto(f"{busy.url}{name}")
        settled(page, place)
        page.wait_for_selector("#demo >> text=TRIAL: volunteers alone")


def test_a_camera_is_looked_through_only_on_demand(busy: Any, open_page: Open) -> None:
    page = open_page(f"{busy.url}cameras")
    page.wait_for_selector(PAGES["cameras"])
    assert busy.site.previews == 0
    card = page.locator("[data-camera=north-gate]")
    card.get_by_role("button").click()
    card.locator("img").wait_for()
    until(page, "document.querySelector('[data-camera=north-gate] img').naturalWidth > 0")
    mark, shown = card.locator(".smallest").bounding_box(), card.locator("img").bounding_box()
    assert abs(mark["width"] / shown["height"] - 240 / 1920) < 0.04, "the photograph is square"
    blind = page.locator("[data-camera=beach-path]")
    blind.get_by_role("button").click()
    blind.get_by_text("the camera gives no picture now").wait_for()
    card.get_by_role("button").click()
    page.click("#pages [data-page=watchlist]")
    page.wait_for_selector(PAGES["watchlist"])
    seen = busy.site.previews
    page.wait_for_timeout(1200)
    assert busy.site.previews <= seen + 1, "a page that was left asks for nothing more"


def test_the_cameras_stand_on_the_plan_or_by_coordinates(busy: Any, open_page: Open) -> None:
    page = open_page(f"{busy.url}site")
    page.wait_for_selector(PAGES["site"])
    spots = {name: page.locator(f"#plan [data-camera={name}]").bounding_box() for name in ("north-gate", "south-gate")}
    plan = page.locator("#plan").bounding_box()
    for name, (left, top) in {"north-gate": (0.2, 0.2), "south-gate": (0.7, 0.75)}.items():
        box = spots[name]
        assert abs(box["x"] + box["width"] / 2 - plan["x"] - left * plan["width"]) < 3
        assert abs(box["y"] + box["height"] / 2 - plan["y"] - top * plan["height"]) < 3
    assert page.locator("#plan .blind").count() == 1
    assert "van" in page.inner_text(".unplaced")
    waits = page.locator("[data-camera=north-gate] .count")
    assert waits.inner_text() == "1 to decide"
    busy.alert("d", entry_id="E-9")
    page.get_by_text("2 to decide").wait_for()
    page.focus("[data-camera=north-gate]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts?camera=north-gate&state=new")
    busy.site.drawn = False
    page.goto(f"{busy.url}site")
    page.get_by_text("North is up.").wait_for()
    north, south = (page.locator(f"[data-camera={name}]").bounding_box() for name in ("north-gate", "south-gate"))
    assert north["y"] < south["y"]
    assert north["x"] < page.locator("[data-camera=beach-path]").bounding_box()["x"]
    assert barriers(page) == []


def test_the_ledger_is_searched(busy: Any, open_page: Open) -> None:
    page = open_page(f"{busy.url}audit")
    page.wait_for_selector(PAGES["audit"])
    page.select_option("#audit-kind", "decision")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("tbody tr >> nth=0 >> text=PC12")
    assert page.locator("tbody tr").count() == 1


@pytest.mark.parametrize(
    ("locale", "title", "said"),
    [
        ("de-DE", "Mögliche Treffer", "kein Bild seit 75 s"),
        ("fr-FR", "Correspondances possibles", "pas d\u2019image depuis 75 s"),
    ],
)
def test_the_console_speaks_the_officers_language(
    busy: Any, open_page: Open, locale: str, title: str, said: str
) -> None:
    page = open_page(f"{busy.url}alerts/{busy.first}", locale=locale)
    assert page.inner_text("#list-title") == title
    page.wait_for_selector(f".camera.blind[title='{said}']")
    assert page.evaluate("document.documentElement.lang") == locale
    page.click("#help")
    page.select_option("#language", "en")
    page.wait_for_selector("#list-title >> text=Possible matches")


def test_the_sound_is_off_for_everybody_to_see(busy: Any, open_page: Open) -> None:
    page = open_page(busy.url)
    assert page.inner_text("#sound") == "Sound on"
    page.keyboard.press("Alt+M")
    assert page.inner_text("#sound") == "Sound is OFF"
    page.reload()
    page.wait_for_selector("#sound.muted")


def test_signing_out_forgets_who_it_was(busy: Any, open_page: Open) -> None:
    page = open_page(busy.url)
    page.click("#officer")
    page.wait_for_selector("#sign-in[open]")
    assert page.input_value("#token") == ""
    assert page.evaluate("fetch('/v1/alerts').then((answer) => answer.status)") == 401


def test_the_first_view_is_small(busy: Any, open_page: Open) -> None:
    page = open_page(busy.url, officer=None)
    page.wait_for_selector("#sign-in[open]")
    sizes = page.evaluate("performance.getEntriesByType('resource').map((one) => one.decodedBodySize)")
    assert len(sizes) > 10
    assert sum(sizes) < 150_000


def test_pictures_for_the_readme(busy: Any, open_page: Open, tmp_path: Path) -> None:
    page = open_page(busy.url, width=1280, height=800)
    for name, place in PAGES.items():
        page.goto(f"{busy.url}{name}")
        settled(page, place)
        if name == "alerts":
            page.click(f".item[data-id='{busy.first}']")
            page.wait_for_selector("img[data-kind=scene]")
            for feature in ("eyes_brows", "nose", "mouth_chin"):
                page.check(f"input[name=feature-{feature}][value=agrees]", force=True)
        if name == "cameras":
            page.locator("[data-camera=north-gate]").get_by_role("button").click()
            page.locator("[data-camera=north-gate] img").wait_for()
        if name == "watchlist":
            continue
        assert keep(page, "alert" if name == "alerts" else name, tmp_path).exists()


def test_a_picture_of_the_list_for_the_readme(busy: Any, open_page: Open, tmp_path: Path) -> None:
    """Nobody is on it but the astronaut, whom a real detector finds."""
    busy.site.detector = load_detector(card("centerface"))
    page = signed_in(busy, open_page, "watchlist", "importer-1", "importer", width=1280, height=1100)
    crop = photograph(*ASTRONAUT).crop((90, 0, 380, 300))
    files = [
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encode_jpeg(np.asarray(one), 95)}
        for one in (crop, ImageOps.mirror(crop))
    ]
    page.set_input_files("#list-file", files[0])
    page.get_by_text("The picture can be used").wait_for()
    for name, value in {"entry_id": "demo-astronaut", "name": "Eileen Collins", "action": "check"}.items():
        page.fill(f"#list-{name}", value)
    page.select_option("#list-category", "test")
    page.click("#list-add")
    page.locator("tr[data-entry=demo-astronaut]").wait_for()
    page.set_input_files("#list-file", files[1])
    page.locator(".stage .face[aria-pressed=true]").wait_for()
    assert keep(page, "watchlist", tmp_path).exists()
