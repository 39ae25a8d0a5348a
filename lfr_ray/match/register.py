"""watchlist.csv: one row an entry; a wrong row is rejected by its line, a wrong header rejects the file."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfr_ray.clock import parse_utc
from lfr_ray.errors import WatchlistError
from lfr_ray.match.entries import BLUE_LIST, TEST, Entry, Rejected, category_named

REGISTER = "watchlist.csv"
COLUMNS = ("entry_id", "name", "category", "legal_basis", "image_source", "authorised_by", "expires_at", "action")
FURTHER_COLUMNS = (
    "nominal_id",
    "rationale",
    "image_date",
    "priority",
    "under_18",
    "under_18_reason",
    "lawful_holding",
    "declared_group",
)
NEEDED = ("legal_basis", "image_source", "authorised_by", "expires_at")
"""Cells that an entry of any category but ``test`` must fill."""

FIRST_S, LAST_S = -2_208_988_800.0, 253_402_300_799.0
"""Dates are taken from 1900 to 9999."""

PRIORITIES = range(1, 6)
_YES = frozenset({"yes", "true", "1", "y"})
_NO = frozenset({"", "no", "false", "0", "n"})
_ID_MARKS = frozenset(" ._-'")
LONGEST_ID = 64
_HEADER_HELP = f"the columns {', '.join(COLUMNS)}, and where wanted {', '.join(FURTHER_COLUMNS)}, separated by commas"


@dataclass(frozen=True, slots=True)
class Register:
    """What the CSV says: entries by id, faults by line, and every id that was named, right or wrong."""

    entries: Mapping[str, Entry]
    rejected: tuple[Rejected, ...]
    named: frozenset[str]


def entry_id_named(text: str) -> str:
    """An entry id in its one spelling.

    Raises:
        ValueError: It cannot be an id: ids become folder names and parts of URLs.

    >>> entry_id_named(" A-17 ")
    'A-17'
    >>> entry_id_named("../secret")
    Traceback (most recent call last):
    ...
    ValueError: entry id '../secret' is not allowed; allowed: 1 to 64 letters, digits, blanks and . _ - ', \
beginning with a letter or digit, not ending in a dot or blank, without '..'
    """
    plain = unicodedata.normalize("NFC", text.strip())
    if not plain:
        raise ValueError("entry id is empty")
    if not _is_id(plain):
        raise ValueError(
            f"entry id {plain[:70]!r} is not allowed; allowed: 1 to 64 letters, digits, blanks and . _ - ', "
            "beginning with a letter or digit, not ending in a dot or blank, without '..'"
        )
    return plain


def _is_id(text: str) -> bool:
    # Combining marks (category M) are part of the letters of many scripts.
    fits = all(sign.isalnum() or sign in _ID_MARKS or unicodedata.category(sign)[0] == "M" for sign in text)
    return fits and text[0].isalnum() and text[-1] not in " ." and ".." not in text and len(text) <= LONGEST_ID


def read_register(path: Path) -> Register:
    """Read a watchlist.csv.

    Raises:
        WatchlistError: The file cannot be read as CSV in UTF-8, or its header is wrong.
    """
    lines = _lines(_text(path))
    first = next(lines, None)
    if first is None:
        raise WatchlistError(f"{REGISTER} is empty", allowed=_HEADER_HELP, next_step="give it a header and rows")
    header = _header(first[1])
    place = header.index("entry_id")
    entries: dict[str, Entry] = {}
    line_of: dict[str, int] = {}
    named: set[str] = set()
    rejected: list[Rejected] = []
    for number, cells in lines:
        try:
            entry_id = entry_id_named(cells[place] if len(cells) > place else "")
            named.add(entry_id)
            row = _row(header, cells)
            if entry_id in line_of:
                raise ValueError(f"entry id {entry_id!r} stands in line {line_of[entry_id]} already")
            line_of[entry_id] = number
            entries[entry_id] = _entry(entry_id, row)
        except ValueError as error:
            rejected.append(Rejected(f"{REGISTER} line {number}", str(error)))
    return Register(entries, tuple(rejected), frozenset(named))


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise WatchlistError(
            f"{REGISTER} is not text in UTF-8",
            got=f"byte {error.start} cannot be decoded",
            next_step="save it as CSV in UTF-8",
        ) from None
    except OSError as error:
        raise WatchlistError(f"{REGISTER} cannot be read", got=error.strerror or type(error).__name__) from None
    if "\0" in text:
        raise WatchlistError(f"{REGISTER} is not text", got="zero bytes", next_step="save it as CSV in UTF-8")
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise WatchlistError(
                f"{REGISTER} is not CSV", got=f"line {number}: {error}", next_step="correct the quotes in that line"
            ) from None
        if any(cell.strip() for cell in cells):
            yield number, cells


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    header = tuple(cell.strip() for cell in cells)
    while header and not header[-1]:
        header = header[:-1]
    known = {*COLUMNS, *FURTHER_COLUMNS}
    faults = [f"missing {name!r}" for name in COLUMNS if name not in header]
    faults += [f"unknown {name[:40]!r}" for name in header if name not in known]
    faults += [f"twice {name!r}" for name in sorted(known) if header.count(name) > 1]
    if faults:
        raise WatchlistError(
            f"{REGISTER} has wrong columns",
            got=", ".join(faults),
            allowed=_HEADER_HELP,
            next_step="correct the first line; nothing was imported",
        )
    return header


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    filled = [cell.strip() for cell in cells]
    if len(filled) < len(header) or any(filled[len(header) :]):
        raise ValueError(f"{len(filled)} cells where the header has {len(header)}")
    return dict(zip(header, filled, strict=False))


def _entry(entry_id: str, row: Mapping[str, str]) -> Entry:
    category = category_named(row["category"])
    under_18 = _flag("under_18", row)
    reason = row.get("under_18_reason", "")
    if under_18 and not reason:
        raise ValueError("the person is under 18 and under_18_reason is empty: say why they must be on the list")
    empty = [name for name in NEEDED if not row[name]]
    if category != TEST and empty:
        raise ValueError(f"{', '.join(empty)} must not be empty for category {category}")
    group = row.get("declared_group", "")
    if group and category != BLUE_LIST:
        raise ValueError(f"declared_group is for category {BLUE_LIST} only: nobody else is sorted into groups")
    return Entry(
        entry_id=entry_id,
        name=row["name"] or entry_id,
        category=category,
        legal_basis=row["legal_basis"],
        image_source=row["image_source"],
        authorised_by=row["authorised_by"],
        expires_at=_moment("expires_at", row),
        action=row["action"],
        nominal_id=row.get("nominal_id", ""),
        rationale=row.get("rationale", ""),
        image_date=_moment("image_date", row),
        priority=_priority(row.get("priority", "")),
        under_18=under_18,
        under_18_reason=reason,
        lawful_holding=row.get("lawful_holding", ""),
        declared_group=group,
    )


def _moment(column: str, row: Mapping[str, str]) -> float | None:
    return _parsed(column, row.get(column, ""), parse_utc, "a date like 2030-01-31 or 2030-01-31T18:00:00Z")


def _parsed(column: str, text: str, parse: Callable[[str], float], allowed: str) -> float | None:
    if not text:
        return None
    try:
        moment_s = parse(text)
        if not FIRST_S <= moment_s <= LAST_S:
            raise ValueError
        return moment_s
    except (ValueError, OverflowError):
        raise ValueError(f"{column} is not a date: got {text[:40]!r}, allowed {allowed}") from None


def _priority(text: str) -> int:
    if not text:
        return 3
    if not (text.isascii() and text.isdigit()) or int(text[:4]) not in PRIORITIES:
        raise ValueError(f"priority: got {text[:20]!r}, allowed {PRIORITIES.start} (first) to {PRIORITIES.stop - 1}")
    return int(text)


def _flag(column: str, row: Mapping[str, str]) -> bool:
    text = row.get(column, "").lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError(f"{column}: got {text[:20]!r}, allowed yes or no")
