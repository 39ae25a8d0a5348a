"""Tables as spreadsheets write them: their encodings and separators, and dates as people in Europe type them.

What has one meaning is read. What has two is refused with both: a name or a date must not be guessed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from datetime import date

from lfr_ray.clock import parse_utc
from lfr_ray.errors import WatchlistError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

DATES = "a date like 2030-01-31, 31.01.2030 or 2030-01-31T18:00:00Z"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins like that of UTF-16."""

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of Excel and LibreOffice begin, new and old."""

_ACCENTED = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0178"
_CAPITALS = "\u00c0-\u00d6\u00d8-\u00de\u0152\u0160\u017d\u0178"
_SMALL = "a-z\u00df-\u00f6\u00f8-\u00ff\u0153\u0161\u017e"
_LETTERS = "A-Za-z" + _ACCENTED
_QUOTES = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_SIGNS = "\u20ac\u00a3\u00a7\u00b0\u00a9\u00ae\u2122\u2026"
_HARMLESS = "\u2013\u2014\u00aa\u00ba\u00b7\u00a0"
_NOT_WESTERN = re.compile(
    f"[{_ACCENTED}]{{3}}"  # three accented letters in a row: Cyrillic or Greek
    f"|[{_SMALL}][{_CAPITALS}]"  # an accented capital inside a word: from an old Macintosh
    f"|[{_LETTERS}][{_SIGNS}{_QUOTES.replace(_QUOTES[1], '')}][{_LETTERS}]"  # a sign inside a word: from DOS
    f"|[^\x00-\x7f{_LETTERS}{_QUOTES}{_SIGNS}{_HARMLESS}]"  # signs that no list of people holds: Central Europe
)
"""What shows that text in one of the 8-bit encodings is not in Windows' Western one."""

_TOLD = re.compile(rb"\s*\"?encoding=([\w-]+)\"?[,;\t|]*(?=\r|\n)", re.IGNORECASE)
"""A first line like ``encoding=windows-1250``: whoever saved the table answers what its bytes do not say."""

_ANSWERS = {"windows-1250": "cp1250", "windows-1252": "cp1252", "utf-8": "utf-8"}

_DAY = re.compile(r"(\d{1,4})\s*([./-])\s*(\d{1,2})\s*\2\s*(\d{1,4})(?:[ T]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_EXCEL_DAY = re.compile(r"\d{5}(?:[.,]\d+)?")


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """The text of a table and, where that was not plain, how it was read; errors call the file by ``name``.

    Raises:
        WatchlistError: It is no text, or nobody can tell in which encoding.

    >>> decoded("é;ü".encode("cp1252"), "list.csv")[0]
    'é;ü'
    """
    if data.startswith(_WORKBOOKS):
        raise WatchlistError(
            f"{name} is a workbook under another name", next_step="save it as CSV in UTF-8 (in Excel: `CSV UTF-8`)"
        )
    told = _TOLD.match(data)
    if told:
        return _as_told(data[told.end() :], told[1].decode("ascii").lower(), name), ""
    refused = "zero bytes"
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", ""))
    data = data[len(mark) :]
    encoding = encoding or _without_mark(data)
    try:
        text = data.decode(encoding)
        if "\0" not in text:
            return text, ""
    except UnicodeDecodeError as error:
        refused = f"byte {error.start} is not {encoding.upper()}"
    if encoding == "utf-8" and "\0" not in data.decode("latin-1"):
        text = data.decode("cp1252", "replace")
        if "\ufffd" not in text and not _NOT_WESTERN.search(text):
            _check_one_meaning(text, data.decode("cp1250", "replace"), name)
            said = "read as Windows-1252, because it is not UTF-8; if accented letters are wrong, save it as CSV UTF-8"
            return text, said
        refused += ", and not surely Windows-1252 either"
    raise WatchlistError(
        f"{name} is text in an encoding that nobody can tell" if refused != "zero bytes" else f"{name} is not text",
        got=refused,
        allowed="UTF-8, UTF-16, or Windows-1252 (Western Europe)",
        next_step="save it as CSV in UTF-8 (in Excel: `CSV UTF-8`)",
    )


def _as_told(data: bytes, said: str, name: str) -> str:
    """The table behind a first line that names its encoding; that line stays as an empty one, so that lines count."""
    try:
        return data.decode(_ANSWERS[said])
    except (KeyError, UnicodeDecodeError):
        raise WatchlistError(
            f"{name} is not in the encoding that its first line names", got=said[:40], allowed=", ".join(_ANSWERS)
        ) from None


def _check_one_meaning(western: str, central: str, name: str) -> None:
    """Refuse bytes that are one letter in Western and another one in Central Europe: a name must not be guessed."""
    both = {(one, other) for one, other in zip(western, central, strict=True) if one != other}
    # What is no letter in Central Europe was not written there.
    if not both or not all(other.isalpha() for _, other in both):
        return
    shown = ", ".join(f"{one} or {other}" for one, other in sorted(both)[:8])
    raise WatchlistError(
        f"letters of {name} have two readings",
        got=f"{shown}: in Windows-1252 (Western Europe) or in Windows-1250 (Central Europe)",
        allowed="CSV in UTF-8, or a first line encoding=windows-1252 or encoding=windows-1250",
        next_step="save it as CSV in UTF-8 (in Excel: `CSV UTF-8`), or write such a line above the header",
    )


def _without_mark(data: bytes) -> str:
    """UTF-16 is known by its zeros: of a table's first line every second byte is one."""
    head = data[:64]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2], head[1 - first :: 2]
        if len(data) % 2 == 0 and len(zeros) > 4 and not any(zeros[:8]) and all(others[:8]):
            return encoding
    return "utf-8"


