"""What every kind of footage gives: decoded pictures, not yet converted to RGB, with their own times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from lfr_ray.records import Image, Picture

PROBLEMS_KEPT = 100


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source once it is open.

    Attributes:
        width_px: Of its first picture, upright; so is the height.
        fps: Frames a second that it claims.
        frames: Length of a recording, None when unknown or without end.
        live: Pictures come when they come, and nobody can ask for them again.
        length_s: Length of a recording as its container declares it, None when unknown.
        indexed: The container lists every picture with its time.
        stills: Pictures without an order in time, each of which stands by itself.
    """

    width_px: int
    height_px: int
    fps: float
    frames: int | None
    live: bool
    length_s: float | None = None
    indexed: bool = False
    stills: bool = False


@dataclass(slots=True)
class SourceCounts:
    """What became of a source's pictures.

    Attributes:
        skipped: Of those, not looked at because ``max_fps`` allows no more.
        undecoded: Pictures of a live stream that were passed over, so that it catches up.
        corrupt: Packets and pictures that could not be decoded, or only with gaps.
        problems: What was wrong, by name; at most :data:`PROBLEMS_KEPT`.
        expected: Pictures that there should be, None when unknown.
        missing_s: For how long there is no picture although there should be.
        seconds: Length of what was read, on the source's own timeline, with what is missing at its end.
        possibly_dropped: Pictures for which an even recording has room, and of which nothing says that there were any.
    """

    decoded: int = 0
    skipped: int = 0
    undecoded: int = 0
    corrupt: int = 0
    problems: list[str] = field(default_factory=list)
    expected: int | None = None
    missing_s: float = 0.0
    seconds: float = 0.0
    possibly_dropped: int = 0

    def report(self, problem: str) -> None:
        """Remember a problem."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)

    def plus(self, other: SourceCounts) -> SourceCounts:
        """Both added; a problem that both have is named once."""
        expected = [one for one in (self.expected, other.expected) if one is not None]
        return SourceCounts(
            self.decoded + other.decoded,
            self.skipped + other.skipped,
            self.undecoded + other.undecoded,
            self.corrupt + other.corrupt,
            list(dict.fromkeys((*self.problems, *other.problems)))[:PROBLEMS_KEPT],
            sum(expected) if expected else None,
            self.missing_s + other.missing_s,
            self.seconds + other.seconds,
            self.possibly_dropped + other.possibly_dropped,
        )


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """One picture that was decoded but not yet converted.

    Attributes:
        media_s: Its time on the source's own timeline; None when the source has none.
        convert: Gives it, in RGB or so that it can be made RGB; None when that fails.
    """

    media_s: float | None
    convert: Callable[[], Picture | Image | None]

    @classmethod
    def ready(cls, media_s: float | None, picture: Picture | Image) -> DecodedPicture:
        """One that needs no converting."""
        return cls(media_s, lambda: picture)


class Footage(Protocol):
    """Some footage, read once from its start."""

    counts: SourceCounts
    info: SourceInfo

    def pictures(self) -> Iterator[DecodedPicture]:
        """Its pictures in order."""

    def close(self) -> None:
        """Close what is open; by default nothing is."""
        return None
