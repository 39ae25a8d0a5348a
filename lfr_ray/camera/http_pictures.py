"""Pictures by HTTP: an endless answer of many (MJPEG), or one picture that is asked for again and again (a snapshot).

FFmpeg's own reader of multipart answers wants them to be exact, and makes up time stamps. Here a picture's time is that
of its arrival.
"""

from __future__ import annotations

import http.client
import itertools
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import av.error

from lfr_ray.camera.camera_address import Address
from lfr_ray.camera.decoder_faults import fault_of, no_picture
from lfr_ray.camera.footage_interface import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.jpeg_stream import JpegSplitter
from lfr_ray.camera.still_pictures import MAX_FILE_BYTES, read_picture
from lfr_ray.clock import Clock
from lfr_ray.errors import LfrError, PictureError
from lfr_ray.records import Picture

SNAPSHOT_S = 1.0
"""How often a snapshot is asked for."""

DECLARED_FPS = 25.0
"""Such a stream says nothing of its rate."""

PIECE_BYTES = 65_536
_UNTOLD = frozenset({"", "application/octet-stream", "text/plain", "image/jpeg"})
# What tells nothing: the first bytes decide. Some cameras call an endless stream of pictures a picture.

_STATUS = {401: av.error.HTTPUnauthorizedError, 403: av.error.HTTPForbiddenError, 404: av.error.HTTPNotFoundError}


@dataclass(eq=False, repr=False)
class HttpPictures:
    """JPEG pictures from an HTTP answer that is open already, and of which ``begun`` was read.

    A ``snapshot`` is one picture, which is asked for again and again. ``stopping``, set by anybody, ends it at the next
    piece; without a picture for ``stall_s`` the stream has failed.

    Raises:
        StreamError: It sends no picture.
    """

    address: Address
    answer: Any
    begun: bytes
    _: KW_ONLY
    snapshot: bool
    clock: Clock
    stopping: threading.Event
    stall_s: float
    counts: SourceCounts = field(default_factory=SourceCounts, init=False)

    def __post_init__(self) -> None:
        self._splitter = JpegSplitter()
        self._waiting = self._wait_for_pictures()
        try:
            readable = (picture for data in self._waiting if (picture := self._read(data)) is not None)
            self._first = [*itertools.islice(readable, 1)]
            if not self._first:
                raise fault_of(EOFError(), self.address)
            height_px, width_px = self._first[0].shape[:2]
        except BaseException:
            self.close()
            raise
        self.info = SourceInfo(width_px, height_px, DECLARED_FPS, None, live=True)

    def pictures(self) -> Iterator[DecodedPicture]:
        """The pictures as they come.

        Raises:
            StreamError: The stream broke, stalled or ended.
        """
        # No picture is kept here while the next one is waited for: it may show somebody's face.
        while self._first:
            yield DecodedPicture.ready(None, self._first.pop())
        for data in self._waiting:
            yield DecodedPicture(None, partial(self._read, data))
            del data

    def close(self) -> None:
        """Close the connection."""
        self.answer.close()

    def _read(self, data: bytes) -> Picture | None:
        try:
            return read_picture(data)
        except PictureError:
            self.counts.corrupt += 1
            return None

    def _wait_for_pictures(self) -> Iterator[bytes]:
        seen_s = self.clock.steady_s()
        for data in self._snapshots() if self.snapshot else self._stream():
            waited_s = self.clock.steady_s() - seen_s
            if data:
                self.counts.decoded += 1
                yield data
                # After the yield: what the reader of the frames takes is not waiting for the camera.
                seen_s = self.clock.steady_s()
            elif waited_s >= self.stall_s:
                raise no_picture(self.address, waited_s)
            if self.stopping.is_set():
                return

    def _stream(self) -> Iterator[bytes]:
        """Pictures of an endless answer; an empty one after each piece."""
        piece = self.begun
        while True:
            before = self._splitter.damaged
            yield from self._splitter.feed(piece)
            self.counts.corrupt += self._splitter.damaged - before
            yield b""
            piece = self._piece()

    def _piece(self) -> bytes:
        try:
            piece: bytes = self.answer.read1(PIECE_BYTES)
            fault: BaseException = EOFError()
        except TimeoutError:
            raise no_picture(self.address, self.stall_s) from None
        except (OSError, http.client.HTTPException, ValueError):
            piece, fault = b"", ConnectionError()
        if not piece and not self.stopping.is_set():
            raise fault_of(fault, self.address)
        return piece

    def _snapshots(self) -> Iterator[bytes]:
        """The picture whenever it is another one; an empty one when it is not."""
        last, data = b"", self.begun + self._rest()
        while True:
            yield b"" if data == last else data
            last = data
            if self.stopping.wait(SNAPSHOT_S):
                return
            self.answer.close()
            self.answer = _ask(self.address, self.stall_s)
            data = self._rest()

    def _rest(self) -> bytes:
        pieces = []
        size = 0
        try:
            while size <= MAX_FILE_BYTES and (piece := self.answer.read1(PIECE_BYTES)):
                pieces.append(piece)
                size += len(piece)
        except TimeoutError:
            raise no_picture(self.address, self.stall_s) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise fault_of(ConnectionError(), self.address) from None
        return b"".join(pieces)


