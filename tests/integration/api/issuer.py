"""An issuer of identities on loopback: authorization code with PKCE, an id token, and keys that can be changed."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response


class TestIssuer:
    """Everybody who asks is signed in at once, with these claims."""

    __test__ = False

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"preferred_username": "PC77", "roles": ["lfr-officers"]}
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}, private=True)
        self._codes: dict[str, dict[str, str]] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        app = FastAPI()
        app.add_api_route("/.well-known/openid-configuration", self._about)
        app.add_api_route("/keys", self._keys)
        app.add_api_route("/authorize", self._authorize)
        app.add_api_route("/token", self._token, methods=["POST"])
        port = int(self.url.rpartition(":")[2])
        self._server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", ws="none"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until_s = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < until_s
            time.sleep(0.02)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def signed(self, key: Any = None, alg: str = "RS256", **claims: Any) -> str:
        """A token with these claims beside the usual ones."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": "lfr", "sub": "1", "iat": now, "exp": now + 60, **self.claims}
        key = key or self.key
        return jwt.encode({"alg": alg, "kid": key.kid}, usual | claims, key, algorithms=[alg])

    def change_key(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"}, private=True)

    async def _about(self) -> dict[str, str]:
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in endpoints.items()}

    async def _keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        form = {one.partition("=")[0]: one.partition("=")[2] for one in (await request.body()).decode().split("&")}
        asked = self._codes.pop(form["code"], None)
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if asked is None or digest != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"id_token": self.signed(nonce=asked["nonce"]), "token_type": "Bearer", "access_token": "x"}
        )
