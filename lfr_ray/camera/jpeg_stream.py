"""JPEG pictures out of a stream of bytes, wherever they begin and end.

What stands between the pictures does not matter: cameras forget the first boundary, count the length of a part wrongly,
or send no boundary at all. A picture tells by itself where it ends.
"""

from __future__ import annotations

import re

MOST_BYTES = 32 * 1024 * 1024
"""What is longer than this is no picture."""

_BEGIN = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_START_OF_SCAN, _START, _FINISH = 0xDA, 0xD8, 0xD9
# Inside a scan every 0xff that belongs to the picture is followed by zero or a restart marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class JpegSplitter:
    """Finds the pictures in bytes that come in pieces.

    >>> picture = bytes.fromhex("ffd8 ffe0 0004 4142 ffda 0002 0102ff00 03 ffd9")
    >>> splitter = JpegSplitter()
    >>> splitter.feed(b"--boundary" + picture[:9]), splitter.feed(picture[9:] + b"--") == [picture]
    ([], True)
    """

    def __init__(self) -> None:
        self.damaged = 0
        """Beginnings of pictures that never became one."""
        self._data = bytearray()
        self._at = 0
        self._in_picture = self._in_scan = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take in some bytes.

        Returns:
            The pictures that are complete now. One without an end, which the next one's beginning ends, is among
            them: decoders show it as far as it goes.
        """
        self._data += piece
        found: list[bytes] = []
        while True:
            if not self._in_picture and not self._find_beginning():
                return found
            end = self._walk()
            if end is None:
                if len(self._data) <= MOST_BYTES:
                    return found
                self._give_up()
            elif end:
                picture = bytes(self._data[:end])
                found.append(picture if picture.endswith(_END) else picture + _END)
                self._drop(end)

    def _find_beginning(self) -> bool:
        begin = self._data.find(_BEGIN)
        if begin < 0:
            # The first bytes of a beginning may be the last ones here.
            self._drop(max(0, len(self._data) - len(_BEGIN) + 1))
            return False
        self._drop(begin)
        self._in_picture, self._at = True, 2
        return True

    def _walk(self) -> int | None:
        """Go on from one marker to the next.

        Returns:
            Where the picture ends; None: more bytes are needed; 0: this was no picture, and is dropped.
        """
        data = self._data
        while True:
            if self._in_scan:
                marker = _MARKER.search(data, self._at)
                if marker is None:
                    self._at = max(self._at, len(data) - 1)
                    return None
                self._at, self._in_scan = marker.start(), False
                if data[self._at + 1] == _START:
                    return self._at
            if bytes(data[self._at : self._at + 2]) == _END:
                return self._at + 2
            skip = self._segment_bytes()
            if skip is None:
                return None
            if not skip:
                self._give_up()
                return 0
            self._in_scan = data[self._at + 1] == _START_OF_SCAN
            self._at += skip

    def _segment_bytes(self) -> int | None:
        """How long the segment is that begins here; None: more bytes are needed; 0: there is none."""
        data, at = self._data, self._at
        if at + 4 > len(data):
            return None
        kind = data[at + 1]
        if data[at] != 0xFF or kind in {0x00, _START}:
            return 0
        if kind == 0xFF:
            return 1
        if 0xD0 <= kind <= 0xD7 or kind == 0x01:
            return 2
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xE0 <= kind <= 0xEF:
            return length
        # Only what an application adds may hold another picture; here one that begins means that this one is cut off.
        if at + length + 2 > len(data):
            return None
        return 0 if data.find(_BEGIN, at, at + length + 2) >= 0 else length

    def _give_up(self) -> None:
        self.damaged += 1
        self._drop(2)

    def _drop(self, until: int) -> None:
        del self._data[:until]
        self._in_picture = self._in_scan = False
        self._at = 0
