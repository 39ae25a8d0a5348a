"""What a site refuses of the Ray cluster below it, and of its own file, because it would break a promise."""

from __future__ import annotations

import logging
import os

import ray

from lfr_ray.actors.actor_names import sites
from lfr_ray.actors.ray_private import SPILLING, claims, cluster_spills, http_address
from lfr_ray.actors.replace_actors import FOOTAGE
from lfr_ray.camera.hide_credentials import hide_credentials
from lfr_ray.config import SiteConfig
from lfr_ray.durable_files import REFERENCE
from lfr_ray.errors import ConfigError, ConflictError, RefusedError
from lfr_ray.site_file import check_host

NOT_ENCRYPTED = "the nodes of this cluster send each other faces, and nothing encrypts them"


def check_alone(site: SiteConfig) -> None:
    """One cluster, one site: Serve ends every application that a new configuration does not name.

    Raises:
        ConflictError: Another site's alert desk lives here.
    """
    if others := sorted(sites() - {site.site, *claims(FOOTAGE)}):
        raise ConflictError(
            "another site runs on this Ray cluster, and this one would end it",
            got=f"site {', '.join(others)}; wanted: {site.site}",
            allowed="one site on a cluster; it may have any number of cameras",
            next_step="end that one first (Ctrl-C at its `lfr run`, or `serve shutdown`), or use another cluster",
        )


def check_spilling() -> None:
    """Refuse a cluster that writes objects to disk under memory pressure: frames are objects.

    Raises:
        RefusedError: Object spilling is on; it cannot be switched off while a cluster runs.
    """
    if cluster_spills():
        raise RefusedError(
            "this Ray cluster spills objects to disk under memory pressure, and frames with faces are objects",
            got=f"{SPILLING}=true",
            allowed=f"{SPILLING}=false",
            next_step=f"restart it with `ray start --head --system-config='{{\"{SPILLING}\": false}}'`",
        )


def check_http(site: SiteConfig) -> None:
    """Refuse a Serve that answers other machines in the clear.

    Raises:
        ConfigError: ``http_options -> host`` is not loopback, and nothing encrypts what is sent.
    """
    if (address := http_address()) is not None:
        host, _, tls = address
        check_host(site, host, tls=tls)


def in_the_clear(site: SiteConfig) -> int:
    """How many nodes send each other faces without Ray's TLS and token, or an encrypted network; 0: none."""
    if site.encrypted_network or (os.environ.get("RAY_USE_TLS"), os.environ.get("RAY_AUTH_MODE")) == ("1", "token"):
        return 0
    nodes = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    return len(nodes) if len(nodes) > 1 else 0


def check_network(site: SiteConfig) -> None:
    """Refuse nodes that send each other faces in the clear.

    Raises:
        RefusedError: There are several nodes, without Ray's TLS and token, and nobody states an encrypted network.
    """
    if not (nodes := in_the_clear(site)):
        return
    raise RefusedError(
        NOT_ENCRYPTED,
        got=f"{nodes} nodes, RAY_USE_TLS={os.environ.get('RAY_USE_TLS', '')}, "
        f"RAY_AUTH_MODE={os.environ.get('RAY_AUTH_MODE', '')}",
        allowed="RAY_USE_TLS=1 and RAY_AUTH_MODE=token on every node, or encrypted_network: who says so and why",
        next_step="make certificates with cluster/make-tls.sh, or state the encrypted network in the site file",
    )


def check_log(site: SiteConfig) -> None:
    """Refuse passwords that stand in the site's fields: Serve keeps those, and writes them to its log.

    A test may have them where Serve's log level is above INFO.

    Raises:
        ConfigError: There is one.
    """
    for what, address in [
        *((f"camera {one.name}", one.url) for one in site.cameras),
        ("alert", site.alert.database_url),
        ("ledger", site.ledger.database_url),
    ]:
        login = REFERENCE.sub("", address).partition("://")[2].rpartition("@")[0]
        if site.authority.kind != "test" and login.partition(":")[2]:
            raise ConfigError(
                "a password stands in the site file, and Serve shows what stands there",
                got=what,
                allowed="{env:NAME} or {file:/run/...} in its place, like rtsp://guard:{env:PIER_PASSWORD}@10.0.0.7/live",
                next_step="move it there, and change it",
            )
    addresses = [*(camera.url for camera in site.cameras), site.alert.database_url, site.ledger.database_url]
    if logging.getLogger("ray.serve").isEnabledFor(logging.INFO) and any(
        hide_credentials(one) != one and not REFERENCE.search(one) for one in addresses
    ):
        raise ConfigError(
            "Serve writes the site file to its log, and there are credentials in it",
            got="logging_config -> log_level: INFO or below",
            allowed="logging_config: {log_level: WARNING, enable_access_log: false}",
            next_step="add that at the top of the site file, delete Serve's logs, and change the passwords",
        )
