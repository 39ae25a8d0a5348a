"""Watchlists as spreadsheets save them: what has one meaning is read, what has two is refused with both."""

from __future__ import annotations

import codecs
import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfr_ray.clock import parse_utc
from lfr_ray.errors import WatchlistError
from lfr_ray.match.csv_encodings import decoded, moment_of
from lfr_ray.match.watchlist_csv import COLUMNS, read_register
from lfr_ray.match.watchlist_entries import Entry
from lfr_ray.match.watchlist_folder import read_watchlist_folder

NAME = "Jürgen Groß-Müller"
CELLS = ("e1", NAME, "suspect", "§ 163 StPO", "custody, 2024", 'Insp. "Red" Gray', "31.12.2030", "stop; ask")


def table(separator: str, end: str = "\r\n", header: tuple[str, ...] = COLUMNS) -> str:
    """A table whose cells are all quoted as a spreadsheet quotes them."""
    quoted = (cell.replace('"', '""') for cell in CELLS)
    return separator.join(header) + end + separator.join(f'"{cell}"' for cell in quoted) + end


def read(tmp_path: Path, data: bytes) -> Entry:
    path = tmp_path / "watchlist.csv"
    path.write_bytes(data)
    register = read_register(path)
    assert register.rejected == ()
    return register.drafts["e1"].entry


def is_right(entry: Entry) -> bool:
    expires_at = parse_utc("2030-12-31")
    said = (entry.entry_id, entry.name, entry.category, entry.legal_basis, entry.image_source, entry.authorised_by)
    return said == CELLS[:6] and entry.expires_at == expires_at and entry.action == CELLS[7]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "cp1252"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_every_usual_way_to_save_a_table_is_read(
    tmp_path: Path, separator: str, end: str, mark: bytes, encoding: str
) -> None:
    assert is_right(read(tmp_path, mark + table(separator, end).encode(encoding)))


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\r"])
def test_excels_line_about_the_separator_is_obeyed_and_lines_are_counted_with_it(tmp_path: Path, first: str) -> None:
    assert is_right(read(tmp_path, (first + table(";")).encode()))
    (tmp_path / "watchlist.csv").write_text(first + table(";") + "../x" + ";" * 7 + "\n", newline="")
    assert [one.file for one in read_register(tmp_path / "watchlist.csv").rejected] == ["watchlist.csv line 4"]


def test_headers_in_capitals_with_blanks_and_hyphens_are_the_same_columns(tmp_path: Path) -> None:
    header = (" Entry ID ", "NAME", "Category", "Legal-Basis", "image source", "Authorised By", "Expires_At", "Action ")
    assert is_right(read(tmp_path, table(";", header=header).encode("cp1252")))


@pytest.mark.parametrize("tail", ["\n\n\n", ";;;;;;;;;;\r\n;;;\r\n", "   \n\t\n", "\x1a"])
def test_empty_lines_and_columns_behind_the_table_are_nothing(tmp_path: Path, tail: str) -> None:
    assert is_right(read(tmp_path, (table(";") + tail).encode()))
    wide = "\r\n".join(line + ";;;" for line in table(";").splitlines())
    assert is_right(read(tmp_path, wide.encode()))


def test_empty_cells_that_a_spreadsheet_left_away_are_empty(tmp_path: Path) -> None:
    header = (*COLUMNS, "nominal_id", "priority")
    assert read(tmp_path, table(",", header=header).encode()).priority == 3


def test_western_letters_without_unicode_are_read_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.csv"
    path.write_bytes(table(";").encode("cp1252"))
    said = read_register(path).notes
    assert [one.file for one in said] == ["watchlist.csv"]
    assert "Windows-1252" in said[0].note
    assert NAME not in said[0].note
    path.write_bytes(table(";").encode())
    assert read_register(path).notes == ()


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Иван Петров", "cp1251"),
        ("Иван Петров", "koi8-r"),
        ("Γιώργος Παπαδόπουλος", "cp1253"),
        ("Łukasz Wałęsa", "cp1250"),
        ("Łukasz Wałęsa", "iso-8859-2"),
        ("Jürgen Groß", "cp850"),
        ("José Peña", "cp850"),
        ("José Peña", "mac-roman"),
        ("山田太郎", "shift-jis"),
    ],
)
def test_an_encoding_that_cannot_be_told_is_refused_and_no_name_is_guessed(name: str, encoding: str) -> None:
    with pytest.raises(WatchlistError) as caught:
        decoded(table(";").replace(NAME, name).replace("§", "s.").encode(encoding), "watchlist.csv")
    assert "UTF-8" in caught.value.allowed
    assert "CSV" in caught.value.next_step
    assert name not in str(caught.value)


@pytest.mark.parametrize("name", ["Zoë Müller", "Noël Šimon", "José Groß", "Ádám Öz", "Renée D\u2019Arc"])
def test_letters_that_are_the_same_in_western_and_central_europe_are_read(name: str) -> None:
    assert decoded(name.encode("cp1252"), "watchlist.csv")[0] == name
    assert decoded(name.encode("cp1250"), "watchlist.csv")[0] == name


