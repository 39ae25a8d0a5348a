"""A recording, stream or device opened by FFmpeg, without a word of it in any error."""

from __future__ import annotations

import ssl
from pathlib import Path

import av
import av.error
import av.logging
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from lfr_ray.camera.camera_address import Address
from lfr_ray.camera.decoder_faults import fault_of, not_video, untrusted
from lfr_ray.clock import Clock
from lfr_ray.errors import LfrError, SourceError

# FFmpeg prints whole addresses. This is PyAV's default; it is said again in case somebody changed it
# before us, because PyAV's log callback must not be switched later (it is not safe against threads).
av.logging.set_level(None)
av.logging.set_libav_level(av.logging.PANIC)

CONNECT_S = 5.0
"""A camera that has not answered after so long is tried again later."""

SILENT_S = 0.8 * CONNECT_S
"""A server that was waited for so long has said nothing, whatever the decoder makes of that."""

_PROTOCOLS = {
    "recording": "file",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,udp,tcp,tls",
    "http": "http,https,tcp,tls,crypto,httpproxy",
    "https": "http,https,tcp,tls,crypto,httpproxy",
}


def check_file(address: Address) -> None:
    """Say what FFmpeg would not.

    Raises:
        SourceError: There is no such file, or nothing in it.
    """
    path = Path(address.target)
    if not path.exists():
        raise SourceError(
            "the recording does not exist", got=address.shown, allowed="a file or folder", next_step="check the path"
        )
    if path.is_file() and path.stat().st_size == 0:
        raise not_video(address, "0 bytes")
    if not path.is_file():
        raise not_video(address, "neither a file nor a folder")


def open_container(address: Address, stall_s: float, clock: Clock, hardware: HWAccel | None) -> InputContainer:
    """Open an address.

    A stream that delivers nothing for ``stall_s`` has failed; ``hardware`` decodes instead of the processor.

    Raises:
        SourceError: A recording cannot be opened.
        StreamError: Anything else cannot.
    """
    began_s = clock.steady_s()
    options = {"protocol_whitelist": _PROTOCOLS.get(address.scheme or address.kind, "file")}
    if address.scheme in {"rtsp", "rtsps"}:
        options |= {"rtsp_transport": "tcp", "allowed_media_types": "video"}
    if address.scheme in {"rtsps", "https"} and address.tls_verify:
        options |= {"tls_verify": "1", "ca_file": address.ca_file or ssl.get_default_verify_paths().cafile or ""}
    if address.lasting:
        # By default ffmpeg studies a stream for two seconds to guess its rate, and all of that arrives late.
        options |= {"fpsprobesize": "2", "analyzeduration": "1500000"}
    timeout = (CONNECT_S, stall_s) if address.lasting else None
    try:
        return av.open(
            address.target,
            "r",
            format="v4l2" if address.kind == "device" else None,
            options=options,
            timeout=timeout,
            hwaccel=hardware,
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        silent = clock.steady_s() - began_s >= SILENT_S
        cause = None if silent else untrusted(address, CONNECT_S)
        fault: LfrError = fault_of(cause or error, address, silent=silent)
    raise fault
