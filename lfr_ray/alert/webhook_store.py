"""Who is told of alerts, and how far each has been told: the feed is the outbox, a cursor per subscriber."""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field
from pydantic.dataclasses import dataclass as record
from sqlalchemy import Connection, delete, func, insert, select, update

from lfr_ray.alert import schema as tables
from lfr_ray.alert.database import Database
from lfr_ray.alert.dead_letters import DeadLetters
from lfr_ray.alert.kinds import CHOSEN_KINDS, TEST_KIND
from lfr_ray.alert.store import add_event
from lfr_ray.errors import ConflictError, InputError, NotFoundError, RefusedError
from lfr_ray.records import CLOSED, Moment, StoredEvent, is_none

Format = Literal["standard", "cloudevents"]
"""The body of a request: the event alone, or wrapped as CloudEvents 1.0 has it (structured mode, JSON)."""
MAX_SUBSCRIPTIONS = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 (not a secret)
SECRET_BYTES = 32
MAX_URL = 2000


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
    active: bool
    delivered_event_id: int
    delivered_at: float | None
    attempts: int
    next_attempt_at: float
    failing_since: float | None
    last_error: str
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

    Args:
        database: Where they are.
        targets: Beginnings of the addresses that the site allows; None: any. A subscription that was made before, and
            to which the site sends nothing any more, is listed as switched off.
    """

    def __init__(self, database: Database, targets: Sequence[str] | None = None) -> None:
        self._database = database
        self._targets = targets
        self.letters = DeadLetters(database)

    def add(
        self, url: str, kinds: tuple[str, ...], *, by: str, now_s: float, format: Format = "standard"
    ) -> Subscription:
        """Tell ``url`` of everything of these kinds that happens from now on.

        Raises:
            InputError: The URL or a kind is wrong.
            RefusedError: The site does not allow this address.
            ConflictError: There are too many subscriptions.
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
                    "there are too many webhooks", allowed=f"{MAX_SUBSCRIPTIONS}", next_step="remove one first"
                )
            newest = int(connection.execute(select(func.max(tables.events.c.event_id))).scalar() or 0)
            made = Subscription(
                subscription_id=secrets.token_hex(8),
                url=url,
                secret=new_secret(),
                kinds=tuple(kind for kind in CHOSEN_KINDS if kind in kinds),
                created_at=now_s,
                created_by=by,
                active=True,
                delivered_event_id=newest,
                delivered_at=None,
                attempts=0,
                next_attempt_at=now_s,
                failing_since=None,
                last_error="",
                format=format,
            )
            row = {name: getattr(made, name) for name in Subscription.__dataclass_fields__}
            connection.execute(insert(table).values({**row, "kinds": list(made.kinds)}))
            facts = {"by": by, "to": shown_host(url), "subscription": made.subscription_id}
            add_event(connection, "webhook_added", now_s, "", facts)
        return made

    def remove(self, subscription_id: str, *, by: str, now_s: float) -> None:
        """Tell it nothing more, and forget its secret.

        Raises:
            NotFoundError: There is none with this id.
        """
        table = tables.subscriptions
        with self._database.writing("remove a webhook") as connection:
            to = _host_of(connection, subscription_id)
            for one in (table, tables.dead_letters):
                connection.execute(delete(one).where(one.c.subscription_id == subscription_id))
            facts = {"by": by, "to": to, "subscription": subscription_id}
            add_event(connection, "webhook_removed", now_s, "", facts)

    def test(self, subscription_id: str, *, by: str, now_s: float) -> None:
        """Send it a test event, in its turn.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._database.writing("test a webhook") as connection:
            to = _host_of(connection, subscription_id)
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
            newest = int(connection.execute(select(func.max(tables.events.c.event_id))).scalar() or 0)
            letters = tables.dead_letters.c
            again = connection.execute(select(letters.subscription_id).where(letters.next_attempt_at <= now_s))
            waiting = set(again.scalars())
        return [
            one
            for one in self.all()
            if one.active
            and one.next_attempt_at <= now_s
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
        self._change(
            subscription_id,
            delivered_event_id=event_id,
            delivered_at=now_s,
            attempts=0,
            next_attempt_at=now_s,
            failing_since=None,
            last_error="",
        )

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


def _host_of(connection: Connection, subscription_id: str) -> str:
    """Where a subscription's events go.

    Raises:
        NotFoundError: There is none with this id.
    """
    table = tables.subscriptions
    url = connection.execute(select(table.c.url).where(table.c.subscription_id == subscription_id)).scalar()
    if url is None:
        raise NotFoundError("no such webhook", got=subscription_id[:40], next_step="list the webhooks")
    return shown_host(str(url))


def check_url(url: str) -> None:
    """Refuse an address to which alerts must not be sent.

    Raises:
        InputError: Not https (http is for loopback only), or with user and password in it.

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