def lines_of(text: str, columns: Collection[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank; errors call the file by ``name``.

    The separator is the one that shows the most of the known columns in the first line, or what Excel's line
    ``sep=;`` says.

    Raises:
        WatchlistError: A line has quotes that do not close.
    """
    text = text.lstrip("\ufeff").rstrip("\x1a\0")
    told = re.match(r"\s*\"?sep=(.)\"?\s*(?:\r\n|\r|\n)", text, re.IGNORECASE)
    skipped = 0
    if told:
        separator, text, skipped = told[1], text[told.end() :], len(text[: told.end()].splitlines())
    else:
        first = next((line for line in text.splitlines() if line.strip(' \t,;|"')), "")
        separator = max(SEPARATORS, key=lambda one: sum(column_named(cell) in columns for cell in _cells(first, one)))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    while True:
        number = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise WatchlistError(
                f"{name} is not CSV", got=f"line {number}: {error}", next_step="correct the quotes in that line"
            ) from None
        if any(cell.strip() for cell in cells):
            yield number, cells


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def column_named(cell: str) -> str:
    """A column's name in its one spelling.

    >>> column_named(" Entry-ID "), column_named("Legal  basis")
    ('entry_id', 'legal_basis')
    """
    return "_".join(cell.replace("-", " ").replace("_", " ").lower().split())


def moment_of(text: str) -> float:
    """Seconds since 1970 UTC of a date, with or without a time; a date alone means its first moment.

    Raises:
        ValueError: It is no date, or it has two readings; the text says which.

    >>> moment_of("31.12.2030") == moment_of("31/12/2030") == moment_of("2030-12-31")
    True
    >>> moment_of("03/04/2030")
    Traceback (most recent call last):
    ...
    ValueError: got '03/04/2030', which is 3 April 2030 or 4 March 2030; write 2030-04-03 or 2030-03-04
    """
    plain = " ".join(text.split())
    found = _DAY.fullmatch(plain)
    if found is None:
        if _EXCEL_DAY.fullmatch(plain):
            raise ValueError(f"got {plain!r}, a number of days as Excel counts them; give the column the format date")
        return _iso(plain)
    first, sign, middle, last, clock = found.groups()
    if len(first) == 4:
        return _iso(f"{first}-{middle:0>2}-{last:0>2}", clock)
    if len(last) != 4:
        raise ValueError(f"got {plain[:40]!r}; write the year with four digits")
    by_day = _day(last, middle, first)
    # With dots the day stands first everywhere; with strokes it depends on the country.
    by_month = None if sign == "." else _day(last, first, middle)
    if by_day and by_month and by_day != by_month:
        readings = " or ".join(f"{one.day} {one:%B} {one.year}" for one in (by_day, by_month))
        raise ValueError(f"got {plain!r}, which is {readings}; write {by_day} or {by_month}")
    chosen = by_day or by_month
    if chosen is None:
        raise ValueError(f"is not a date: got {plain[:40]!r}, allowed {DATES}")
    return _iso(str(chosen), clock)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _iso(day: str, clock: str | None = None) -> float:
    try:
        return parse_utc(day if clock is None else f"{day}T{clock:0>5}")
    except (ValueError, OverflowError):
        raise ValueError(f"is not a date: got {day[:40]!r}, allowed {DATES}") from None
