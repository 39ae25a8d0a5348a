"""A site file: a Ray Serve configuration whose application is ours."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfr_ray.config import DEMO_WATCHLIST, SiteConfig
from lfr_ray.errors import ConfigError
from lfr_ray.section import load_yaml, parse_section

IMPORT_PATH = "lfr_ray.app:build"

QUIET = {"log_level": "WARNING", "enable_access_log": False}
"""Serve's log, unless the file says otherwise: at its usual level Serve writes a line for every call, and all of the
site's fields, also those with passwords."""


@dataclass(frozen=True, slots=True)
class SiteFile:
    """What stands in a site file.

    Attributes:
        document: The Serve configuration as it is handed to Ray, paths made absolute.
        application: Name of the application.
        site: The site, validated.
        host: Where HTTP is served.
        port: Where HTTP is served.
    """

    document: dict[str, Any]
    application: str
    site: SiteConfig
    host: str
    port: int

    @property
    def console_url(self) -> str:
        """Address of the console."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104
        return f"http://{host}:{self.port}/"


def read_site_file(path: Path, overrides: dict[str, Any] | None = None, *, port: int | None = None) -> SiteFile:
    """Read and validate a site file before anything is started.

    Args:
        path: The YAML file.
        overrides: Fields of the site that a command sets.
        port: Where HTTP is served instead of what the file says; 0: at any free port.

    Raises:
        ConfigError: It is missing, no YAML, no Serve configuration of ours, or a field is wrong.
    """
    document = load_yaml(path)
    application = _application(path, document)
    args = dict(application.get("args") or {}) | (overrides or {})
    site = parse_section(SiteConfig, args, f"{path}: applications[0] -> args")
    for name in ("data_dir", "watchlist"):
        if args.get(name) and args[name] != DEMO_WATCHLIST:
            args[name] = str(Path(os.path.abspath(args[name])))
    site = parse_section(SiteConfig, args, f"{path}: applications[0] -> args")
    http = dict(document.get("http_options") or {})
    host = http.get("host", "127.0.0.1")
    if port is not None:
        http["port"] = port or _free_port(host)
    whole: dict[str, Any] = {"logging_config": QUIET} | dict(document)
    whole |= {"http_options": http, "applications": [dict(application) | {"args": args}]}
    return SiteFile(whole, application.get("name", "default"), site, host, http.get("port", 8000))


def check_port(file: SiteFile) -> None:
    """Before anything is started: that nobody else serves where this site would.

    Raises:
        ConfigError: The port is taken, or the host is not this machine's.
    """
    try:
        _server(file.host, file.port).close()
    except OSError as error:
        raise ConfigError(
            "HTTP cannot be served there",
            got=f"{file.host}:{file.port}: {error.strerror}",
            allowed="a free port of this machine",
            next_step="choose another one with --port, 0 for any free one",
        ) from None


def _free_port(host: str) -> int:
    with _server(host, 0) as server:
        port: int = server.getsockname()[1]
        return port


def _server(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _application(path: Path, document: Any) -> dict[str, Any]:
    applications = document.get("applications") if isinstance(document, dict) else None
    if not isinstance(applications, list) or len(applications) != 1 or not isinstance(applications[0], dict):
        raise ConfigError(
            "this is not a site file",
            got=path,
            allowed="a Ray Serve configuration with exactly one application",
            next_step="start from serve_configs/local.yaml",
        )
    application: dict[str, Any] = applications[0]
    if application.get("import_path") != IMPORT_PATH:
        raise ConfigError(
            f"{path}: applications[0] -> import_path is not ours",
            got=application.get("import_path", "nothing"),
            allowed=IMPORT_PATH,
        )
    return application
