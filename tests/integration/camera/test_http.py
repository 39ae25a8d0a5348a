"""MJPEG and files over HTTP from a small server on loopback."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.reconnect import ReconnectConfig
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.config import CameraConfig
from lfr_ray.errors import LfrError, StreamError
from tests.integration.camera.status_of_readers import until
from tests.mailboxes import next_frame

FPS = 10
LOGIN = "officer:Pa55"


def drawn(index: int, width_px: int = 160) -> np.ndarray:
    picture = np.full((96, width_px, 3), 60, np.uint8)
    left = index * 4 % (width_px - 20)
    picture[30:60, left : left + 20] = (220, 40, 40)
    return picture


class Camera(BaseHTTPRequestHandler):
    """What cheap cameras do: one endless answer of JPEG pictures between boundaries."""

    protocol_version = "HTTP/1.0"
    file = b""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        wanted = "Basic " + base64.b64encode(LOGIN.encode()).decode()
        if path == "/locked" and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        if path == "/clip.mp4":
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(self.file)))
            self.end_headers()
            self.wfile.write(self.file)
            return
        if path not in {"/live", "/locked", "/growing", "/short", "/broken"}:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            self.send_pictures(path)
        except (BrokenPipeError, ConnectionResetError):
            return

    def send_pictures(self, path: str) -> None:
        for index in range(20 if path == "/short" else 10_000):
            jpeg = encode_jpeg(drawn(index, 320 if path == "/growing" and index > 15 else 160))
            if path == "/broken" and index % 3 == 2:
                jpeg = jpeg[:200] + bytes(300)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            self.wfile.flush()
            time.sleep(1 / FPS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    serving.join(5)


@pytest.fixture
def read() -> Iterator[Callable[..., CameraReader]]:
    running: list[CameraReader] = []

    def start(url: str, **fields: object) -> CameraReader:
        config = CameraConfig.model_validate({"name": "gate", "url": url, "stall_s": 2.0, "max_fps": 30, **fields})
        running.append(CameraReader(config, reconnect=ReconnectConfig(first_s=0.2, longest_s=0.5)).start())
        return running[-1]

    yield start
    for reader in running:
        reader.stop()


def test_mjpeg_frames_come_at_the_cameras_own_rate(camera: str, read: Callable[..., CameraReader]) -> None:
    reader = read(f"http://{camera}/live?channel=1")
    status = until(reader, lambda now: now.frames > 25)
    assert (status.state, status.width_px, status.height_px) == ("live", 160, 96)
    assert status.fps == pytest.approx(FPS, rel=0.4)
    # Only the few that arrived together while ffmpeg studied the stream.
    assert status.skipped < 10
    assert status.lag_s == 0
    frame = next_frame(reader.mailbox, 5)
    assert frame is not None
    assert frame.captured_at == pytest.approx(time.time(), abs=0.5)
    assert frame.captured_s == pytest.approx(status.frames / FPS, abs=1.5)
    assert (abs(frame.pixels.astype(int) - (220, 40, 40)).max(axis=2) < 30).sum() == pytest.approx(600, rel=0.3)


def test_max_fps_holds_for_mjpeg(camera: str, read: Callable[..., CameraReader]) -> None:
    """The time stamps that ffmpeg makes up for MJPEG, 25 a second, would give 1.6 here."""
    reader = read(f"http://{camera}/live", max_fps=4)
    assert until(reader, lambda now: now.frames > 12).fps == pytest.approx(4, rel=0.35)


def test_the_password_is_sent_and_needed(camera: str) -> None:
    open_source(CameraConfig(name="gate", url=f"http://{LOGIN}@{camera}/locked")).close()
    with pytest.raises(StreamError, match="refused the user name or password") as caught:
        open_source(CameraConfig(name="gate", url=f"http://officer:hunter2@{camera}/locked"))
    assert "hunter2" not in str(caught.value)


def test_a_missing_path_is_named(camera: str) -> None:
    with pytest.raises(StreamError, match="no such stream"):
        open_source(CameraConfig(name="gate", url=f"http://{camera}/nothing"))


def test_the_size_may_change(camera: str, read: Callable[..., CameraReader]) -> None:
    reader = read(f"http://{camera}/growing")
    assert until(reader, lambda now: now.width_px == 160).reconnects == 0
    assert until(reader, lambda now: now.width_px == 320).reconnects == 0


def test_a_stream_that_ends_is_opened_again(camera: str, read: Callable[..., CameraReader]) -> None:
    status = until(read(f"http://{camera}/short"), lambda now: now.reconnects == 1)
    assert status.frames + status.skipped > 20


def test_damaged_pictures_are_counted_and_the_others_come(camera: str, read: Callable[..., CameraReader]) -> None:
    status = until(read(f"http://{camera}/broken"), lambda now: now.frames > 15 and now.corrupt > 0)
    assert status.state == "live"
    assert status.reconnects == 0


def test_a_recording_by_http_ends(
    camera: str, read: Callable[..., CameraReader], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(15):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(index), format="rgb24")))
        container.mux(stream.encode(None))
    monkeypatch.setattr(Camera, "file", path.read_bytes())
    reader = read(f"http://{camera}/clip.mp4", pace="full")
    status = until(reader, lambda now: now.state == "ended")
    assert (status.frames, status.problem) == (15, "")


def test_an_http_address_reaches_no_file_of_this_machine(tmp_path: Path) -> None:
    """A hostile "camera" answers with a playlist that names a local file."""
    secret = tmp_path / "secret.ts"
    with av.open(str(secret), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(index), format="rgb24")))
        container.mux(stream.encode(None))

    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.apple.mpegurl")
            self.end_headers()
            text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(LfrError):
            open_source(CameraConfig(name="gate", url=f"http://127.0.0.1:{server.server_address[1]}/live.m3u8"))
    finally:
        server.shutdown()
        server.server_close()
