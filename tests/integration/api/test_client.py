"""The typed client, sync and async, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, closing
from itertools import islice
from typing import Any

import httpx
import pytest

from lfr_ray.client import site_client, site_requests
from lfr_ray.client.site_client import AsyncSiteClient, SiteClient
from lfr_ray.client.site_requests import Question
from lfr_ray.errors import FailureError, NotFoundError, StoreError
from lfr_ray.records import Details, Sighting, WebhookEvent

Make = Callable[..., Sighting]
FOUND = {"nose": "agrees", "ears": "agrees", "marks": "agrees"}


class Sync:
    """One way to use a site."""

    def ask(self, url: str, question: Question[Any], losing: bool = False) -> Any:
        with SiteClient(url, transport=Losing() if losing else None) as client:
            return client.ask(question)

    def follow(self, url: str, after: int | None, count: int, lost: Callable[[str], object]) -> list[WebhookEvent]:
        with SiteClient(url) as client, closing(client.events_with_alerts(after, lost)) as events:  # type: ignore[type-var]
            small = next(client.events(after))
            whole = list(islice(events, count))
        assert {**vars(small), "alert": whole[0].alert} == vars(whole[0])
        return whole


class Async:
    """The other one."""

    def ask(self, url: str, question: Question[Any], losing: bool = False) -> Any:
        async def asked() -> Any:
            async with AsyncSiteClient(url, transport=AsyncLosing() if losing else None) as client:
                return await client.ask(question)

        return asyncio.run(asked())

    def follow(self, url: str, after: int | None, count: int, lost: Callable[[str], object]) -> list[WebhookEvent]:
        async def followed() -> list[WebhookEvent]:
            async with AsyncSiteClient(url) as client:
                async with aclosing(client.events(after)) as events:  # type: ignore[type-var]
                    small = await anext(events)
                async with aclosing(client.events_with_alerts(after, lost)) as completed:  # type: ignore[type-var]
                    whole = [await anext(completed) for _ in range(count)]
            assert {**vars(small), "alert": whole[0].alert} == vars(whole[0])
            return whole

        return asyncio.run(followed())


class Losing(httpx.HTTPTransport):
    """The first answer never arrives."""

    lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not self.lost:
            self.lost = True
            answer.close()
            raise httpx.ReadError("the line broke")
        return answer


class AsyncLosing(httpx.AsyncHTTPTransport):
    """The same."""

    lost = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if not self.lost:
            self.lost = True
            await answer.aclose()
            raise httpx.ReadError("the line broke")
        return answer


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(site_client, "RECONNECT_S", 0.05)
    return request.param


def test_every_question_is_answered_by_its_record(way: Any, served: Any, make_sighting: Make) -> None:
    def ask(question: Question[Any]) -> Any:
        answer = way.ask(served.url, question)
        assert isinstance(answer, question.kind)
        return answer

    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    page = ask(site_requests.alerts(camera="gate", status="new"))
    assert [one.id for one in page.alerts] == [ask(site_requests.alert(alert_id)).id] == [alert_id]
    assert ask(site_requests.hold(alert_id, officer="PC1", reason="evidence")).hold.by == "PC1"
    assert ask(site_requests.release(alert_id, officer="PC1")).hold is None
    assert ask(site_requests.claim(alert_id, officer="PC1", take_over=True)).claim.officer == "PC1"
    assert ask(site_requests.release_claim(alert_id, officer="PC1")).claim is None
    decided = ask(site_requests.decide(alert_id, "engage", officer="PC1", comparison=FOUND))
    assert decided.decision.verdicts[0].comparison == FOUND
    ended = ask(site_requests.conclude(alert_id, "arrest", officer="PC1", details=Details(offence_class="theft")))
    assert ended.outcome.offence_class == "theft"
    assert ask(site_requests.cameras()).cameras == ()
    assert ask(site_requests.watchlist()).entries == 0
    assert ask(site_requests.deployments()).deployments == ()
    assert ask(site_requests.stop(officer="PC1", reason="an exercise")).stopped
    assert not ask(site_requests.resume(officer="PC1", reason="over")).stopped
    assert ask(site_requests.readiness()).ready
    assert "lfr_event_streams" in ask(site_requests.metrics())
    made = ask(site_requests.add_webhook("https://control.example/a", officer="PC1", kinds=("decision",)))
    assert made.secret
    assert [one.id for one in ask(site_requests.webhooks()).webhooks] == [made.id]
    ask(site_requests.try_webhook(made.id, officer="PC1"))
    assert ask(site_requests.dead_letters(made.id)).count == 0
    ask(site_requests.remove_webhook(made.id, officer="PC1"))
    with pytest.raises(NotFoundError):
        ask(site_requests.dead_letters(made.id))


def test_a_verdict_whose_answer_was_lost_is_recorded_once(way: Any, served: Any, make_sighting: Make) -> None:
    alert_id = served.desk.raise_alert(make_sighting()).alert_id
    decided = way.ask(served.url, site_requests.decide(alert_id, "not_a_match", officer="PC1"), losing=True)
    assert len(decided.history) == 1
    with pytest.raises(FailureError, match="does not answer"):
        way.ask(served.url, site_requests.hold(alert_id, officer="PC1", reason="evidence"), losing=True)


def test_the_stream_goes_on_where_it_was_and_completes_each_event(
    way: Any, served: Any, make_sighting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert that cannot be read for a moment is waited for; one that is destroyed is None."""
    ids = [served.desk.raise_alert(make_sighting(f"p{one}", camera=f"c{one}")).alert_id for one in range(2)]
    served.desk.pause(by="PC1", reason="the end")
    read, asked = served.desk.get, []

    def get(alert_id: str, *more: Any, **named: Any) -> Any:
        asked.append(alert_id)
        if len(asked) == 1:
            raise StoreError("the database is away")
        if alert_id == ids[1]:
            raise NotFoundError("no such alert")
        return read(alert_id, *more, **named)

    monkeypatch.setattr(served.desk, "get", get)
    lost: list[str] = []
    events = way.follow(served.url, 0, 3, lost.append)
    assert [one.id for one in events] == [1, 2, 3]
    assert [one.alert and one.alert.camera for one in events] == ["c0", None, None]
    assert asked == [ids[0], ids[0], ids[1]]
    assert lost == ["the database is away; connecting again"]
