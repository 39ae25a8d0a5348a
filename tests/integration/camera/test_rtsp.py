"""A real RTSP server on loopback: killed, restarted, locked, changing, silent, talking garbage.

Needs Debian's gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good and gstreamer1.0-plugins-ugly.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.camera.decode_video import VideoFootage
from lfr_ray.camera.newest_frame import NewestFrame
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.reconnect import ReconnectConfig
from lfr_ray.config import CameraConfig
from lfr_ray.errors import StreamError
from lfr_ray.records import Frame
from tests.integration.camera.status_of_readers import until
from tests.mailboxes import next_frame

SERVER = Path(__file__).with_name("rtsp_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"
USER, SECRET = "officer", "Pa55-w0rd/x"
SOON_S = 15.0
IMPATIENT = ReconnectConfig(first_s=0.2, longest_s=0.5)

Serve = Callable[..., "RtspServer"]


class RtspServer:
    """The server's process."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-W", "ignore", str(SERVER), "--port", str(port), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("listening "), f"the RTSP server did not start: {said!r}"
        self.port = int(said.split()[1])

    def url(self, user: str = "", password: str = "") -> str:
        login = f"{user}:{password}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{self.port}/live"

    def kill(self) -> None:
        """Die at once, with every connection open."""
        self._process.kill()
        self._finish()

    def freeze(self) -> None:
        """Keep every connection open and say nothing any more."""
        self._process.send_signal(signal.SIGSTOP)

    def _finish(self) -> None:
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture(scope="session")
def _server_installed() -> None:
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer, Gst; "
    probe += "Gst.init(None); assert all(map(Gst.ElementFactory.find, ['x264enc', 'rtph264pay', 'videotestsrc']))"
    if (
        shutil.which(SYSTEM_PYTHON) is None
        or subprocess.run([SYSTEM_PYTHON, "-W", "ignore", "-c", probe], capture_output=True, check=False).returncode
    ):
        pytest.skip("no RTSP server: install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{good,ugly}")


@pytest.fixture
def serve(_server_installed: None) -> Iterator[Serve]:
    running: list[RtspServer] = []

    def start(*options: str, port: int = 0) -> RtspServer:
        running.append(RtspServer(*options, port=port))
        return running[-1]

    yield start
    for server in running:
        server.kill()


@pytest.fixture
def read() -> Iterator[Callable[..., CameraReader]]:
    running: list[CameraReader] = []

    def start(url: str, **fields: object) -> CameraReader:
        config = CameraConfig.model_validate({"name": "gate", "url": url, "stall_s": 2.0, **fields})
        running.append(CameraReader(config, reconnect=IMPATIENT).start())
        return running[-1]

    yield start
    for reader in running:
        reader.stop()


def shapes(reader: CameraReader, count: int) -> set[tuple[int, ...]]:
    until_s, seen = time.monotonic() + SOON_S, set()
    while time.monotonic() < until_s and len(seen) < count:
        frame = next_frame(reader.mailbox, 0.1)
        if frame is not None:
            seen.add(frame.pixels.shape)
    return seen


@pytest.mark.rtsp
def test_frames_come_in_real_time(serve: Serve, read: Callable[..., CameraReader]) -> None:
    reader = read(serve().url(), max_fps=30)
    status = until(reader, lambda now: now.frames > 30)
    assert (status.state, status.blind_since, status.problem) == ("live", None, "")
    assert (status.width_px, status.height_px) == (320, 240)
    assert status.last_frame_at == pytest.approx(time.time(), abs=2)
    assert status.lag_s < 1
    frame = next_frame(reader.mailbox, 5)
    assert isinstance(frame, Frame)
    assert frame.seen_s == pytest.approx(time.monotonic(), abs=1)
    assert 1 < frame.captured_s < SOON_S, "its time counts from the camera's first picture"
    assert 5 < until(reader, lambda now: now.frames > 60).fps < 25


@pytest.mark.rtsp
def test_max_fps_skips_frames_of_a_stream(serve: Serve, read: Callable[..., CameraReader]) -> None:
    reader = read(serve().url(), max_fps=5)
    # So many, as the first may come a second late on a full machine, and those after it at once.
    status = until(reader, lambda now: now.frames > 30)
    assert status.skipped > status.frames
    assert status.fps < 7


