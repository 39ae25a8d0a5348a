"""What can be asked of a site over HTTP: each question is a value that knows what kind of record answers it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import quote

import httpx

from lfr_ray import errors
from lfr_ray.alert.json_document import from_json, to_json
from lfr_ray.api.site_state import (
    CameraList,
    DeploymentList,
    GivenToken,
    PeopleList,
    Readiness,
    Switched,
    WatchlistState,
)
from lfr_ray.errors import ConflictError, FailureError, InputError, LfrError, NotFoundError, RefusedError
from lfr_ray.records import Alert, AlertPage, Details

if TYPE_CHECKING:
    # Who asks for alerts has no use for a database.
    from lfr_ray.alert.dead_letters import DeadLetterList
    from lfr_ray.alert.webhook_store import WebhookList, WebhookState

AnswerT = TypeVar("AnswerT")

TOKEN_ENV = "LFR_API_TOKEN"  # noqa: S105 (a name, not a secret)


@dataclass(frozen=True)
class Question(Generic[AnswerT]):
    """One request.

    Attributes:
        kind: What the answer is read as: a record, text, or nothing.
        key: Idempotency key: with it, a request whose answer was lost is sent once more and nothing is doubled.
        also: Statuses of errors whose answer is of this kind too.
    """

    kind: type[AnswerT]
    path: str
    method: str = "GET"
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str = ""
    also: tuple[int, ...] = ()

    def request(self) -> dict[str, Any]:
        """As httpx takes it."""
        headers = {"Idempotency-Key": self.key} if self.key else {}
        return {
            "method": self.method,
            "url": self.path,
            "params": dict(self.query),
            "json": self.body,
            "headers": headers,
        }

    def read(self, answer: httpx.Response, server: str) -> AnswerT:
        """The record that an answer tells of. LfrError: what its problem says. FailureError: it is no site's answer."""
        if answer.is_error and answer.status_code not in self.also:
            raise problem(answer)
        if self.kind in (NoneType, str):
            return cast(AnswerT, answer.text if self.kind is str else None)
        try:
            return from_json(self.kind, answer.json())
        except (ValueError, InputError):
            raise (problem(answer) if answer.is_error else stranger(server)) from None


def alerts(
    *,
    camera: str = "",
    entry_id: str = "",
    category: str = "",
    status: str = "",
    deployment: str = "",
    since: str = "",
    until: str = "",
    limit: int = 50,
    cursor: str = "",
    order: str = "newest",
) -> Question[AlertPage]:
    """A page of alerts; ``since`` and ``until`` are ISO 8601. Looking is recorded."""
    return Question(AlertPage, "/v1/alerts", query={name: value for name, value in locals().items() if value})


def alert(alert_id: str) -> Question[Alert]:
    """One alert. Looking is recorded."""
    return Question(Alert, _of("alert", alert_id))


def claim(alert_id: str, *, officer: str, take_over: bool = False) -> Question[Alert]:
    """Take an alert, so that others see it; a supervisor may take it over from who has it."""
    body = _given(officer=officer, take_over=take_over or None)
    return Question(Alert, f"{_of('alert', alert_id)}/claim", "POST", body=body, key=secrets.token_hex(12))


def release_claim(alert_id: str, *, officer: str) -> Question[Alert]:
    """Give it back."""
    path = f"{_of('alert', alert_id)}/claim"
    return Question(Alert, path, "DELETE", query=_given(officer=officer), key=secrets.token_hex(12))


def decide(
    alert_id: str,
    decision: str,
    *,
    officer: str,
    note: str = "",
    comparison: Mapping[str, str] | None = None,
    corrects: int | None = None,
) -> Question[Alert]:
    """Record an officer's verdict."""
    body = _given(officer=officer, decision=decision, note=note, comparison=comparison, corrects=corrects)
    return Question(Alert, f"{_of('alert', alert_id)}/decision", "POST", body=body, key=secrets.token_hex(12))


def conclude(
    alert_id: str,
    outcome: str,
    *,
    officer: str,
    note: str = "",
    details: Details = Details(),  # noqa: B008 (frozen)
    corrects: int | None = None,
) -> Question[Alert]:
    """Record what came of a decided alert."""
    body = {**_given(officer=officer, outcome=outcome, note=note, corrects=corrects), **to_json(details)}
    return Question(Alert, f"{_of('alert', alert_id)}/outcome", "POST", body=body, key=secrets.token_hex(12))


def hold(alert_id: str, *, officer: str, reason: str) -> Question[Alert]:
    """Keep an alert beyond its retention time."""
    return Question(Alert, f"{_of('alert', alert_id)}/hold", "POST", body=_given(officer=officer, reason=reason))


def release(alert_id: str, *, officer: str) -> Question[Alert]:
    """Let a held alert go."""
    return Question(Alert, f"{_of('alert', alert_id)}/hold", "DELETE", query=_given(officer=officer))


