"""Alerts outward: at least once, in order, signed, and never lost in a restart.

Each request is a POST of one event as JSON with

* ``webhook-id`` and ``Idempotency-Key``: the same at every attempt, so a receiver that has seen it does nothing;
* ``webhook-timestamp`` and ``webhook-signature``: as Standard Webhooks has them (https://www.standardwebhooks.com).

An answer of 200 to 299 acknowledges it, 410 ends the subscription, anything else is tried again after a
pause that doubles, or that the receiver asks for. The next event waits meanwhile. A receiver that answers, and
refuses an event again and again, gets the ones behind it: what it refused is put aside as a dead letter.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx
from standardwebhooks import Webhook

from lfr_ray import __version__
from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.dead_letters import DeadLetter
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.webhook_address import shown_host
from lfr_ray.alert.webhook_store import Subscription, WebhookStore
from lfr_ray.clock import Clock, backoff_s, utc_text
from lfr_ray.errors import LfrError
from lfr_ray.metrics import Meter
from lfr_ray.records import StoredEvent, WebhookEvent
from lfr_ray.tracing import Traces

Verdict = Literal["delivered", "gone", "refused", "away"]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How patient the delivery is.

    Attributes:
        first_wait_s: Pause after the first failure; it doubles with each.
        longest_wait_s: The pause never grows beyond this, and dead letters of a receiver's own faults (5xx) are sent
            again as often.
        longest_asked_s: So long a receiver may ask for with ``Retry-After``.
        timeout_s: How long an attempt may take in all.
        refusals: After so many an event is put aside.
        patience_s: So long nothing is put aside for a receiver that is away, and dead letters are sent again.
        poll_s: How often the database is asked for what is new.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    longest_asked_s: float = 3600.0
    timeout_s: float = 10.0
    refusals: int = 5
    patience_s: float = 86_400.0
    poll_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt.

    Attributes:
        error: In words that hold no address.
        asked_s: The pause that the receiver asks for; 0 when it does not.
        fault: It says that the fault is its own (5xx).
    """

    verdict: Verdict
    error: str
    asked_s: float = 0.0
    fault: bool = False


def verdict(status: int) -> Verdict:
    """What a receiver's answer means. Those in front of it say that it is away with 429, 502, 503 and 504.

    >>> verdict(204), verdict(410), verdict(302), verdict(500), verdict(503)
    ('delivered', 'gone', 'refused', 'refused', 'away')
    """
    if 200 <= status < 300:
        return "delivered"
    if status == 410:
        return "gone"
    return "away" if status in (408, 425, 429, 502, 503, 504) else "refused"


