"""CloudEvents 1.0 around an event."""

from __future__ import annotations

from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.webhook_delivery import cloud_event
from lfr_ray.records import WebhookEvent


def test_the_attributes_that_the_specification_asks_for() -> None:
    event = WebhookEvent(4, "decision", 0.5, "a1", "", {"camera": "gate"}, None)
    assert cloud_event(event, "d1-4", "d1") == {
        "specversion": "1.0",
        "id": "d1-4",
        "source": "urn:lfr:d1",
        "type": "lfr.decision",
        "time": "1970-01-01T00:00:00.500Z",
        "subject": "a1",
        "datacontenttype": "application/json",
        "data": to_json(event),
    }


def test_an_event_of_no_alert_has_no_subject() -> None:
    # An empty subject is not allowed.
    assert "subject" not in cloud_event(WebhookEvent(5, "pause", 0.0, None, "", {}, None), "d1-5", "d1")
