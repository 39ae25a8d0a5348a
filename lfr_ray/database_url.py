"""Databases by their addresses: checked, opened with patience that has an end, and shown without what may be secret."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from lfr_ray.errors import ConfigError

SILENT_S = 5
"""A server's machine that confirms nothing for so long is gone: TCP alone would wait for a quarter of an hour."""


def shown(url: URL) -> str:
    """The URL's kind, host and database only: user, password and options may be secret.

    >>> shown(make_url("postgresql://me:secret@db.example/desk?password=again"))
    'postgresql://db.example/desk'
    """
    bare = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return bare.render_as_string(hide_password=True)


def parsed(address: str, field: str) -> URL:
    """The address of a database that keeps what it is given, and that may be reached without being overheard.

    ``address`` is SQLAlchemy's URL, ``field`` where it stands in the site file.

    Raises:
        ConfigError: It is none.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        raise ConfigError(
            f"{field} is not a database URL",
            allowed="for example sqlite:////var/lib/lfr/desk.sqlite or postgresql://user:password@host/name",
        ) from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(
            f"{field} keeps what it is given in memory; there it is lost with the process",
            got=shown(url),
            allowed="a file",
        )
    if url.get_backend_name() == "postgresql" and not _is_near(url) and url.query.get("sslmode") != "verify-full":
        raise ConfigError(
            f"{field} is on another machine, and what is kept would travel to whoever says so",
            got=shown(url),
            allowed="sslmode=verify-full, and sslrootcert=/path of the server's authority",
            next_step="add ?sslmode=verify-full&sslrootcert=... to the address",
        )
    return url


def _is_near(url: URL) -> bool:
    """On this machine: loopback, or a socket's folder."""
    host = str(url.query.get("host", "")) or url.host or ""
    return not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")


def engine_of(url: URL, field: str, busy_timeout_s: float) -> Engine:
    """What opens connections to it.

    Raises:
        ConfigError: Its driver is not installed.
    """
    try:
        # hide_parameters: names and pictures must not reach an exception's text.
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=url.get_backend_name() != "sqlite",
            connect_args=_patience(url, busy_timeout_s),
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigError(
            f"the driver of {field} is not installed",
            got=f"{url.drivername}: {getattr(error, 'name', None) or 'unknown'}",
            allowed="sqlite, or a server whose driver is installed",
            next_step="for PostgreSQL: pip install 'lfr-ray[postgres]'",
        ) from None


def _patience(url: URL, busy_timeout_s: float) -> dict[str, Any]:
    """Driver options so that nobody waits for ever for a lock or a host; what the URL says goes first."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": busy_timeout_s}
    if url.get_backend_name() != "postgresql":
        return {}
    wanted = {
        "connect_timeout": str(max(2, round(busy_timeout_s))),
        "options": f"-c lock_timeout={busy_timeout_s:g}s",
        "tcp_user_timeout": str(SILENT_S * 1000),
        "keepalives_idle": str(SILENT_S),
        "keepalives_interval": "1",
        "keepalives_count": str(SILENT_S),
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def fault_of(error: SQLAlchemyError) -> str:
    """What went wrong in words that cannot hold a value of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        # SQLite's own sentences name tables and columns, never values.
        return str(cause)
    state = getattr(cause, "sqlstate", None)
    kind = type(cause if cause is not None else error).__name__
    return f"{kind} {state}" if state else kind
