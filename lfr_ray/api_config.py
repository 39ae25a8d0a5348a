"""The part of a site file about HTTP: who may use it, and where people reach it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lfr_ray.records import Role
from lfr_ray.strict_yaml import Section, form

SECRET_PATTERN = form(r"^$|^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00]+)$", "a secret is named: env:NAME or file:/path")
"""Where a secret stands: never the secret itself, because Serve keeps and shows what a site file says."""

Share = Annotated[float, Field(ge=0, le=1)]


class OidcConfig(Section):
    """An issuer of identities (OpenID Connect) that signs people in."""

    issuer: str = Field(
        pattern=form(r"^(https://[^\s?#]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/[^\s?#]*)?)$", "https://..."),
        description="Its address, https.",
    )
    client_id: str = Field(min_length=1, description="As the issuer knows this site; also the audience of its tokens.")
    client_secret: str = Field(default="", pattern=SECRET_PATTERN, description="env:NAME or file:/path, if it has one.")
    person_claim: str = Field(default="preferred_username", description="Claim that holds a person's staff number.")
    role_claim: str = Field(default="roles", description="Claim that holds a person's roles.")
    roles: Mapping[str, Role] = Field(description="What the issuer calls a role: which of ours it is.")


class PlanConfig(Section):
    """The operator's own plan of the site, for the console. It decides nothing, and no authority binds it."""

    picture: Path | None = Field(default=None, description="JPEG or PNG.")
    cameras: Mapping[str, tuple[Share, Share]] = Field(
        default={}, description="Where cameras are on it: shares of its width and height, from the left and the top."
    )


class ApiConfig(Section):
    """HTTP for alert consumers. Who may use it: `lfr people`, and an issuer of identities."""

    console: bool = Field(default=True, description="Serve the console at /.")
    demo_officer: str = Field(
        default="",
        pattern=form(r"^$|^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$", "an id has 1 to 64 letters, digits and signs _ . @ -"),
        description="Officer as whom everybody is signed in without asking; test sites on loopback only.",
    )
    public_url: str = Field(
        default="",
        pattern=form(r"^$|^https://[^\s/?#@]+$", "https://HOST, without a path"),
        description="Where people reach the site through a proxy that ends TLS: the proxy's address, https://HOST.",
    )
    plan: PlanConfig = PlanConfig()
    oidc: OidcConfig | None = Field(default=None, description="An issuer that signs people in, beside their tokens.")
