"""Alerts outward: at least once, in order, signed, and never lost in a restart.

Each request is a POST of one event as JSON with

* ``Idempotency-Key``: the same at every attempt, so a receiver that has seen it does nothing;
* ``LFR-Signature``: ``t=<seconds>,v1=<hex>``, an HMAC-SHA256 by the subscription's secret over ``<seconds>.<body>``.

An answer of 200 to 299 acknowledges it, 410 ends the subscription, anything else is tried again after a
pause that doubles. The next event waits until the one before it is acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import httpx

from lfr_ray import __version__
from lfr_ray.alert.queries import StoredEvent
from lfr_ray.alert.webhook_store import Subscription, WebhookStore, payload_key, shown_host
from lfr_ray.clock import Clock
from lfr_ray.errors import LfrError

Documents = Callable[[Sequence[StoredEvent]], list[dict[str, Any]]]


class Discloser(Protocol):
    """Accounts for personal data that leaves the house; raising keeps it in."""

    def disclosed(self, *, to: str, subscription_id: str, event_id: int, alert_id: str) -> None:
        """Called before the first attempt to send an event."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How patient the delivery is.

    Attributes:
        first_wait_s: Pause after the first failure; it doubles with each.
        longest_wait_s: The pause never grows beyond this. Nothing is ever given up.
        timeout_s: How long an answer may take.
        poll_s: How often the feed is asked for what is new.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    timeout_s: float = 10.0
    poll_s: float = 0.5


def wait_s(rules: DeliveryRules, attempts: int, luck: float) -> float:
    """The pause after the ``attempts``-th failure, between half and all of the doubled one.

    Args:
        rules: The limits.
        attempts: Failures so far, 1 or more.
        luck: 0..1; spreads the subscribers of a receiver that comes back.

    >>> [wait_s(DeliveryRules(), attempts, 1.0) for attempts in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 300.0]
    """
    doubled = rules.first_wait_s * 2.0 ** min(attempts - 1, 60)
    return min(rules.longest_wait_s, doubled) * (0.5 + 0.5 * luck)


def verdict(status: int) -> Literal["delivered", "gone", "again"]:
    """What a receiver's answer means.

    >>> verdict(204), verdict(410), verdict(302), verdict(500)
    ('delivered', 'gone', 'again', 'again')
    """
    if 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "again"


def signature(secret: str, sent_at: int, body: bytes) -> str:
    """The value of ``LFR-Signature``; the moment is signed too, so that an old request cannot be replayed."""
    digest = hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={sent_at},v1={digest}"


def signature_holds(secret: str, header: str, body: bytes, *, now_s: float, tolerance_s: float = 300.0) -> bool:
    """What a receiver should do: recompute, compare in constant time, refuse the old."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    sent_at = fields.get("t", "")
    if not (sent_at.isascii() and sent_at.isdigit()) or abs(now_s - int(sent_at)) > tolerance_s:
        return False
    return hmac.compare_digest(signature(secret, int(sent_at), body).encode(), header.encode())


class Deliverer:
    """Delivers the feed to every subscriber until it is cancelled.

    Subscribers do not wait for each other. All state is in the store: a new deliverer goes on
    where the old one was. Run one of them on a database.

    Args:
        store: Subscriptions and the outbox.
        documents: Makes the JSON documents of events (``AlertService.documents``).
        discloser: Is told before personal data leaves (the desk).
        clock: Wall time of attempts and signatures.
        desk_id: Makes the idempotency keys unique (``AlertStore.desk_id``).
        rules: Patience.
    """

    def __init__(
        self,
        store: WebhookStore,
        documents: Documents,
        discloser: Discloser,
        clock: Clock,
        *,
        desk_id: str,
        rules: DeliveryRules | None = None,
    ) -> None:
        self._store = store
        self._documents = documents
        self._discloser = discloser
        self._clock = clock
        self._desk_id = desk_id
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
        document = (await asyncio.to_thread(self._documents, [event]))[0]
        if attempts == 0 and document["alert"] is not None:
            await asyncio.to_thread(self._disclose, subscription, event)
        error, answer = await self._post(client, subscription, document)
        now_s = self._clock.wall_s()
        if answer == "delivered":
            await asyncio.to_thread(self._store.mark_delivered, key, event.event_id, now_s)
            return True
        if answer == "gone":
            await asyncio.to_thread(self._store.mark_gone, key, error)
            return False
        pause_s = wait_s(self._rules, attempts + 1, random.random())  # noqa: S311 (spreads load, guards nothing)
        await asyncio.to_thread(self._fail, subscription, attempts, error, now_s, now_s + pause_s)
        return False

    async def _post(
        self, client: httpx.AsyncClient, subscription: Subscription, document: dict[str, Any]
    ) -> tuple[str, Literal["delivered", "gone", "again"]]:
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": payload_key(self._desk_id, document),
            "LFR-Event": str(document["kind"]),
            "LFR-Signature": signature(subscription.secret, int(self._clock.wall_s()), body),
        }
        try:
            # The answer's body is never read: it could be endless.
            async with client.stream("POST", subscription.url, content=body, headers=headers) as answer:
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
