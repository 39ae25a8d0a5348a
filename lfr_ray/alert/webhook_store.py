"""Who is told of alerts, and how far each has been told: the feed is the outbox, a cursor per subscriber."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as record
from sqlalchemy import delete, func, insert, select, update

from lfr_ray.alert import alert_tables as tables
from lfr_ray.alert.alert_store import add_event, newest_event_id
from lfr_ray.alert.dead_letters import DeadLetters, webhook_url
from lfr_ray.alert.event_kinds import CHOSEN_KINDS, TEST_KIND
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_address import check_url, is_below, shown_host, shown_url
from lfr_ray.errors import ConflictError, InputError, RefusedError
from lfr_ray.records import CLOSED, Moment, StoredEvent, is_none

Format = Literal["standard", "cloudevents"]
"""The body of a request: the event alone, or wrapped as CloudEvents 1.0 has it (structured mode, JSON)."""
MAX_SUBSCRIPTIONS = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 (not a secret)
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Subscription:
    """One receiver.

    Attributes:
        secret: Key of the signature; shown once, when the subscription is made.
        delivered_event_id: Everything up to here has been acknowledged by the receiver.
        attempts: Failed attempts to deliver the next event.
    """

    subscription_id: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    kinds: tuple[str, ...]
    created_at: float
    created_by: str
    delivered_event_id: int
    next_attempt_at: float
    active: bool = True
    delivered_at: float | None = None
    attempts: int = 0
    failing_since: float | None = None
    last_error: str = ""
    format: Format = "standard"

    @property
    def key(self) -> str | bytes:
        """The signature's key, as the package ``standardwebhooks`` takes it.

        A secret that an older version gave has no prefix; the bytes of its text are the key.
        """
        return self.secret if self.secret.startswith(SECRET_PREFIX) else self.secret.encode()

    def shown(self, *, with_secret: bool = False, dead_letters: int = 0) -> WebhookState:
        """What is shown of it: the secret once, of the URL never the query (it may hold a token)."""
        values = asdict(self)
        kept = {name: values[name] for name in WebhookState.__dataclass_fields__ if name in values}
        return WebhookState(
            **{
                **kept,
                "id": self.subscription_id,
                "url": shown_url(self.url),
                "next_attempt_at": self.next_attempt_at if self.attempts else None,
                "secret": self.secret if with_secret else None,
                "dead_letters": dead_letters,
            }
        )


@record(frozen=True, config=CLOSED)
class WebhookState:
    """A receiver of alerts; its secret is told once, when it is made."""

    id: str
    url: Annotated[str, Field(description="Without its query, which may hold a token.")]
    kinds: Annotated[tuple[str, ...], Field(description="The events that it is told of.")]
    created_at: Moment
    created_by: str
    active: Annotated[bool, Field(description="False after the receiver answered 410.")]
    delivered_event_id: Annotated[int, Field(description="Everything up to here is acknowledged.")]
    delivered_at: Moment | None
    attempts: Annotated[int, Field(description="Failed attempts to deliver the next event.")]
    next_attempt_at: Moment | None
    failing_since: Moment | None
    last_error: str
    dead_letters: Annotated[int, Field(description="Events that were given up: see its dead letters.")]
    format: Annotated[Format, Field(description="Of the body.")] = "standard"
    secret: str | None = Field(
        default=None,
        repr=False,
        exclude_if=is_none,
        description="Key of webhook-signature (Standard Webhooks). It is never shown again.",
    )


@record(frozen=True, config=CLOSED)
class WebhookList:
    """All webhooks."""

    webhooks: tuple[WebhookState, ...]


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class WebhookStore:
    """Subscriptions in the database.

    ``targets`` are beginnings of the addresses that the site allows; None: any. A subscription from before, to
    which the site sends nothing any more, is listed as switched off.
    """

    def __init__(self, database: Database, targets: Sequence[str] | None = None) -> None:
        self._database = database
        self._targets = targets
        self.letters = DeadLetters(database)

    def add(
        self, url: str, kinds: tuple[str, ...], *, by: str, now_s: float, format: Format = "standard"
    ) -> Subscription:
        """Tell ``url`` of everything of these kinds that happens from now on.

        InputError: the URL or a kind is wrong. RefusedError: the site does not allow it. ConflictError: too many.
        """
        check_url(url)
        if not self._allows(url):
            raise RefusedError(
                "the site sends no webhooks there",
                got=shown_host(url),
                allowed=", ".join(self._targets or ()) or "nowhere",
                next_step="name it under outputs -> webhooks in the site file; an authority binds what stands there",
            )
        strange = set(kinds) - set(CHOSEN_KINDS)
        if strange or not kinds:
            got = ", ".join(sorted(strange))[:80]
            raise InputError("no such kind of event", got=got, allowed=", ".join(CHOSEN_KINDS))
        table = tables.subscriptions
        with self._database.writing("add a webhook") as connection:
            if int(connection.execute(select(func.count()).select_from(table)).scalar_one()) >= MAX_SUBSCRIPTIONS:
                raise ConflictError(
                    "there are too many webhooks", allowed=str(MAX_SUBSCRIPTIONS), next_step="remove one first"
                )
            made = Subscription(
                subscription_id=secrets.token_hex(8),
                url=url,
                secret=new_secret(),
                kinds=tuple(kind for kind in CHOSEN_KINDS if kind in kinds),
                created_at=now_s,
                created_by=by,
                delivered_event_id=newest_event_id(connection),
                next_attempt_at=now_s,
                format=format,
            )
            connection.execute(insert(table).values(asdict(made)))
            facts = {"by": by, "to": shown_host(url), "subscription": made.subscription_id}
            add_event(connection, "webhook_added", now_s, "", facts)
        return made

    def remove(self, subscription_id: str, *, by: str, now_s: float) -> None:
        """Tell it nothing more, and forget its secret. NotFoundError: there is none with this id."""
        table = tables.subscriptions
        with self._database.writing("remove a webhook") as connection:
            to = shown_host(webhook_url(connection, subscription_id))
            for one in (table, tables.dead_letters):
                connection.execute(delete(one).where(one.c.subscription_id == subscription_id))
            facts = {"by": by, "to": to, "subscription": subscription_id}
            add_event(connection, "webhook_removed", now_s, "", facts)

    def test(self, subscription_id: str, *, by: str, now_s: float) -> None:
        """Send it a test event, in its turn. NotFoundError: there is none with this id."""
        with self._database.writing("test a webhook") as connection:
            to = shown_host(webhook_url(connection, subscription_id))
            facts = {"by": by, "to": to, "subscription": subscription_id}
            add_event(connection, TEST_KIND, now_s, "", facts)

    def all(self) -> list[Subscription]:
        """Every subscription, oldest first."""
        table = tables.subscriptions
        with self._database.reading("read the webhooks") as connection:
            rows = connection.execute(select(table).order_by(table.c.created_at, table.c.subscription_id)).mappings()
            found = [Subscription(**{**row, "kinds": tuple(row["kinds"])}) for row in rows]
        why = "the site file does not allow this address"
        return [one if self._allows(one.url) else replace(one, active=False, last_error=why) for one in found]

    def due(self, now_s: float) -> list[Subscription]:
        """Active subscriptions whose next attempt may be made, and for which something waits."""
        with self._database.reading("read the feed") as connection:
            newest = newest_event_id(connection)
            letters = tables.dead_letters.c
            again = connection.execute(select(letters.subscription_id).where(letters.next_attempt_at <= now_s))
            waiting = set(again.scalars())
        return [
            one
            for one in self.all()
            if one.active
            and (not one.attempts or one.next_attempt_at <= now_s)  # what failed alone waits, whatever the clock did
            and (one.delivered_event_id < newest or one.subscription_id in waiting)
        ]

    def pending(self, subscription: Subscription, limit: int = 20) -> list[StoredEvent]:
        """What the receiver has not acknowledged yet, oldest first; empty too when it was removed meanwhile."""
        events, table = tables.events, tables.subscriptions
        with self._database.reading("read the feed") as connection:
            mine = select(table.c.delivered_event_id).where(
                table.c.subscription_id == subscription.subscription_id, table.c.active
            )
            after = connection.execute(mine).scalar_one_or_none()
            if after is None:
                return []
            whose = events.c.facts["subscription"].as_string()
            wanted = events.c.kind.in_(subscription.kinds) | (
                (events.c.kind == TEST_KIND) & (whose == subscription.subscription_id)
            )
            query = select(events).where(events.c.event_id > after, wanted)
            rows = connection.execute(query.order_by(events.c.event_id).limit(limit)).mappings()
            return [StoredEvent(**row) for row in rows]

    def mark_delivered(self, subscription_id: str, event_id: int, now_s: float) -> None:
        """The receiver acknowledged everything up to ``event_id``."""
        now: dict[str, str | float | None] = {"attempts": 0, "failing_since": None, "last_error": ""}
        self._change(subscription_id, delivered_event_id=event_id, delivered_at=now_s, next_attempt_at=now_s, **now)

    def mark_failed(
        self, subscription_id: str, error: str, *, attempts: int, failing_since: float, next_attempt_at: float
    ) -> None:
        """An attempt failed; try again at ``next_attempt_at``."""
        self._change(
            subscription_id,
            attempts=attempts,
            next_attempt_at=next_attempt_at,
            failing_since=failing_since,
            last_error=error,
        )

    def mark_gone(self, subscription_id: str, error: str) -> None:
        """The receiver said that it wants no more; it stays listed, switched off."""
        self._change(subscription_id, active=False, last_error=error)

    def _allows(self, url: str) -> bool:
        return self._targets is None or any(is_below(url, one) for one in self._targets)

    def _change(self, subscription_id: str, **values: str | float | None) -> None:
        table = tables.subscriptions
        with self._database.writing("record a delivery") as connection:
            connection.execute(update(table).where(table.c.subscription_id == subscription_id).values(values))
