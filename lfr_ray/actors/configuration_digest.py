"""Which configuration and version a process runs under: one that is deployed anew replaces those of another."""

from __future__ import annotations

import hashlib

import lfr_ray
from lfr_ray.api.site_state import AuthorityState, DeploymentState
from lfr_ray.camera.hide_credentials import hide_credentials
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.site.camera_focus import with_focus

ELSEWHERE = {"api", "resources_wait_s"}
"""What cameras, matcher and desk do not look at."""

SHOWN_DIGITS = 12


def digest_of(site: SiteConfig, camera: CameraConfig | None = None) -> str:
    """Of everything that a site's matcher and desk, or one of its cameras, follow.

    It is not for people to see: with much patience, a password could be guessed from it.
    """
    own = site if camera is None else site.model_copy(update={"cameras": (camera,)})
    return hashlib.sha256((lfr_ray.__version__ + own.model_dump_json(exclude=ELSEWHERE)).encode()).hexdigest()


def shown_digest(site: SiteConfig) -> str:
    """The same without credentials, for people to compare.

    >>> one, other = (SiteConfig(site="pier", cameras=[{"name": "gate", "url": url}]) for url in
    ...               ("rtsp://me:one@192.0.2.1/", "rtsp://me:two@192.0.2.1/"))
    >>> shown_digest(one) == shown_digest(other), digest_of(one) == digest_of(other)
    (True, False)
    """
    cameras = tuple(one.model_copy(update={"url": hide_credentials(one.url)}) for one in site.cameras)
    alert = site.alert.model_copy(update={"database_url": hide_credentials(site.alert.database_url)})
    ledger = site.ledger.model_copy(update={"database_url": hide_credentials(site.ledger.database_url)})
    return digest_of(site.model_copy(update={"cameras": cameras, "alert": alert, "ledger": ledger}))[:SHOWN_DIGITS]


def shown_deployment(site: SiteConfig, matcher: object, state: str) -> DeploymentState:
    """The deployment that a site serves; its authority is that of the matcher, once it is opened."""
    from lfr_ray.site.open_deployment import due

    granted = getattr(getattr(matcher, "permission", None), "authority", None)
    authority = None if granted is None else AuthorityState(**granted.shown())
    name, model = site.authority.deployment or "test", site.embedder.model
    return DeploymentState(
        name, site.authority.kind, state, model, shown_digest(with_focus(site)), authority, due(site)
    )
