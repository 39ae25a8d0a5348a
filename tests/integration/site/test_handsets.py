"""A handset is woken through a real push service: it alone can read which alert; it ends with the session."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.clock import FakeClock
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import InputError
from lfr_ray.people.tokens_and_sessions import Handset, People
from lfr_ray.people.web_push import check_handset, public_text, push_key
from lfr_ray.records import FeedEvent, Person, Role
from lfr_ray.site.push_alerts import handsets
from lfr_ray.strict_yaml import parse_section


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """What a browser holds of its subscription."""

    def __init__(self, origin: str) -> None:
        self._key, self._auth = generate_private_key(SECP256R1()), b"0123456789abcdef"
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.handset = Handset(f"{origin}/send/one", text(point), text(self._auth))

    def read(self, body: bytes) -> Any:
        return json.loads(http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"))


class Service:
    """A push service on loopback, which keeps what comes and answers as it is told."""

    def __init__(self) -> None:
        self.status = 201
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.came.append((self.path, dict(self.headers), body))
                self.send_response(service.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def test_a_message_names_one_alert_to_one_browser_and_ends_with_its_session(service: Service, tmp_path: Path) -> None:
    clock = FakeClock()
    push = {"contact": "mailto:control@police.example", "services": [service.origin]}
    site = parse_section(SiteConfig, {"site": "pier", "data_dir": tmp_path, "outputs": {"push": push}}, "site")
    people, browser = People(DataDir(tmp_path)), Browser(service.origin)
    check_handset(browser.handset, (service.origin,))
    roles: tuple[Role, ...] = ("officer", "importer")
    tokens = {role: people.sign_in(Person(role, frozenset({role})), now_s=clock.wall_s()) for role in roles}
    for token in tokens.values():
        held = people.find(token, clock.wall_s())
        assert held is not None
        people.set_handset(held.sha256, browser.handset)
    (sink,) = handsets(site, clock)
    sink.open()

    def tell(kind: str = "alert_raised", alert_id: str = "a1b2", ago_s: float = 1.0) -> None:
        event = FeedEvent(1, kind, clock.wall_s() - ago_s, alert_id, "", {"camera": "gate"})
        sink.send([Outgoing(event, "key", "Eileen Collins")], {})

    tell()
    ((path, headers, body),) = service.came  # not to the importer, who sees no alert
    assert (path, browser.read(body)) == ("/send/one", {"alert_id": "a1b2"})
    with pytest.raises(http_ece.ECEException):
        Browser(service.origin).read(body)
    assert (headers["Urgency"], headers["Topic"], headers["Content-Encoding"]) == ("high", "a1b2", "aes128gcm")
    token, key = headers["Authorization"].removeprefix("vapid t=").split(",k=")
    assert key == public_text(push_key(DataDir(tmp_path)))
    claims = jwt.decode(token, ECKey.import_key(DataDir(tmp_path).push_key.read_bytes()), algorithms=["ES256"]).claims
    assert (claims["aud"], claims["sub"]) == (service.origin, push["contact"])
    assert clock.wall_s() < claims["exp"] <= clock.wall_s() + 86_400
    tell("decision")
    tell(ago_s=600.0)
    assert len(service.came) == 1, "only what is new wakes anybody"
    service.status = 503
    with pytest.raises(httpx.HTTPStatusError):
        tell()
    service.status = 410
    tell()
    tell()
    assert len(service.came) == 3, "who is gone there is not asked for again"
    held = people.find(tokens["officer"], clock.wall_s())
    assert held is not None
    people.set_handset(held.sha256, browser.handset)
    people.end(tokens["officer"], "session")
    tell()
    assert len(service.came) == 3
    assert [one.person for one in People(DataDir(tmp_path)).all() if one.handset] == ["importer"]
    sink.close()


def test_only_the_sites_own_services_are_asked() -> None:
    browser = Browser("https://push.example")
    check_handset(browser.handset, ("https://push.example",))
    for services in (("https://push.exam",), ("https://other.example",), ()):
        with pytest.raises(InputError, match="not one of the site's"):
            check_handset(browser.handset, services)
    with pytest.raises(InputError, match="no point"):
        check_handset(Handset(browser.handset.endpoint, text(b"\x04" * 65), "a"), ("https://push.example",))
