"""Who may use the site, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lfr_ray.api.people_routes import people_list
from lfr_ray.errors import StoreError
from lfr_ray.govern.signing_keys import PublicKey
from lfr_ray.people.tokens_and_sessions import Held

Check = Callable[..., dict[str, Any]]
NOW_S = 1_700_000_001.0


@pytest.fixture
def admin(guarded: Any) -> dict[str, str]:
    headers: dict[str, str] = guarded.by("ADM1", "administrator")
    return headers


def test_a_token_is_shown_once_works_and_is_revoked(guarded: Any, admin: dict[str, str]) -> None:
    made = guarded.post("/v1/people", {"person": "PC7", "role": "officer", "days": 30}, headers=admin)
    assert made.status_code == 201
    given = made.json()
    assert (given["person"], given["role"], given["expires_at"]) == ("PC7", "officer", "2023-12-14T22:13:21.000Z")
    theirs = {"Authorization": f"Bearer {given['token']}"}
    guarded.post("/v1/session", headers=theirs)
    assert guarded.get("/v1/alerts", headers=theirs).status_code == 200
    answer = guarded.get("/v1/people", headers=admin)
    mine, other = answer.json()["people"]
    assert (mine["person"], mine["sessions"]) == ("ADM1", [])
    assert (other["person"], other["role"], other["token_until"]) == ("PC7", "officer", given["expires_at"])
    assert other["training_until"] is None
    assert [one["since"] for one in other["sessions"]] == ["2023-11-14T22:13:21.000Z"]
    kept = guarded.people.all()
    assert not any(one.sha256 in answer.text for one in kept)
    assert given["token"] not in answer.text
    assert guarded.ask("DELETE", "/v1/people/pc7", headers=admin).status_code == 204
    assert guarded.get("/v1/alerts", headers=theirs).status_code == 401
    changes = [(kind, one["by"], one["person"]) for kind, one in guarded.ledger if kind.startswith("token")]
    assert changes == [("token_given", "ADM1", "PC7"), ("tokens_revoked", "ADM1", "pc7")]
    assert given["token"] not in str(guarded.ledger)


def test_one_session_ends_and_everything_else_stays(guarded: Any, admin: dict[str, str], check_problem: Check) -> None:
    theirs = {"Authorization": f"Bearer {guarded.token('PC7', 'officer')}"}
    for _ in range(2):
        guarded.post("/v1/session", headers=theirs)
    listed = guarded.get("/v1/people", headers=admin).json()["people"]
    first, second = next(one["sessions"] for one in listed if one["person"] == "PC7")
    assert not any(one.sha256.startswith(first["id"]) for one in guarded.people.all())
    path = f"/v1/people/pc7/sessions/{first['id']}"
    assert guarded.ask("DELETE", path, headers=admin).status_code == 204
    check_problem(guarded.ask("DELETE", path, headers=admin), 404)
    check_problem(guarded.ask("DELETE", f"/v1/people/ADM1/sessions/{second['id']}", headers=admin), 404)
    left = [one for one in guarded.people.all() if one.person == "PC7"]
    assert sorted(one.kind for one in left) == ["session", "token"]
    assert [one.session_id for one in left if one.kind == "session"] == [second["id"]]
    assert guarded.get("/v1/alerts", headers=theirs).status_code == 200
    ended = [(one["by"], one["person"]) for kind, one in guarded.ledger if kind == "session_ended"]
    assert ended == [("ADM1", "pc7")]


def test_the_officer_of_a_test_needs_no_session_and_gives_tokens_out(house: Any, check_problem: Check) -> None:
    check_problem(house.post("/v1/session"), 403, "refused")
    assert house.post("/v1/people", {"person": "PC7", "role": "viewer"}).status_code == 201
    assert [one["person"] for one in house.get("/v1/people").json()["people"]] == ["PC7"]


def test_what_cannot_be_is_refused(guarded: Any, admin: dict[str, str], check_problem: Check) -> None:
    check_problem(guarded.post("/v1/people", {"person": "ADM1", "role": "officer"}, headers=admin), 409)
    check_problem(guarded.post("/v1/people", {"person": "A B", "role": "officer"}, headers=admin), 422)
    check_problem(guarded.post("/v1/people", {"person": "PC7", "role": "king"}, headers=admin), 422)
    check_problem(guarded.post("/v1/people", {"person": "PC7", "role": "officer", "days": 367}, headers=admin), 422)
    check_problem(guarded.ask("DELETE", "/v1/people/PC9", headers=admin), 404)
    refused = check_problem(guarded.ask("DELETE", "/v1/people/adm1", headers=admin), 403)
    assert refused["detail"] == "nobody revokes themselves"
    assert [kind for kind, _ in guarded.ledger if kind.startswith("token")] == []


def test_what_is_not_on_record_was_not_given_out(
    guarded: Any, admin: dict[str, str], check_problem: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreError("the ledger has no room")

    monkeypatch.setattr(guarded.desk, "people_changed", full)
    before = guarded.people.all()
    check_problem(guarded.post("/v1/people", {"person": "PC7", "role": "officer"}, headers=admin), 503)
    assert guarded.people.all() == before
    guarded.token("PC8", "officer")
    check_problem(guarded.ask("DELETE", "/v1/people/PC8", headers=admin), 503)
    assert {one.person for one in guarded.people.all()} == {"ADM1", "PC8"}


def test_the_training_is_that_of_the_certificate_and_ended_sessions_are_left_out() -> None:
    held = (
        Held("PC1", "officer", "token", "a" * 64, NOW_S - 10, NOW_S + 10),
        Held("PC1", "officer", "session", "b" * 64, NOW_S - 10, NOW_S - 1),
        Held("pc0", "viewer", "session", "c" * 64, NOW_S - 5, NOW_S + 5),
    )
    keys = [
        PublicKey(id="a" * 16, holder="pc1", public="b" * 64, training_until=NOW_S + 100),
        PublicKey(id="b" * 16, holder="PC1", public="c" * 64, training_until=NOW_S + 900, revoked_at=NOW_S - 1),
    ]
    issued, officer = people_list(held, keys, NOW_S).people
    assert (issued.person, issued.token_until, len(issued.sessions)) == ("pc0", None, 1)
    assert (officer.training_until, officer.sessions) == (NOW_S + 100, ())
