"""Who gives a command is proven; what somebody typed as their name decides nothing where officers sign."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lfr_ray.cli.site_option import typed
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, LfrError
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.trust_file import NONE, VARIABLE
from lfr_ray.match.watchlist_store import WatchlistStore
from tests.integration.govern.test_cli import Desk
from tests.trust_tree import TrustTree, give_token


@pytest.fixture
def desk(tmp_path: Path, trust_tree: TrustTree) -> Desk:
    made = Desk(tmp_path, trust_tree)
    made.list_people()
    return made


def followed(desk: Desk) -> LedgerState:
    state = LedgerState(DataDir(desk.data_dir))
    state.follow()
    return state


@pytest.mark.parametrize("token", ["", "lfr_nobody", "viewer"])
def test_a_typed_name_decides_nothing(desk: Desk, token: str) -> None:
    give_token(DataDir(desk.data_dir), "admin-1", "administrator")
    desk.token = give_token(DataDir(desk.data_dir), "v-1", "viewer") if token == "viewer" else token
    desk("deployment", "stop", "--reason", "disorder", "--by", "sup-1")
    before = followed(desk)
    assert before.stop is not None
    assert before.stop.by == ("v-1" if token == "viewer" else "typed:sup-1"), "a stop asks nobody for proof"
    for words in (
        ("deployment", "resume", "--reason", "calm"),
        ("deployment", "listed", "N2", "--reason", "request 7"),
        ("audit", "export", "-"),
        ("watchlist", "list"),
        ("watchlist", "show", "e1"),
        ("watchlist", "remove", "e1"),
        ("watchlist", "approve"),
        ("people", "add", "sup-2", "--role", "supervisor"),
        ("people", "revoke", "sup-1"),
    ):
        with pytest.raises(LfrError, match=r"typed name decides nothing|for another role"):
            desk(*words, "--by", "sup-1")
    assert followed(desk).count == before.count


def test_who_is_proven_is_recorded_whatever_they_typed(desk: Desk) -> None:
    desk("deployment", "stop", "--reason", "disorder")
    desk("deployment", "resume", "--reason", "calm", "--by", "somebody-else")
    desk("deployment", "stop", "--reason", "again")
    desk("deployment", "resume", "--reason", "calm", "--key", desk.key("supt-1", "superintendent"))
    lifted = [one["actor"] for one in read_records(DataDir(desk.data_dir)) if one["what"] == "matching resumed"]
    assert lifted == ["sup-1", "supt-1"]
    with pytest.raises(AuthorityError, match="somebody with the role authoriser; got: a key of the role approver"):
        desk("deployment", "resume", "--reason", "x", "--key", desk.key("insp-7", "inspector", "approver"))


def test_that_a_site_file_says_test_proves_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))
    desk.token = ""
    desk.site.write_text(desk.site.read_text() + "    authority: {kind: test}\n")
    monkeypatch.setenv(VARIABLE, NONE)
    with pytest.raises(AuthorityError, match="a typed name decides nothing"):
        desk("watchlist", "list")


def test_entries_of_somebody_who_proved_nothing_open_nothing(desk: Desk) -> None:
    store = WatchlistStore(desk.data_dir / "watchlist")
    store.put([replace(store.images("e1")[0], imported_by=typed("op-9"), file_sha256="9" * 64)])
    desk("watchlist", "approve", "--key", desk.key("insp-7", "inspector", "approver"))
    with pytest.raises(AuthorityError, match="typed:op-9 imported entries of the list and proved nothing"):
        desk("deployment", "open", "--from", desk.plan(), "--key", desk.key("supt-1", "superintendent"))
