"""A watchlist folder with everything wrong that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.errors import WatchlistError
from lfr_ray.match.watchlist_csv import COLUMNS, entry_id_named
from lfr_ray.match.watchlist_entries import TEST, category_named
from lfr_ray.match.watchlist_folder import read_watchlist_folder

SUFFIXES = {".jpg", ".png"}
HEADER = ",".join(COLUMNS)


def row(entry_id: str, category: str = "suspect", expires_at: str = "2030-01-31", name: str = "A. Person") -> str:
    return f"{entry_id},{name},{category},s. 1 Act,custody,Insp. Gray,{expires_at},stop"


def folder_with(tmp_path: Path, entries: dict[str, list[str]], register: str | bytes | None = None) -> Path:
    folder = tmp_path / "list"
    folder.mkdir()
    for entry_id, files in entries.items():
        (folder / entry_id).mkdir()
        for name in files:
            (folder / entry_id / name).write_bytes(b"x")
    if register is not None:
        (folder / "watchlist.csv").write_bytes(register if isinstance(register, bytes) else register.encode())
    return folder


def reasons(folder: Path) -> dict[str, str]:
    return {one.file: one.reason for one in read_watchlist_folder(folder, SUFFIXES).rejected}


def test_without_csv_every_folder_is_a_test_entry(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"B_2": ["b.JPG", "a.png"], "A 1": ["x.jpg"]})
    found = read_watchlist_folder(folder, SUFFIXES)
    assert [(one.entry.entry_id, one.entry.name, one.entry.category) for one in found.entries] == [
        ("A 1", "A 1", TEST),
        ("B_2", "B_2", TEST),
    ]
    assert [path.name for path in found.entries[1].pictures] == ["a.png", "b.JPG"]
    assert found.rejected == ()


def test_csv_gives_the_fields(tmp_path: Path) -> None:
    header = HEADER + ",nominal_id,rationale,image_date,priority,under_18,under_18_reason,lawful_holding"
    line = row("e1") + ",N-7,seen near the gate,2024-05-01,1,yes,missing child,s. 64A PACE"
    entry = read_watchlist_folder(folder_with(tmp_path, {"e1": ["a.jpg"]}, f"{header}\n{line}\n"), SUFFIXES).entries[0]
    got = entry.entry
    assert (got.name, got.category, got.legal_basis, got.image_source) == (
        "A. Person",
        "suspect",
        "s. 1 Act",
        "custody",
    )
    assert (got.authorised_by, got.action, got.expires_at) == ("Insp. Gray", "stop", 1896048000.0)
    assert (got.nominal_id, got.rationale, got.image_date) == ("N-7", "seen near the gate", 1714521600.0)
    assert (got.priority, got.under_18, got.under_18_reason) == (1, True, "missing child")
    assert got.lawful_holding == "s. 64A PACE"
    assert got.in_force(1896047999.9)
    assert not got.in_force(1896048000.0)
    assert "A. Person" not in repr(got)


def test_bom_blanks_and_carriage_returns_are_harmless(tmp_path: Path) -> None:
    spaced = " , ".join(COLUMNS)
    text = "\ufeff" + spaced + ", ,\r\n\r\n" + row(" e1 ") + ",,\r\n"
    found = read_watchlist_folder(folder_with(tmp_path, {"e1": ["a.jpg"]}, text), SUFFIXES)
    assert [one.entry.entry_id for one in found.entries] == ["e1"]
    assert found.rejected == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (HEADER.replace("category", "kind"), "missing 'category', unknown 'kind'"),
        (HEADER.replace(",action", ""), "missing 'action'"),
        (HEADER + ",action", "twice 'action'"),
        (HEADER.replace(",", "^"), "missing 'entry_id'"),
        (HEADER + '\n"e1,unclosed', "line 2"),
        (HEADER + '\ne1,"a"b,c', "line 2"),
        (HEADER.encode() + b"\ne1,\x81\n", "UTF-8"),
        (HEADER + "\n\0", "zero bytes"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(tmp_path: Path, text: str | bytes, named: str) -> None:
    folder = folder_with(tmp_path, {"e1": ["a.jpg"]}, text)
    with pytest.raises(WatchlistError) as caught:
        read_watchlist_folder(folder, SUFFIXES)
    assert named in str(caught.value)
    assert caught.value.next_step or caught.value.allowed


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (row("e1", expires_at="31.13.2030"), "expires_at is not a date: got '31.13.2030', allowed"),
        (
            row("e1", expires_at="03/04/2030"),
            "expires_at: got '03/04/2030', which is 3 April 2030 or 4 March 2030; write",
        ),
        (row("e1", expires_at="9999-12-31T23:00:00-23:00"), "expires_at is not a date"),
        (row("e1", expires_at=""), "expires_at must not be empty"),
        (row("e1", category="intelligence"), "Court of Appeal"),
        (row("e1", category="other"), "Court of Appeal"),
        (row("e1", category="vip"), "not on the closed list; allowed: wanted-by-court"),
        (row("e1", category=""), "category is empty"),
        (row("../e1"), "is not allowed"),
        (row("e1/../../x"), "is not allowed"),
        (row(".."), "is not allowed"),
        (row("a\\b"), "is not allowed"),
        (row(""), "entry id is empty"),
        (row("e1") + ",more", "cells where the header has"),
        ("e1,only three,cells", "cells where the header has"),
        (row("ok"), "entry id 'ok' stands in line 2 already"),
    ],
)
def test_a_wrong_row_is_rejected_and_the_rest_goes_on(tmp_path: Path, line: str, named: str) -> None:
    folder = folder_with(
        tmp_path, {"ok": ["a.jpg"], "ok2": ["b.jpg"]}, "\n".join([HEADER, row("ok"), line, row("ok2")])
    )
    found = read_watchlist_folder(folder, SUFFIXES)
    assert [one.entry.entry_id for one in found.entries] == ["ok", "ok2"]
    assert [one.file for one in found.rejected] == ["watchlist.csv line 3"]
    assert named in found.rejected[0].reason
    assert "A. Person" not in found.rejected[0].reason


@pytest.mark.parametrize(
    ("column", "cell", "named"),
    [
        ("priority", "9", "priority: got '9', allowed 1"),
        ("priority", "first", "priority: got 'first'"),
        ("under_18", "perhaps", "under_18: got 'perhaps', allowed yes or no"),
        ("under_18", "yes", "under_18_reason is empty"),
        ("image_date", "soon", "image_date is not a date"),
        ("declared_group", "group A", "declared_group is for category blue-list only"),
    ],
)
def test_faults_of_further_columns(tmp_path: Path, column: str, cell: str, named: str) -> None:
    folder = folder_with(tmp_path, {"e1": ["a.jpg"]}, f"{HEADER},{column}\n{row('e1')},{cell}")
    found = read_watchlist_folder(folder, SUFFIXES)
    assert found.entries == ()
    assert [named in one.reason for one in found.rejected] == [True]


def test_rows_and_folders_must_meet(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"e1": ["a.jpg"], "alone": ["b.jpg"]}, f"{HEADER}\n{row('e1')}\n{row('absent')}")
    assert [one.entry.entry_id for one in read_watchlist_folder(folder, SUFFIXES).entries] == ["e1"]
    found = reasons(folder)
    assert "no such folder" in found["absent/"]
    assert "no row for this folder" in found["alone/"]


def test_what_is_no_picture_is_rejected_by_name(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"e1": ["a.jpg", ".hidden.jpg", "notes.txt", "Thumbs.db", "none"], "e2": ["b.txt"]})
    (folder / "e1" / "inner").mkdir()
    (folder / "loose.jpg").write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "..bad").mkdir()
    (folder / "what?").mkdir()
    (folder / "e1" / "gone.jpg").symlink_to(folder / "nowhere")
    found = reasons(folder)
    assert found.keys() == {
        "e1/.hidden.jpg", "e1/notes.txt", "e1/Thumbs.db", "e1/none", "e1/inner", "e1/gone.jpg",
        "loose.jpg", ".DS_Store", "..bad", "what?/", "e2/b.txt", "e2/",
    }  # fmt: skip
    assert found["e1/notes.txt"] == "not a picture: ending .txt, allowed .jpg .png"
    assert "holds no picture" in found["e2/"]
    assert [path.name for path in read_watchlist_folder(folder, SUFFIXES).entries[0].pictures] == ["a.jpg"]


def test_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WatchlistError, match="does not exist"):
        read_watchlist_folder(tmp_path / "nowhere", SUFFIXES)
    (tmp_path / "file").write_text("x")
    with pytest.raises(WatchlistError, match="is not a folder"):
        read_watchlist_folder(tmp_path / "file", SUFFIXES)


def test_an_empty_folder_is_an_empty_list(tmp_path: Path) -> None:
    found = read_watchlist_folder(folder_with(tmp_path, {}), SUFFIXES)
    assert (found.entries, found.rejected) == ((), ())


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Wanted by court", "wanted-by-court"),
        ("order/condition", "order-or-condition"),
        ("MISSING / AT-RISK", "missing-or-at-risk"),
        ("risk_of_harm", "risk-of-harm"),
        ("blue-list", "blue-list"),
    ],
)
def test_spellings_of_categories(text: str, category: str) -> None:
    assert category_named(text) == category


@pytest.mark.parametrize("text", ["A-17", "Lin_Manuel_Miranda", "José Peña", "O'Neil 3", "हिन्दी", "x", "a" * 64])
def test_ids_of_people(text: str) -> None:
    assert entry_id_named(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["a" * 65, "a.", "-a", "a..b", "a/b", "a\\b", "a\nb", "a:b", "a*", "'a", "a\u202eb", "\u0301a"]
)
def test_ids_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        entry_id_named(text)


def test_the_same_name_in_two_encodings_is_one_id(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"Jos\u00e9": ["a.jpg"], "Jose\u0301": ["b.jpg"]})
    found = read_watchlist_folder(folder, SUFFIXES)
    assert len(found.entries) == 1
    assert "same name in another encoding" in found.rejected[0].reason
