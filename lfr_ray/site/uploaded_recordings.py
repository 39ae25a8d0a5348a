"""A recording that somebody hands in through the console, to try a test with: checked, recorded, and erased with it."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing

from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.data_dir import UPLOADED, DataDir
from lfr_ray.durable_files import write_durable
from lfr_ray.errors import LfrError, NotFoundError, RefusedError, SourceError
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.shred_files import shred

KINDS = "MP4, QuickTime, WebM, Matroska or AVI"
BEGINNINGS = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "))
"""Where MP4 and QuickTime, WebM and Matroska, AVI say what they are. Lists of other files are none of them."""


def uploading(site: SiteConfig) -> set[str]:
    """Names of the cameras that show what is handed in to them."""
    return {one.name for one in site.cameras if one.url == UPLOADED}


def take_recording(site: SiteConfig, camera: str, video: bytes, *, by: str) -> None:
    """Put a recording before a camera of a test, whose ``url`` is ``upload:``. What its file was called is not asked.

    Raises:
        NotFoundError: There is no such camera. RefusedError: The site is no test.
        SourceError: It is no video. StoreError: It cannot be written.
    """
    from lfr_ray.camera.open_footage import open_source  # decoders, which only this needs

    if camera not in uploading(site):
        raise NotFoundError(
            "no camera of this site takes a recording under this name",
            got=camera,
            allowed=f"a camera of the site's file with url: {UPLOADED}",
        )
    if site.authority.kind != "test":
        raise RefusedError("recordings are taken by a test alone", got=f"authority -> kind: {site.authority.kind}")
    if not any(video[at : at + len(sign)] == sign for at, sign in BEGINNINGS):
        raise SourceError("this is no video", allowed=KINDS)
    data_dir = DataDir(site.data_dir)
    draft, place = data_dir.upload(f".{camera}"), data_dir.upload(camera)
    write_durable(draft, video, mode=0o600)
    try:
        try:
            with closing(open_source(CameraConfig(name=camera, url=str(draft), pace="full"))) as source:
                next(iter(source.frames()))
        except (LfrError, StopIteration):  # its words would tell where the site lies
            raise SourceError("this video cannot be read", allowed=KINDS, next_step="save it anew, as MP4") from None
        facts = {"sha256": hashlib.sha256(video).hexdigest(), "bytes": len(video)}
        with open_ledger(data_dir, site.ledger.database_url) as ledger:
            ledger.append(Event("alteration", "recording handed in", site.authority.deployment, by, camera, "", facts))
        if place.exists():
            shred(place)
        os.replace(draft, place)
    finally:
        if draft.exists():
            shred(draft)
