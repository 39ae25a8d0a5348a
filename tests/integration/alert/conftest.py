"""A desk in a file, and a real PostgreSQL server where one is installed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.adjudicate.decisions import CaseRules
from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.alert_store import AlertStore
from lfr_ray.alert.cooldown import AlertRules
from lfr_ray.alert.open_database import Database
from lfr_ray.clock import SystemClock
from lfr_ray.errors import StoreError

START_S = 30.0


def open_alerts(database: Database, **options: Any) -> AlertService:
    return AlertService(AlertStore(database), AlertRules(), SystemClock(), cases=CaseRules(), **options)


@pytest.fixture
def desk_on() -> Callable[..., AlertService]:
    return open_alerts


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'desk.sqlite'}"


class PostgresServer:
    """A server of its own in a temporary folder, on a free port of loopback."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user
        self.password = secrets.token_hex(12)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://desk:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        command = [self._programs / "postgres", "-D", self._data, "-p", str(self.port), "-h", "127.0.0.1"]
        command += ["-k", self._folder, "-c", "logging_collector=off", "-c", "log_destination=stderr"]
        self._process = subprocess.Popen(
            command,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,  # with as much of the processor as a server of its own would have
        )
        until_s = time.monotonic() + START_S
        while True:
            try:
                Database(self.url).close()
                return
            except StoreError:
                if time.monotonic() > until_s or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_S)
            self._process = None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self.password)
        if self._user is not None:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
        subprocess.run(
            [
                *(self._programs / "initdb", "-D", self._data, "-U", "desk", "-A", "scram-sha-256"),
                *("--pwfile", secret, "-E", "UTF8", "--locale", "C"),
            ],
            check=True,
            user=self._user,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs in the network of whoever asks; the test is skipped where none is installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed (pip install 'lfr-ray[postgres]')")
    with tempfile.TemporaryDirectory(prefix="lfr-postgres-") as name:
        server = PostgresServer(programs, Path(name), _user())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def clean_postgres_url(postgres: PostgresServer) -> str:
    """The server's URL, with an empty desk behind it."""
    database = Database(postgres.url)
    with database.engine.begin() as connection:
        tables.metadata.drop_all(connection)
    database.close()
    return postgres.url
