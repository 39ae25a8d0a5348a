"""A recording handed in to try a test with: looked at before it is kept, and erased with the deployment."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import UPLOADED
from lfr_ray.errors import NotFoundError, RefusedError, SourceError
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.site.uploaded_recordings import take_recording
from lfr_ray.strict_yaml import parse_section
from tests.integration.camera.clips import small
from tests.integration.govern.station import Station


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return small(tmp_path_factory.mktemp("video") / "own.mp4", "libx264", frames=10).read_bytes()


def of(station: Station, kind: str = "test") -> SiteConfig:
    cameras = [{"name": "own", "url": UPLOADED}, {"name": "pier", "url": "demo:pier"}]
    fields = {"site": "try", "data_dir": station.site.files.root, "authority": {"kind": kind}, "cameras": cameras}
    return parse_section(SiteConfig, fields, "site")


def test_a_recording_is_kept_recorded_replaced_and_erased_with_its_deployment(station: Station, video: bytes) -> None:
    site, files = of(station), station.site.files
    for content in (video, video + b"\0"):
        take_recording(site, "own", content, by="adm-1")
        assert [one.read_bytes() for one in files.uploads.iterdir()] == [content]
    assert files.upload("own").stat().st_mode & 0o077 == 0
    said = [one for one in read_records(files) if one["what"] == "recording handed in"]
    assert [(one["actor"], one["subject"], one["facts"]["bytes"]) for one in said] == [
        ("adm-1", "own", len(video)),
        ("adm-1", "own", len(video) + 1),
    ]
    receipt = station.close().receipt
    (part,) = [one for one in receipt.parts if one.label == "files"]
    assert (part.counts["files"], part.found_before, part.found_after) == (1, 1, 0)
    assert not files.uploads.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "no video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no video"),
        (b"\0\0\0\x20ftypisom" + bytes(500), "video"),
        (b"\x1aE\xdf\xa3" + bytes(500), "video"),
    ],
    ids=["empty", "list", "playlist", "empty-mp4", "empty-webm"],
)
def test_what_is_no_video_leaves_nothing(station: Station, content: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as caught:
        take_recording(of(station), "own", content, by="adm-1")
    assert str(station.site.files.root) not in str(caught.value), "nobody is told where a site lies"
    left = station.site.files.uploads
    assert not left.exists() or not list(left.iterdir())


@pytest.mark.parametrize("name", ["../own", "/etc/passwd", ".own", "pier", "other", ""])
def test_a_name_reaches_no_other_file(station: Station, video: bytes, name: str) -> None:
    with pytest.raises(NotFoundError):
        take_recording(of(station), name, video, by="adm-1")
    assert not station.site.files.uploads.exists()


def test_only_a_test_takes_recordings(station: Station, video: bytes) -> None:
    site: Any = of(station)
    live = site.model_copy(update={"authority": site.authority.model_copy(update={"kind": "live"})})
    with pytest.raises(RefusedError, match="test alone"):
        take_recording(live, "own", video, by="adm-1")
