"""Events that a webhook's receiver refused: kept by number, shown, sent again or dropped."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass as record
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_store import add_event
from lfr_ray.alert.open_database import Database
from lfr_ray.errors import NotFoundError
from lfr_ray.records import CLOSED, Facts, Moment, StoredEvent

MAX_SHOWN = 200


@record(frozen=True, config=CLOSED)
class DeadLetter:
    """One event that was given up for one receiver."""

    event_id: int
    kind: str
    given_up_at: Moment
    attempts: int
    last_error: str
    next_attempt_at: Annotated[Moment | None, Field(description="Null: only when somebody asks for it.")]


@record(frozen=True, config=CLOSED)
class DeadLetterList:
    """The oldest dead letters of a webhook."""

    dead_letters: tuple[DeadLetter, ...]
    count: Annotated[int, Field(description=f"All of them; at most {MAX_SHOWN} are shown.")]


class DeadLetters:
    """Dead letters in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give_up(
        self, subscription_id: str, event: StoredEvent, letter: DeadLetter, *, failing_since: float | None
    ) -> None:
        """Put an event aside, so that the ones behind it are delivered."""
        subscriptions, letters = tables.subscriptions, tables.dead_letters
        passed = {"delivered_event_id": event.event_id, "attempts": 0, "next_attempt_at": letter.given_up_at}
        why = {"failing_since": failing_since, "last_error": letter.last_error}
        with self._database.writing("put an event aside") as connection:
            mine = subscriptions.c.subscription_id == subscription_id
            found = connection.execute(update(subscriptions).where(mine).values({**passed, **why})).rowcount
            if found:
                connection.execute(insert(letters).values(subscription_id=subscription_id, **asdict(letter)))

    def due(self, subscription_id: str, now_s: float) -> list[tuple[DeadLetter, StoredEvent]]:
        """Those that are to be sent again now, oldest first."""
        letters, events = tables.dead_letters, tables.events
        query = (
            select(events, letters.c.given_up_at, letters.c.attempts, letters.c.last_error, letters.c.next_attempt_at)
            .join(letters, letters.c.event_id == events.c.event_id)
            .where(letters.c.subscription_id == subscription_id, letters.c.next_attempt_at <= now_s)
            .order_by(events.c.event_id)
            .limit(MAX_SHOWN)
        )
        with self._database.reading("read what was put aside") as connection:
            return [
                (
                    DeadLetter(**{name: row[name] for name in DeadLetter.__dataclass_fields__}),
                    StoredEvent(**{name: row[name] for name in StoredEvent.__dataclass_fields__}),
                )
                for row in connection.execute(query).mappings()
            ]

    def failed(self, subscription_id: str, letter: DeadLetter) -> None:
        """It was sent again, in vain."""
        table = tables.dead_letters
        kept = {name: getattr(letter, name) for name in ("attempts", "last_error", "next_attempt_at")}
        with self._database.writing("record a delivery") as connection:
            connection.execute(update(table).where(_is(subscription_id, letter.event_id)).values(kept))

    def shown(self, subscription_id: str) -> DeadLetterList:
        """Those of a webhook. NotFoundError: no such webhook."""
        letters = tables.dead_letters
        names = [letters.c[name] for name in DeadLetter.__dataclass_fields__]
        with self._database.reading("read what was put aside") as connection:
            mine = letters.c.subscription_id == subscription_id
            webhook_url(connection, subscription_id)
            query = select(*names).where(mine).order_by(letters.c.event_id).limit(MAX_SHOWN)
            found = [DeadLetter(**row) for row in connection.execute(query).mappings()]
            count = connection.execute(select(func.count()).select_from(letters).where(mine)).scalar_one()
        return DeadLetterList(tuple(found), int(count))

    def counts(self) -> dict[str, int]:
        """How many each webhook has."""
        column = tables.dead_letters.c.subscription_id
        with self._database.reading("count what was put aside") as connection:
            rows = connection.execute(select(column, func.count()).group_by(column))
            return {str(key): int(count) for key, count in rows}

    def send_again(self, subscription_id: str, event_id: int, now_s: float) -> None:
        """Send one again as soon as possible. NotFoundError: there is no such dead letter."""
        with self._database.writing("send an event again") as connection:
            change = update(tables.dead_letters).where(_is(subscription_id, event_id)).values(next_attempt_at=now_s)
            _found(connection.execute(change).rowcount, event_id)

    def drop(self, subscription_id: str, event_id: int, *, by: str = "", now_s: float = 0.0) -> None:
        """Forget one that was delivered at last or, where somebody says so, is not wanted; NotFoundError: none such."""
        with self._database.writing("drop an event") as connection:
            gone = delete(tables.dead_letters).where(_is(subscription_id, event_id))
            _found(connection.execute(gone).rowcount, event_id)
            if by:
                facts: Facts = {"by": by, "subscription": subscription_id, "dropped_event_id": event_id}
                add_event(connection, "webhook_dropped", now_s, "", facts)


def webhook_url(connection: Connection, subscription_id: str) -> str:
    """Where a webhook's events go. NotFoundError: there is none with this id."""
    table = tables.subscriptions.c
    url = connection.execute(select(table.url).where(table.subscription_id == subscription_id)).scalar()
    if url is None:
        raise NotFoundError("no such webhook", got=subscription_id[:40], next_step="list the webhooks")
    return str(url)


def _is(subscription_id: str, event_id: int) -> ColumnElement[bool]:
    table = tables.dead_letters
    return (table.c.subscription_id == subscription_id) & (table.c.event_id == event_id)


def _found(count: int, event_id: int) -> None:
    if not count:
        raise NotFoundError("no such dead letter", got=event_id, next_step="list the dead letters of the webhook")