def open_http_pictures(
    address: Address, *, clock: Clock, stopping: threading.Event, stall_s: float
) -> HttpPictures | None:
    """Ask a camera for its pictures, see :class:`HttpPictures`; None: it sends something else, which FFmpeg may know.

    Raises:
        StreamError: The camera cannot be reached, refuses, or sends no picture.
    """
    answer = _ask(address, stall_s)
    if answer is None:
        return None
    kind = str(answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    begun, snapshot = b"", False
    if kind in _UNTOLD:
        try:
            begun = answer.read1(PIECE_BYTES)
        except TimeoutError:
            raise fault_of(TimeoutError(), address) from None
        except (OSError, http.client.HTTPException, ValueError):
            begun = b""
        if not begun.startswith(b"\xff\xd8\xff") and b"\xff\xd8\xff" not in begun:
            answer.close()
            return None
        # A picture has a length, or the answer ends; an endless answer has neither.
        snapshot = kind == "image/jpeg" and bool(answer.headers.get("Content-Length"))
    elif kind.startswith("image/"):
        snapshot = True
    elif not kind.startswith("multipart/"):
        answer.close()
        return None
    return HttpPictures(address, answer, begun, snapshot=snapshot, clock=clock, stopping=stopping, stall_s=stall_s)


def _ask(address: Address, stall_s: float) -> Any:
    """The answer, with its body unread; None: whoever is there does not speak HTTP as we know it."""
    parts = urlsplit(address.target)
    login, _, place = parts.netloc.rpartition("@")
    url = parts._replace(netloc=place, fragment="").geturl()
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    if login:
        user, _, password = login.partition(":")
        passwords.add_password(None, url, unquote(user), unquote(password))
    trusting = ssl.create_default_context(cafile=address.ca_file or None)
    if not address.tls_verify:
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=trusting),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDigestAuthHandler(passwords),
        urllib.request.HTTPBasicAuthHandler(passwords),
    ):
        opener.add_handler(handler)
    fault: LfrError
    try:
        # The opener has no handler but those for http and https.
        request = urllib.request.Request(url, headers={"User-Agent": "lfr"})  # noqa: S310
        return opener.open(request, timeout=stall_s)
    except urllib.error.HTTPError as error:
        fault = fault_of(_STATUS.get(error.code, av.error.HTTPError)(1, ""), address)
        error.close()
    except urllib.error.URLError as error:
        reason = error.reason
        fault = fault_of(reason if isinstance(reason, BaseException) else OSError(), address)
    except TimeoutError:
        fault = fault_of(TimeoutError(), address)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    raise fault