def cameras() -> Question[CameraList]:
    """Every camera."""
    return Question(CameraList, "/v1/cameras")


def watchlist() -> Question[WatchlistState]:
    """The list in force, in numbers."""
    return Question(WatchlistState, "/v1/watchlist")


def deployments() -> Question[DeploymentList]:
    """Deployments, the emergency stop, and whether alerts are paused."""
    return Question(DeploymentList, "/v1/deployments")


def stop(*, officer: str, reason: str) -> Question[Switched]:
    """The emergency stop."""
    return Question(Switched, "/v1/stop", "POST", body=_given(officer=officer, reason=reason))


def resume(*, officer: str, reason: str) -> Question[Switched]:
    """Lift the emergency stop."""
    return Question(Switched, "/v1/resume", "POST", body=_given(officer=officer, reason=reason))


def readiness() -> Question[Readiness]:
    """Whether every part is ready, and why not."""
    return Question(Readiness, "/readyz", also=(503,))


def metrics() -> Question[str]:
    """The numbers of all processes, as Prometheus reads them."""
    return Question(str, "/metrics")


def webhooks() -> Question[WebhookList]:
    """Every webhook and how its deliveries go."""
    from lfr_ray.alert.webhook_store import WebhookList

    return Question(WebhookList, "/v1/webhooks")


def add_webhook(url: str, *, officer: str, kinds: tuple[str, ...] = ()) -> Question[WebhookState]:
    """Send alerts to an address; the secret is in this answer and never again."""
    from lfr_ray.alert.webhook_store import WebhookState

    return Question(WebhookState, "/v1/webhooks", "POST", body=_given(url=url, officer=officer, kinds=kinds))


def remove_webhook(webhook_id: str, *, officer: str) -> Question[None]:
    """Send a webhook nothing more."""
    return Question(NoneType, _of("webhook", webhook_id), "DELETE", query=_given(officer=officer))


def try_webhook(webhook_id: str, *, officer: str) -> Question[None]:
    """Send a webhook a test event."""
    return Question(NoneType, f"{_of('webhook', webhook_id)}/test", "POST", query=_given(officer=officer))


def dead_letters(webhook_id: str) -> Question[DeadLetterList]:
    """Events that a webhook's receiver refused."""
    from lfr_ray.alert.dead_letters import DeadLetterList

    return Question(DeadLetterList, f"{_of('webhook', webhook_id)}/dead-letters")


def people() -> Question[PeopleList]:
    """Everybody who has a token or is signed in."""
    return Question(PeopleList, "/v1/people")


def add_person(person: str, role: str, *, days: float = 90.0) -> Question[GivenToken]:
    """Give a person or a service a token; it is in this answer and never again."""
    return Question(GivenToken, "/v1/people", "POST", body=_given(person=person, role=role, days=days))


def revoke_person(person: str) -> Question[None]:
    """End every token and session of a person."""
    return Question(NoneType, f"/v1/people/{quote(person, safe='')}", "DELETE")


def end_session(person: str, session_id: str) -> Question[None]:
    """Sign one console of a person out."""
    return Question(NoneType, f"/v1/people/{quote(person, safe='')}/sessions/{quote(session_id, safe='')}", "DELETE")


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that were said."""
    return {name: value for name, value in fields.items() if value not in (None, "", ())}


def _of(what: str, name: str) -> str:
    """The address of an alert or a webhook."""
    if not name or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name):
        raise NotFoundError(f"no such {what}", got=name[:40], next_step=f"ask for the list of {what}s")
    return f"/v1/{what}s/{name}"


def stranger(server: str) -> FailureError:
    """Nothing of a site came from an address."""
    return FailureError(
        "something else answers at this address",
        got=server,
        allowed="a site of lfr_ray",
        next_step="give its address with --server",
    )


def problem(answer: httpx.Response) -> LfrError:
    """The error that an answer's problem document stands for."""
    by_status = {one.http_status: one for one in (RefusedError, NotFoundError, ConflictError, InputError)}
    kind = {**by_status, 401: RefusedError}.get(answer.status_code, FailureError)
    try:
        document = answer.json()
        fields = [str(document[name]) for name in ("detail", "got", "allowed", "next_step")]
        name = str(document["type"]).rpartition(":")[2].title().replace("-", "") + "Error"
        kind = getattr(errors, name, kind)
    except (ValueError, KeyError, TypeError):
        fields = [f"the server answered with HTTP {answer.status_code}", "", "", "is it a site of lfr_ray?"]
    if answer.status_code == 401:
        fields[3] = f"put the token into the environment variable {TOKEN_ENV}"
    return kind(fields[0], got=fields[1], allowed=fields[2], next_step=fields[3])
