"""Calls to other processes, without any other process: what a handle asks, and what becomes of errors over there."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
import ray

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import MatcherCalls
from lfr_ray.actors.actor_reply import Reply
from lfr_ray.errors import AuthorityError, ResourceError


async def answered(value: Any) -> Any:
    return value


async def failed(error: Exception) -> Any:
    raise error


async def never() -> Any:
    await asyncio.Event().wait()


def task_error(cause: Exception) -> ray.exceptions.RayTaskError:
    return ray.exceptions.RayTaskError("match", "a traceback", cause)


class Method:
    """A method of a handle as Ray gives it out; notes how it is called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((args, kwargs))
        return answered("halted")


class Remote:
    """Ray's handle of an actor; it counts how often a method was looked up."""

    def __init__(self) -> None:
        self.method = Method()
        self.lookups = 0

    @property
    def halt(self) -> Method:
        self.lookups += 1
        return self.method


def test_a_handle_calls_the_method_of_that_name_with_its_arguments() -> None:
    remote = Remote()
    handle: Handle[MatcherCalls] = Handle(remote)

    async def scenario() -> None:
        assert await handle.ask(MatcherCalls.halt, "PC1", reason="a rehearsal") == "halted"
        assert await handle.ask(MatcherCalls.halt, "PC2", "another") == "halted"

    asyncio.run(scenario())
    assert remote.method.calls == [(("PC1",), {"reason": "a rehearsal"}), (("PC2", "another"), {})]
    assert remote.lookups == 1, "each look-up of a deployment's method makes a new handle"


def test_a_method_that_is_not_there_is_an_error_at_once() -> None:
    handle: Handle[MatcherCalls] = Handle(Remote())
    with pytest.raises(AttributeError, match="watchlist"):
        handle.ask(MatcherCalls.watchlist)


def test_a_handle_travels_without_the_methods_that_were_looked_up() -> None:
    handle: Handle[MatcherCalls] = Handle(None)
    handle._methods["halt"] = lambda: None  # cannot be pickled
    assert pickle.loads(pickle.dumps(handle)).remote is None


def test_an_error_of_ours_comes_back_as_it_was_raised() -> None:
    ours = AuthorityError("no authority", got="nothing", next_step="open one")

    async def scenario() -> None:
        with pytest.raises(AuthorityError) as caught:
            await Reply[int](failed(task_error(ours)))
        assert caught.value is ours

    asyncio.run(scenario())


def test_any_other_error_stays_what_it_was() -> None:
    async def scenario() -> None:
        with pytest.raises(ray.exceptions.RayTaskError):
            await Reply[int](failed(task_error(KeyError("x"))))

    asyncio.run(scenario())


def test_a_process_that_has_died_is_said_with_what_to_do() -> None:
    async def scenario() -> None:
        with pytest.raises(ResourceError, match="has died") as caught:
            await Reply[int](failed(ray.exceptions.ActorDiedError()))
        assert caught.value.next_step

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "pending",
    [
        lambda: failed(ray.exceptions.ActorDiedError()),
        lambda: failed(task_error(KeyError("x"))),
        never,
    ],
    ids=["dead", "faulty", "silent"],
)
def test_within_a_limit_no_answer_is_none(pending: Any) -> None:
    async def scenario() -> None:
        assert await Reply[int](pending()).within(0.01) is None
        assert await Reply[int](answered(3)).within(10) == 3

    asyncio.run(scenario())


def test_within_a_limit_an_error_of_ours_is_still_raised() -> None:
    async def scenario() -> None:
        with pytest.raises(AuthorityError):
            await Reply[int](failed(task_error(AuthorityError("no authority")))).within(10)

    asyncio.run(scenario())


def test_a_handle_keeps_its_limit_in_a_group_of_threads() -> None:
    handle: Handle[MatcherCalls] = Handle(None, "capability").limited(2.0, withdrawn=True).in_group("health")
    other: Handle[MatcherCalls] = Handle(None, "capability", group="health", limit_s=2.0, withdrawn=True)
    assert vars(handle) == vars(other)
