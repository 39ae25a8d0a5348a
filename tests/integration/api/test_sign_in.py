"""Signing in: by a personal token, and at a real issuer of identities."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from lfr_ray.api_config import OidcConfig
from lfr_ray.people import oidc
from tests.integration.api.issuer import TestIssuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    opened = TestIssuer()
    yield opened
    opened.close()


@pytest.fixture
def site(serve: Callable[..., Any], issuer: TestIssuer) -> Any:
    roles = {"lfr-officers": "officer", "lfr-supervisors": "supervisor"}
    return serve(demo_officer="", oidc=OidcConfig(issuer=issuer.url, client_id="lfr", roles=roles))


def browser(site: Any) -> httpx.Client:
    return httpx.Client(base_url=site.url, trust_env=False, timeout=20)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_session_begins_with_a_token_and_ends_with_its_person(site: Any) -> None:
    with browser(site) as page:
        assert page.get("/v1/session").json()["person"] == ""
        token = site.token("PC1", "supervisor")
        assert page.post("/v1/session", headers=bearer(token + "x")).status_code == 401
        who = page.post("/v1/session", headers=bearer(token)).json()
        assert (who["person"], who["roles"]) == ("PC1", ["supervisor"])
        assert page.get("/v1/alerts").status_code == 200, "the cookie is enough to look"
        body = {"reason": "fire"}
        assert page.post("/v1/stop", json=body).status_code == 403, "and not to change anything"
        assert page.post("/v1/stop", json=body, headers={"X-CSRF-Token": who["csrf"]}).json()["by"] == "PC1"
        stolen = page.cookies["lfr_session"]
        assert page.get("/v1/alerts", headers=bearer(stolen)).status_code == 401, "a session is no token"
        site.people.revoke("pc1")
        assert page.get("/v1/alerts").status_code == 401
        service = page.post("/v1/session", headers=bearer(site.token("prometheus", "metrics")))
        assert service.status_code == 403


def test_the_issuer_signs_somebody_in_with_pkce(site: Any, issuer: TestIssuer) -> None:
    with browser(site) as page:
        begun = page.get("/v1/session/issuer")
        assert begun.headers["location"].startswith(f"{issuer.url}/authorize?")
        back = httpx.get(begun.headers["location"], trust_env=False, timeout=20).headers["location"]
        with browser(site) as other:
            assert other.get(back).status_code == 403, "only the browser that began it"
        came = page.get(back, headers={"Sec-Fetch-Site": "cross-site"})
        assert (came.status_code, came.headers["location"]) == (303, "/")
        assert "SameSite=strict" in came.headers["set-cookie"]
        who = page.get("/v1/session").json()
        assert (who["person"], who["roles"]) == ("PC77", ["officer"])
        assert page.get("/v1/alerts").status_code == 200
        assert page.get(back).status_code == 403, "the attempt is over"
        gone = page.delete("/v1/session", headers={"X-CSRF-Token": who["csrf"]})
        assert gone.status_code == 204
        assert "Max-Age=0" in gone.headers["set-cookie"], "the browser forgets it as well"
        assert page.get("/v1/session").json()["person"] == ""


def test_signed_tokens_of_the_issuer_are_taken_as_they_should_be(site: Any, issuer: TestIssuer) -> None:
    def status(token: str) -> int:
        return httpx.get(f"{site.url}/v1/alerts", headers=bearer(token), trust_env=False, timeout=20).status_code

    good = issuer.signed()
    assert status(good) == 200
    head, body, signature = good.split(".")
    none = encoded(b'{"alg": "none"}')
    assert status(f"{none}.{body}.") == 401
    assert status(f"{none}.{body}.{signature}") == 401
    shared = encoded(json.dumps({"alg": "HS256", "kid": issuer.key.kid}).encode())
    signature = hmac.digest(issuer.key.as_pem(private=False), f"{shared}.{body}".encode(), "sha256")
    assert status(f"{shared}.{body}.{encoded(signature)}") == 401, "the public key is no shared secret"
    assert status(issuer.signed(RSAKey.generate_key(2048, {"kid": issuer.key.kid}, private=True))) == 401
    assert status(issuer.signed(aud="another-site")) == 401
    assert status(issuer.signed(iss="https://another.example")) == 401
    assert status(issuer.signed(exp=int(time.time()) - 3600)) == 401
    assert status(issuer.signed(nbf=int(time.time()) + 3600)) == 401
    assert status(issuer.signed(roles=[])) == 401
    assert status(issuer.signed(roles=["lfr-officers", "lfr-supervisors"])) == 401, "a role too many"
    assert status(issuer.signed(preferred_username="no id\n")) == 401
    assert status(f"{head}.{body}") == 401
    assert status(good) == 200


def test_an_old_key_of_the_issuer_counts_no_longer(site: Any, issuer: TestIssuer) -> None:
    old = issuer.signed()
    access = site._access
    assert access.issuer is not None
    issuer.change_key()

    async def proven(token: str, at: float) -> Any:
        return await access.issuer.person_of(token, at)

    now = time.time() + oidc.ANSWER_S + 1
    assert asyncio.run(proven(issuer.signed(), now)) is not None, "a new key is looked for at once"
    assert asyncio.run(proven(old, now)) is None
