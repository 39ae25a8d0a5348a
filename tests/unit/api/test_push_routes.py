"""A console asks to be told of alerts while it is closed: in its own session, at the site's own push services."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATH = "/v1/session/push"
Check = Callable[..., dict[str, Any]]


def subscription(origin: str = "https://push.example") -> dict[str, Any]:
    """As a browser gives it."""
    point = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": base64.urlsafe_b64encode(point).decode().rstrip("="), "auth": "A" * 22}
    return {"endpoint": f"{origin}/send/1", "keys": keys, "expirationTime": None}


def test_a_session_subscribes_and_takes_it_back(guarded: Any, token: str, check_problem: Check) -> None:
    signed_in = guarded.ask("POST", "/v1/session", headers={"Authorization": f"Bearer {token}"})
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    own = {"Cookie": cookie, "X-CSRF-Token": signed_in.json()["csrf"]}
    assert guarded.get(PATH, headers=own).json() == {"key": "", "on": False}
    check_problem(guarded.ask("PUT", PATH, json=subscription(), headers=own), 404)
    guarded.access.push = ("https://push.example",)
    offer = guarded.get(PATH, headers=own).json()
    assert (len(base64.urlsafe_b64decode(offer["key"] + "=")), offer["on"]) == (65, False)
    check_problem(guarded.ask("PUT", PATH, json=subscription(), headers={"Cookie": cookie}), 403)
    check_problem(guarded.ask("PUT", PATH, json=subscription("https://push.example.evil.org"), headers=own), 422)
    check_problem(guarded.ask("PUT", PATH, json=subscription("http://10.0.0.1"), headers=own), 422)
    check_problem(guarded.ask("PUT", PATH, json=subscription(), headers={"Authorization": f"Bearer {token}"}), 403)
    assert not guarded.people.handsets(guarded.clock.wall_s())
    assert guarded.ask("PUT", PATH, json=subscription(), headers=own).status_code == 204
    assert guarded.get(PATH, headers=own).json() == {"key": offer["key"], "on": True}
    (held,) = guarded.people.handsets(guarded.clock.wall_s())
    assert held.handset.endpoint == "https://push.example/send/1"
    assert "push.example" not in guarded.get("/v1/people", headers=guarded.by("ADM1", "administrator")).text
    assert guarded.ask("DELETE", PATH, headers=own).status_code == 204
    assert not guarded.people.handsets(guarded.clock.wall_s())
    check_problem(guarded.get(PATH), 403)
