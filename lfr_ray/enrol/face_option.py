"""Which face of a picture the user means, where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lfr_ray.errors import ConfigError
from lfr_ray.match.watchlist_csv import faces_named
from lfr_ray.match.watchlist_entries import Crop, EntryDraft

ALLOWED = "N, ENTRY=N or ENTRY/FILE=N; faces are counted from 1, left to right"


def face_options(options: Sequence[str], drafts: Sequence[EntryDraft]) -> dict[str, int]:
    """Choices given on a command line: numbers by entry, by entry and file, or under an empty name.

    Each is ``2`` for every picture with several faces, ``ENTRY=2`` or ``ENTRY/FILE=2``, and must name what is in the
    folder.

    Raises:
        ConfigError: An option is something else, or names what is not in the folder; all of them are named.

    >>> face_options(["2"], ())
    {'': 2}
    """
    chosen: dict[str, int] = {}
    faults: list[str] = []
    known = {"", *(one.entry.entry_id for one in drafts)}
    known |= {f"{one.entry.entry_id}/{path.name}" for one in drafts for path in one.pictures}
    for option in options:
        try:
            named = faces_named(option)
        except ValueError:
            faults.append(option)
            continue
        faults += [f"{name}, which is not in the folder" for name in named.keys() - known]
        chosen |= named
    if faults:
        raise ConfigError(
            "--face does not say which face of which picture",
            got="; ".join(faults),
            allowed=ALLOWED,
            next_step="`lfr watchlist check DIR --contact-sheet FILE.html` shows every picture with its faces numbered",
        )
    return chosen


def crop_of(draft: EntryDraft, picture: Path) -> Crop | None:
    """The part of a picture that shows the person, where the CSV says it."""
    return draft.crops.get(picture.name, draft.crops.get(""))


def face_of(draft: EntryDraft, picture: Path, options: Mapping[str, int]) -> tuple[int | None, bool]:
    """The face that is meant in one picture, and whether it was named for this picture alone.

    What is said of the picture comes before what is said of the entry or of all, and a command's option before
    the CSV.
    """
    entry_id = draft.entry.entry_id
    for key, choices, of_file in (
        (f"{entry_id}/{picture.name}", options, True),
        (picture.name, draft.faces, True),
        (entry_id, options, False),
        ("", draft.faces, False),
        ("", options, False),
    ):
        if key in choices:
            return choices[key], of_file
    return None, False
