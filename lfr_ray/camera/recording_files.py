"""Recorded files named on a command line: opened and looked at before anything is started."""

from __future__ import annotations

import itertools
import mimetypes
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfr_ray.camera.footage_interface import SourceInfo
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.still_pictures import UNREADABLE_SUFFIXES, is_picture_name
from lfr_ray.config import MAX_FPS, CameraConfig
from lfr_ray.errors import ConfigError, LfrError, SourceError
from lfr_ray.strict_yaml import parse_section

VIDEO_SUFFIXES = frozenset(
    {".ts", ".mts", ".m2ts", ".mkv", ".dav", ".264", ".265", ".h264", ".h265", ".hevc", ".mjpeg"}
)
"""Endings of videos that other programs use for something else, or that the table of MIME types may not have."""

LONGEST_STEM = 120
"""Signs of a file's name in that of its camera, so that a number has room behind them."""

OTHER_SUFFIXES = frozenset({".db", ".ini", ".lnk", ".md", ".log", ".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording that could be opened."""

    camera: CameraConfig
    info: SourceInfo


@dataclass(frozen=True, slots=True)
class Rejected:
    """One file that could not be used, and why.

    Attributes:
        inside: It was found inside a folder, and was not named by anybody.
    """

    file: str
    reason: str
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of the arguments."""

    recordings: tuple[Recording, ...]
    rejected: tuple[Rejected, ...]


def open_recordings(
    paths: Sequence[Path], recorded_at: str = "", fps: float | None = None, motion: bool = False
) -> Opened:
    """Look at every argument before anything is started; what cannot be opened is named, the rest goes on.

    Of a folder the pictures are one recording, and each video file is one. What is evidently neither is passed over, as
    are hidden files; a folder inside a folder that holds footage is named. They begin at ``recorded_at``, ISO 8601 or
    empty; ``fps`` None looks at all frames, ``motion`` leaves the detector out where nothing has moved.

    Raises:
        ConfigError: ``recorded_at`` is no moment, or ``fps`` no rate.
    """
    if fps is not None and not 0 < fps <= MAX_FPS:
        raise ConfigError(
            "--fps is no number of frames a second",
            got=f"{fps:g}",
            allowed=f"more than 0, up to {MAX_FPS:g}",
            next_step="leave --fps out to look at every frame",
        )
    rule: dict[str, Any] = {"pace": "full", "recorded_at": recorded_at, "motion": motion}
    rule |= {} if fps is None else {"max_fps": fps}
    parse_section(CameraConfig, {"name": "footage", "url": "footage", **rule}, "--recorded-at")
    recordings: list[Recording] = []
    rejected: list[Rejected] = []
    taken: set[str] = set()
    for path, inside in itertools.chain.from_iterable(map(_files, paths)):
        shown = os.fsencode(path).decode("utf-8", "replace")
        try:
            if inside and (fault := _unreadable(path)):
                raise SourceError(fault[0], got=shown, next_step=fault[1])
            if shown != str(path):
                raise SourceError("the file's name is no text in UTF-8", got=shown, next_step="rename it")
            if not path.exists():
                raise SourceError("the recording does not exist", got=path, next_step="check the path")
            camera = CameraConfig(name=_camera_name(path, taken), url=str(path), **rule)
            source = open_source(camera)
            info = source.info
            source.close()
        except LfrError as error:
            rejected.append(Rejected(shown, str(error), inside))
            continue
        except OSError as error:
            rejected.append(Rejected(shown, f"it cannot be read: {error.strerror}", inside))
            continue
        taken.add(camera.name)
        recordings.append(Recording(camera, info))
    return Opened(tuple(recordings), tuple(rejected))


def _files(path: Path) -> list[tuple[Path, bool]]:
    """What an argument stands for, and whether it was found inside a folder: the folder itself for its pictures."""
    try:
        if not path.is_dir():
            return [(path, False)]
        files = sorted(one for one in path.iterdir() if not one.name.startswith("."))
    except OSError:
        return [(path, False)]  # it is told when it is opened
    apart = [one for one in files if not is_picture_name(one) and (_may_be_video(one) or _unreadable(one))]
    pictures = not apart or any(map(is_picture_name, files))
    return [*([(path, False)] if pictures else []), *((one, True) for one in apart)]


def _unreadable(path: Path) -> tuple[str, str] | None:
    """Why something in a folder is footage and is not looked at all the same, and what to do; None: it is not."""
    if path.suffix.lower() in UNREADABLE_SUFFIXES:
        return "pictures of this format are not read", "convert it to JPEG"
    with suppress(OSError):
        if path.is_dir() and any(is_picture_name(one) or _may_be_video(one) for one in path.iterdir()):
            return "folders inside a folder are not searched", "name it beside the other one"
    return None


def _may_be_video(path: Path) -> bool:
    """Its ending is that of a video, or of nothing that is known; it need not be a file that can be read."""
    if path.is_dir() or path.name.startswith("."):
        return False
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES or suffix in OTHER_SUFFIXES:
        return suffix in VIDEO_SUFFIXES
    kind = mimetypes.guess_type(path.name)[0]
    return kind is None or kind.startswith("video/") or kind == "application/octet-stream"


def _camera_name(path: Path, taken: set[str]) -> str:
    """The file's name without its ending, as far as a camera can bear it; a second of the same name has a number."""
    stem = re.sub(r"[\\\x00-\x1f\x7f]", "_", path.name if path.is_dir() else path.stem)[:LONGEST_STEM] or "footage"
    names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)
