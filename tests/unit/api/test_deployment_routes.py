"""The site's own deployment over HTTP, and a recording for it: who may, how large, and what is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.api import middleware

SIGNATURE = {"key": "0" * 16, "at": "2026-08-21T10:00:00Z", "value": "A" * 86 + "=="}
RECORDING = "/v1/cameras/gate/recording"


def test_a_large_authority_is_taken_and_a_larger_one_is_not(house: Any, check_problem: Callable[..., Any]) -> None:
    body = {"authority": {"configuration": {"field": "x" * 100_000}}, "signature": SIGNATURE}
    assert house.post("/v1/deployments/signed", body).status_code == 201
    body["authority"]["configuration"]["field"] *= 11
    check_problem(house.post("/v1/deployments/signed", body), 413)
    check_problem(house.post("/v1/deployments/signed", body | {"signature": {**SIGNATURE, "value": "x"}}), 413)


def test_a_wrong_date_of_consent_is_named(house: Any, check_problem: Callable[..., Any]) -> None:
    told = check_problem(house.post("/v1/deployments/own", {"consents": {"v1": "soon"}}), 422)
    assert "consent" in told["detail"]
    assert house.post("/v1/deployments/own", {"consents": {"v1": "2026-08-01"}}).status_code == 201


def test_closing_needs_a_reason_and_the_sites_own_deployment(house: Any, check_problem: Callable[..., Any]) -> None:
    check_problem(house.post("/v1/deployments/airshow/closing", {"reason": " "}), 422)
    check_problem(house.post("/v1/deployments/other/closing", {"reason": "it is over"}), 404)
    closed = house.post("/v1/deployments/airshow/closing", {"reason": "it is over"}).json()
    assert (closed["id"], closed["found_after"]) == ("airshow", 0)


def test_a_recording_may_be_large_for_those_who_may_and_for_nobody_else(
    open_house: Any, check_problem: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MAX_RECORDING_BYTES", 40 * 1024 * 1024)
    house = open_house(demo_officer="")
    administrator, officer = house.by("ADM1", "administrator"), house.by("PC1", "officer")
    large = bytes(34 * 1024 * 1024)  # more than is read of a body that is too large
    assert house.ask("PUT", RECORDING, content=large, headers=administrator).status_code == 204
    check_problem(house.ask("PUT", RECORDING, content=large, headers=officer), 413)
    check_problem(house.ask("PUT", RECORDING, content=bytes(41 * 1024 * 1024), headers=administrator), 413)
    check_problem(house.ask("PUT", "/v1/cameras/..%2Fgate/recording", content=b"x", headers=administrator), 404)
    check_problem(house.ask("PUT", "/v1/cameras/other/recording", content=b"x", headers=administrator), 404)