@pytest.mark.rtsp
def test_nobody_looking_means_dropped_frames_and_the_newest_one(
    serve: Serve, read: Callable[..., CameraReader]
) -> None:
    reader = read(serve().url(), max_fps=30)
    until(reader, lambda now: now.state == "live")
    dropped = reader.status().dropped
    time.sleep(2)
    status = reader.status()
    assert status.dropped - dropped > 15
    frame = next_frame(reader.mailbox, 0)
    assert frame is not None
    assert time.monotonic() - frame.seen_s < 0.5


@pytest.mark.rtsp
def test_killed_and_restarted_the_camera_is_blind_and_comes_back(
    serve: Serve, read: Callable[..., CameraReader], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    login = ("--user", USER, "--password", SECRET)
    server = serve(*login)
    port, address = server.port, server.url(USER, SECRET)
    reader = read(address)
    live = until(reader, lambda now: now.frames > 5)
    assert live.reconnects == 0

    killed_at = time.time()
    server.kill()
    blind = until(reader, lambda now: now.state == "blind")
    assert blind.blind_since == pytest.approx(killed_at, abs=2.5)
    assert blind.problem
    later = until(reader, lambda now: "nothing listens" in now.problem)
    assert later.blind_since == blind.blind_since

    serve(*login, port=port)
    back = until(reader, lambda now: now.state == "live" and now.frames > live.frames + 5)
    assert (back.reconnects, back.blind_since, back.problem) == (1, None, "")
    frame = next_frame(reader.mailbox, 5)
    assert frame is not None
    assert frame.captured_s > time.time() - killed_at - 1, "its time goes on"

    shown = "".join(map(repr, (live, blind, later, back))) + caplog.text + "".join(capfd.readouterr()) + repr(reader)
    for secret in (SECRET, quote(SECRET), quote(SECRET, safe=""), USER):
        assert secret not in shown
    assert blind.url == f"rtsp://***@127.0.0.1:{port}/live"


@pytest.mark.rtsp
def test_a_frozen_server_makes_the_camera_blind_and_stop_does_not_wait_for_it(
    serve: Serve, read: Callable[..., CameraReader]
) -> None:
    server = serve()
    reader = read(server.url())
    until(reader, lambda now: now.frames > 5)
    frozen_s, frozen_at = time.monotonic(), time.time()
    server.freeze()
    blind = until(reader, lambda now: now.state == "blind", within_s=6)
    assert 1.5 < time.monotonic() - frozen_s < 4.5
    assert blind.blind_since == pytest.approx(frozen_at, abs=1.5)
    assert "no picture" in blind.problem or "no answer" in blind.problem
    stopped_s = time.monotonic()
    reader.stop()
    assert time.monotonic() - stopped_s < 2
    assert reader.mailbox.ended


@pytest.mark.rtsp
def test_only_its_own_camera_becomes_blind(serve: Serve, read: Callable[..., CameraReader]) -> None:
    first, second = serve(), serve()
    one, two = read(first.url()), read(second.url())
    until(one, lambda now: now.frames > 3)
    until(two, lambda now: now.frames > 3)
    first.kill()
    until(one, lambda now: now.state == "blind")
    before = two.status().frames
    assert until(two, lambda now: now.frames > before + 10).state == "live"


@pytest.mark.rtsp
@pytest.mark.parametrize("login", [("", ""), (USER, "wrong-secret")], ids=["none", "wrong"])
def test_the_password_is_needed(serve: Serve, login: tuple[str, str]) -> None:
    server = serve("--user", USER, "--password", SECRET)
    with pytest.raises(StreamError, match=r"refused the user name or password.*next: check both") as caught:
        open_source(CameraConfig(name="gate", url=server.url(*login)))
    assert "wrong-secret" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


@pytest.mark.rtsp
def test_a_wrong_path_is_named(serve: Serve) -> None:
    url = serve().url().replace("/live", "/nothing")
    with pytest.raises(StreamError, match="no such stream"):
        open_source(CameraConfig(name="gate", url=url))


@pytest.mark.rtsp
def test_the_size_may_change_in_mid_stream(serve: Serve, read: Callable[..., CameraReader]) -> None:
    reader = read(serve("--changing").url(), max_fps=30)
    assert shapes(reader, 2) == {(240, 320, 3), (480, 640, 3)}
    assert reader.status().state == "live"
    assert reader.status().reconnects == 0


@pytest.mark.rtsp
def test_a_decoder_that_is_too_slow_does_not_fall_behind(
    serve: Serve, read: Callable[..., CameraReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten pictures a second can be decoded and fifteen come: without care, 3 s behind after 9 s."""
    decoded = VideoFootage._pictures_of

    def slowly(footage: VideoFootage, packet: Any) -> Any:
        frames = decoded(footage, packet)
        time.sleep(0.1 * len(frames))
        return frames

    monkeypatch.setattr(VideoFootage, "_pictures_of", slowly)
    reader = read(serve().url(), max_fps=30)
    until(reader, lambda now: now.state == "live")
    lags_s, newest = [], 0
    until_s = time.monotonic() + 9
    while time.monotonic() < until_s:
        if (frame := next_frame(reader.mailbox, 0.1)) is not None:
            newest = frame.index
        lags_s.append(reader.status().lag_s)
    assert max(lags_s) > 0.4
    assert max(lags_s) < 2.0
    assert min(lags_s[len(lags_s) // 2 :]) < 0.5
    status = reader.status()
    assert status.reconnects == 0
    assert status.dropped > 10, "what was not decoded counts as well"
    assert status.frames == pytest.approx(newest + 1, abs=20), "and so do the frames' numbers"


@pytest.mark.rtsp
@pytest.mark.footage
def test_a_recording_over_rtsp_ends_and_begins_again(
    serve: Serve, read: Callable[..., CameraReader], shared_data: Path
) -> None:
    clip = shared_data / "videos" / "headpose_pair.mp4"
    reader = read(serve("--file", str(clip)).url(), max_fps=30)
    status = until(reader, lambda now: now.reconnects >= 1, within_s=25)
    assert (status.width_px, status.height_px) == (480, 270)


@pytest.fixture
def lying_server() -> Iterator[Callable[[bytes], int]]:
    """A TCP server that says the same to everybody and keeps the connection open."""
    sockets: list[socket.socket] = []

    def start(answer: bytes) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def answer_all() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    sockets.append(connection)
                    with contextlib.suppress(OSError):
                        connection.sendall(answer)

        threading.Thread(target=answer_all, daemon=True).start()
        return int(listening.getsockname()[1])

    yield start
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@pytest.mark.rtsp
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize(
    "answer", [b"", b"\0\xff" * 5_000, b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + b"garbage" * 999]
)
def test_garbage_and_silence_are_an_error_within_seconds(
    lying_server: Callable[[bytes], int], answer: bytes, scheme: str
) -> None:
    port = lying_server(answer)
    started_s = time.monotonic()
    with pytest.raises(StreamError) as caught:
        open_source(CameraConfig(name="gate", url=f"{scheme}://officer:{SECRET}@127.0.0.1:{port}/live", stall_s=2))
    assert time.monotonic() - started_s < 13
    assert SECRET not in str(caught.value)
    assert caught.value.next_step


@pytest.mark.rtsp
@pytest.mark.parametrize("host", ["127.0.0.1:1", "192.0.2.1", "camera.invalid"])
def test_an_unreachable_host_is_an_error_within_seconds(host: str) -> None:
    started_s = time.monotonic()
    with pytest.raises(StreamError, match=r"\*\*\*@") as caught:
        open_source(CameraConfig(name="gate", url=f"rtsp://{USER}:{SECRET}@{host}/live"))
    assert time.monotonic() - started_s < 8
    assert SECRET not in str(caught.value)


@pytest.mark.rtsp
def test_a_reader_of_an_unreachable_host_is_blind_and_keeps_trying(read: Callable[..., CameraReader]) -> None:
    started_at = time.time()
    reader = read(f"rtsp://{USER}:{SECRET}@127.0.0.1:1/live")
    status = until(reader, lambda now: now.state == "blind")
    assert status.blind_since == pytest.approx(started_at, abs=1)
    assert "nothing listens" in status.problem
    assert SECRET not in repr(status)
    assert isinstance(reader.mailbox, NewestFrame)
    assert reader.stop()
    assert reader.status().state == "ended"
