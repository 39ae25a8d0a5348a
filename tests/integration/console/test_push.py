"""A handset whose console is closed: woken by a push, it shows that there is an alert, and leads to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.people.tokens_and_sessions import Handset
from tests.integration.console.waiting import until
from tests.processes import eventually

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
NOTED = """navigator.serviceWorker.ready.then((one) => one.getNotifications())
  .then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))"""


def test_a_push_shows_that_there_is_an_alert_and_nothing_of_it(house: Any, open_page: Open) -> None:
    page = open_page(house.url, scheme="dark", whole=True)
    page.context.grant_permissions(["notifications"], origin=house.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    developer = page.context.new_cdp_session(page)
    registered: list[str] = []
    developer.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(one["registrationId"] for one in event["registrations"]),
    )
    developer.send("ServiceWorker.enable")
    until(page, "navigator.serviceWorker.ready.then((one) => one.active.state === 'activated')")
    eventually(lambda: page.evaluate("true") and registered, 30.0)
    push = {"origin": house.url.rstrip("/"), "registrationId": registered[0], "data": json.dumps({"alert_id": "a1"})}

    def shown() -> Any:
        developer.send("ServiceWorker.deliverPushMessage", push)  # again where one was lost: it has the same tag
        return page.evaluate(NOTED)

    assert eventually(shown, 30.0) == [{"title": "lfr", "body": "", "tag": "a1"}]


def test_help_offers_it_where_the_site_has_a_push_service(house: Any, open_page: Open) -> None:
    page = open_page(house.url)
    page.click("#help")
    page.wait_for_selector("#language")
    assert page.locator("#push").count() == 0
    house.access.push = ("https://push.example",)
    page.reload()
    page.wait_for_selector("#link.live")
    page.click("#help")
    page.wait_for_selector("#push[aria-pressed=false]")
    (session,) = (one for one in house.people.all() if one.kind == "session")
    house.people.set_handset(session.sha256, Handset("https://push.example/1", "p", "a"))
    page.reload()
    page.wait_for_selector("#link.live")
    page.click("#help")
    page.click("#push[aria-pressed=true]")
    page.wait_for_selector("#push[aria-pressed=false]")
    assert not [one for one in house.people.all() if one.handset]
