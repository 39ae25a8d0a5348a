"""Webhooks against a real receiver on loopback that fails, stalls, restarts and checks signatures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.erase_alerts import AlertEraser
from lfr_ray.alert.event_kinds import CHOSEN_KINDS, DEFAULT_KINDS
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_delivery import Deliverer, DeliveryRules
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.clock import SystemClock
from lfr_ray.records import CaseRecord, Details, Sighting

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
DeskOn = Callable[..., AlertService]
FAST = DeliveryRules(first_wait_s=0.02, longest_wait_s=0.05, timeout_s=1.0, poll_s=0.01)


@dataclass
class Receiver:
    """Answers as told, one status a request, then 204, and 400 to what holds ``refused``; keeps what came."""

    statuses: list[int] = field(default_factory=list)
    refused: str = ""
    retry_after: str = ""
    stall_s: float = 0.0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts?token=hunter22"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.requests]


def serve(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(receiver.stall_s)
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            if receiver.refused and receiver.refused.encode() in body:
                status = 400
            self.send_response(status)
            if receiver.retry_after and status != 204:
                self.send_header("Retry-After", receiver.retry_after)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", receiver.port), Handler)
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    server = serve(one)
    yield one
    server.shutdown()
    server.server_close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.at(tmp_path / "desk.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def desk(desk_on: DeskOn, database: Database) -> AlertService:
    return desk_on(database)


@pytest.fixture
def webhooks(database: Database) -> WebhookStore:
    return WebhookStore(database)


def deliver_until(
    desk: AlertService,
    webhooks: WebhookStore,
    done: Callable[[], bool],
    rules: DeliveryRules = FAST,
    limit_s: float = 30.0,
) -> None:
    """A new deliverer each time: whatever it must remember is in the database."""

    async def delivered() -> None:
        deliverer = Deliverer(webhooks, desk, SystemClock(), rules=rules)
        task = asyncio.create_task(deliverer.run())
        until_s = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < until_s, "not delivered in time"
            assert not task.done()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(delivered())


def test_signed_in_order_and_again_until_acknowledged(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    made = webhooks.add(receiver.url, CHOSEN_KINDS, by="PC1", now_s=time.time())
    receiver.statuses = [500, 302, 503]
    first = desk.raise_alert(make_sighting()).alert_id
    desk.record(first, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    deliver_until(desk, webhooks, lambda: webhooks.all()[0].delivered_event_id == desk.store.newest_event_id())
    assert [event["kind"] for event in receiver.events] == ["alert_raised"] * 4 + ["decision"]
    assert len(set(receiver.keys[:4])) == 1
    assert receiver.keys[4] != receiver.keys[3]
    for headers, body in receiver.requests:
        assert Webhook(made.secret).verify(body, headers) == json.loads(body)
        assert headers["webhook-id"] == headers["idempotency-key"]
    headers, body = receiver.requests[0]
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["alert"]["id"] == first
    assert b"JFIF" not in body
    (settled,) = webhooks.all()
    assert (settled.attempts, settled.last_error, settled.failing_since) == (0, "", None)
    assert settled.delivered_event_id == desk.store.newest_event_id()


def test_a_restart_goes_on_where_it_was(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    receiver.statuses = [204] + [500] * 2
    for number in range(3):
        desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    deliver_until(desk, webhooks, lambda: len(receiver.requests) >= 2)
    (failing,) = webhooks.all()
    assert failing.last_error == "HTTP 500"
    assert failing.failing_since is not None
    deliver_until(desk, webhooks, lambda: len(set(receiver.keys)) == 3)
    cameras = [event["alert"]["camera"] for event in receiver.events]
    assert cameras == sorted(cameras)
    assert cameras[-1] == "camera-2"
    before = len(receiver.requests)
    deliver_until(desk, webhooks, lambda: True)
    assert len(receiver.requests) == before


def test_a_receiver_that_is_away_gets_everything_when_it_returns(
    desk: AlertService, webhooks: WebhookStore, make_sighting: Make
) -> None:
    away = Receiver()
    serve(away).server_close()  # the port is known, nobody listens
    webhooks.add(away.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    for number in range(2):
        desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    deliver_until(desk, webhooks, lambda: webhooks.all()[0].attempts >= 2)
    assert webhooks.all()[0].last_error == "ConnectError"
    server = serve(away)
    try:
        deliver_until(desk, webhooks, lambda: len(away.requests) >= 2)
    finally:
        server.shutdown()
        server.server_close()
    assert [event["alert"]["camera"] for event in away.events] == ["camera-0", "camera-1"]


def test_a_slow_receiver_delays_nobody_else(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    slow = Receiver(stall_s=0.6)
    server = serve(slow)
    try:
        webhooks.add(slow.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
        webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
        for number in range(3):
            desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
        deliver_until(desk, webhooks, lambda: len(receiver.requests) >= 3)
        assert len(slow.requests) == 1
    finally:
        server.shutdown()
        server.server_close()


def test_gone_means_gone(desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make) -> None:
    webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    receiver.statuses = [410]
    for number in range(2):
        desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    deliver_until(desk, webhooks, lambda: not webhooks.all()[0].active)
    assert len(receiver.requests) == 1
    assert webhooks.all()[0].last_error == "HTTP 410"


def test_an_erased_alert_is_told_without_its_content(
    desk: AlertService, database: Database, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    alert_id = desk.raise_alert(make_sighting()).alert_id
    AlertEraser(database).purge([alert_id], now_s=time.time(), reason="retention")
    deliver_until(desk, webhooks, lambda: len(receiver.requests) >= 2)
    assert [(event["kind"], event["alert_id"], event["alert"]) for event in receiver.events] == [
        ("alert_raised", alert_id, None),
        ("erasure", alert_id, None),
    ]


def test_each_disclosure_is_accounted_for_once_and_before_it_happens(
    database: Database, webhooks: WebhookStore, receiver: Receiver, desk_on: DeskOn, make_sighting: Make
) -> None:
    told: list[tuple[str, dict[str, Any], int]] = []
    desk = desk_on(database, on_event=lambda kind, facts: told.append((kind, dict(facts), len(receiver.requests))))
    webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    receiver.statuses = [500]
    alert_id = desk.raise_alert(make_sighting()).alert_id
    other_id = desk.raise_alert(make_sighting("another passage", camera="south-gate")).alert_id
    deliver_until(desk, webhooks, lambda: len(receiver.requests) >= 3)
    disclosures = [(facts, sent) for kind, facts, sent in told if kind == "disclosure"]
    assert [facts["alert_id"] for facts, _ in disclosures] == [alert_id, other_id], (
        "also of what follows a failed attempt"
    )
    facts, sent_before = disclosures[0]
    assert (facts["alert_id"], facts["deployment"], facts["by"]) == (alert_id, "airshow", "PC1")
    assert facts["to"] == f"http://127.0.0.1:{receiver.port}"
    assert sent_before == 0
    assert "hunter22" not in json.dumps(told)


def test_one_refused_event_does_not_block_the_others(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    key = webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time()).subscription_id
    receiver.refused = '"camera":"camera-1"'
    for number in range(4):
        desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    deliver_until(desk, webhooks, lambda: webhooks.all()[0].delivered_event_id == desk.store.newest_event_id())
    cameras = [event["changed"]["camera"] for event in receiver.events]
    assert cameras == ["camera-0", *["camera-1"] * FAST.refusals, "camera-2", "camera-3"]
    (letter,) = webhooks.letters.shown(key).dead_letters
    assert (letter.kind, letter.attempts, letter.last_error) == ("alert_raised", FAST.refusals, "HTTP 400")
    assert letter.next_attempt_at is None, "it is the sender's fault: nobody is asked again by himself"
    assert webhooks.all()[0].failing_since is None
    receiver.refused = ""
    webhooks.letters.send_again(key, letter.event_id, time.time())
    deliver_until(desk, webhooks, lambda: not webhooks.letters.counts())
    assert receiver.events[-1]["changed"]["camera"] == "camera-1"
    assert receiver.keys[-1] == receiver.keys[1], "the same key at every attempt"


def test_what_the_receiver_calls_its_own_fault_is_sent_again_by_itself(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    key = webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time()).subscription_id
    receiver.statuses = [500] * FAST.refusals
    desk.raise_alert(make_sighting())
    deliver_until(desk, webhooks, lambda: len(receiver.requests) > FAST.refusals)
    assert len(set(receiver.keys)) == 1
    assert webhooks.letters.shown(key).count == 0


def test_the_receiver_says_when_to_try_again(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
    receiver.statuses, receiver.retry_after = [429], "120"
    desk.raise_alert(make_sighting())
    deliver_until(desk, webhooks, lambda: webhooks.all()[0].attempts == 1)
    (waiting,) = webhooks.all()
    assert 100 < waiting.next_attempt_at - time.time() <= 120
    assert waiting.last_error == "HTTP 429"


def test_a_receiver_that_sends_its_header_byte_by_byte_is_left(
    desk: AlertService, webhooks: WebhookStore, make_sighting: Make
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, ended = listener.getsockname()[1], threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                while not ended.is_set():
                    connection.sendall(b"H")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        webhooks.add(f"http://127.0.0.1:{port}/a", DEFAULT_KINDS, by="PC1", now_s=time.time())
        desk.raise_alert(make_sighting())
        began_s = time.monotonic()
        rules = replace(FAST, timeout_s=0.5, first_wait_s=60.0, longest_wait_s=60.0)
        deliver_until(desk, webhooks, lambda: webhooks.all()[0].attempts == 1, rules)
        assert time.monotonic() - began_s < 8.0
        ended.set()
        thread.join(5)
    assert webhooks.all()[0].last_error in ("TimeoutError", "RemoteProtocolError")


def test_a_test_event_goes_to_the_one_that_is_tested(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver
) -> None:
    other = Receiver()
    server = serve(other)
    try:
        webhooks.add(other.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
        tested = webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time())
        for _ in range(25):  # more than one read
            webhooks.test(tested.subscription_id, by="PC1", now_s=time.time())
        deliver_until(desk, webhooks, lambda: len(receiver.requests) == 25)
        assert {event["kind"] for event in receiver.events} == {"webhook_test"}
        assert other.requests == []
    finally:
        server.shutdown()
        server.server_close()


def test_wrapped_as_cloud_events_and_signed(
    desk: AlertService, webhooks: WebhookStore, receiver: Receiver, make_sighting: Make
) -> None:
    made = webhooks.add(receiver.url, DEFAULT_KINDS, by="PC1", now_s=time.time(), format="cloudevents")
    receiver.statuses = [503]
    alert_id = desk.raise_alert(make_sighting()).alert_id
    deliver_until(desk, webhooks, lambda: len(receiver.requests) == 2)
    headers, body = receiver.requests[1]
    event = Webhook(made.secret).verify(body, headers)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert [one["id"] for one in receiver.events] == [headers["webhook-id"]] * 2
    assert (event["type"], event["subject"], event["data"]["alert"]["id"]) == ("lfr.alert_raised", alert_id, alert_id)
