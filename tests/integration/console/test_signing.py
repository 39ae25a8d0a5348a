"""What is signed elsewhere: the page saves it, and takes what came of it. No private key comes near the browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.govern.authority import APPROVE, Authority
from lfr_ray.section import load_yaml
from tests.integration.console.barriers import barriers
from tests.integration.console.roles import signed_in
from tests.integration.console.test_watchlist import picture

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def test_a_list_is_approved_by_a_file_that_was_signed_elsewhere(house: Any, open_page: Open, tmp_path: Path) -> None:
    page = signed_in(house, open_page, "watchlist", "importer-1", "importer", width=360, height=740, scheme="dark")
    page.set_input_files("#list-file", picture((3, 1), size=240))
    page.get_by_text("The picture can be used").wait_for()
    page.fill("#list-entry_id", "E-1")
    page.fill("#list-name", "Anna")
    page.select_option("#list-category", "test")
    page.click("#list-add")
    page.get_by_text("1 entries wait for a second person").wait_for()
    assert barriers(page) == []
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save what is to be signed").click()
    document = json.loads(Path(saved.value.path()).read_text())
    assert (document.pop("waiting"), document["imported_by"]) == (1, ["importer-1"])
    signed = tmp_path / "signed.json"
    for purpose, told in (("another", "altered"), (APPROVE, "Approved by app1; 1 entries were taken up.")):
        signature = house.site.approver_key.sign(purpose, document, time.time()).model_dump(mode="json")
        signed.write_text(json.dumps({"content_hash": document["content_hash"], "signature": signature}))
        page.set_input_files("#sign-file", signed)
        page.get_by_text(told).wait_for()
    page.get_by_text("was approved by app1").wait_for()
    assert page.evaluate("document.getElementById('main').scrollWidth") <= 360
    signed.write_text("-----BEGIN PRIVATE KEY-----")
    page.set_input_files("#sign-file", signed)
    page.get_by_text("This file is no signature.").wait_for()
    assert "watchlist approved" in [event.what for event in house.site.list_events]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1360, "light")])
def test_a_deployment_is_asked_for_in_a_form(house: Any, open_page: Open, width: int, scheme: str) -> None:
    page = open_page(f"{house.url}deployment", width=width, scheme=scheme)
    page.click("#opening summary")
    assert barriers(page) == []
    assert page.evaluate("document.getElementById('main').scrollWidth") <= width
    save = page.get_by_role("button", name="Save what is to be signed")
    save.click()
    page.get_by_text("Something is missing above.").wait_for()
    words = ("deployment", "purpose", "legal_basis", "why", "name", "rationale", "policy", "impact_assessment")
    for name in (*words, "equality_assessment", "appropriate_policy"):
        page.fill(f"#open-{name}", f"a-{name}")
    for name, value in {"latitude": "51.789", "longitude": "1.153", "radius_m": "500", "hours": "6"}.items():
        page.fill(f"#open-{name}", value)
    page.fill("#open-applicant", "1234:inspector")
    page.fill("#open-starts_at", "2031-08-21T10:00")
    page.check("[name=open-who][value=wanted-by-court]")
    page.check("[name=open-cameras][value=van]")
    with page.expect_download() as saved:
        save.click()
    given = dict(load_yaml(Path(saved.value.path())) or {})
    hours, known = given.pop("hours"), set(Authority.model_fields)
    assert set(given) <= known
    assert (hours, given["kind"], given["cameras"]) == (6, "live", ["van"])
    derived = {"profile": "p", "profile_sha256": "a" * 64, "ends_at": given["starts_at"], "watchlist_sha256": ""}
    with pytest.raises(ValueError, match="must come after"):  # everything else of it is an authority's
        Authority.model_validate(
            {**given, **derived, "authorising_officer": {"id": "supt-1", "rank": "superintendent"}}
        )
    page.click("#closing summary")
    page.fill("#close-reason", "it's over")
    assert "--reason 'it'\\''s over'" in page.inner_text("#close-command")
    assert barriers(page) == []


def test_who_may_not_open_is_not_asked(house: Any, open_page: Open) -> None:
    page = signed_in(house, open_page, "deployment", "viewer-1", "viewer")
    page.get_by_text("Circuit breaker").wait_for()
    assert page.locator("#opening, #closing").count() == 0