def asked_pause_s(header: str, now_s: float) -> float:
    """The pause that ``Retry-After`` asks for, in seconds or as a date; 0 where it is neither.

    >>> asked_pause_s("120", 0.0), asked_pause_s("Thu, 01 Jan 1970 00:01:00 GMT", 20.0), asked_pause_s("soon", 0.0)
    (120.0, 40.0, 0.0)
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def event_key(database_id: str, event_id: int) -> str:
    """The idempotency key of an event: the same at every attempt, and of no other event anywhere.

    >>> event_key("d1", 4)
    'd1-4'
    """
    return f"{database_id}-{event_id}"


def cloud_event(event: WebhookEvent, key: str, database_id: str) -> dict[str, object]:
    """An event as CloudEvents 1.0 wraps it."""
    subject = {"subject": event.alert_id} if event.alert_id else {}
    return {
        "specversion": "1.0",
        "id": key,
        "source": f"urn:lfr:{database_id}",
        "type": f"lfr.{event.kind}",
        "time": utc_text(event.at),
        **subject,
        "datacontenttype": "application/json",
        "data": to_json(event),
    }


def signed_headers(key: str | bytes, message_id: str, sent_at: float, body: str) -> dict[str, str]:
    """The headers of Standard Webhooks; the moment is signed too, so that an old request cannot be replayed.

    ``key`` is as :attr:`Subscription.key` has it; ``message_id`` is the same at every attempt.
    """
    moment = datetime.fromtimestamp(int(sent_at), tz=timezone.utc)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at)),
        "webhook-signature": Webhook(key).sign(message_id, moment, body),
    }


class Deliverer:
    """Delivers events to every subscriber until it is cancelled.

    Subscribers do not wait for each other. All state is in the store: a new deliverer goes on where the old one was.
    Run one of them on a database. ``alerts`` add what stands now to events, and are told before personal data leaves;
    where they raise, nothing is sent.
    """

    def __init__(
        self,
        store: WebhookStore,
        alerts: AlertService,
        clock: Clock,
        *,
        rules: DeliveryRules | None = None,
        meter: Meter | None = None,
        traces: Traces | None = None,
    ) -> None:
        self._store = store
        self._letters = store.letters
        self._meter, self._traces = meter or Meter(), traces
        self._alerts, self._clock = alerts, clock
        self._database_id = alerts.store.database_id()
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
                for task in self._running.values():
                    task.cancel()
                await asyncio.gather(*self._running.values(), return_exceptions=True)

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

    async def _drain(self, client: httpx.AsyncClient, subscription: Subscription) -> None:
        """Deliver what waits for one subscriber, in order, until nothing waits or an attempt fails."""
        try:
            await self._send_letters(client, subscription)
            while events := await asyncio.to_thread(self._store.pending, subscription):
                for event in events:
                    state = await self._deliver(client, subscription, event)
                    if state is None:
                        return
                    subscription = state
        except LfrError:
            return  # nothing is marked, so the next round tries the same event again

    async def _send_letters(self, client: httpx.AsyncClient, subscription: Subscription) -> None:
        """Send dead letters again that are due, until one is refused again."""
        key = subscription.subscription_id
        for letter, event in await asyncio.to_thread(self._letters.due, key, self._clock.wall_s()):
            answer = await self._post(client, subscription, await asyncio.to_thread(self._alerts.completed, event))
            if answer.verdict == "delivered":
                await asyncio.to_thread(self._letters.drop, key, event.event_id)
                continue
            tried = self._letter(event, letter.attempts + 1, answer, given_up_at=letter.given_up_at)
            await asyncio.to_thread(self._letters.failed, key, tried)
            return

    async def _deliver(
        self, client: httpx.AsyncClient, subscription: Subscription, event: StoredEvent
    ) -> Subscription | None:
        """One attempt; the subscription as it is then, or None when the next event's turn has not come."""
        key, attempts = subscription.subscription_id, subscription.attempts
        completed = await asyncio.to_thread(self._alerts.completed, event)
        if attempts == 0 and completed.alert is not None:
            await asyncio.to_thread(
                self._alerts.disclosed,
                to=shown_host(subscription.url),
                subscription_id=key,
                event_id=event.event_id,
                alert=completed.alert,
                by=subscription.created_by,
            )
        answer = await self._post(client, subscription, completed)
        now_s = self._clock.wall_s()
        if answer.verdict == "delivered":
            await asyncio.to_thread(self._store.mark_delivered, key, event.event_id, now_s)
            return replace(subscription, attempts=0, failing_since=None)
        if answer.verdict == "gone":
            await asyncio.to_thread(self._store.mark_gone, key, answer.error)
            return None
        since = now_s if subscription.failing_since is None else subscription.failing_since
        tried = attempts + 1
        if now_s - since >= self._rules.patience_s or (answer.verdict == "refused" and tried >= self._rules.refusals):
            self._meter.count("webhook_deliveries_total", outcome="given_up")
            letter = self._letter(event, tried, answer, given_up_at=now_s)
            await asyncio.to_thread(self._letters.give_up, key, event, letter, failing_since=since)
            return replace(subscription, attempts=0, failing_since=since)
        share = 0.5 + 0.5 * random.random()  # noqa: S311 (spreads load, guards nothing)
        longest_s = self._rules.longest_wait_s
        pause_s = backoff_s(tried, first_s=self._rules.first_wait_s, longest_s=longest_s, draw=share)
        pause_s = max(pause_s, min(answer.asked_s, self._rules.longest_asked_s))
        await asyncio.to_thread(
            self._store.mark_failed,
            key,
            answer.error,
            attempts=tried,
            failing_since=since,
            next_attempt_at=now_s + pause_s,
        )
        return None

    def _letter(self, event: StoredEvent, attempts: int, answer: Answer, *, given_up_at: float) -> DeadLetter:
        """What a receiver calls its own fault, or was away for, is sent again by itself for a while."""
        now_s = self._clock.wall_s()
        again = (answer.fault or answer.verdict == "away") and now_s - given_up_at < self._rules.patience_s
        next_s = now_s + self._rules.longest_wait_s if again else None
        return DeadLetter(event.event_id, event.kind, given_up_at, attempts, answer.error, next_s)

    async def _post(self, client: httpx.AsyncClient, subscription: Subscription, event: WebhookEvent) -> Answer:
        key = event_key(self._database_id, event.id)
        wrapped, began_at = subscription.format == "cloudevents", self._clock.wall_s()
        document = cloud_event(event, key, self._database_id) if wrapped else to_json(event)
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8" if wrapped else "application/json",
            "Idempotency-Key": key,
            "LFR-Event": event.kind,
            **signed_headers(subscription.key, key, self._clock.wall_s(), body),
        }
        try:
            # In all: a receiver that sends its header byte by byte keeps every single wait short.
            answer = await asyncio.wait_for(
                self._answer(client, subscription.url, body.encode(), headers), self._rules.timeout_s
            )
        except (httpx.HTTPError, httpx.InvalidURL, asyncio.TimeoutError) as error:
            # The class only: the text may hold the URL and with it a token.
            answer = Answer("away", type(error).__name__)
        outcome = "delivered" if answer.verdict == "delivered" else "failed"
        self._meter.count("webhook_deliveries_total", outcome=outcome)
        if self._traces is not None:
            self._traces.delivered(event.kind, event.alert_id, began_at, "webhook", outcome)
        return answer

    async def _answer(self, client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        # The answer's body is never read: it could be endless.
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            status = answer.status_code
            asked_s = asked_pause_s(answer.headers.get("retry-after", ""), self._clock.wall_s())
            return Answer(verdict(status), f"HTTP {status}", asked_s, fault=status >= 500)
