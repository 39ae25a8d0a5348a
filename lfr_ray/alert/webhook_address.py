"""Addresses to which alerts may be sent, and which of them are this machine's own."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from lfr_ray.errors import InputError

MAX_URL = 2000


def check_url(url: str) -> None:
    """InputError for an address to which alerts must not be sent: not https (http is for loopback), or with a password.

    >>> check_url("https://control.example/alerts")
    >>> check_url("http://control.example/alerts")
    Traceback (most recent call last):
    ...
    lfr_ray.errors.InputError: a webhook's URL cannot be used; got: http to another machine; allowed: https
    """
    parts = _split(url)
    fault = ""
    if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
        fault = "not an absolute http or https URL"
    elif parts.username is not None or parts.password is not None:
        fault = "user and password in it; the signature proves who sends"
    elif parts.fragment:
        fault = "a fragment (#...)"
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        fault = "http to another machine"
    if fault:
        raise InputError("a webhook's URL cannot be used", got=fault, allowed="https")


def is_below(url: str, target: str) -> bool:
    """A URL is a target, or lies below it.

    >>> target = "https://control.example/alerts"
    >>> [is_below(url, target) for url in (target + "?token=x", target + "/a", target + "y", target + "/../b")]
    [True, True, False, False]
    >>> is_below("https://control.example.org/alerts", target), is_below("https://control.example:8443/alerts", target)
    (False, False)
    """
    parts, wanted = _split(url), _split(target)
    if parts is None or wanted is None or shown_host(url) != shown_host(target):
        return False
    path, above = parts.path or "/", wanted.path.rstrip("/")
    return ".." not in path and (path == above or path.startswith(f"{above}/"))


def is_loopback(host: str) -> bool:
    """The host is this machine by its name or number, without asking a name server.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("example.org")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_url(url: str) -> str:
    """The URL without what may be secret.

    >>> shown_url("https://control.example/alerts?token=secret")
    'https://control.example/alerts?...'
    """
    parts = _split(url)
    if parts is None:
        return ""
    return f"{shown_host(url)}{parts.path}{'?...' if parts.query else ''}"


def shown_host(url: str) -> str:
    """Scheme, host and port only."""
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is no port
    except ValueError:
        return None
    return parts
