"""A site file is checked whole before anything starts: every fault at once, in the user's words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from lfr_ray.errors import ConfigError
from lfr_ray.match.watchlist_csv import COLUMNS
from lfr_ray.site_file import IMPORT_PATH, faults_of_cameras, read_site_file

SECRET = "hunter2"


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """Writes a site file with these fields."""

    def write(http: dict[str, Any] | None = None, **fields: Any) -> Path:
        path = tmp_path / "site.yaml"
        document: dict[str, Any] = {"applications": [{"import_path": IMPORT_PATH, "args": {"site": "pier", **fields}}]}
        if http is not None:
            document["http_options"] = http
        path.write_text(yaml.safe_dump(document))
        return path

    return write


def told(path: Path, *, starts_here: bool = True) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_site_file(path, starts_here=starts_here)
    assert caught.value.exit_code == 2
    assert SECRET not in str(caught.value)
    return caught.value.got.split("; ")


def test_every_fault_is_named_at_once(site: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    faults = told(
        site(
            watchlist=str(tmp_path / "nowhere"),
            detector={"min_score": 2, "weights": str(tmp_path / "none.onnx")},
            colour="red",
            cameras=[
                {"name": "gate", "url": f"rstp://guard:{SECRET}@10.0.0.7/live"},
                {"name": "pier/east", "url": "demo:pier"},
                {"name": "quay", "url": str(tmp_path / "none.mp4"), "max_fps": 0},
                {"name": "gate", "url": "demo:peer"},
                {"name": "arch", "url": str(tmp_path / "empty.mp4")},
                {"url": "rtsp://10.0.0.8/live"},
            ],
        )
    )
    for wanted in (
        "camera 1 (gate) -> url: the address has a scheme that cannot be opened: rstp:// (did you mean rtsp://?)",
        "camera 2 (pier/east) -> name: a name may not contain / or \\ or line breaks, and has 1 to 128 letters",
        f"camera 3 (quay) -> url: the file or folder {tmp_path / 'none.mp4'} does not exist",
        "camera 4 (gate) -> url: there is no demo scene 'peer'",
        f"camera 5 (arch) -> url: the file {tmp_path / 'empty.mp4'} is empty",
        "camera 6 -> name: is missing",
        "cameras 1 and 4 (gate): the name must be unique",
        f"watchlist: the watchlist folder does not exist: {tmp_path / 'nowhere'}",
        f"detector -> weights: the file {tmp_path / 'none.onnx'} does not exist",
        "colour: is not a field that exists here",
    ):
        assert wanted in faults
    assert any(one.startswith("camera 3 (quay) -> max_fps: ") for one in faults)
    assert any(one.startswith("detector -> min_score: ") for one in faults)


def test_two_cameras_of_one_name_are_told_beside_other_faults_and_once(site: Any) -> None:
    cameras = [{"name": "gate", "url": "demo:pier"}, {"name": "gate", "url": "demo:gate"}]
    assert told(site(cameras=cameras)) == ["cameras 1 and 2 (gate): the name must be unique"]
    assert "cameras 1 and 2 (gate): the name must be unique" in told(site(cameras=cameras, colour="red"))


def test_a_good_site_is_read(site: Any, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    (tmp_path / "stills").mkdir()
    (tmp_path / "list" / "e1").mkdir(parents=True)
    cameras = [
        {"name": "gate", "url": "rtsp://10.0.0.7/live"},
        {"name": "pier", "url": "demo:pier"},
        {"name": "clip", "url": str(tmp_path / "clip.mp4")},
        {"name": "stills", "url": str(tmp_path / "stills")},
        {"name": "usb", "url": "/dev/video7"},
    ]
    read = read_site_file(site(cameras=cameras, watchlist=str(tmp_path / "list")), starts_here=True)
    assert [one.name for one in read.site.cameras] == ["gate", "pier", "clip", "stills", "usb"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gate.example.org"])
def test_other_machines_are_answered_by_tls_only(site: Any, host: str) -> None:
    assert told(site({"host": host}), starts_here=False) == [f"http_options -> host: {host}"]
    assert read_site_file(site({"host": host, "ssl_keyfile": "key.pem", "ssl_certfile": "cert.pem"})).host == host
    assert read_site_file(site({"host": host}, api={"public_url": "https://lfr.example.org"})).host == host


@pytest.mark.parametrize(
    "http", [None, {}, {"port": 8001}, {"host": "127.0.0.1"}, {"host": "localhost"}, {"host": "::1"}]
)
def test_without_a_word_only_this_machine_is_answered(site: Any, http: dict[str, Any] | None) -> None:
    read = read_site_file(site(http))
    assert read.document["http_options"]["host"] == read.host == (http or {}).get("host", "127.0.0.1")


def test_files_of_another_machine_are_not_looked_for(site: Any, tmp_path: Path) -> None:
    cameras = [{"name": "clip", "url": "/on/the/cluster/clip.mp4"}]
    path = site(cameras=cameras, watchlist="/on/the/cluster/list")
    assert read_site_file(path).site.cameras[0].name == "clip"
    assert len(told(path)) == 2
    # What is written wrong is wrong everywhere.
    assert "did you mean" in told(site(cameras=[{"name": "a", "url": "rstp://h/x"}]), starts_here=False)[0]


def test_a_watchlist_with_a_broken_csv_is_told_before_the_start(site: Any, tmp_path: Path) -> None:
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "watchlist.csv").write_text(";".join(COLUMNS).replace("action", "deed"))
    (fault,) = told(site(watchlist=str(tmp_path / "list")))
    assert fault.startswith("watchlist: watchlist.csv has wrong columns: missing 'action', unknown 'deed'")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_recording_that_may_not_be_read_is_told(site: Any, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    (tmp_path / "clip.mp4").chmod(0)
    assert told(site(cameras=[{"name": "a", "url": str(tmp_path / "clip.mp4")}]))[0].endswith("may not be read")


@pytest.mark.parametrize("cameras", [None, "gate", 3, {"gate": "x"}, ["gate"], [None], [{}], [{"url": 3}]])
def test_cameras_of_no_form_at_all_are_left_to_the_check_of_fields(cameras: Any) -> None:
    assert faults_of_cameras(cameras, here=True) == []
