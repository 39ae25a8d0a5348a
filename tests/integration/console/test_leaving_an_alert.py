"""Another alert is chosen while one is still fetched: what is shown is what a verdict is recorded on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.console.waiting import until

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
SHOWN = "document.querySelector('#alert h2')?.textContent"


@pytest.fixture
def waits(house: Any, open_page: Open) -> tuple[Any, dict[str, str], list[Any]]:
    """A page that shows the first of three alerts; the answer of the second waits, the third cannot be fetched."""
    ids = {name: house.alert(f"tracklet-{name}", f"{name}-gate", name=name) for name in ("Ada", "Bea", "Cleo")}
    page = open_page(house.url)
    held: list[Any] = []
    page.route(f"**/v1/alerts/{ids['Bea']}/own", lambda route: held.append(route))
    page.route(f"**/v1/alerts/{ids['Cleo']}", lambda route: route.abort())
    page.click(f".item[data-id='{ids['Ada']}']")
    until(page, f"{SHOWN} === 'Ada'")
    page.click(f".item[data-id='{ids['Bea']}']")
    until(page, f"location.pathname.endsWith('{ids['Bea']}')")
    while not held:
        page.wait_for_timeout(20)
    return page, ids, held


def decided(house: Any, page: Any, ids: dict[str, str]) -> list[str]:
    """Who of the three has a decision, once the one that is shown was said to be somebody else."""
    for feature in ("nose", "ears", "marks"):
        page.check(f"input[name=feature-{feature}][value=differs]", force=True)
    page.click("#compared")
    page.wait_for_selector("#figures:focus")
    page.click("#decide-not_a_match")
    page.wait_for_selector("#ruling")
    return [name for name, alert_id in ids.items() if house.desk.get(alert_id).decision]


def test_one_that_could_not_be_fetched_leaves_what_was_shown(
    house: Any, waits: tuple[Any, dict[str, str], list[Any]]
) -> None:
    page, ids, held = waits
    page.click(f".item[data-id='{ids['Cleo']}']")
    page.wait_for_timeout(200)
    held[0].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(SHOWN) == "Ada"
    assert decided(house, page, ids) == ["Ada"]


def test_who_comes_back_stays(house: Any, waits: tuple[Any, dict[str, str], list[Any]]) -> None:
    page, ids, held = waits
    page.click(f".item[data-id='{ids['Ada']}']")
    held[0].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(SHOWN) == "Ada"
    assert page.url.endswith(ids["Ada"])
    assert decided(house, page, ids) == ["Ada"]


def test_a_comparison_that_was_on_its_way_changes_nothing_of_the_next_one(house: Any, open_page: Open) -> None:
    first, second = (house.alert(f"tracklet-{name}", f"{name}-gate", name=name) for name in ("Ada", "Bea"))
    page = open_page(house.url)
    held: list[Any] = []
    page.route(f"**/v1/alerts/{first}/comparison", lambda route: held.append(route))
    page.click(f".item[data-id='{first}']")
    until(page, f"{SHOWN} === 'Ada'")
    for feature in ("nose", "ears", "marks"):
        page.check(f"input[name=feature-{feature}][value=agrees]", force=True)
    page.click("#compared")
    while not held:
        page.wait_for_timeout(20)
    page.click(f".item[data-id='{second}']")
    until(page, f"{SHOWN} === 'Bea'")
    held[0].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(SHOWN) == "Bea"
    assert page.is_disabled("#decide-not_a_match"), "of this one nobody has compared anything"