@pytest.mark.parametrize(
    ("western", "central"), [("è", "č"), ("ø", "ř"), ("ñ", "ń"), ("ã", "ă"), ("Œ", "Ś"), ("Å", "Ĺ"), ("õ", "ő")]
)
def test_letters_that_differ_are_asked_for_and_no_name_is_shown(western: str, central: str) -> None:
    data = table(";").replace(NAME, f"{western}se Ha").encode("cp1252")
    with pytest.raises(WatchlistError, match=f"{western} or {central}") as caught:
        decoded(data, "watchlist.csv")
    assert "UTF-8" in caught.value.allowed
    assert "se Ha" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "codec", "name"),
    [("windows-1252", "cp1252", "Thérèse Møller"), ("windows-1250", "cp1250", "Dvořák"), ("UTF-8", "utf-8", "Dvořák")],
)
@pytest.mark.parametrize("first", ["encoding={}\r\n", '"encoding={}";;;;\n', "encoding={}\nsep=;\n"])
def test_the_first_line_answers_which_encoding_it_is(
    tmp_path: Path, first: str, said: str, codec: str, name: str
) -> None:
    data = (first.format(said) + table(";").replace(NAME, name) + "../x" + ";" * 7 + "\n").encode(codec)
    (tmp_path / "watchlist.csv").write_bytes(data)
    register = read_register(tmp_path / "watchlist.csv")
    assert register.drafts["e1"].entry.name == name
    assert [one.file for one in register.rejected] == [f"watchlist.csv line {first.count(chr(10)) + 3}"]


def test_an_answer_that_is_wrong_is_told() -> None:
    for data in (b"encoding=klingon\nentry_id", b"encoding=utf-8\n\xe8"):
        with pytest.raises(WatchlistError, match="its first line names"):
            decoded(data, "watchlist.csv")


@pytest.mark.parametrize(
    "text",
    ["31.12.2030", "31/12/2030", "12/31/2030", "31-12-2030", "2030-12-31", "2030/12/31", "2030.12.31", "31. 12. 2030"],
)
def test_dates_of_one_reading(text: str) -> None:
    assert moment_of(text) == parse_utc("2030-12-31")
    assert moment_of(f" {text}  18:30 ") == parse_utc("2030-12-31T18:30")


@pytest.mark.parametrize(
    ("text", "day"), [("1.2.2030", "2030-02-01"), ("05/05/2030", "2030-05-05"), ("29.02.2028", "2028-02-29")]
)
def test_dots_mean_that_the_day_stands_first(text: str, day: str) -> None:
    assert moment_of(text) == parse_utc(day)


@pytest.mark.parametrize("text", ["03/04/2030", "3/4/2030", "03-04-2030", "03/04/2030 18:00"])
def test_a_date_of_two_readings_is_refused_with_both(text: str) -> None:
    with pytest.raises(ValueError, match=r"3 April 2030 or 4 March 2030; write 2030-04-03 or 2030-03-04") as caught:
        moment_of(text)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("31.12.30", "four digits"),
        ("47848", "as Excel counts"),
        ("31.02.2030", "is not a date"),
        ("13/13/2030", "is not a date"),
        ("31.12.2030 25:00", "is not a date"),
        ("next year", "is not a date"),
        ("31.12-2030", "is not a date"),
    ],
)
def test_what_is_no_date_says_so(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        moment_of(text)


@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_day_with_dots_is_itself(day: date) -> None:
    assert moment_of(f"{day.day}.{day.month}.{day.year}") == parse_utc(str(day))


@given(st.text(max_size=24))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(moment_of(text), float)


@pytest.mark.parametrize("name", ["Watchlist.csv", "WATCHLIST.CSV"])
def test_the_case_of_the_files_name_does_not_matter(tmp_path: Path, name: str) -> None:
    (tmp_path / "e1").mkdir()
    (tmp_path / "e1" / "1.jpg").write_bytes(b"x")
    (tmp_path / name).write_text(table(";"))
    found = read_watchlist_folder(tmp_path, {".jpg"})
    assert [one.entry.category for one in found.entries] == ["suspect"]
    assert found.rejected == ()


@pytest.mark.parametrize("name", ["watchlist.xlsx", "Watchlist.ods", "watchlist.txt", "watchlist.tsv"])
def test_a_table_in_another_format_is_refused_instead_of_overlooked(tmp_path: Path, name: str) -> None:
    (tmp_path / "e1").mkdir()
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(WatchlistError) as caught:
        read_watchlist_folder(tmp_path, {".jpg"})
    assert caught.value.got == name
    assert "CSV UTF-8" in caught.value.next_step


def test_faces_are_named_for_an_entry_or_a_picture(tmp_path: Path) -> None:
    (tmp_path / "e1").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / "e1" / name).write_bytes(b"x")
    lines = table(";", "\n").splitlines()
    for cell, faces in (("2", {"": 2}), ('"1.jpg=2; 2.jpg=1"', {"1.jpg": 2, "2.jpg": 1}), ("", {})):
        (tmp_path / "watchlist.csv").write_text(f"{lines[0]};Face\n{lines[1]};{cell}\n")
        found = read_watchlist_folder(tmp_path, {".jpg"})
        assert found.entries[0].faces == faces
        assert found.rejected == ()
    for cell, said in (("0", "face: got '0'"), ("left", "face: got 'left'"), ("9.jpg=1", "there is none")):
        (tmp_path / "watchlist.csv").write_text(f"{lines[0]};Face\n{lines[1]};{cell}\n")
        assert any(said in one.reason for one in read_watchlist_folder(tmp_path, {".jpg"}).rejected)


@pytest.mark.parametrize("head", [b"PK\x03\x04\x14", b"\xd0\xcf\x11\xe0\xa1\xb1"], ids=["xlsx", "xls"])
def test_a_workbook_under_another_name_is_called_that(head: bytes) -> None:
    with pytest.raises(WatchlistError, match="is a workbook under another name; next: save it as CSV"):
        decoded(head + bytes(range(256)), "watchlist.csv")
