"""Pictures that are missing in H.264: it numbers those that others refer to, and decoders make up lost ones in silence.

A number alone may be damaged, and a pause alone may be meant: a picture is missing where both say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
SLICE, KEY_SLICE, PARAMETERS = 1, 5, 7
HEAD_BYTES = 48
"""So much of a slice or of parameters is read."""


class _Bits:
    """Reads bits and the format's numbers of variable length."""

    def __init__(self, data: bytes) -> None:
        plain = data[:HEAD_BYTES].replace(b"\0\0\3", b"\0\0")
        self._text = f"{int.from_bytes(plain, 'big'):0{8 * len(plain)}b}"
        self._at = 0

    def read(self, count: int) -> int:
        self._at += count
        return int(self._text[self._at - count : self._at], 2)

    def number(self) -> int:
        zeros = self._text.index("1", self._at) - self._at
        self._at += zeros
        return self.read(zeros + 1) - 1


class PictureNumbers:
    """Of one video.

    Args:
        extradata: What the container says of the codec, or empty.
    """

    def __init__(self, extradata: bytes) -> None:
        self._length_bytes = 0
        self._bits = 0
        """Of a picture's number; 0: nothing is known, or numbers may be left out."""
        self._before: int | None = None
        self._dts: int | None = None
        self._least_step = 0
        if extradata[:1] == b"\1" and len(extradata) > 8:
            self._length_bytes = (extradata[4] & 3) + 1
            with contextlib.suppress(ValueError):
                self._read_parameters(extradata[8:])
        else:
            self.missing(extradata, None)

    def missing(self, packet: bytes, dts: int | None) -> int:
        """How many pictures are missing before this packet of one picture, whose time is ``dts``."""
        step = 0 if dts is None or self._dts is None else dts - self._dts
        self._dts = dts
        self._least_step = min(step, self._least_step or step) if step > 0 else self._least_step
        for unit in self._units(packet):
            try:
                if unit[0] & 31 == PARAMETERS:
                    self._read_parameters(unit)
                elif unit[0] & 31 in (SLICE, KEY_SLICE) and self._bits:
                    pause = (step + self._least_step // 2) // self._least_step - 1 if self._least_step else 0
                    return max(0, min(self._left_out(unit), pause))
            except ValueError:  # too short, or damaged
                return 0
        return 0

    def _units(self, packet: bytes) -> Iterator[bytes]:
        if not self._length_bytes:
            yield from (unit for unit in packet.split(b"\0\0\1")[1:] if unit)
            return
        at = 0
        while at + self._length_bytes < len(packet):
            begin = at + self._length_bytes
            at = begin + int.from_bytes(packet[at:begin], "big")
            if packet[begin:at]:
                yield packet[begin:at]

    def _read_parameters(self, unit: bytes) -> None:
        bits, self._bits = _Bits(unit[1:]), 0
        profile = bits.read(24) >> 16
        bits.number()
        if profile in HIGH_PROFILES:
            if bits.number() == 3:
                return
            bits.number(), bits.number()
            if bits.read(2) & 1:  # scaling lists, which hardly anybody writes
                return
        length, order = bits.number() + 4, bits.number()
        if order == 1:
            return
        if order == 0:
            bits.number()
        bits.number()
        if not bits.read(1):
            self._bits = length

    def _left_out(self, unit: bytes) -> int:
        bits = _Bits(unit[1:])
        bits.number(), bits.number(), bits.number()
        number, is_key = bits.read(self._bits), unit[0] & 31 == KEY_SLICE
        before, limit = self._before, 1 << self._bits
        gap = 0 if is_key or before is None or number == before else (number - before - 1) % limit
        refers = bool(unit[0] & 0x60)
        if refers or before is None:
            self._before = number
        elif gap:
            self._before = (number - 1) % limit
        return gap
