"""HTTP cameras that keep to no rule: no boundary, wrong lengths, short connections, one picture at a time, silence."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lfr_ray.camera.camera_reader import CameraReader
from lfr_ray.camera.open_footage import open_source
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.config import CameraConfig
from lfr_ray.errors import StreamError
from tests.integration.camera.status_of_readers import until

FPS = 20
MULTIPART = "multipart/x-mixed-replace; boundary=frame"
KINDS = {"/picture-type": "image/jpeg", "/no-type": "", "/snapshot.jpg": "image/jpeg"}


def jpeg(index: int) -> bytes:
    return encode_jpeg(np.full((48, 64, 3), 10 + index * 3 % 240, np.uint8))


class Careless(BaseHTTPRequestHandler):
    """Each path breaks another rule."""

    protocol_version = "HTTP/1.0"
    asked = 0

    def do_GET(self) -> None:
        Careless.asked += 1
        path = self.path.partition("?")[0]
        if path == "/digest" and not str(self.headers.get("Authorization")).startswith('Digest username="officer"'):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Digest realm="camera", nonce="abc", qop="auth"')
            self.end_headers()
            return
        self.send_response(200)
        kind = KINDS.get(path, MULTIPART)
        if kind:
            self.send_header("Content-Type", kind)
        body = jpeg(Careless.asked)
        if path == "/snapshot.jpg":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if path == "/snapshot.jpg":
                self.wfile.write(body)
            else:
                self.send_pictures(path)
        except (BrokenPipeError, ConnectionResetError):
            return

    def send_pictures(self, path: str) -> None:
        for index in range(20 if path == "/short" else 10_000):
            picture = jpeg(index)
            length = len(picture) + {"/too-long": 5000, "/too-short": -300}.get(path, 0)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n".encode()
            if path == "/no-first-boundary" and index == 0:
                head = b""
            if path in {"/no-boundary", "/picture-type", "/no-type"}:
                head = b""
            if path == "/other-boundary":
                head = head.replace(b"--frame", b"--myboundary")
            if path == "/no-end":
                picture = picture[:-2]
            if path == "/pause" and index == 10:
                time.sleep(4)
            if path == "/hangs" and index == 10:
                time.sleep(60)
            if path == "/words" and index >= 10:
                self.wfile.write(b"no picture any more\r\n")
            else:
                self.wfile.write(head + picture + b"\r\n")
            self.wfile.flush()
            time.sleep(1 / FPS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Careless)
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
        config = CameraConfig.model_validate({"name": "gate", "url": url, "stall_s": 2.0, "max_fps": 60, **fields})
        running.append(CameraReader(config).start())
        return running[-1]

    yield start
    for reader in running:
        reader.stop()


@pytest.mark.parametrize(
    "path",
    [
        "no-first-boundary",
        "no-boundary",
        "other-boundary",
        "too-long",
        "too-short",
        "no-end",
        "picture-type",
        "no-type",
    ],
)
def test_pictures_come_whatever_stands_between_them(camera: str, read: Callable[..., CameraReader], path: str) -> None:
    status = until(read(f"http://{camera}/{path}"), lambda now: now.frames >= 12)
    assert (status.state, status.reconnects, status.corrupt) == ("live", 0, 0)
    assert (status.width_px, status.height_px) == (64, 48)


def test_a_stream_of_one_second_a_connection_is_seen_most_of_the_time(
    camera: str, read: Callable[..., CameraReader]
) -> None:
    reader = read(f"http://{camera}/short")
    began_s = time.monotonic()
    until(reader, lambda now: now.reconnects >= 5, within_s=25)
    seen_s = reader.status().frames / FPS
    # On a busy machine; pauses that grow with every end would leave a quarter.
    assert seen_s > 0.4 * (time.monotonic() - began_s)
    assert reader.status().fps <= FPS * 1.2


def test_the_digest_of_a_password_is_sent(camera: str) -> None:
    open_source(CameraConfig(name="gate", url=f"http://officer:Pa55@{camera}/digest")).close()
    with pytest.raises(StreamError, match="refused the user name or password"):
        open_source(CameraConfig(name="gate", url=f"http://{camera}/digest"))


def test_a_snapshot_is_asked_for_again_and_again(camera: str, read: Callable[..., CameraReader]) -> None:
    status = until(read(f"http://{camera}/snapshot.jpg"), lambda now: now.frames >= 4)
    assert (status.state, status.reconnects) == ("live", 0)
    assert status.fps < 2


@pytest.mark.parametrize("path", ["pause", "hangs", "words"])
def test_a_sender_that_stops_is_called_what_it_is(camera: str, read: Callable[..., CameraReader], path: str) -> None:
    status = until(read(f"http://{camera}/{path}"), lambda now: now.state == "blind")
    assert "no picture for 2 s" in status.problem
    until(read(f"http://{camera}/{path}"), lambda now: now.state == "live")


@pytest.fixture
def silent() -> Iterator[int]:
    """Accepts and never says a word."""
    listening = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []

    def accept() -> None:
        try:
            while True:
                accepted.append(listening.accept()[0])
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    for one in (listening, *accepted):
        one.close()


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_a_server_that_never_answers_gives_no_answer_in_time(silent: int, scheme: str) -> None:
    with pytest.raises(StreamError, match="no answer in time"):
        open_source(CameraConfig(name="gate", url=f"{scheme}://127.0.0.1:{silent}/live", stall_s=2))


def test_a_password_is_in_no_error(silent: int) -> None:
    login = base64.b64encode(b"secret").decode()
    with pytest.raises(StreamError) as caught:
        open_source(CameraConfig(name="gate", url=f"http://officer:{login}@127.0.0.1:{silent}/live", stall_s=1))
    assert login not in repr(caught.value) + str(caught.value) + repr(caught.value.__context__)
