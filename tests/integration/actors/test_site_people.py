"""Who is on a running site's list: a picture is checked by the site's own models, and somebody added is looked for."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from lfr_ray.camera.demo_source import TOUCHLINE, photograph, write_watchlist
from lfr_ray.camera.still_pictures import encode_jpeg
from tests.integration.actors.conftest import SOON_S, Site
from tests.processes import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

ANEW = "touchline-anew"
"""Another id for the man on the right of the photograph; under his own he is taken off the demo's list."""


def checked(site: Site, picture: bytes, query: str = "") -> Any:
    address = f"{site.file.console_url}v1/watchlist/check{query}"
    answer = httpx.post(address, content=picture, timeout=120, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_somebody_who_is_added_is_looked_for_at_once_and_forgotten_when_removed(site: Site, tmp_path: Path) -> None:
    (known,) = (write_watchlist(tmp_path) / "demo-astronaut").iterdir()
    assert checked(site, known.read_bytes())["alike"] == ["demo-astronaut"]

    picture = encode_jpeg(np.asarray(photograph(*TOUCHLINE)))
    assert site.post("v1/watchlist/entries/demo-touchline/removal", reason="enrolled anew").status_code == 204
    both = checked(site, picture)
    assert len(both["faces"]) == 2
    right = checked(site, picture, "?face=2")
    assert (right["chosen"], right["usable"], right["alike"]) == (2, True, []), right

    shown = base64.b64encode(picture).decode()
    answer = site.post("v1/watchlist/entries", entry_id=ANEW, category="test", picture=shown, face=2)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["waits"], answer.json()["imported_by"]) == ("", ["PC1"])
    listed = site.get("v1/watchlist/entries").json()
    assert (listed["at_once"], listed["until_start"], listed["found"]) == (True, True, 2)
    eventually(lambda: ANEW in {one["entry_id"] for one in site.alerts()}, SOON_S, site.said)

    assert site.post(f"v1/watchlist/entries/{ANEW}/removal", reason="the test is over").status_code == 204
    eventually(lambda: site.get("v1/watchlist").json()["entries"] == 1, SOON_S, site.said)
    records = site.get("v1/audit/records?text=watchlist&limit=200").json()["records"]
    assert [one["what"] for one in records if one["subject"] == ANEW] == [
        "watchlist entry erased",
        "watchlist entry added",
    ]
    assert sum(one["what"] == "picture checked against the watchlist" for one in records) == 3
