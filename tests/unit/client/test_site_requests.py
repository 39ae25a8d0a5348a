"""What comes back of a question: records, and the errors that problem documents stand for."""

from __future__ import annotations

import inspect

import httpx
import pytest

from lfr_ray import errors
from lfr_ray.api.problem_documents import of_error
from lfr_ray.api.site_state import Readiness
from lfr_ray.client.site_requests import (
    add_person,
    alert,
    alerts,
    decide,
    end_session,
    people,
    problem,
    readiness,
    remove_webhook,
    revoke_person,
)
from lfr_ray.errors import ConflictError, FailureError, InputError, LfrError, NotFoundError, RefusedError

KINDS = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, LfrError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_arrives_as_it_was_raised(kind: type[LfrError]) -> None:
    error = kind("it went wrong", got="this", allowed="that", next_step="do it")
    arrived = problem(httpx.Response(error.http_status, json=of_error(error)))
    assert type(arrived) is kind
    assert str(arrived) == str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, RefusedError), (403, RefusedError), (404, NotFoundError), (409, ConflictError), (422, InputError)],
)
def test_a_kind_that_is_no_error_of_ours_goes_by_its_status(status: int, kind: type[LfrError]) -> None:
    fields = {"detail": "no", "got": "", "allowed": "", "next_step": ""}
    strange = problem(httpx.Response(status, json={**fields, "type": "urn:lfr-ray:problem:invalid-request"}))
    assert type(strange) is kind
    assert type(problem(httpx.Response(status, text="<html>"))) is kind
    assert ("LFR_API_TOKEN" in strange.next_step) is (status == 401)


def test_not_ready_is_an_answer_and_a_proxys_page_is_none() -> None:
    document = {"ready": False, "parts": {"matcher": "no authority in force"}}
    assert readiness().read(httpx.Response(503, json=document), "") == Readiness(**document)
    with pytest.raises(FailureError, match="HTTP 503"):
        readiness().read(httpx.Response(503, text="no upstream"), "")
    with pytest.raises(FailureError, match="something else"):
        readiness().read(httpx.Response(200, text="a printer"), "http://host")
    assert remove_webhook("w1", officer="PC1").read(httpx.Response(204), "") is None


def test_only_what_was_said_is_sent() -> None:
    assert alerts(camera="gate").query == {"camera": "gate", "limit": 50, "order": "newest"}
    asked = decide("a1", "engage", officer="PC1")
    assert asked.body == {"officer": "PC1", "decision": "engage"}
    assert asked.key
    assert asked.key != decide("a1", "engage", officer="PC1").key


def test_people_are_named_in_the_address_as_they_are() -> None:
    assert end_session("a@b", "0" * 16).path == f"/v1/people/a%40b/sessions/{'0' * 16}"
    assert revoke_person("../x").path == "/v1/people/..%2Fx"
    found = people().read(httpx.Response(200, json={"people": []}), "")
    assert found.people == ()
    given = {"person": "PC1", "role": "officer", "expires_at": "2031-01-01T00:00:00.000Z", "token": "lfr_x"}
    assert add_person("PC1", "officer").read(httpx.Response(201, json=given), "").token == "lfr_x"


@pytest.mark.parametrize("alert_id", ["", "../deployments", "a/b", "é", "a?b"])
def test_what_can_be_no_id_is_not_asked_for(alert_id: str) -> None:
    with pytest.raises(NotFoundError, match="no such alert"):
        alert(alert_id)
