"""A folder of still pictures, or a single one: pictures without an order in time, each of which stands by itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from lfr_ray.camera.camera_address import Address
from lfr_ray.camera.footage_interface import DecodedPicture, Footage, SourceCounts, SourceInfo
from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES, is_picture_name, read_picture
from lfr_ray.errors import PictureError, SourceError
from lfr_ray.records import Picture

FPS = 1.0
"""Pictures have no times of their own; this is declared."""


class FolderFootage(Footage):
    """The pictures of a folder by name; unreadable ones are left out, counted and reported.

    The address is a folder, or one picture.

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
        self._first = [*itertools.islice(self._pictures, 1)]
        if not self._first:
            raise SourceError(
                f"none of the {len(self._files)} pictures can be read",
                got=f"{address.shown}: {self.counts.problems[0]}",
                next_step="repair or remove them",
            )
        height_px, width_px = self._first[0].shape[:2]
        self.info = SourceInfo(width_px, height_px, FPS, len(self._files), live=False, stills=True)
        self.counts.expected = len(self._files)

    def pictures(self) -> Iterator[DecodedPicture]:
        """One picture a second."""
        # No picture is kept here while the next one is not asked for: it may show somebody's face.
        while self._first:
            yield DecodedPicture.ready(0.0, self._first.pop())
        for index, picture in enumerate(self._pictures, start=1):
            yield DecodedPicture.ready(index / FPS, picture)
            del picture

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
