"""The event stream over a real connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from lfr_ray.records import Sighting

Make = Callable[..., Sighting]


class Client:
    """Reads server-sent events as the standard says."""

    def __init__(self, answer: httpx.Response) -> None:
        self.headers = answer.headers
        self._lines = answer.iter_lines()
        self.comments = 0

    def event(self) -> dict[str, Any]:
        """The next event; its data with ``sse_id`` and ``sse_event`` beside."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return {**json.loads(fields["data"]), "sse_id": int(fields["id"]), "sse_event": fields["event"]}
            else:
                fields = {}
        raise EOFError


@contextmanager
def following(url: str, last_event_id: int | None = None) -> Iterator[Client]:
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    with httpx.stream("GET", f"{url}/v1/alerts/stream", headers=headers, timeout=10, trust_env=False) as answer:
        assert answer.status_code == 200
        yield Client(answer)


def test_an_alert_arrives_within_half_a_second(served: Any, make_sighting: Make) -> None:
    with following(served.url) as client:
        assert client.headers["content-type"].startswith("text/event-stream")
        assert "no-store" in client.headers["cache-control"]
        assert client.event()["kind"] == "hello"
        raised_s = time.monotonic()
        alert_id = served.desk.raise_alert(make_sighting()).alert_id
        event = client.event()
        assert time.monotonic() - raised_s < 0.5
        assert (event["sse_event"], event["alert_id"]) == ("alert_raised", alert_id)
        assert event["sse_id"] == event["id"]


def test_a_client_resumes_and_misses_and_repeats_nothing(served: Any, make_sighting: Make) -> None:
    with following(served.url) as client:
        last = client.event()["sse_id"]
    for number in range(3):
        served.desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    with following(served.url, last) as client:
        client.event()
        first = client.event()
    served.stop()
    served.desk.raise_alert(make_sighting("tracklet-3", camera="camera-3"))
    served.start()
    with following(served.url, first["sse_id"]) as client:
        client.event()
        rest = [client.event() for _ in range(3)]
    cameras = [event["changed"]["camera"] for event in (first, *rest)]
    assert cameras == [f"camera-{number}" for number in range(4)]


def test_a_new_client_hears_only_what_is_new(served: Any, make_sighting: Make) -> None:
    served.desk.raise_alert(make_sighting())
    with following(served.url) as client:
        client.event()
        served.desk.raise_alert(make_sighting("tracklet-2", camera="bridge"))
        assert client.event()["changed"]["camera"] == "bridge"


def test_silence_is_filled_with_heartbeats(served: Any, make_sighting: Make) -> None:
    with following(served.url) as client:
        client.event()
        timer = threading.Timer(1.0, lambda: served.desk.raise_alert(make_sighting()))
        timer.start()
        client.event()
        timer.join()
        assert client.comments >= 2


def test_many_clients_hear_the_same(served: Any, make_sighting: Make) -> None:
    heard: list[list[int]] = []
    started = threading.Barrier(6)

    def follow() -> None:
        with following(served.url) as client:
            client.event()
            started.wait(10)
            heard.append([client.event()["id"] for _ in range(5)])

    threads = [threading.Thread(target=follow) for _ in range(5)]
    for thread in threads:
        thread.start()
    started.wait(10)
    for number in range(5):
        served.desk.raise_alert(make_sighting(f"passage-{number}", camera=f"camera-{number}"))
    for thread in threads:
        thread.join(10)
    assert heard == [[1, 2, 3, 4, 5]] * 5


def test_a_client_that_goes_is_forgotten(served: Any, make_sighting: Make) -> None:
    asked: list[int] = []
    events_after = served.desk.events_after

    def counted(event_id: int, limit: int = 500) -> Any:
        asked.append(event_id)
        return events_after(event_id, limit)

    served.desk.events_after = counted
    with following(served.url) as client:
        client.event()
    until_s = time.monotonic() + 5
    while True:
        before = len(asked)
        time.sleep(0.5)
        if len(asked) == before:
            break
        assert time.monotonic() < until_s, "the stream of a client that is gone goes on"


@pytest.mark.parametrize("last", ["abc", "-1", "1e3"])
def test_a_wrong_last_event_id_is_a_problem(served: Any, last: str) -> None:
    answer = httpx.get(f"{served.url}/v1/alerts/stream", headers={"Last-Event-ID": last}, trust_env=False)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Last-Event-ID" in answer.json()["detail"]
