"""An alert database as an earlier version of this software left it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lfr_ray.alert import alert_tables as tables

OLDER = sorted(tables.UPGRADES)


def make_older(execute: Callable[[str], Any], version: int) -> None:
    """Take away from a database of today what came after ``version``."""
    for name in tables.LISTED_BY if version <= 4 else ():
        execute(f"DROP INDEX {name}")
    if version <= 4:
        execute("CREATE INDEX alerts_by_capture ON alerts (captured_at)")
    elif version == 5:
        execute("DROP INDEX alerts_by_status_category")
    for later in range(version, tables.SCHEMA_VERSION):
        for table, column in columns_added(later):
            execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    execute(f"UPDATE desk SET schema_version = {version}")


def columns_added(version: int) -> list[tuple[str, str]]:
    """Table and column, by the step from this version to the next."""
    added = [re.match(r"ALTER TABLE (\w+) ADD COLUMN (\w+) ", text) for text in tables.UPGRADES[version]]
    return [(one[1], one[2]) for one in added if one is not None]
