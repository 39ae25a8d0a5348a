"""What a camera's address means, before anything is opened."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from lfr_ray.camera.hide_credentials import hide_credentials
from lfr_ray.camera.still_pictures import is_picture_name
from lfr_ray.errors import SourceError

Kind = Literal["recording", "pictures", "stream", "device", "scheme"]

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https")
OTHER_SCHEMES = frozenset({"rtmp", "rtmps", "srt", "udp", "rtp", "tcp", "ftp", "sftp", "ftps", "mms", "smb", "hls"})
"""Real schemes that nobody here opens: none of them is a slip of the pen for another."""

ALLOWED = "a file, a folder of pictures, rtsp://, rtsps://, http://, https:// or /dev/videoN"

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_ALMOST = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)\s*[:;]?\s*(?:/|\\)")
"""How an address begins whose ``://`` is written wrong, as in ``rtsp:/host`` and ``rtsp//host``."""
_DEVICE = re.compile(r"^/dev/video\d+$")


@dataclass(frozen=True, slots=True)
class Address:
    """One camera address.

    Attributes:
        kind: recording, pictures, stream (network), device (v4l2) or scheme (plugged in).
        target: What is opened; may hold credentials, so it is never printed.
        shown: The same without credentials, for messages.
        scheme: In small letters, or empty.
        tls_verify: The certificate of an ``https`` or ``rtsps`` address must be trusted.
        ca_file: Whose certificates are trusted instead of the machine's; empty: the machine's.
    """

    kind: Kind
    target: str = field(repr=False)
    shown: str
    scheme: str = ""
    tls_verify: bool = field(default=True, repr=False)
    ca_file: str = field(default="", repr=False)

    @property
    def lasting(self) -> bool:
        """It is expected to deliver for ever, so that it is worth trying again after a failure."""
        return self.kind in {"stream", "device"}


def parse_address(url: str, schemes: Collection[str] = ()) -> Address:
    """Tell what an address is.

    ``schemes`` are names of plugged-in kinds, such as ``demo`` for ``demo:pier``.

    Raises:
        SourceError: It has a scheme that nobody here opens.

    >>> parse_address("rtsp://admin:secret@10.0.0.7/live")
    Address(kind='stream', shown='rtsp://***@10.0.0.7/live', scheme='rtsp')
    >>> parse_address("demo:pier", {"demo"}).kind
    'scheme'
    """
    plugged = url.partition(":")[0].lower()
    if ":" in url and plugged in schemes:
        return Address("scheme", url, hide_credentials(url), plugged)
    found = _SCHEME.match(url)
    scheme = found[1].lower() if found else ""
    if scheme in STREAM_SCHEMES:
        return Address("stream", _encoded(scheme, url), hide_credentials(url), scheme)
    if scheme and scheme != "file":
        raise _wrong_scheme(f"{scheme}://", _meant(scheme, schemes), schemes)
    path = url[len("file://") :] if scheme else url
    almost = "" if scheme or Path(path).exists() else _almost(url, schemes)
    if almost:
        raise _wrong_scheme("an address whose beginning is written wrong", almost, schemes)
    there = Path(path)
    if _DEVICE.match(path) or (there.exists() and not there.is_file() and not there.is_dir()):
        return Address("device", path, path)  # a pipe or a link to a device as well: what it gives is no recording
    # Text with credentials that lacks its scheme ("admin:secret@10.0.0.7") must not be shown either.
    shown = hide_credentials(f"x://{path}")[4:] if "@" in path and not Path(path).exists() else path
    pictures = Path(path).is_dir() or (is_picture_name(Path(path)) and not path.lower().endswith(".gif"))
    return Address("pictures" if pictures else "recording", path, shown)


def _wrong_scheme(got: str, meant: str, schemes: Collection[str]) -> SourceError:
    return SourceError(
        "the address has a scheme that cannot be opened",
        got=got + (f" (did you mean {meant}?)" if meant else ""),
        allowed=", ".join((ALLOWED, *(f"{name}:NAME" for name in schemes))),
        next_step="correct the camera's url",
    )


def _meant(scheme: str, schemes: Collection[str]) -> str:
    """The beginning that was meant, where a scheme is nearly one that is known; otherwise empty.

    >>> _meant("rstp", ()), _meant("htpp", ()), _meant("dmeo", {"demo"}), _meant("srt", ())
    ('rtsp://', 'http://', 'demo:', '')
    """
    if scheme in OTHER_SCHEMES:
        return ""
    known = (*STREAM_SCHEMES, "file", *schemes)
    swapped = [one for one in known if sorted(one) == sorted(scheme)]
    found = swapped or get_close_matches(scheme, known, n=1, cutoff=0.7)
    return f"{found[0]}{':' if found[0] in schemes else '://'}" if found else ""


def _almost(url: str, schemes: Collection[str]) -> str:
    """What was meant by an address that begins nearly like one of ours, and is no file; otherwise empty."""
    before, colon, _ = url.partition(":")
    before = before.strip().lower()
    found = _ALMOST.match(url)
    if colon and before in STREAM_SCHEMES:
        return f"{before}://"
    if colon and (meant := _meant(before, schemes)) and (found or not meant.endswith("/")):
        return meant
    # A folder may be called rtsp, but nobody writes two strokes behind its name.
    return f"{found[1].lower()}://" if found and found[1].lower() in STREAM_SCHEMES and "//" in url else ""


def _encoded(scheme: str, url: str) -> str:
    """The address with its scheme in small letters and its login encoded as the standard wants it.

    People write passwords with ``@``, ``/`` and ``#`` in them as they are, and every player takes a
    different end of such an address for the host. What is encoded already stays.
    """
    rest = url[len(scheme) + len("://") :]
    login, at, place = rest.rpartition("@")
    if not at or "?" in login:
        return f"{scheme}://{rest}"
    user, colon, password = login.partition(":")
    # A percent sign is kept where it begins an encoded letter and encoded where it does not.
    user, password = (
        quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part), safe="%!$&'()*+,;=~") for part in (user, password)
    )
    return f"{scheme}://{user}{colon}{password}@{place}"


def shown_address(url: str, schemes: Collection[str] = ()) -> str:
    """The address without credentials, also one that cannot be opened."""
    try:
        return parse_address(url, schemes).shown
    except SourceError:
        return hide_credentials(url)


def is_lasting(url: str, schemes: Collection[str] = ()) -> bool:
    """The address is that of something that delivers for ever, and is worth trying again."""
    try:
        return parse_address(url, schemes).lasting
    except SourceError:
        return False
