"""One alert of a real site as a trace, from the capture to whoever is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.tracing import Traces
from tests.collector import collecting
from tests.integration.actors.conftest import SOON_S, Site
from tests.processes import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

IN_ORDER = ["alert", "detect", "embed", "match", "record", "deliver"]
PARTS = {
    "alert": "camera",
    "detect": "camera",
    "embed": "camera",
    "match": "camera",
    "record": "desk",
    "deliver": "desk",
}


def complete(site: Site) -> list[tuple[str, Any]]:
    """The newest trace that has come to its end."""
    traces = [spans for spans in site.collector.traces().values() if spans[-1][1].name == "deliver"]
    return traces[-1] if traces else []


def test_a_trace_goes_through_every_process_and_tells_of_nobody(site: Site) -> None:
    site.both_alerts()
    spans = eventually(lambda: complete(site), SOON_S, lambda: f"{len(site.collector.bodies)} exports")
    assert list(dict.fromkeys(span.name for _, span in spans)) == IN_ORDER
    assert {span.name: service for service, span in spans} == {name: f"lfr-{part}" for name, part in PARTS.items()}
    by_name = {span.name: span for _, span in spans}
    assert not by_name["alert"].parent_span_id
    for name in ("detect", "embed", "match", "record"):
        assert by_name[name].parent_span_id == by_name["alert"].span_id
    assert by_name["deliver"].parent_span_id == by_name["record"].span_id
    for name in ("detect", "embed", "match"):
        assert by_name["alert"].start_time_unix_nano <= by_name[name].start_time_unix_nano
        assert by_name[name].end_time_unix_nano <= by_name["alert"].end_time_unix_nano
    told = {one.key: one.value.string_value for span in by_name.values() for one in span.attributes}
    assert set(told) == {"camera", "way", "outcome"}
    assert told["camera"] in ("pier", "gate")
    assert told["way"] in ("tower", "webhook")


def test_no_export_holds_a_name_an_entry_an_alert_or_a_picture(site: Site) -> None:
    alerts = site.both_alerts()
    eventually(lambda: complete(site), SOON_S)
    sent = b"".join(site.collector.bodies)
    assert b"harbour" in sent  # the search can find something
    for alert in alerts:
        for secret in (alert["id"], alert["key"], alert["entry_id"], alert["name"], alert["category"]):
            assert not secret or secret.encode() not in sent
    assert b"\xff\xd8\xff" not in sent
    assert len(sent) < 2000 * len(site.collector.bodies)


def test_without_an_address_nothing_is_sent_though_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        silent = Traces("", "harbour", "camera")
        assert silent.span("alert", 1.0, 2.0) == ""
        silent.recorded("a1", "", 1.0)
        silent.delivered("alert_raised", "a1", 1.0, "webhook", "delivered")
        assert silent._tracer is None
        telling = Traces(collector.address, "harbour", "camera")
        assert telling.span("alert", 1.0, 2.0).startswith("00-")
        eventually(lambda: collector.bodies, 30.0)
        assert len(collector.traces()) == 1
