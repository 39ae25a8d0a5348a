"""Recorded files named on a command line: opened and looked at before anything is started."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lfr_ray.camera.footage import SourceInfo
from lfr_ray.camera.source import open_source
from lfr_ray.config import CameraConfig
from lfr_ray.errors import LfrError, SourceError
from lfr_ray.section import parse_section


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording that could be opened."""

    camera: CameraConfig
    info: SourceInfo


@dataclass(frozen=True, slots=True)
class Rejected:
    """One argument that could not be used, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of the arguments."""

    recordings: tuple[Recording, ...]
    rejected: tuple[Rejected, ...]


def open_recordings(paths: Sequence[Path], recorded_at: str = "") -> Opened:
    """Look at every argument before anything is started; what cannot be opened is named, the rest goes on.

    Args:
        paths: Files, or folders of pictures.
        recorded_at: When they begin, ISO 8601, or empty.

    Raises:
        ConfigError: ``recorded_at`` is no moment.
    """
    parse_section(CameraConfig, {"name": "footage", "url": "footage", "recorded_at": recorded_at}, "--recorded-at")
    recordings: list[Recording] = []
    rejected: list[Rejected] = []
    taken: set[str] = set()
    for path in paths:
        try:
            if not path.exists():
                raise SourceError("the recording does not exist", got=path, next_step="check the path")
            camera = CameraConfig(name=_camera_name(path, taken), url=str(path), pace="full", recorded_at=recorded_at)
            source = open_source(camera)
            info = source.info()
            source.close()
        except LfrError as error:
            rejected.append(Rejected(str(path), str(error)))
            continue
        taken.add(camera.name)
        recordings.append(Recording(camera, info))
    return Opened(tuple(recordings), tuple(rejected))


def _camera_name(path: Path, taken: set[str]) -> str:
    """The file's name without its ending; a second one of the same name gets a number."""
    stem = (path.name if path.is_dir() else path.stem) or "footage"
    names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)
