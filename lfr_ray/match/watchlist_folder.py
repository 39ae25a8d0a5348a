"""A watchlist folder: ``DIR/<entry-id>/<image>`` with, where wanted, ``DIR/watchlist.csv``."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from lfr_ray.errors import WatchlistError
from lfr_ray.match.watchlist_csv import REGISTER, Register, entry_id_named, read_register
from lfr_ray.match.watchlist_entries import TEST, Entry, EntryDraft, Rejected, WatchlistFolder

TABLE_SUFFIXES = frozenset({".csv", ".xls", ".xlsx", ".xlsm", ".ods", ".numbers", ".tsv", ".tab", ".txt"})
"""Endings of tables; only a CSV is read."""


def read_watchlist_folder(folder: Path, picture_suffixes: Collection[str]) -> WatchlistFolder:
    """Read what a watchlist folder says, without opening a picture: valid entries by id, and what was rejected and why.

    ``picture_suffixes`` are endings of pictures, like ``.jpg``; case does not matter.

    Raises:
        WatchlistError: There is no such folder, or its CSV is broken as a whole.
    """
    if not folder.is_dir():
        raise WatchlistError(
            "the watchlist folder does not exist" if not folder.exists() else "the watchlist is not a folder",
            got=folder,
            allowed=f"a folder DIR/<entry-id>/<image>, with or without DIR/{REGISTER}",
            next_step="check the path",
        )
    register_path = _register_path(folder)
    register = read_register(register_path) if register_path is not None else None
    rejected = list(register.rejected) if register is not None else []
    folders = _entry_folders(folder, rejected)
    drafts = []
    for draft in _drafts(folders, register, rejected):
        entry_id = draft.entry.entry_id
        pictures = _pictures(folders[entry_id], entry_id, picture_suffixes, rejected)
        for column, names in (("face", draft.faces.keys()), ("crop", draft.crops.keys())):
            for name in sorted(names - {"", *(path.name for path in pictures)}):
                reason = f"the column {column} names this picture; there is none"
                rejected.append(Rejected(f"{entry_id}/{name}", reason))
        if pictures:
            drafts.append(replace(draft, pictures=pictures))
        else:
            rejected.append(Rejected(f"{entry_id}/", "the folder holds no picture"))
    return WatchlistFolder(tuple(drafts), tuple(rejected), () if register is None else register.notes)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise WatchlistError(
            "the folder cannot be read", got=f"{folder}: {error.strerror}", next_step="check its permissions"
        ) from None


def _register_path(folder: Path) -> Path | None:
    """The folder's CSV, in whatever case its name is written.

    Raises:
        WatchlistError: It is there in another format, or twice. Without it every folder would be a test entry.
    """
    named = [path for path in _children(folder) if path.stem.lower() == Path(REGISTER).stem and not path.is_dir()]
    found = [path for path in named if path.name.lower() == REGISTER]
    if len(found) == 1:
        return found[0]
    others = [path.name for path in found or named if path.suffix.lower() in TABLE_SUFFIXES]
    if others:
        raise WatchlistError(
            "the folder's table cannot be read",
            got=", ".join(others),
            allowed=f"one {REGISTER}",
            next_step=f"save the table as CSV UTF-8 under the name {REGISTER}, or take it out of the folder",
        )
    return None


def _entry_folders(folder: Path, rejected: list[Rejected]) -> dict[str, Path]:
    """Folders of entries by id; everything else is rejected by name."""
    folders: dict[str, Path] = {}
    for path in _children(folder):
        if path.name.lower() == REGISTER:
            continue
        if path.name.startswith("."):
            rejected.append(Rejected(path.name, "hidden files and folders are not read"))
        elif not path.is_dir():
            rejected.append(Rejected(path.name, "not in a folder: an entry's pictures lie in DIR/<entry-id>/"))
        else:
            _take_folder(path, folders, rejected)
    return folders


def _take_folder(path: Path, folders: dict[str, Path], rejected: list[Rejected]) -> None:
    try:
        entry_id = entry_id_named(path.name)
        if unicodedata.normalize("NFC", path.name) != entry_id:
            raise ValueError("the folder's name begins or ends with a blank")
        if entry_id in folders:
            raise ValueError("another folder has the same name in another encoding of its letters")
    except ValueError as error:
        rejected.append(Rejected(f"{path.name}/", str(error)))
        return
    folders[entry_id] = path


def _drafts(folders: Mapping[str, Path], register: Register | None, rejected: list[Rejected]) -> list[EntryDraft]:
    """Entries that have both a valid row and a folder; without a CSV every folder is a test entry."""
    if register is None:
        return [EntryDraft(Entry(entry_id=entry_id, name=entry_id, category=TEST)) for entry_id in folders]
    for entry_id in register.drafts.keys() - folders.keys():
        rejected.append(Rejected(f"{entry_id}/", f"{REGISTER} names this entry, but there is no such folder"))
    for entry_id in folders.keys() - register.named:
        rejected.append(Rejected(f"{entry_id}/", f"{REGISTER} has no row for this folder"))
    rejected.sort(key=lambda one: one.file)
    return [register.drafts[entry_id] for entry_id in folders if entry_id in register.drafts]


def _pictures(
    folder: Path, entry_id: str, picture_suffixes: Collection[str], rejected: list[Rejected]
) -> tuple[Path, ...]:
    endings = {suffix.lower() for suffix in picture_suffixes}
    pictures = []
    for path in _children(folder):
        if path.name.startswith("."):
            reason = "hidden files and folders are not read"
        elif path.is_dir():
            reason = "a folder inside an entry's folder is not read"
        elif path.suffix.lower() not in endings:
            reason = f"not a picture: ending {path.suffix.lower() or '(none)'}, allowed {' '.join(sorted(endings))}"
        elif not path.is_file():
            reason = "not a file that can be read"
        else:
            pictures.append(path)
            continue
        rejected.append(Rejected(f"{entry_id}/{path.name}", reason))
    return tuple(pictures)
