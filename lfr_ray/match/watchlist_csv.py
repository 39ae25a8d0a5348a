"""watchlist.csv: one row an entry; a wrong row is rejected by its line, a wrong header rejects the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfr_ray.errors import WatchlistError
from lfr_ray.match.csv_encodings import DATES, SEPARATORS, column_named, decoded, lines_of, moment_of
from lfr_ray.match.watchlist_entries import BLUE_LIST, TEST, Crop, Entry, EntryDraft, Note, Rejected, category_named

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
    "face",
    "crop",
)
NEEDED = ("legal_basis", "image_source", "authorised_by", "expires_at")
"""Cells that an entry of any category but ``test`` must fill."""

FIRST_S, LAST_S = -2_208_988_800.0, 253_402_300_799.0
"""Dates are taken from 1900 to 9999."""

PRIORITIES = range(1, 6)
_CROP = re.compile(r"(?:(.*\S.*)=)?\s*(\d{1,5})[\s,]+(\d{1,5})[\s,]+(\d{1,5})[\s,]+(\d{1,5})\s*", re.ASCII)
_YES = frozenset({"yes", "true", "1", "y"})
_NO = frozenset({"", "no", "false", "0", "n"})
_ID_MARKS = frozenset(" ._-'")
LONGEST_ID = 64
_HEADER_HELP = f"the columns {', '.join(COLUMNS)}, and where wanted {', '.join(FURTHER_COLUMNS)}, with one of "
_HEADER_HELP += f"{', '.join(SEPARATORS.values())} between them"


@dataclass(frozen=True, slots=True)
class Register:
    """What the CSV says.

    Attributes:
        drafts: Valid entries by id, still without pictures.
        rejected: Faults by line.
        named: Every id that was named, right or wrong.
        notes: What the user should know of how the file was read.
    """

    drafts: Mapping[str, EntryDraft]
    rejected: tuple[Rejected, ...]
    named: frozenset[str]
    notes: tuple[Note, ...]


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
        WatchlistError: The file cannot be read as CSV, nobody can tell its encoding, or its header is wrong.
    """
    text, how = decoded(_bytes(path), REGISTER)
    lines = lines_of(text, {*COLUMNS, *FURTHER_COLUMNS}, REGISTER)
    first = next(lines, None)
    if first is None:
        raise WatchlistError(f"{REGISTER} is empty", allowed=_HEADER_HELP, next_step="give it a header and rows")
    header = _header(first[1])
    place = header.index("entry_id")
    drafts: dict[str, EntryDraft] = {}
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
            faces, crops = faces_named(row.get("face", "")), crops_named(row.get("crop", ""))
            drafts[entry_id] = EntryDraft(entry_of_cells(entry_id, row), faces=faces, crops=crops)
        except ValueError as error:
            rejected.append(Rejected(f"{REGISTER} line {number}", str(error)))
    notes = (Note(REGISTER, how),) if how else ()
    return Register(drafts, tuple(rejected), frozenset(named), notes)


def faces_named(text: str) -> dict[str, int]:
    """Which face is meant: for all pictures of the entry (under an empty name), or by the picture's file name.

    Faces are counted from 1, left to right.

    Raises:
        ValueError: It is something else.

    >>> faces_named("2"), faces_named("1.jpg=2, at the gate.jpg=1")
    ({'': 2}, {'1.jpg': 2, 'at the gate.jpg': 1})
    """
    faces: dict[str, int] = {}
    for part in re.split("[,;|\n]", text):
        name, _, number = part.rpartition("=")
        if not part.strip():
            continue
        if not re.fullmatch(r"\s*[1-9][0-9]{0,2}\s*", number) or ("=" in part and not name.strip()):
            raise ValueError(
                f"face: got {part.strip()[:40]!r}, allowed a number from 1, left to right, or FILE=NUMBER for one file"
            )
        faces[name.strip()] = int(number)
    return faces


def crops_named(text: str) -> dict[str, Crop]:
    """Which part of a picture shows the person: for all pictures of the entry (under an empty name), or by file name.

    Raises:
        ValueError: It is something else.

    >>> crops_named("120 40 260 210"), crops_named("1.jpg=0,0,90,90; at the gate.jpg = 5 5 60 70")
    ({'': (120, 40, 260, 210)}, {'1.jpg': (0, 0, 90, 90), 'at the gate.jpg': (5, 5, 60, 70)})
    """
    crops: dict[str, Crop] = {}
    for part in filter(str.strip, re.split("[;|\n]", text)):
        found = _CROP.fullmatch(part)
        left, top, right, bottom = (int(one) for one in found.groups()[1:]) if found else (0, 0, 0, 0)
        if not found or left >= right or top >= bottom:
            raise ValueError(
                f"crop: got {part.strip()[:40]!r}, allowed LEFT TOP RIGHT BOTTOM in pixels of the upright picture, "
                "with left < right and top < bottom, or FILE=LEFT TOP RIGHT BOTTOM for one file"
            )
        crops[(found[1] or "").strip()] = (left, top, right, bottom)
    return crops


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WatchlistError(
            f"{REGISTER} cannot be read", got=error.strerror or type(error).__name__, next_step="check its permissions"
        ) from None


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    header = tuple(column_named(cell) for cell in cells)
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
    # Spreadsheets leave empty cells at a line's end away; only those that may be empty can be meant.
    least = max(header.index(column) for column in COLUMNS) + 1
    if len(filled) < least or any(filled[len(header) :]):
        raise ValueError(f"{len(filled)} cells where the header has {len(header)}")
    filled += [""] * (len(header) - len(filled))
    return dict(zip(header, filled, strict=False))


def entry_of_cells(entry_id: str, row: Mapping[str, str]) -> Entry:
    """The entry that a row's cells mean; all of :data:`COLUMNS` are there.

    Raises:
        ValueError: A cell is missing or wrong.
    """
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
    text = row.get(column, "")
    if not text:
        return None
    try:
        moment_s = moment_of(text)
    except ValueError as error:
        raise ValueError(f"{column} {error}" if str(error).startswith("is ") else f"{column}: {error}") from None
    if not FIRST_S <= moment_s <= LAST_S:
        raise ValueError(f"{column} is not a date: got {text[:40]!r}, allowed {DATES}, from 1900 to 9999")
    return moment_s


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
