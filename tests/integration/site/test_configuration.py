"""What an authority binds of a site, and which cameras each kind of deployment may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lfr_ray.config import SiteConfig
from lfr_ray.errors import AuthorityError, LfrError
from lfr_ray.govern.authority import configuration_fault, recordings_fault
from lfr_ray.site.bound_configuration import (
    Recordings,
    check_kind,
    effective_configuration,
    recording_hash,
    recordings_of,
)
from lfr_ray.site.open_site import open_permission
from lfr_ray.strict_yaml import parse_section
from tests.integration.govern.scene import Scene

CAMERA = {"name": "van", "url": "rtsp://user:secret@10.0.0.7/van", "latitude": 51.789, "longitude": 1.153}


def site(**changes: Any) -> SiteConfig:
    fields = {"site": "clacton", "authority": {"kind": "live", "deployment": "airshow-1"}, "cameras": [CAMERA]}
    return parse_section(SiteConfig, fields | changes, "site")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cameras": [CAMERA | {"url": "rtsp://10.0.0.8/van"}]}, "cameras.van.url"),
        ({"cameras": [CAMERA | {"latitude": 52.0}]}, "cameras.van.latitude"),
        ({"cameras": [CAMERA | {"max_fps": 5, "pace": "full"}]}, "cameras.van.max_fps, cameras.van.pace"),
        ({"evidence": {"min_views": 1, "min_agreeing": 1}}, "evidence.min_agreeing, evidence.min_views"),
        ({"match": {"view_threshold": 0.1}}, "match.view_threshold"),
        ({"quality": {"min_size_px": 10}}, "quality.min_size_px"),
        ({"detector": {"min_score": 0.1}}, "detector.min_score"),
        ({"embedder": {"mirror": False}}, "embedder.mirror"),
        ({"authority": {"kind": "live", "deployment": "airshow-1", "profile": "eu-ai-act"}}, "profile"),
        ({"position": {"gpsd": "10.0.0.9:2947"}}, "position.gpsd"),
    ],
)
def test_a_field_that_differs_stops_matching_and_is_named(
    site_folder: Scene, changes: dict[str, Any], field: str
) -> None:
    signed = site_folder.authority(configuration=effective_configuration(site()))
    assert configuration_fault(signed, effective_configuration(site())) == ""
    fault = configuration_fault(signed, effective_configuration(site(**changes)))
    assert f"not the authorised one: {field};" in fault


def test_software_and_calibration_count(site_folder: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = site_folder.authority(configuration=effective_configuration(site()))
    monkeypatch.setattr("lfr_ray.site.bound_configuration.__version__", "0.0.1")
    real = effective_configuration.__globals__["card"]
    looser = {"calibration": real("dlib_resnet").calibration.model_copy(update={"threshold": 0.1})}
    monkeypatch.setattr("lfr_ray.site.bound_configuration.card", lambda name: real(name).model_copy(update=looser))
    fault = configuration_fault(signed, effective_configuration(site()))
    assert "cards.dlib_resnet" in fault
    assert "software" in fault


def test_sizes_and_passwords_may_change(site_folder: Scene) -> None:
    other = site(cameras=[CAMERA | {"url": "rtsp://user:renewed@10.0.0.7/van"}], embedder={"replicas": 3, "cpus": 2.0})
    assert effective_configuration(other) == effective_configuration(site())
    assert "secret" not in str(effective_configuration(site()))


def test_the_gate_of_a_site_compares_its_configuration(site_folder: Scene) -> None:
    now_s = site_folder.now_s
    config = site(data_dir=site_folder.site.data_dir)
    site_folder.open(site_folder.authority(configuration=effective_configuration(config)))

    def ask(config: SiteConfig) -> str:
        gate = open_permission(config, site_folder.ledger, site_folder.site.clock)
        return gate.refusal("van", now_s, "a" * 64, "dlib_resnet")

    assert ask(config) == ""
    weaker = site(data_dir=site_folder.site.data_dir, evidence={"min_views": 1, "min_agreeing": 1})
    assert "evidence.min_views" in ask(weaker)


@pytest.fixture
def site_folder(site: Any, trust_tree: Any) -> Scene:
    return Scene(site, trust_tree)


@pytest.mark.parametrize(
    ("kind", "url", "words"),
    [
        ("test", "rtsp://10.0.0.7/live", "lfr deployment open --kind trial"),
        ("test", "/dev/video0", "lfr deployment open --kind trial"),
        ("test", "demo:pier", ""),
        ("test", "clip.mp4", ""),
        ("trial", "/dev/video0", ""),
        ("trial", "clip.mp4", "what cameras see now"),
        ("live", "rtsp://10.0.0.7/live", ""),
        ("live", "clip.mp4", "open a retrospective deployment"),
        ("live", "demo:pier", "open a retrospective deployment"),
        ("retrospective", "clip.mp4", ""),
        ("retrospective", "http://10.0.0.7/live", "compares recordings"),
    ],
)
def test_each_kind_has_its_cameras(kind: str, url: str, words: str) -> None:
    config = site(authority={"kind": kind, "deployment": "d"}, cameras=[{"name": "a", "url": url}])
    if not words:
        check_kind(config)
        return
    with pytest.raises(AuthorityError, match=words):
        check_kind(config)


def test_a_recording_is_known_by_its_bytes(site_folder: Scene, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"film")
    config = site(
        authority={"kind": "retrospective", "deployment": "d"},
        cameras=[{"name": "clip", "url": str(clip), "recorded_at": "2026-08-22T14:00:00Z"}],
    )
    sha256, begins_at = recordings_of(config)["clip"]
    named = {"camera": "clip", "sha256": sha256, "begins_at": begins_at, "stated_by": "sgt-3"}
    authority = site_folder.authority(kind="retrospective", footage_from=1.0, footage_to=2e9, recordings=(named,))
    assert recordings_fault(authority, "clip", *recordings_of(config)["clip"]) == ""
    assert "another moment" in recordings_fault(authority, "clip", sha256, 5.0)
    assert "names no recording of other" in recordings_fault(authority, "other", sha256, begins_at)
    read = Recordings(config)
    assert read("clip") == (sha256, begins_at)
    clip.rename(tmp_path / "kept.mp4")
    clip.write_bytes(b"another film")
    assert "its content differs" in recordings_fault(authority, "clip", *read("clip"))
    (tmp_path / "kept.mp4").rename(clip)
    assert "its content differs" in recordings_fault(authority, "clip", *read("clip")), "a camera may have opened it"
    clip.write_bytes(b"another film")
    assert "its content differs" in recordings_fault(authority, "clip", *recordings_of(config)["clip"])
    folder = tmp_path / "stills"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"a")
    before = recording_hash(folder)
    (folder / "a.jpg").rename(folder / "b.jpg")
    assert recording_hash(folder) != before
    with pytest.raises(LfrError, match="cannot be read here"):
        recording_hash(tmp_path / "gone.mp4")
