"""Who asks: a client for threads and one for event loops, and the stream of events that each follows for ever.

The token is taken from the environment only: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from lfr_ray.alert.json_document import from_json
from lfr_ray.client.site_requests import TOKEN_ENV, AnswerT, Question, alert, problem, stranger
from lfr_ray.errors import ConfigError, FailureError, InputError, NotFoundError
from lfr_ray.records import Alert, FeedEvent, WebhookEvent

EventT = TypeVar("EventT")
Lost = Callable[[str], object]
"""Is told why a stream was lost, before it is connected again."""

DEFAULT_SERVER = "http://127.0.0.1:8000"
ANSWER_S = 15.0
SILENCE_S = 45.0
"""Three heartbeats of the stream without a byte: the line is dead."""
RECONNECT_S = 1.0


class SiteClient:
    """Asks one site; used by one thread at a time.

    ``officer`` looks, where no token proves who; by ``transport`` requests travel, where not by plain TCP.
    ConfigError: ``server`` is no http or https address, or the token cannot be sent.
    """

    def __init__(
        self, server: str = DEFAULT_SERVER, officer: str = "", *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.server = _checked(server)
        self._http = httpx.Client(transport=transport, **_options(self.server, officer))

    def __enter__(self) -> SiteClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, question: Question[AnswerT]) -> AnswerT:
        """The answer. LfrError: the site refuses, or does not answer."""
        try:
            return self._ask_once(question)
        except FailureError:
            if not question.key:
                raise
        time.sleep(RECONNECT_S)
        return self._ask_once(question)

    def events(self, after: int | None = None, lost: Lost = lambda _why: None) -> Iterator[FeedEvent]:
        """What happens, for ever: after an event, or from now on. Each event comes once and in order.

        The first connection must succeed; a later loss is told to ``lost`` and mended.
        """
        return self._follow(after, lost, lambda event: event)

    def events_with_alerts(self, after: int | None = None, lost: Lost = lambda _why: None) -> Iterator[WebhookEvent]:
        """The same, each with the alert that it speaks of as it stands then. Looking is recorded."""
        return self._follow(after, lost, self._with_alert)

    def _ask_once(self, question: Question[AnswerT]) -> AnswerT:
        with _reached(self.server):
            answer = self._http.request(**question.request())
        return question.read(answer, self.server)

    def _with_alert(self, event: FeedEvent) -> WebhookEvent:
        found: Alert | None = None
        if event.alert_id:
            with suppress(NotFoundError):
                found = self.ask(alert(event.alert_id))
        return WebhookEvent(**vars(event), alert=found)

    def _follow(self, after: int | None, lost: Lost, complete: Callable[[FeedEvent], EventT]) -> Iterator[EventT]:
        place = _Place(self.server, after, lost)
        while True:
            with place.mended(), self._http.stream(**place.request()) as answer:
                if answer.is_error:
                    answer.read()
                place.check(answer)
                for event in map(place.event, answer.iter_lines()):
                    if event is not None:
                        completed = complete(event)
                        place.last = event.id
                        yield completed
            time.sleep(RECONNECT_S)


class AsyncSiteClient:
    """:class:`SiteClient` for one event loop, with the same arguments, questions and errors."""

    def __init__(
        self, server: str = DEFAULT_SERVER, officer: str = "", *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.server = _checked(server)
        self._http = httpx.AsyncClient(transport=transport, **_options(self.server, officer))

    async def __aenter__(self) -> AsyncSiteClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, question: Question[AnswerT]) -> AnswerT:
        """See :meth:`SiteClient.ask`."""
        try:
            return await self._ask_once(question)
        except FailureError:
            if not question.key:
                raise
        await asyncio.sleep(RECONNECT_S)
        return await self._ask_once(question)

    def events(self, after: int | None = None, lost: Lost = lambda _why: None) -> AsyncIterator[FeedEvent]:
        """See :meth:`SiteClient.events`."""
        return self._follow(after, lost, _as_it_is)

    def events_with_alerts(
        self, after: int | None = None, lost: Lost = lambda _why: None
    ) -> AsyncIterator[WebhookEvent]:
        """See :meth:`SiteClient.events_with_alerts`."""
        return self._follow(after, lost, self._with_alert)

    async def _ask_once(self, question: Question[AnswerT]) -> AnswerT:
        with _reached(self.server):
            answer = await self._http.request(**question.request())
        return question.read(answer, self.server)

    async def _with_alert(self, event: FeedEvent) -> WebhookEvent:
        found: Alert | None = None
        if event.alert_id:
            with suppress(NotFoundError):
                found = await self.ask(alert(event.alert_id))
        return WebhookEvent(**vars(event), alert=found)

    async def _follow(
        self, after: int | None, lost: Lost, complete: Callable[[FeedEvent], Awaitable[EventT]]
    ) -> AsyncIterator[EventT]:
        place = _Place(self.server, after, lost)
        while True:
            with place.mended():
                async with self._http.stream(**place.request()) as answer:
                    if answer.is_error:
                        await answer.aread()
                    place.check(answer)
                    async for line in answer.aiter_lines():
                        event = place.event(line)
                        if event is not None:
                            completed = await complete(event)
                            place.last = event.id
                            yield completed
            await asyncio.sleep(RECONNECT_S)


class _Place:
    """Where a reader of the stream is.

    Attributes:
        last: The newest event that the reader has; None: it begins with what is new.
    """

    def __init__(self, server: str, after: int | None, lost: Lost) -> None:
        self.last = after
        self._server, self._lost, self._connected = server, lost, False

    def request(self) -> dict[str, Any]:
        """The next connection, as httpx takes it."""
        headers = {} if self.last is None else {"Last-Event-ID": str(self.last)}
        timeout = httpx.Timeout(ANSWER_S, read=SILENCE_S)
        return {"method": "GET", "url": "/v1/alerts/stream", "headers": headers, "timeout": timeout}

    def check(self, answer: httpx.Response) -> None:
        """It is a stream of events."""
        if answer.is_error:
            raise problem(answer)
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            raise stranger(self._server)

    def event(self, line: str) -> FeedEvent | None:
        """The event that a line tells of, if any."""
        if not line.startswith("data: "):
            return None
        try:
            document = json.loads(line.removeprefix("data: "))
            if document["kind"] == "hello":
                self._connected, self.last = True, int(document["id"])
                return None
            return from_json(FeedEvent, document)
        except (ValueError, TypeError, KeyError, InputError):
            raise stranger(self._server) from None

    @contextmanager
    def mended(self) -> Iterator[None]:
        """One connection. Its end is told, and is an error only where there never was one."""
        why = "the site ended the stream"
        try:
            with _reached(self._server):
                yield
        except FailureError as error:
            if not self._connected:
                raise
            why = error.what
        self._lost(f"{why}; connecting again")


async def _as_it_is(event: FeedEvent) -> FeedEvent:
    return event


def _options(server: str, officer: str) -> dict[str, Any]:
    """What both kinds of client are made with: who asks stands here and nowhere else."""
    token = os.environ.get(TOKEN_ENV, "").strip()
    try:
        headers = httpx.Headers(
            {**({"Authorization": f"Bearer {token}"} if token else {}), **({"X-Officer": officer} if officer else {})}
        )
    except ValueError:
        raise ConfigError("the token or the officer's id holds characters that cannot be sent") from None
    # Not through a proxy of the environment: alerts go to the site and nowhere else.
    return {"base_url": server, "headers": headers, "timeout": ANSWER_S, "trust_env": False}


def _checked(server: str) -> str:
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("--server is no address of a site", allowed="http://host:port, without user and password")
    return server.rstrip("/")


@contextmanager
def _reached(server: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FailureError(
            "the site does not answer",
            got=f"{server}: {type(error).__name__}",
            next_step="start it with `lfr run SITE.yaml`, or give its address with --server",
        ) from None
