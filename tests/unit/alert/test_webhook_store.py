"""Subscriptions: where alerts may go, how far each receiver is, and secrets told once."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.event_kinds import DEFAULT_KINDS
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.open_database import Database
from lfr_ray.alert.webhook_address import shown_url
from lfr_ray.alert.webhook_delivery import signed_headers
from lfr_ray.alert.webhook_store import (
    MAX_SUBSCRIPTIONS,
    WebhookStore,
    new_secret,
)
from lfr_ray.errors import ConflictError, InputError, NotFoundError, RefusedError
from lfr_ray.records import CaseRecord, Details, Sighting

COMPARED = Details(comparison={"nose": "agrees", "ears": "agrees", "marks": "agrees"})
"""What an officer found by eye: without it nobody is engaged."""

Make = Callable[..., Sighting]
URL = "https://control.example/alerts?token=hunter22"


@pytest.fixture
def webhooks(database: Database) -> WebhookStore:
    return WebhookStore(database)


def test_the_secret_is_told_once_and_the_query_never(webhooks: WebhookStore) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)
    assert made.shown(with_secret=True).secret == made.secret
    (listed,) = webhooks.all()
    assert listed == made
    shown = f"{to_json(listed.shown())} {listed!r}"
    assert made.secret not in shown
    assert "hunter22" not in shown
    assert listed.shown().url == "https://control.example/alerts?..."


def test_a_new_subscriber_is_told_of_what_comes_after_it(
    webhooks: WebhookStore, desk: AlertService, make_sighting: Make
) -> None:
    desk.raise_alert(make_sighting())
    made = webhooks.add(URL, ("alert_raised",), by="PC1", now_s=1.0)
    assert webhooks.pending(made) == []
    later = desk.raise_alert(make_sighting("tracklet-2", camera="bridge")).alert_id
    desk.record(later, CaseRecord("decision", "PC1", "engage", details=COMPARED))
    assert [(one.kind, one.alert_id) for one in webhooks.pending(made)] == [("alert_raised", later)]


def test_progress_and_failure_survive(
    database: Database, webhooks: WebhookStore, desk: AlertService, make_sighting: Make
) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)
    for number in range(3):
        desk.raise_alert(make_sighting(f"p{number}", camera=f"c{number}"))
    first, second, _third = webhooks.pending(made)
    webhooks.mark_delivered(made.subscription_id, first.event_id, 2.0)
    webhooks.mark_failed(made.subscription_id, "HTTP 500", attempts=1, failing_since=3.0, next_attempt_at=10.0)
    again = WebhookStore(database)
    assert again.due(9.9) == []
    (due,) = again.due(10.0)
    assert (due.attempts, due.failing_since, due.last_error) == (1, 3.0, "HTTP 500")
    assert again.pending(due)[0] == second
    again.mark_gone(due.subscription_id, "HTTP 410")
    assert again.due(99.0) == []
    assert again.pending(due) == []
    assert again.all()[0].shown().active is False


def test_removal_forgets_the_secret(webhooks: WebhookStore, database: Database) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)
    webhooks.remove(made.subscription_id, by="PC1", now_s=2.0)
    assert webhooks.all() == []
    assert webhooks.pending(made) == []
    with pytest.raises(NotFoundError):
        webhooks.remove(made.subscription_id, by="PC1", now_s=2.0)


@pytest.mark.parametrize("kinds", [(), ("everything",), ("alert_raised", "hold")])
def test_kinds_are_a_closed_list(webhooks: WebhookStore, kinds: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="kind"):
        webhooks.add(URL, kinds, by="PC1", now_s=1.0)


def test_there_is_a_limit(webhooks: WebhookStore) -> None:
    for _ in range(MAX_SUBSCRIPTIONS):
        webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)
    with pytest.raises(ConflictError, match="too many"):
        webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)


@pytest.mark.parametrize("old", [False, True])
def test_the_signature_holds_for_the_standards_own_receiver(webhooks: WebhookStore, old: bool) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="PC1", now_s=1.0)
    if old:  # a secret that a version before Standard Webhooks gave
        made = replace(made, secret="bKa2Poq03a9yX1d_yBmzb2SFvbqDVmiBRkTIbtdIj0Y")
    headers = signed_headers(made.key, "d1-4", time.time(), '{"id":4}')
    receiver = Webhook(made.secret.encode() if old else made.secret)
    assert receiver.verify('{"id":4}', headers) == {"id": 4}
    stale = signed_headers(made.key, "d1-4", time.time() - 600, '{"id":4}')
    moved = {**stale, "webhook-timestamp": headers["webhook-timestamp"]}
    wrong: list[tuple[Webhook, str, dict[str, str]]] = [
        (receiver, '{"id":5}', headers),
        (receiver, '{"id":4}', {**headers, "webhook-id": "d1-5"}),
        (receiver, '{"id":4}', stale),
        (receiver, '{"id":4}', moved),
        (Webhook(new_secret()), '{"id":4}', headers),
    ]
    for other, body, sent in wrong:
        with pytest.raises(WebhookVerificationError):
            other.verify(body, sent)


def test_a_secret_is_written_as_the_standard_says() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != new_secret()


def test_shown_url_of_nonsense_is_empty() -> None:
    assert shown_url("https://[bad") == ""


TARGETS = ("https://control.example/alerts", "http://127.0.0.1:9")


@pytest.mark.parametrize("url", [URL, "https://control.example/alerts/two", "http://127.0.0.1:9/anything"])
def test_a_site_allows_what_its_file_names(database: Database, url: str) -> None:
    assert WebhookStore(database, TARGETS).add(url, DEFAULT_KINDS, by="a", now_s=1.0).active


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/alerts",
        "https://control.example.elsewhere.example/alerts",
        "https://control.example:8443/alerts",
        "https://control.example/alertsandmore",
        "https://control.example/alerts/../people",
        "https://control.example/",
        "http://127.0.0.1:90/",
    ],
)
@pytest.mark.parametrize("targets", [TARGETS, ()])
def test_and_nothing_else(database: Database, url: str, targets: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match="sends no webhooks there"):
        WebhookStore(database, targets).add(url, DEFAULT_KINDS, by="a", now_s=1.0)


def test_what_is_allowed_no_more_is_told_nothing_more(database: Database, webhooks: WebhookStore) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="a", now_s=1.0)
    webhooks.test(made.subscription_id, by="a", now_s=2.0)
    assert [one.subscription_id for one in webhooks.due(3.0)] == [made.subscription_id]
    later = WebhookStore(database, ("https://other.example",))
    assert later.due(3.0) == []
    (listed,) = later.all()
    assert (listed.active, listed.last_error) == (False, "the site file does not allow this address")


def test_a_receiver_that_works_is_told_at_once_after_the_clock_went_back(
    webhooks: WebhookStore, desk: AlertService, make_sighting: Make
) -> None:
    made = webhooks.add(URL, DEFAULT_KINDS, by="a", now_s=7200.0)
    desk.raise_alert(make_sighting())
    webhooks.mark_delivered(made.subscription_id, webhooks.pending(made)[0].event_id, 7200.0)
    desk.raise_alert(make_sighting("tracklet-2", camera="bridge"))
    assert [one.subscription_id for one in webhooks.due(10.0)] == [made.subscription_id]
