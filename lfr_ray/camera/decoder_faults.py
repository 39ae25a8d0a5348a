"""What went wrong in a decoder, in words that help and hold no credential.

FFmpeg's own texts quote the whole address; only its kinds of error are used here.
"""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import av
import av.error

from lfr_ray.camera.camera_address import ALLOWED, Address
from lfr_ray.errors import LfrError, SourceError, StreamError

FAULTS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        "the camera refused the user name or password",
        "check both in the camera's url",
    ),
    ((av.error.HTTPNotFoundError,), "the camera has no such stream", "check the path in the camera's url"),
    ((av.error.HTTPError,), "the camera answered with an error", "look at the camera's own log"),
    (
        (ssl.SSLCertVerificationError,),
        "the camera's certificate is not trusted",
        "name its authority's file as the camera's ca_file, or set tls_verify: false for this camera",
    ),
    (
        (ConnectionRefusedError,),
        "nothing listens at the address",
        "check host and port, and that the camera is switched on",
    ),
    (
        (TimeoutError, av.error.ExitError, BlockingIOError),
        "no answer in time",
        "check host and port, and that the network lets the connection through",
    ),
    ((ConnectionError, BrokenPipeError), "the connection broke", "check the network; it is tried again"),
    ((EOFError,), "the stream ended", "it is tried again"),
    ((PermissionError,), "it may not be read", "check the permissions"),
    ((FileNotFoundError,), "it does not exist", "check the path, and that the device is plugged in"),
    (
        (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.DecoderNotFoundError, UnicodeError),
        "what arrives is no video that can be decoded",
        "check that the address is that of a video stream",
    ),
    (
        (av.error.ProtocolNotFoundError, av.error.DemuxerNotFoundError),
        "the address leads to something that is not allowed",
        "check the address",
    ),
    ((OSError,), "it cannot be reached", "check the host's name, the network and the camera"),
)


RTSPS_PORT = 322

SILENCE_KINDS = (av.error.InvalidDataError, EOFError, OSError)
"""What FFmpeg also says of a server from which nothing came."""


def fault_of(error: BaseException, address: Address, *, silent: bool = False) -> LfrError:
    """What to raise instead, outside of ``except``: a StreamError for what may work later, otherwise a SourceError.

    ``silent`` says that nothing came until the limit of time was over, which FFmpeg's kind of error often hides.
    """
    if address.kind == "recording":
        return SourceError(
            "the recording cannot be decoded",
            got=f"{address.shown}: {kind_of(error)}",
            allowed="a video file that ffmpeg can read, complete to its index",
            next_step="play it in a video player; if it plays there, convert it to MP4 (H.264)",
        )
    if silent and isinstance(error, SILENCE_KINDS) and not isinstance(error, ConnectionError):
        error = TimeoutError()
    for kinds, what, next_step in FAULTS:
        if isinstance(error, kinds):
            return StreamError(what, got=address.shown, next_step=next_step)
    return StreamError("the stream failed", got=f"{address.shown}: {kind_of(error)}", next_step="it is tried again")


def untrusted(address: Address, timeout_s: float) -> BaseException | None:
    """Why a camera's certificate is not trusted, which FFmpeg does not tell; None: that is not what is wrong."""
    if address.scheme != "rtsps" or not address.tls_verify:
        return None
    parts, trusting = urlsplit(address.target), ssl.create_default_context(cafile=address.ca_file or None)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or RTSPS_PORT), timeout_s) as plain:
            trusting.wrap_socket(plain, server_hostname=parts.hostname).close()
    except ssl.SSLCertVerificationError as error:
        return error
    except (OSError, ValueError):
        return None
    return None


def kind_of(error: BaseException) -> str:
    """The class of an error and ffmpeg's fixed text for it, which holds no address."""
    fixed = error.strerror if isinstance(error, av.error.FFmpegError) else ""
    return f"{type(error).__name__} ({fixed})" if fixed else type(error).__name__


def no_picture(address: Address, waited_s: float) -> StreamError:
    """A stream from which data comes, or nothing at all, but no picture."""
    return StreamError(
        f"no picture for {waited_s:.0f} s", got=address.shown, next_step="check the camera; it is tried again"
    )


def not_video(address: Address, found: str) -> SourceError:
    """A file that is something else."""
    return SourceError(
        "the file is not a video", got=f"{address.shown}: {found}", allowed=ALLOWED, next_step="check the path"
    )
