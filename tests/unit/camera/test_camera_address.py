"""What an address means, and that its secrets are never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lfr_ray.camera.camera_address import is_lasting, parse_address, shown_address
from lfr_ray.errors import SourceError


@pytest.mark.parametrize(
    ("url", "kind", "lasting"),
    [
        ("rtsp://10.0.0.7/live", "stream", True),
        ("RTSPS://10.0.0.7/live", "stream", True),
        ("http://10.0.0.7/video.mjpg", "stream", True),
        ("https://10.0.0.7/video.m3u8", "stream", True),
        ("/dev/video0", "device", True),
        ("clips/gate.mp4", "recording", False),
        ("file:///clips/gate.mp4", "recording", False),
        ("clips/gate.gif", "recording", False),
        ("clips/gate.JPG", "pictures", False),
        ("demo:pier", "scheme", False),
    ],
)
def test_kinds(url: str, kind: str, lasting: bool) -> None:
    address = parse_address(url, {"demo"})
    assert address.kind == kind
    assert address.lasting == lasting == is_lasting(url, {"demo"})


def test_a_folder_is_pictures(tmp_path: Path) -> None:
    assert parse_address(str(tmp_path)).kind == "pictures"
    assert parse_address(f"file://{tmp_path}").target == str(tmp_path)


def test_a_pipe_or_a_link_to_a_device_is_no_recording(tmp_path: Path) -> None:
    pipe, link = tmp_path / "gate.mp4", tmp_path / "pier.mp4"
    os.mkfifo(pipe)
    link.symlink_to("/dev/null")
    assert [parse_address(str(one)).kind for one in (pipe, link)] == ["device", "device"]


def test_the_scheme_is_given_on_in_small_letters_and_the_rest_untouched() -> None:
    assert parse_address("RTSP://Admin:Pw@Host/Live").target == "rtsp://Admin:Pw@Host/Live"


@pytest.mark.parametrize("url", ["ftp://u:hunter2@h/x", "srt://h:1?passphrase=hunter2", "concat://a|b"])
def test_other_schemes_are_refused_without_their_address(url: str) -> None:
    with pytest.raises(SourceError, match=r"scheme.*allowed: .*rtsp://.*demo:NAME.*next:") as caught:
        parse_address(url, {"demo"})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in shown_address(url)
    assert not is_lasting(url)


def test_no_address_prints_its_credentials() -> None:
    address = parse_address("rtsp://admin:hunter2@10.0.0.7/live?key=hunter2")
    assert "hunter2" not in repr(address)
    assert address.shown == "rtsp://***@10.0.0.7/live?key=***"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("rtsp://u:p@h/x", "rtsp://u:p@h/x"),
        ("rtsp://u:a/b@c#d@h/x", "rtsp://u:a%2Fb%40c%23d@h/x"),
        ("rtsp://u:a%2Fb@h/x", "rtsp://u:a%2Fb@h/x"),
        ("rtsp://u:100%@h/x", "rtsp://u:100%25@h/x"),
        ("rtsp://u@h/x", "rtsp://u@h/x"),
        ("http://h/x?mail=a@b", "http://h/x?mail=a@b"),
    ],
)
def test_logins_are_encoded_as_the_standard_wants_it(url: str, target: str) -> None:
    assert parse_address(url).target == target


def test_an_address_without_its_scheme_is_hidden_too() -> None:
    assert parse_address("admin:hunter2@10.0.0.7/live").shown == "***@10.0.0.7/live"


def test_a_file_whose_name_has_an_at_sign_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "gate@noon.mp4"
    path.touch()
    assert parse_address(str(path)).shown == str(path)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("rstp://u:hunter2@10.0.0.7/live", "rtsp://"),
        ("rtps://10.0.0.7/live", "rtsp://"),
        ("rtspp://10.0.0.7/live", "rtsp://"),
        ("rtsp:/10.0.0.7/live", "rtsp://"),
        ("rtsp:10.0.0.7/live", "rtsp://"),
        ("rtsp//10.0.0.7/live", "rtsp://"),
        ("rtsp:\\\\10.0.0.7\\live", "rtsp://"),
        ("RSTP://10.0.0.7/live", "rtsp://"),
        ("htpp://10.0.0.7/video", "http://"),
        ("htttps://10.0.0.7/video", "https://"),
        ("http:/10.0.0.7/video", "http://"),
        ("flie:///clips/gate.mp4", "file://"),
        ("dmeo:pier", "demo:"),
    ],
)
def test_a_slip_of_the_pen_is_refused_with_what_was_meant(url: str, meant: str) -> None:
    with pytest.raises(SourceError, match=r"did you mean") as caught:
        parse_address(url, {"demo"})
    assert f"(did you mean {meant}?)" in caught.value.got
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["rtmp://h/x", "srt://h:1", "ftp://h/x", "gopher://h"])
def test_another_real_scheme_is_no_slip_of_the_pen(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_address(url, {"demo"})
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("url", ["C:\\clips\\gate.mp4", "clips/a:b.mp4", "rtsp/gate.mp4", "gate:2.mp4", "http.mp4"])
def test_a_file_with_an_unusual_name_is_no_slip_of_the_pen(url: str) -> None:
    assert parse_address(url, {"demo"}).kind == "recording"


def test_a_file_that_is_there_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rstp:").mkdir()
    Path("rstp:/gate.mp4").touch()
    assert parse_address("rstp:/gate.mp4").kind == "recording"
