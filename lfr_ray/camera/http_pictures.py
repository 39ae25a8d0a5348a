"""Pictures by HTTP: an endless answer of many (MJPEG), or one picture that is asked for again and again (a snapshot).

FFmpeg's own reader of multipart answers wants them to be exact, and makes up time stamps. Here a picture's time is that
of its arrival.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import av.error

from lfr_ray.camera.address import Address
from lfr_ray.camera.faults import fault_of, no_picture
from lfr_ray.camera.footage import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.jpeg_stream import JpegSplitter
from lfr_ray.camera.stills import MAX_FILE_BYTES, read_picture
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


class HttpPictures:
    """JPEG pictures from an HTTP answer that is open already.

    Args:
        address: Whose they are.
        open_again: Asks for the next snapshot; None: the answer has many pictures.
        answer: The answer.
        begun: What of it was read already.
        clock: For stalls.
        stopping: Set by anybody to end at the next piece.
        stall_s: Without a picture for so long the stream has failed.

    Raises:
        StreamError: It sends no picture.
    """

    def __init__(
        self,
        address: Address,
        answer: Any,
        begun: bytes,
        *,
        snapshot: bool,
        clock: Clock,
        stopping: threading.Event,
        stall_s: float,
    ) -> None:
        self.counts = SourceCounts()
        self._address = address
        self._answer = answer
        self._begun = begun
        self._snapshot = snapshot
        self._clock = clock
        self._stopping = stopping
        self._stall_s = stall_s
        self._splitter = JpegSplitter()
        self._waiting = self._wait_for_pictures()
        self._first: Picture | None = None
        try:
            while self._first is None:
                data = next(self._waiting, None)
                if data is None:
                    raise fault_of(EOFError(), address)
                self._first = self._read(data)
            height_px, width_px = self._first.shape[:2]
        except BaseException:
            self.close()
            raise
        self._info = SourceInfo(width_px, height_px, DECLARED_FPS, None, live=True)

    def info(self) -> SourceInfo:
        """The size of the first picture."""
        return self._info

    def pictures(self) -> Iterator[DecodedPicture]:
        """The pictures as they come.

        Raises:
            StreamError: The stream broke, stalled or ended.
        """
        # No picture is kept here while the next one is waited for: it may show somebody's face.
        if self._first is not None:
            first = DecodedPicture(None, partial(_itself, self._first))
            self._first = None
            yield first
            del first
        for data in self._waiting:
            yield DecodedPicture(None, partial(self._read, data))
            del data

    def close(self) -> None:
        """Close the connection."""
        self._answer.close()

    def _read(self, data: bytes) -> Picture | None:
        try:
            return read_picture(data)
        except PictureError:
            self.counts.corrupt += 1
            return None

    def _wait_for_pictures(self) -> Iterator[bytes]:
        seen_s = self._clock.steady_s()
        for data in self._snapshots() if self._snapshot else self._stream():
            waited_s = self._clock.steady_s() - seen_s
            if data:
                self.counts.decoded += 1
                yield data
                # After the yield: what the reader of the frames takes is not waiting for the camera.
                seen_s = self._clock.steady_s()
            elif waited_s >= self._stall_s:
                raise no_picture(self._address, waited_s)
            if self._stopping.is_set():
                return

    def _stream(self) -> Iterator[bytes]:
        """Pictures of an endless answer; an empty one after each piece."""
        piece = self._begun
        while True:
            before = self._splitter.damaged
            yield from self._splitter.feed(piece)
            self.counts.corrupt += self._splitter.damaged - before
            yield b""
            piece = self._piece()

    def _piece(self) -> bytes:
        try:
            piece: bytes = self._answer.read1(PIECE_BYTES)
            fault: BaseException = EOFError()
        except TimeoutError:
            raise no_picture(self._address, self._stall_s) from None
        except (OSError, http.client.HTTPException, ValueError):
            piece, fault = b"", ConnectionError()
        if not piece and not self._stopping.is_set():
            raise fault_of(fault, self._address)
        return piece

    def _snapshots(self) -> Iterator[bytes]:
        """The picture whenever it is another one; an empty one when it is not."""
        last, data = b"", self._begun + self._rest()
        while True:
            yield b"" if data == last else data
            last = data
            if self._stopping.wait(SNAPSHOT_S):
                return
            self._answer.close()
            self._answer = _ask(self._address, self._stall_s)
            data = self._rest()

    def _rest(self) -> bytes:
        pieces = []
        size = 0
        try:
            while size <= MAX_FILE_BYTES and (piece := self._answer.read1(PIECE_BYTES)):
                pieces.append(piece)
                size += len(piece)
        except TimeoutError:
            raise no_picture(self._address, self._stall_s) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise fault_of(ConnectionError(), self._address) from None
        return b"".join(pieces)


def open_http_pictures(
    address: Address, *, clock: Clock, stopping: threading.Event, stall_s: float
) -> HttpPictures | None:
    """Ask a camera for its pictures.

    Args:
        address: With scheme http or https.
        clock: For stalls.
        stopping: Set by anybody to end.
        stall_s: Without a picture for so long the stream has failed.

    Returns:
        None where the answer is something else, which FFmpeg may know.

    Raises:
        StreamError: The camera cannot be reached, refuses, or sends no picture.
    """
    answer = _ask(address, stall_s)
    if answer is None:
        return None
    kind = str(answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    begun, snapshot = b"", False
    if kind in _UNTOLD:
        begun = _begin(answer, address)
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


def _begin(answer: Any, address: Address) -> bytes:
    try:
        begun: bytes = answer.read1(PIECE_BYTES)
    except TimeoutError:
        raise fault_of(TimeoutError(), address) from None
    except (OSError, http.client.HTTPException, ValueError):
        return b""
    return begun


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


def _itself(picture: Picture) -> Picture:
    return picture
