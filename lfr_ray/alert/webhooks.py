"""Alerts outward: at least once, in order, signed, and never lost in a restart.

Each request is a POST of one event as JSON with

* ``webhook-id`` and ``Idempotency-Key``: the same at every attempt, so a receiver that has seen it does nothing;
* ``webhook-timestamp`` and ``webhook-signature``: as Standard Webhooks has them (https://www.standardwebhooks.com).

An answer of 200 to 299 acknowledges it, 410 ends the subscription, anything else is tried again after a
pause that doubles. The next event waits until the one before it is acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, Protocol

import httpx
from standardwebhooks import Webhook

from lfr_ray import __version__
from lfr_ray.alert.document import to_json
from lfr_ray.alert.webhook_store import Subscription, WebhookStore, shown_host
from lfr_ray.clock import Clock, backoff_s
from lfr_ray.errors import LfrError
from lfr_ray.records import FeedEvent, StoredEvent

Completed = Callable[[Sequence[StoredEvent]], Sequence[FeedEvent]]


class Discloser(Protocol):
    """Accounts for personal data that is sent out of this site; where it raises, nothing is sent."""

    def disclosed(self, *, to: str, subscription_id: str, event_id: int, alert_id: str, by: str) -> None:
        """Called before the first attempt to send an event."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How patient the delivery is.

    Attributes:
        first_wait_s: Pause after the first failure; it doubles with each.
        longest_wait_s: The pause never grows beyond this. Nothing is ever given up.
        timeout_s: How long an answer may take.
        poll_s: How often the database is asked for what is new.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    timeout_s: float = 10.0
    poll_s: float = 0.5


def verdict(status: int) -> Literal["delivered", "gone", "again"]:
    """What a receiver's answer means.

    >>> verdict(204), verdict(410), verdict(302), verdict(500)
    ('delivered', 'gone', 'again', 'again')
    """
    if 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "again"


def event_key(database_id: str, event_id: int) -> str:
    """The idempotency key of an event: the same at every attempt, and of no other event anywhere.

    >>> event_key("d1", 4)
    'd1-4'
    """
    return f"{database_id}-{event_id}"


def signed_headers(key: str | bytes, message_id: str, sent_at: float, body: str) -> dict[str, str]:
    """The headers of Standard Webhooks; the moment is signed too, so that an old request cannot be replayed.

    Args:
        key: As :attr:`Subscription.key` has it.
        message_id: The same at every attempt.
        sent_at: Wall time.
        body: The request's body.
    """
    moment = datetime.fromtimestamp(int(sent_at), tz=timezone.utc)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at)),
        "webhook-signature": Webhook(key).sign(message_id, moment, body),
    }


class Deliverer:
    """Delivers events to every subscriber until it is cancelled.

    Subscribers do not wait for each other. All state is in the store: a new deliverer goes on
    where the old one was. Run one of them on a database.

    Args:
        store: Subscriptions and the outbox.
        completed: Adds the alerts as they stand now to events (``AlertService.completed``).
        discloser: Is told before personal data leaves (``AlertService``).
        clock: Wall time of attempts and signatures.
        database_id: Makes the idempotency keys unique (``AlertStore.database_id``).
        rules: Patience.
    """

    def __init__(
        self,
        store: WebhookStore,
        completed: Completed,
        discloser: Discloser,
        clock: Clock,
        *,
        database_id: str,
        rules: DeliveryRules | None = None,
    ) -> None:
        self._store = store
        self._completed = completed
        self._discloser = discloser
        self._clock = clock
        self._database_id = database_id
        self._rules = rules or DeliveryRules()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        # No redirects and no proxies from the environment: alerts go where the operator said and nowhere else.
        client = httpx.AsyncClient(
            timeout=self._rules.timeout_s,
            follow_redirects=False,
            trust_env=False,
            verify=ssl.create_default_context(),
            headers={"User-Agent": f"lfr-ray/{__version__}"},
        )
        async with client:
            try:
                while True:
                    await self._start_due(client)
                    await asyncio.sleep(self._rules.poll_s)
            finally:
                await self._stop_all()

    async def _start_due(self, client: httpx.AsyncClient) -> None:
        self._running = {key: task for key, task in self._running.items() if not task.done()}
        try:
            due = await asyncio.to_thread(self._store.due, self._clock.wall_s())
        except LfrError:
            return  # the database does not answer just now; the next round asks again
        for subscription in due:
            if subscription.subscription_id not in self._running:
                task = asyncio.create_task(self._drain(client, subscription))
                self._running[subscription.subscription_id] = task

    async def _stop_all(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _drain(self, client: httpx.AsyncClient, subscription: Subscription) -> None:
        """Deliver what waits for one subscriber, in order, until nothing waits or an attempt fails."""
        first = True
        try:
            while True:
                events = await asyncio.to_thread(self._store.pending, subscription)
                if not events:
                    return
                for event in events:
                    attempts = subscription.attempts if first else 0
                    if not await self._deliver(client, subscription, event, attempts):
                        return
                    first = False
        except LfrError:
            return  # nothing is marked, so the next round tries the same event again

    async def _deliver(
        self, client: httpx.AsyncClient, subscription: Subscription, event: StoredEvent, attempts: int
    ) -> bool:
        key = subscription.subscription_id
        (completed,) = await asyncio.to_thread(self._completed, [event])
        if attempts == 0 and completed.alert is not None:
            await asyncio.to_thread(self._disclose, subscription, event)
        error, answer = await self._post(client, subscription, completed)
        now_s = self._clock.wall_s()
        if answer == "delivered":
            await asyncio.to_thread(self._store.mark_delivered, key, event.event_id, now_s)
            return True
        if answer == "gone":
            await asyncio.to_thread(self._store.mark_gone, key, error)
            return False
        share = 0.5 + 0.5 * random.random()  # noqa: S311 (spreads load, guards nothing)
        longest_s = self._rules.longest_wait_s
        pause_s = backoff_s(attempts + 1, first_s=self._rules.first_wait_s, longest_s=longest_s, draw=share)
        await asyncio.to_thread(self._fail, subscription, attempts, error, now_s, now_s + pause_s)
        return False

    async def _post(
        self, client: httpx.AsyncClient, subscription: Subscription, event: FeedEvent
    ) -> tuple[str, Literal["delivered", "gone", "again"]]:
        body = json.dumps(to_json(event), ensure_ascii=False, separators=(",", ":"))
        key = event_key(self._database_id, event.id)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "LFR-Event": event.kind,
            **signed_headers(subscription.key, key, self._clock.wall_s(), body),
        }
        try:
            # The answer's body is never read: it could be endless.
            async with client.stream("POST", subscription.url, content=body.encode(), headers=headers) as answer:
                return f"HTTP {answer.status_code}", verdict(answer.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The class only: the text may hold the URL and with it a token.
            return type(error).__name__, "again"

    def _disclose(self, subscription: Subscription, event: StoredEvent) -> None:
        self._discloser.disclosed(
            to=shown_host(subscription.url),
            subscription_id=subscription.subscription_id,
            event_id=event.event_id,
            alert_id=event.alert_id,
            by=subscription.created_by,
        )

    def _fail(self, subscription: Subscription, attempts: int, error: str, now_s: float, next_at: float) -> None:
        since = subscription.failing_since if attempts else None
        self._store.mark_failed(
            subscription.subscription_id,
            error,
            attempts=attempts + 1,
            failing_since=now_s if since is None else since,
            next_attempt_at=next_at,
        )
