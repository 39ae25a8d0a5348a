"""Whether a ledger has a copy elsewhere; only then is loaded what the copy needs, so that a stop is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import locked, own_folder, write_durable

if TYPE_CHECKING:
    from lfr_ray.govern.ledger_copy import LedgerCopy


def copy_of(data_dir: DataDir) -> LedgerCopy | None:
    """The copy that this folder's ledger has; None where it has none.

    Raises:
        ConfigError: Its address is none, or what it needs is not there.
    """
    if not data_dir.ledger_copy.exists():
        return None
    from lfr_ray.govern.ledger_copy import LedgerCopy

    return LedgerCopy(data_dir, data_dir.ledger_copy.read_text(encoding="utf-8"))


def bring_up(data_dir: DataDir, address: str) -> None:
    """Note where the ledger's copy is, and bring the folder up to it, before anybody reads there.

    ``address`` is as the site file has it; empty: nothing is done.

    Raises:
        LfrError: See :meth:`~lfr_ray.govern.ledger_copy.LedgerCopy.bring`.
    """
    if not address:
        return
    own_folder(data_dir.root)
    with locked(data_dir.ledger_lock):
        if not data_dir.ledger_copy.exists() or data_dir.ledger_copy.read_text(encoding="utf-8") != address:
            write_durable(data_dir.ledger_copy, address.encode(), 0o600)
        copy = copy_of(data_dir)
        if copy is not None:
            try:
                copy.bring()
            finally:
                copy.close()
