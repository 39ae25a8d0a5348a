"""A site that is new: its administrator gives out tokens, a test leads to its first alert, an app without a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.api.site_state import CameraState, DeploymentList, DeploymentState, WatchlistState
from tests.integration.console.barriers import barriers
from tests.integration.console.pictures import keep
from tests.integration.console.roles import signed_in

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1360, "light")])
def test_an_administrator_gives_a_token_out_and_revokes_it(
    house: Any, open_page: Open, width: int, scheme: str
) -> None:
    page = signed_in(house, open_page, "", "ADM1", "administrator", width=width, scheme=scheme)
    page.wait_for_selector("tbody tr >> text=ADM1")  # who sees no alert begins here
    assert page.locator("#pages [data-page=alerts]").get_attribute("hidden") is not None
    page.fill("#people-person", "PC7")
    page.press("#people-person", "Enter")
    page.wait_for_selector("#given-token")
    token = page.inner_text("#given-token")
    found = house.people.find(token, time.time())
    assert (found.person, found.role) == ("PC7", "officer")
    page.wait_for_selector("tbody tr >> text=PC7")
    assert page.evaluate("document.activeElement.id") == "given"
    assert barriers(page) == []
    wide = "Math.max(...['main', 'page'].map((id) => document.getElementById(id).scrollWidth))"
    assert page.evaluate(wide) <= width
    shown = page.content()
    assert not any(one.sha256 in shown for one in house.people.all())
    page.reload()
    page.wait_for_selector("tbody tr >> text=PC7")
    assert token not in page.content(), "it is shown once"
    house.people.sign_in(house.people.find(token, time.time()).proven, now_s=time.time())
    page.reload()
    page.get_by_role("row", name="PC7").get_by_role("button", name="Sign out").click()
    page.wait_for_selector("tr:has-text('PC7') [data-session]", state="detached")
    assert [one.kind for one in house.people.all() if one.person == "PC7"] == ["token"]
    button = page.get_by_role("row", name="PC7").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert house.people.find(token, time.time()) is not None, "the first press asks"
    page.keyboard.press("Enter")
    page.wait_for_selector("tbody tr >> text=PC7", state="detached")
    assert house.people.find(token, time.time()) is None
    auditor = signed_in(house, open_page, "people", "AUD1", "auditor")
    auditor.wait_for_selector("tbody tr >> text=ADM1")
    assert auditor.locator("#people-person").count() == 0


def test_a_picture_of_people_for_the_readme(house: Any, open_page: Open, tmp_path: Path) -> None:
    for person, role in (("PC4711", "officer"), ("SGT12", "supervisor"), ("prometheus", "metrics")):
        token = house.people.add(person, role, days=60, now_s=time.time())
        if role != "metrics":
            house.people.sign_in(house.people.find(token, time.time()).proven, now_s=time.time())
    page = signed_in(house, open_page, "people", "ADM1", "administrator", width=1280, height=800)
    page.wait_for_selector("tbody tr >> nth=3")
    assert keep(page, "people", tmp_path).exists()


def test_an_officer_sees_nothing_of_people(house: Any, open_page: Open) -> None:
    page = open_page(f"{house.url}people")
    page.wait_for_selector("#page .fault >> text=your role does not allow this")


class NewSite:
    """A test with nobody on its list and a recording that nobody has named yet."""

    def __init__(self, site: Any) -> None:
        self.entries, self.shown = 0, ()
        site.watchlist, site.cameras, site.deployments = self.watchlist, self.cameras, self.deployments

    async def watchlist(self) -> WatchlistState:
        return WatchlistState(self.entries)

    async def cameras(self) -> list[CameraState]:
        return list(self.shown)

    async def deployments(self) -> DeploymentList:
        return DeploymentList((DeploymentState("test", "test", "in force"),), None, site="New")


def test_a_test_leads_from_nothing_to_its_first_alert(open_house: Callable[..., Any], open_page: Open) -> None:
    house = open_house(demo_officer="demo-officer")
    new = NewSite(house.site)
    page = open_page(house.url, officer=None)
    page.wait_for_selector("#guide [data-step=list][aria-current=step] >> text=Watchlist")
    assert page.locator("#guide .done").count() == 0
    assert barriers(page) == []
    new.entries = 3
    page.wait_for_selector("#guide [data-step=list].done >> text=3 on the list")
    new.shown = (CameraState("gate", "live", refusal="the list was not read yet"),)
    page.wait_for_selector("#guide [data-step=permit][aria-current=step] >> text=the list was not read yet")
    new.shown = (CameraState("gate", "live"),)
    page.wait_for_selector("#guide [data-step=walk][aria-current=step]")
    house.alert("tracklet-1", "gate")
    page.wait_for_selector("img[data-kind=face]")
    assert not page.is_visible("#guide")


def test_a_video_of_ones_own_is_handed_in(open_house: Callable[..., Any], open_page: Open, tmp_path: Path) -> None:
    house = open_house(demo_officer="demo-officer")
    new = NewSite(house.site)
    new.shown = (CameraState("own", "ended", problem="the recording does not exist", takes_recording=True),)
    page = open_page(house.url, officer=None, width=360, scheme="dark")
    page.wait_for_selector("#guide [data-step=camera][aria-current=step] #guide-recording")
    assert barriers(page) == []
    keep(page, "guide", tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"no video")
    page.set_input_files("#guide-recording", tmp_path / "a.mp4")
    page.get_by_text("this is no video").wait_for()
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    page.set_input_files("#guide-recording", tmp_path / "a.mp4")
    page.get_by_text("the camera begins with it").wait_for()
    assert house.site.recordings == [b"\0\0\0\x20ftypisom"]
    page.evaluate("""() => {
      const screen = document.createElement("canvas");
      const drawn = screen.getContext("2d");
      setInterval(() => drawn.fillRect(Math.random() * 300, 0, 9, 99), 50);
      navigator.mediaDevices.getUserMedia = async () => screen.captureStream(10);
    }""")  # this browser has no camera
    page.click("#guide-webcam")
    page.get_by_text("Recording: ").wait_for()
    page.get_by_text("the camera begins with it").wait_for(timeout=60_000)
    assert house.site.recordings[1].startswith(b"\x1aE\xdf\xa3")


def test_without_a_network_the_app_shows_itself_and_keeps_nothing_of_an_alert(house: Any, open_page: Open) -> None:
    house.alert("tracklet-1", name="Eileen Collins")
    page = open_page(house.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # from here on everything passes the worker
    page.wait_for_selector("#link.live")
    assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
    page.click(".item")
    for kind in ("face", "watchlist", "scene", "view1"):
        page.wait_for_selector(f"img[data-kind={kind}]")
    house.stop()
    page.reload()
    page.wait_for_selector("#link.lost")
    assert page.inner_text("#stop") == "Stop matching", "the shell is there, in its language"
    assert page.locator(".item, img[data-kind], .thumb").count() == 0
    assert "Eileen" not in page.content()
    kept = page.evaluate(KEPT)
    assert len(kept) > 10
    assert [one for one in kept if not (one["path"] == "/" or one["path"].startswith("/console/"))] == []
    assert [one for one in kept if "image/jpeg" in one["kind"] or "json" in one["kind"] or one["named"]] == []
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    assert "Eileen" not in page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")


KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      const kind = answer.headers.get("Content-Type");
      found.push({ path: new URL(request.url).pathname, kind, named: (await answer.text()).includes("Eileen") });
    }
  }
  return found;
}"""
"""Everything in every cache of the browser."""
