"""A folder of still pictures, or a single one: pictures without an order in time, each of which stands by itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lfr_ray.camera.address import Address
from lfr_ray.camera.footage import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.stills import PICTURE_SUFFIXES, is_picture_name, read_picture
from lfr_ray.errors import PictureError, SourceError
from lfr_ray.records import Picture

FPS = 1.0
"""Pictures have no times of their own; this is declared."""


class FolderFootage:
    """The pictures of a folder by name; unreadable ones are left out, counted and reported.

    Args:
        address: A folder, or one picture.

    Raises:
        SourceError: There is no picture, or none that can be read.
    """

    def __init__(self, address: Address) -> None:
        self.counts = SourceCounts()
        path = Path(address.target)
        if not path.exists():
            raise SourceError("the picture does not exist", got=address.shown, next_step="check the path")
        try:
            self._files = sorted(filter(is_picture_name, path.iterdir())) if path.is_dir() else [path]
        except OSError as error:
            raise SourceError(
                "the folder cannot be read", got=f"{address.shown}: {error.strerror}", next_step="check its permissions"
            ) from None
        if not self._files:
            raise SourceError(
                "the folder holds no picture",
                got=address.shown,
                allowed=f"files ending in {', '.join(sorted(PICTURE_SUFFIXES))}",
                next_step="check the path; folders inside the folder are not searched",
            )
        self._pictures = self._read()
        self._first = next(self._pictures, None)
        if self._first is None:
            raise SourceError(
                f"none of the {len(self._files)} pictures can be read",
                got=f"{address.shown}: {self.counts.problems[0]}",
                next_step="repair or remove them",
            )
        height_px, width_px = self._first.shape[:2]
        self._info = SourceInfo(width_px, height_px, FPS, len(self._files), live=False, stills=True)
        self.counts.expected = len(self._files)

    def info(self) -> SourceInfo:
        """Size of the first picture and number of files."""
        return self._info

    def pictures(self) -> Iterator[DecodedPicture]:
        """One picture a second."""
        # No picture is kept here while the next one is not asked for: it may show somebody's face.
        if self._first is not None:
            first = DecodedPicture(0.0, partial(_itself, self._first))
            self._first = None
            yield first
            del first
        for index, picture in enumerate(self._pictures, start=1):
            yield DecodedPicture(index / FPS, partial(_itself, picture))
            del picture

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self) -> Iterator[Picture]:
        for file in self._files:
            try:
                picture = read_picture(file)
            except PictureError as error:
                self.counts.corrupt += 1
                self.counts.report(f"{error.what}; got: {error.got}")
                continue
            self.counts.decoded += 1
            yield picture
            del picture


def _itself(picture: Picture) -> Picture:
    return picture
