"""Ledgers and sites on a real disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import trust
from lfr_ray.clock import FakeClock
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import LfrError
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.signing_keys import PublicKey, SigningKey
from lfr_ray.govern.trust_file import site_key, trusted_keys
from tests.integration.govern.station import Station


@dataclass
class Site:
    """A site's folder, its key, a clock moved by hand and the ledgers that were opened."""

    data_dir: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(wall_s=1_787_904_000.0))
    opened: list[Ledger] = field(default_factory=list)

    @property
    def files(self) -> DataDir:
        return DataDir(self.data_dir)

    @property
    def path(self) -> Path:
        return self.files.ledger

    @property
    def key(self) -> SigningKey:
        return site_key(self.files)

    @property
    def trusted(self) -> dict[str, PublicKey]:
        return trusted_keys(self.files)

    def ledger(self, seal_every: int = 1000) -> Ledger:
        ledger = Ledger(self.files, self.key, self.trusted, clock=self.clock, seal_every=seal_every)
        self.opened.append(ledger)
        return ledger

    def abandon(self, ledger: Ledger) -> None:
        """End a ledger as a crash would: nothing is sealed, its descriptors are closed."""
        import os

        self.opened.remove(ledger)
        os.close(ledger._file)
        os.close(ledger._lock)
        ledger._head_file.close()
        ledger._file = ledger._lock = -1


@pytest.fixture
def trust_command() -> Callable[..., str]:
    """`lfr trust` with such words; what it prints. Its errors are raised."""
    app = typer.Typer()
    app.add_typer(trust.app)

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["trust", *words])
        if isinstance(result.exception, LfrError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "site")
    yield made
    for ledger in made.opened:
        ledger.close()


@pytest.fixture
def station(site: Site) -> Iterator[Station]:
    made = Station(site)
    yield made
    made.desk.store.database.close()
