"""Pictures that are missing in H.264 and HEVC: both number theirs, and decoders make up lost ones in silence.

A number alone may be damaged, and a pause alone may be meant: a picture is missing where both say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
HEAD_BYTES = 48
"""So much of a slice or of parameters is read."""

KEPT = 64
"""More pictures that are read and never shown say that the time stamps are worth nothing."""


class _Bits:
    """Reads bits and the format's numbers of variable length; too few of them are a ValueError."""

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

    def numbers(self, count: int) -> None:
        for _ in range(count):
            self.number()


class _H264:
    """Numbers of H.264: the order of showing where the stream says it, otherwise that of the pictures referred to."""

    def __init__(self) -> None:
        self._number_bits = 0
        """0: nothing is known, or numbers may be left out."""
        self._order_bits = 0
        self._fields = False
        self._newest = 0

    def parameters(self, extradata: bytes) -> tuple[int, list[bytes]]:
        """How many bytes a unit's length has, and the units of parameters in a container's words."""
        return (extradata[4] & 3) + 1, [extradata[8:]]

    def read(self, unit: bytes) -> tuple[bool, int] | None:
        """Whether counting begins anew with this slice's picture, and its number; None for anything else."""
        kind, bits = unit[0] & 31, _Bits(unit[1:])
        if kind == 7:
            self._read_parameters(bits)
        if kind not in (1, 5) or not self._number_bits:
            return None
        is_key, refers = kind == 5, bool(unit[0] & 0x60)
        bits.numbers(3)
        number = bits.read(self._number_bits)
        if self._fields and bits.read(1):
            return None
        if is_key:
            bits.number()
        if self._order_bits:
            self._newest = _unwrapped(bits.read(self._order_bits), self._order_bits, 0 if is_key else self._newest)
            return is_key, self._newest
        self._newest = number if is_key else self._newest + (number - self._newest) % (1 << self._number_bits)
        return is_key, 2 * self._newest - (not refers)

    def _read_parameters(self, bits: _Bits) -> None:
        self._number_bits = 0
        profile = bits.read(24) >> 16
        bits.number()
        if profile in HIGH_PROFILES:
            if bits.number() == 3:
                return
            bits.numbers(2)
            if bits.read(2) & 1:  # scaling lists, which hardly anybody writes
                return
        length, order = bits.number() + 4, bits.number()
        if order == 1:
            return
        self._order_bits = bits.number() + 4 if order == 0 else 0
        bits.number()
        if bits.read(1):
            return
        bits.numbers(2)
        self._fields = not bits.read(1)
        self._number_bits = length


class _Hevc:
    """Numbers of HEVC: the order of showing."""

    def __init__(self) -> None:
        self._order_bits = 0
        self._planes_bits = 0
        self._before_kind_bits = self._output_bits = 0
        self._newest = 0

    def parameters(self, extradata: bytes) -> tuple[int, list[bytes]]:
        """As of H.264."""
        units, at = [], 23
        for _ in range(extradata[22]):
            count, at = int.from_bytes(extradata[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                size = int.from_bytes(extradata[at : at + 2], "big")
                units.append(extradata[at + 2 : at + 2 + size])
                at += 2 + size
        return (extradata[21] & 3) + 1, units

    def read(self, unit: bytes) -> tuple[bool, int] | None:
        """As of H.264."""
        kind, bits = unit[0] >> 1 & 63, _Bits(unit[2:])
        if unit[0] & 1 or unit[1] >> 3:  # another layer
            return None
        if kind == 33:
            self._read_sequence(bits)
        elif kind == 34:
            bits.numbers(2)
            _, self._output_bits, self._before_kind_bits = bits.read(1), bits.read(1), bits.read(3)
        if not (kind <= 9 or 16 <= kind <= 21) or not self._order_bits or not bits.read(1):
            return None
        if kind >= 16:
            bits.read(1)
        bits.number()
        if self._before_kind_bits:
            bits.read(self._before_kind_bits)
        bits.number()
        if kind in (19, 20):
            self._newest = 0
            return True, 0
        if self._output_bits + self._planes_bits:
            bits.read(self._output_bits + self._planes_bits)
        anew = 16 <= kind <= 18
        self._newest = _unwrapped(bits.read(self._order_bits), self._order_bits, 0 if anew else self._newest)
        return anew, self._newest

    def _read_sequence(self, bits: _Bits) -> None:
        self._order_bits = 0
        layers = bits.read(8) >> 1 & 7
        bits.read(96)
        if layers:
            there = [(bits.read(1), bits.read(1)) for _ in range(8)][:layers]
            for profile, level in there:
                bits.read(88 * profile + 8 * level) if profile or level else 0
        bits.number()
        if bits.number() == 3:
            self._planes_bits = 2 * bits.read(1)
        bits.numbers(2)
        if bits.read(1):
            bits.numbers(4)
        bits.numbers(2)
        self._order_bits = bits.number() + 4


class PictureNumbers:
    """Of one video.

    ``codec`` is ``h264`` or ``hevc``; ``extradata`` is what the container says of it, or empty.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = _H264() if codec == "h264" else _Hevc()
        self._length_bytes = 0
        self._part = 0
        self._read: dict[int, tuple[int, int]] = {}
        """Part and number of the pictures that are not shown yet, by time stamp."""
        self._shown: tuple[int, int, int] | None = None
        self._least_step = self._least_number = 0
        if extradata[:1] == b"\1":
            with contextlib.suppress(ValueError, IndexError):
                self._length_bytes, units = self._codec.parameters(extradata)
                for unit in units:
                    self._codec.read(unit)
        else:
            self.read(extradata, None)

    def read(self, packet: bytes, pts: int | None) -> None:
        """Take note of a packet of one picture, which is to be shown at ``pts``; in the order of decoding."""
        for unit in self._units(packet):
            try:
                found = self._codec.read(unit)
            except (ValueError, IndexError):  # too short, or damaged
                return
            if found is not None:
                anew, number = found
                self._part += anew
                if len(self._read) == KEPT:
                    self._read.clear()
                if pts is not None:
                    self._read[pts] = self._part, number
                return

    def missing(self, pts: int | None) -> int:
        """How many pictures never came between the one that was shown before and this one; in the order of showing."""
        if pts is None or pts not in self._read:
            self._shown = None
            return 0
        (part, number), before, self._shown = self._read[pts], self._shown, (pts, *self._read[pts])
        undecoded = sum(1 for one in self._read if one < pts)
        self._read = {one: found for one, found in self._read.items() if one > pts}
        if before is None or pts <= before[0]:
            return 0
        step, further = pts - before[0], number - before[2]
        self._least_step = min(step, self._least_step or step)
        if part != before[1] or further <= 0:
            return 0
        self._least_number = min(further, self._least_number or further)
        pause = (step + self._least_step // 2) // self._least_step - 1
        return max(0, min(further // self._least_number - 1, pause) - undecoded)

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


def _unwrapped(low: int, bits: int, before: int) -> int:
    """The number nearest to ``before`` that ends in these bits.

    >>> _unwrapped(2, 4, 14), _unwrapped(14, 4, 18)
    (18, 14)
    """
    half = 1 << (bits - 1)
    return before + (low - before + half) % (1 << bits) - half
