"""Cameras behind TLS: only a trusted certificate is accepted, by our reader of pictures as by FFmpeg."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lfr_ray.camera.camera_address import parse_address
from lfr_ray.camera.decode_video import VideoFootage
from lfr_ray.camera.open_footage import open_source
from lfr_ray.clock import SystemClock
from lfr_ray.config import CameraConfig
from lfr_ray.errors import StreamError
from tests.integration.camera.test_http import Camera
from tests.integration.camera.test_recordings import write_video
from tests.integration.camera.test_rtsp import RtspServer, _server_installed

__all__ = ["_server_installed"]


@dataclass(frozen=True)
class Secured:
    """A camera with a certificate of its own, for 127.0.0.1."""

    port: int
    certificate: Path


def certify(folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")]),
        datetime.datetime.now(datetime.timezone.utc),
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "camera.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "camera.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "camera.pem", folder / "camera.key"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = certify(folder)
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(certificate, key)
    handler: type[BaseHTTPRequestHandler] = type(
        "Secure", (Camera,), {"file": write_video(folder / "clip.mp4").read_bytes()}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake is wanted here
    server.daemon_threads = True
    server.socket = trusted.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield Secured(server.server_address[1], certificate)
    server.shutdown()
    server.server_close()
    serving.join(5)


@pytest.fixture(scope="module")
def secure_rtsp(_server_installed: None, camera: Secured) -> Iterator[RtspServer]:
    """With the same certificate."""
    both = camera.certificate.with_name("both.pem")
    both.write_bytes(camera.certificate.read_bytes() + camera.certificate.with_suffix(".key").read_bytes())
    server = RtspServer("--certificate", str(both))
    yield server
    server.kill()


def first_width_px(url: str, **fields: object) -> int:
    source = open_source(CameraConfig.model_validate({"name": "gate", "url": url, **fields}))
    try:
        return next(iter(source.frames())).width_px
    finally:
        source.close()


PATHS = pytest.mark.parametrize("path", ["live", "clip.mp4"], ids=["our reader", "FFmpeg"])


@PATHS
def test_a_certificate_that_nobody_knows_is_refused(camera: Secured, path: str) -> None:
    with pytest.raises(StreamError, match=r"certificate is not trusted; .*next: .*ca_file.*tls_verify: false"):
        first_width_px(f"https://127.0.0.1:{camera.port}/{path}")


@PATHS
def test_a_certificate_that_the_site_names_is_trusted(camera: Secured, path: str) -> None:
    assert first_width_px(f"https://127.0.0.1:{camera.port}/{path}", ca_file=camera.certificate) == 160


@PATHS
def test_a_camera_may_be_taken_as_it_is(camera: Secured, path: str) -> None:
    assert first_width_px(f"https://127.0.0.1:{camera.port}/{path}", tls_verify=False) == 160


@pytest.mark.rtsp
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("fields", [{}, {"ca_file": True}, {"tls_verify": False}], ids=["unknown", "named", "any"])
def test_rtsps_keeps_to_the_same_rule(
    camera: Secured, secure_rtsp: RtspServer, fields: dict[str, object], host: str
) -> None:
    """The certificate is for the number, not for the name."""
    url = secure_rtsp.url().replace("rtsp://127.0.0.1", f"rtsps://{host}")
    fields = {name: camera.certificate if name == "ca_file" else value for name, value in fields.items()}
    if "tls_verify" in fields or ("ca_file" in fields and host == "127.0.0.1"):
        assert first_width_px(url, **fields) == 320
    else:
        with pytest.raises(StreamError, match=r"certificate is not trusted; .*next: .*ca_file.*tls_verify: false"):
            first_width_px(url, **fields)


def test_a_trusted_certificate_of_another_host_is_refused(camera: Secured) -> None:
    with pytest.raises(StreamError, match="certificate is not trusted"):
        first_width_px(f"https://localhost:{camera.port}/live", ca_file=camera.certificate)


@pytest.mark.parametrize("fields", [{}, {"ca_file": True}, {"tls_verify": False}], ids=["unknown", "named", "any"])
def test_ffmpeg_by_itself_keeps_to_the_same_rule(camera: Secured, fields: dict[str, object]) -> None:
    """Nothing that the reader of pictures did before makes FFmpeg trust: it opens the address anew."""
    address = parse_address(f"https://127.0.0.1:{camera.port}/clip.mp4")
    named = replace(
        address,
        tls_verify=bool(fields.get("tls_verify", True)),
        ca_file=str(camera.certificate) if "ca_file" in fields else "",
    )

    def opened() -> VideoFootage:
        return VideoFootage(named, clock=SystemClock(), stopping=threading.Event(), stall_s=5)

    if fields:
        footage = opened()
        assert footage.info.width_px == 160
        footage.close()
    else:
        with pytest.raises(StreamError):
            opened()
