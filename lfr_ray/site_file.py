"""A site file: a Ray Serve configuration whose application is ours."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfr_ray.alert.webhook_address import is_loopback
from lfr_ray.config import DEMO_WATCHLIST, SiteConfig, same_names
from lfr_ray.data_dir import UPLOADED
from lfr_ray.durable_files import REFERENCE
from lfr_ray.errors import ConfigError, SourceError, WatchlistError
from lfr_ray.strict_yaml import load_yaml, parse_section, shown_name

IMPORT_PATH = "lfr_ray.app:build"

QUIET = {"log_level": "WARNING", "enable_access_log": False}
"""Serve's log, unless the file says otherwise: at its usual level Serve writes a line for every call, and all of the
site's fields, also those with passwords."""


@dataclass(frozen=True, slots=True)
class SiteFile:
    """What stands in a site file: the Serve configuration as Ray gets it, paths made absolute, and the valid site."""

    document: dict[str, Any]
    application: str
    site: SiteConfig
    host: str
    port: int

    @property
    def console_url(self) -> str:
        """Address of the console."""
        return url_of(self.host, self.port)


def read_site_file(
    path: Path, overrides: dict[str, Any] | None = None, *, port: int | None = None, starts_here: bool = False
) -> SiteFile:
    """Read and validate a site file before anything is started; every fault is named at once.

    Args:
        path: The YAML file.
        overrides: Fields of the site that a command sets.
        port: Where HTTP is served instead of what the file says; 0: at any free port.
        starts_here: The site is to run on this machine, so that its watchlist and recordings must be here.

    Raises:
        ConfigError: It is missing, no YAML, no Serve configuration of ours, a field is wrong, or what it names is not
            there. Or it would answer other machines without a token.
    """
    document = load_yaml(path)
    application = _application(path, document)
    args = dict(application.get("args") or {}) | (overrides or {})
    further = faults_of_cameras(args.get("cameras"), here=starts_here)
    if starts_here:
        further += _faults_of_files(args)
    site = parse_section(SiteConfig, args, str(path), further)
    for name in ("data_dir", "watchlist"):
        if args.get(name) and args[name] != DEMO_WATCHLIST:
            args[name] = str(Path(os.path.abspath(args[name])))
    site = parse_section(SiteConfig, args, str(path))
    http = dict(document.get("http_options") or {})
    host = http.setdefault("host", "127.0.0.1")  # Serve's own is every address of the machine
    check_host(site, host, tls=bool(http.get("ssl_keyfile") and http.get("ssl_certfile")))
    if port is not None:
        http["port"] = port or _free_port(host)
    whole: dict[str, Any] = {"logging_config": QUIET} | dict(document)
    whole |= {"http_options": http, "applications": [dict(application) | {"args": args}]}
    return SiteFile(whole, application.get("name", "default"), site, host, http.get("port", 8000))


def url_of(host: str, port: int) -> str:
    """Where this machine reaches what listens there.

    >>> url_of("0.0.0.0", 8000), url_of("::1", 8000), url_of("192.0.2.1", 8000)
    ('http://127.0.0.1:8000/', 'http://[::1]:8000/', 'http://192.0.2.1:8000/')
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def faults_of_cameras(cameras: Any, *, here: bool = False) -> list[str]:
    """What is wrong with the cameras beyond the form of their fields, whatever else is wrong with the site.

    ``cameras`` has any form; with ``here``, recordings must be on this machine.
    """
    listed = [one if isinstance(one, dict) else {} for one in cameras] if isinstance(cameras, list | tuple) else []
    faults = []
    for number, camera in enumerate(listed, start=1):
        url = camera.get("url")
        fault = _fault_of_address(url, here=here) if isinstance(url, str) and url else ""
        shown = f"camera {number}{shown_name(camera.get('name'))}"
        if fault:
            faults.append(f"{shown} -> url: {fault}")
        ca_file = camera.get("ca_file")
        if here and isinstance(ca_file, str) and not Path(ca_file).is_file():
            faults.append(f"{shown} -> ca_file: the file {ca_file} does not exist")
    # A camera without a name is another one than all others.
    names = [str(one.get("name") or f"\0{number}") for number, one in enumerate(listed)]
    twice = same_names(names)
    return [*faults, twice] if twice else faults


def _fault_of_address(url: str, *, here: bool) -> str:
    """What is wrong with a camera's address before it is opened, or empty; without credentials."""
    # Loading them loads a library for pictures, which a command that only reads a site does without.
    from lfr_ray.camera.camera_address import parse_address
    from lfr_ray.camera.demo_source import SCENES, SCHEME
    from lfr_ray.camera.simulated_frames import SIMULATED, simulated_footage

    try:
        if url.startswith(f"{SIMULATED}:"):  # named to nobody who did not ask for it
            simulated_footage(url)
            return ""
        if url == UPLOADED:
            return ""
        address = parse_address(REFERENCE.sub("secret", url), {SCHEME})
    except SourceError as error:
        return f"{error.what}: {error.got}; allowed: {error.allowed}"
    if address.kind == "scheme":
        scene = url.partition(":")[2]
        return "" if scene in SCENES else f"there is no demo scene {scene[:40]!r}; allowed: {', '.join(SCENES)}"
    if not here or address.kind not in ("recording", "pictures"):
        return ""
    path = Path(address.target)
    if not path.exists():
        return f"the file or folder {address.shown} does not exist"
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        return f"{address.shown} may not be read"
    if path.is_file() and not path.stat().st_size:
        return f"the file {address.shown} is empty"
    return ""


def _faults_of_files(args: dict[str, Any]) -> list[str]:
    """What is wrong with the folders and files that a site names, or empty."""
    from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES
    from lfr_ray.match.watchlist_folder import read_watchlist_folder

    faults = []
    watchlist = args.get("watchlist")
    if isinstance(watchlist, str) and watchlist and watchlist != DEMO_WATCHLIST:
        try:
            read_watchlist_folder(Path(watchlist), PICTURE_SUFFIXES)
        except WatchlistError as error:
            faults.append(f"watchlist: {error.what}: {error.got}")
    data_dir = args.get("data_dir")
    if isinstance(data_dir, str) and Path(data_dir).exists() and not Path(data_dir).is_dir():
        faults.append(f"data_dir: {data_dir} is not a folder")
    for section in ("detector", "embedder", "second_embedder"):
        weights = (args.get(section) or {}).get("weights") if isinstance(args.get(section), dict) else None
        if isinstance(weights, str) and not Path(weights).is_file():
            faults.append(f"{section} -> weights: the file {weights} does not exist")
    return faults


def check_host(site: SiteConfig, host: str, *, tls: bool) -> None:
    """Off loopback, faces and tokens travel by TLS only: Serve's own, or that of a proxy which the site names.

    Raises:
        ConfigError: Other machines would be answered in the clear, or by a built-in officer.
    """
    if is_loopback(host):
        return
    if site.api.demo_officer:
        raise ConfigError(
            "a test with a built-in officer is for this machine alone",
            got=f"http_options -> host: {host}",
            allowed="127.0.0.1",
            next_step="take api -> demo_officer out, and give people tokens: lfr people add",
        )
    if not tls and not site.api.public_url:
        raise ConfigError(
            "HTTP beyond this machine needs TLS",
            got=f"http_options -> host: {host}",
            allowed="ssl_certfile and ssl_keyfile under http_options, or api -> public_url: https://HOST of the proxy "
            "that ends TLS before it",
            next_step="make a certificate, or state the proxy",
        )


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
