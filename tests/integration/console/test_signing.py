"""What is signed elsewhere: the page saves it, and takes what came of it. No private key comes near the browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.api.site_state import DeploymentList, DeploymentState
from lfr_ray.cli import deployment
from lfr_ray.govern.authority import APPROVE
from lfr_ray.govern.signing_keys import SigningKey
from tests.integration.console.barriers import barriers
from tests.integration.console.pictures import keep
from tests.integration.console.roles import signed_in
from tests.integration.console.test_watchlist import picture

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
DOCUMENTS = ("policy", "impact_assessment", "equality_assessment", "appropriate_policy")
COMMAND = typer.Typer()
COMMAND.add_typer(deployment.app)


def test_a_list_is_approved_by_a_file_that_was_signed_elsewhere(house: Any, open_page: Open, tmp_path: Path) -> None:
    page = signed_in(house, open_page, "watchlist", "importer-1", "importer", width=360, height=740, scheme="dark")
    page.set_input_files("#list-file", picture((3, 1), size=240))
    page.get_by_text("The picture can be used").wait_for()
    page.fill("#list-entry_id", "E-1")
    page.fill("#list-name", "Anna")
    page.select_option("#list-category", "test")
    page.click("#list-add")
    page.get_by_text("1 entry waits for a second person").wait_for()
    assert barriers(page) == []
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save what is to be signed").click()
    document = json.loads(Path(saved.value.path()).read_text())
    assert (document.pop("waiting"), document["imported_by"]) == (1, ["importer-1"])
    signed = tmp_path / "signed.json"
    for purpose, told in (("another", "altered"), (APPROVE, "Approved by app1; 1 entry was taken up.")):
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
def test_a_live_deployment_is_opened_by_what_an_officer_signed_elsewhere(
    house: Any, open_page: Open, tmp_path: Path, width: int, scheme: str
) -> None:
    house.site.under_authority = False
    page = open_page(f"{house.url}deployment", width=width, scheme=scheme)
    page.click("#opening summary")
    assert barriers(page) == []
    assert page.evaluate("document.getElementById('main').scrollWidth") <= width
    save = page.get_by_role("button", name="Save what is to be signed")
    save.click()
    page.get_by_text("Something is missing above.").wait_for()
    for name in ("purpose", "legal_basis", "why", "name", "rationale", *DOCUMENTS):
        page.fill(f"#open-{name}", f"a-{name}")
    for name, value in {"latitude": "51.789", "longitude": "1.153", "radius_m": "500", "hours": "6"}.items():
        page.fill(f"#open-{name}", value)
    page.fill("#open-applicant", "1234:inspector")
    page.fill("#open-authorising_officer", "supt-1:superintendent")
    page.fill("#open-starts_at", "2026-01-01T10:00")
    page.check("[name=open-who][value=wanted-by-court]")
    page.check("[name=open-cameras][value=van]")
    keep(page, "opening", tmp_path)
    with page.expect_download() as saved:
        save.click()
    (tmp_path / "authority.json").write_bytes(Path(saved.value.path()).read_bytes())
    authority = json.loads((tmp_path / "authority.json").read_text())["authority"]
    assert (authority["cameras"], authority["applicant"]["rank"]) == (["van"], "inspector")
    told = []
    for key in (SigningKey.create(), house.site.officer_key):
        key.save(tmp_path / key.id)
        run = ["deployment", "sign", str(tmp_path / "authority.json"), "--key", str(tmp_path / key.id)]
        (tmp_path / "signed.json").write_text(CliRunner().invoke(COMMAND, run).stdout)
        page.set_input_files("#sign-file", tmp_path / "signed.json")
        told.append(page.locator("#opening .fault:not(:empty), #opening .good:not(:empty)").first.inner_text())
    assert "the authority is not given" in told[0]
    assert told[1] == "airshow-2026 is open."
    page.locator("#closing").wait_for()  # what may be done next


def test_an_administrator_opens_a_trial_with_everybodys_consent(house: Any, open_page: Open, tmp_path: Path) -> None:
    house.site.under_authority, house.site.kind = False, "trial"
    supervisor = signed_in(house, open_page, "deployment", "sup-1", "supervisor")
    supervisor.get_by_text("Circuit breaker").wait_for()
    assert supervisor.locator("#opening").count() == 0
    page = signed_in(house, open_page, "deployment", "adm-1", "administrator")
    page.click("#opening summary")
    consents = tmp_path / "consents.csv"
    consents.write_text('entry_id;consented_at\n"v1";2026-08-01\nv2;2026-08-02T09:30:00Z\n')
    page.set_input_files("#own-consents", consents)
    assert barriers(page) == []
    page.get_by_role("button", name="Open it").click()
    page.get_by_text("airshow-2026 is open.").wait_for()
    ((kind, hours, agreed, by),) = house.site.opened
    assert (kind, hours, sorted(agreed), by) == ("trial", 24, ["v1", "v2"], "adm-1")


def test_a_deployment_is_closed_by_whoever_types_its_id_again(house: Any, open_page: Open) -> None:
    page = open_page(f"{house.url}deployment", width=360, scheme="dark")
    page.click("#closing summary")
    page.fill("#close-reason", "it's over")
    page.fill("#close-id", "airshow")
    page.get_by_role("button", name="Close and destroy").click()
    assert house.site.opened == []
    page.fill("#close-id", "airshow-2026")
    assert barriers(page) == []
    page.get_by_role("button", name="Close and destroy").click()
    page.get_by_text("Destroyed: watchlist: 512 entries, 800 images. Searched 41 files, found 0.").wait_for()
    assert house.site.opened == [("airshow-2026", "PC4711", "it's over")]


def test_a_closed_deployment_says_how_the_next_one_begins(house: Any, open_page: Open) -> None:
    house.site.deployments = closed
    page = open_page(f"{house.url}deployment")
    page.get_by_text("name it in the site's file").wait_for()
    assert page.locator("#opening, #closing").count() == 0


async def closed() -> DeploymentList:
    return DeploymentList((DeploymentState("airshow-2026", "live", "the deployment was closed"),), None, site="Clacton")


def test_who_may_not_open_is_not_asked(house: Any, open_page: Open) -> None:
    page = signed_in(house, open_page, "deployment", "viewer-1", "viewer")
    page.get_by_text("Circuit breaker").wait_for()
    assert page.locator("#opening, #closing").count() == 0
