"""How far each way out of the site file is, in the database of the alerts: a new desk goes on where the old one was."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_store import add_event, newest_event_id
from lfr_ray.alert.open_database import Database

SITE_FILE = "site-file"
"""Who adds and removes outputs, in the feed and in the ledger."""


class OutputStore:
    """Positions of outputs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, targets: Mapping[str, str], now_s: float) -> None:
        """Have exactly these outputs, with these addresses. A new one begins with what happens from now on."""
        table = tables.outputs
        with self._database.writing("begin with its outputs") as connection:
            known = {row.name: row.target for row in connection.execute(select(table))}
            newest = newest_event_id(connection)
            for name in known.keys() - targets.keys():
                connection.execute(delete(table).where(table.c.name == name))
                _tell(connection, "webhook_removed", name, known[name], now_s)
            for name, target in targets.items():
                if name not in known:
                    connection.execute(insert(table).values(name=name, target=target, sent_event_id=newest))
                if known.get(name) != target:
                    connection.execute(update(table).where(table.c.name == name).values(target=target))
                    _tell(connection, "webhook_added", name, target, now_s)

    def sent_event_id(self, name: str) -> int:
        """Everything up to here was taken."""
        table = tables.outputs
        with self._database.reading("read how far an output is") as connection:
            return int(connection.execute(select(table.c.sent_event_id).where(table.c.name == name)).scalar_one())

    def mark(self, name: str, event_id: int) -> None:
        """Everything up to ``event_id`` was taken."""
        table = tables.outputs
        with self._database.writing("record how far an output is") as connection:
            connection.execute(update(table).where(table.c.name == name).values(sent_event_id=event_id))


def _tell(connection: Connection, kind: str, name: str, target: str, now_s: float) -> None:
    add_event(connection, kind, now_s, "", {"by": SITE_FILE, "to": target, "subscription": name})
