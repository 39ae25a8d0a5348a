"""People whom an issuer of identities proves (OpenID Connect): authorization code with PKCE, and its signed tokens."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lfr_ray.api_config import OidcConfig
from lfr_ray.durable_files import secret
from lfr_ray.errors import FailureError, RefusedError
from lfr_ray.people.tokens_and_sessions import ID_PATTERN
from lfr_ray.records import Person, Role

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
"""Signatures with a public key only: with any other the issuer's own client could sign, or nobody at all."""
ANSWER_S = 5.0
KEYS_S = 300.0
LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in under way, kept by the browser alone.

    Attributes:
        state: Binds the answer to this browser.
        nonce: Binds the issuer's token to this attempt.
        verifier: What only the one who began it can show (PKCE).
    """

    state: str
    nonce: str
    verifier: str


class Issuer:
    """The issuer, asked over HTTP.

    Args:
        config: Where it is, and which of its roles are which of ours.
    """

    def __init__(self, config: OidcConfig) -> None:
        self._config = config
        self._about: dict[str, Any] = {}
        self._keys = KeySet([])
        self._keys_until_s = 0.0

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser goes to sign in.

        Raises:
            FailureError: The issuer does not answer.
        """
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{(await self._found())['authorization_endpoint']}?{urlencode(query)}"

    async def signed_in(self, code: str, attempt: Attempt, redirect_uri: str, now_s: float) -> Person:
        """Who it is that the issuer gave this code.

        Raises:
            RefusedError: Nobody who may come in.
            FailureError: The issuer does not answer.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._config.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._config.client_secret:
            form["client_secret"] = secret(self._config.client_secret)
        answer = await self._asked("POST", (await self._found())["token_endpoint"], data=form)
        person = await self.person_of(str(answer.get("id_token", "")), now_s, nonce=attempt.nonce)
        if person is None:
            raise RefusedError(
                "the issuer's token proves nobody who may come in",
                allowed=f"a signed token for {self._config.client_id} with one role of api -> oidc -> roles",
                next_step="ask who keeps the issuer for a role",
            )
        return person

    async def person_of(self, token: str, now_s: float, *, nonce: str = "") -> Person | None:
        """Whom a token of the issuer proves; None when nobody.

        Raises:
            FailureError: The issuer's keys cannot be read.
        """
        for fresh in (False, True):  # a key that is not known may be a new one; asked for at most every few seconds
            keys = await self._key_set(now_s, fresh=fresh)
            try:
                claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
                break
            except (JoseError, ValueError):
                continue
        else:
            return None
        registry = jwt.JWTClaimsRegistry(
            now=int(now_s),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._config.issuer},
            aud={"essential": True, "value": self._config.client_id},
            exp={"essential": True},
        )
        if nonce and claims.get("nonce") != nonce:
            return None
        try:
            registry.validate(claims)
        except JoseError:
            return None
        return self._person(claims)

    def _person(self, claims: dict[str, Any]) -> Person | None:
        found = claims.get(self._config.role_claim)
        named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        roles: set[Role] = {
            self._config.roles[one] for one in named if isinstance(one, str) and one in self._config.roles
        }
        person = claims.get(self._config.person_claim)
        # A role too many is nobody's: which of them should count would be a guess.
        if len(roles) != 1 or not isinstance(person, str) or not re.match(ID_PATTERN, person):
            return None
        return Person(person, frozenset(roles))

    async def _key_set(self, now_s: float, *, fresh: bool) -> KeySet:
        age_s = KEYS_S - (self._keys_until_s - now_s)
        if not 0 <= age_s < KEYS_S or (fresh and age_s > ANSWER_S):
            found = await self._asked("GET", (await self._found())["jwks_uri"])
            self._keys, self._keys_until_s = KeySet.import_key_set(found), now_s + KEYS_S  # type: ignore[arg-type]
        return self._keys

    async def _found(self) -> dict[str, Any]:
        if not self._about:
            address = f"{self._config.issuer.rstrip('/')}/.well-known/openid-configuration"
            about = await self._asked("GET", address)
            wanted = {"authorization_endpoint", "token_endpoint", "jwks_uri"}
            if about.get("issuer") != self._config.issuer or not wanted <= about.keys():
                raise self._away("it describes another issuer")
            self._about = about
        return self._about

    async def _asked(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
                answer = await client.request(method, address, **options)
            document = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._away(type(error).__name__) from None
        if answer.is_error or not isinstance(document, dict):
            raise self._away(f"HTTP {answer.status_code}")
        return document

    def _away(self, why: str) -> FailureError:
        return FailureError(
            "the issuer of identities does not answer as it should",
            got=why,
            next_step="look at api -> oidc -> issuer; people with a token of their own still sign in",
        )
