"""Video through PyAV: recordings, RTSP over TCP, HTTP and MJPEG streams, v4l2 devices."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import av
import av.error
from av.codec.context import Flags
from av.codec.hwaccel import HWAccel
from av.packet import Packet
from av.sidedata.sidedata import SideData, SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Discard, Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from lfr_ray.camera.camera_address import Address
from lfr_ray.camera.decoded_picture import PLANAR, DecodedImage, in_planes
from lfr_ray.camera.decoder_faults import fault_of, kind_of, no_picture, not_video
from lfr_ray.camera.ffmpeg_container import SILENT_S, check_file, open_container
from lfr_ray.camera.footage_interface import DecodedPicture, SourceCounts, SourceInfo
from lfr_ray.camera.frame_pace import Lag, measure_lag
from lfr_ray.camera.hardware_decoding import DEVICE_FILES, hardware_for, on_processor, opening_fault
from lfr_ray.camera.lost_picture_numbers import PictureNumbers
from lfr_ray.camera.orientation import SWAPS_SIDES, orientation_of
from lfr_ray.camera.still_pictures import MAX_PIXELS
from lfr_ray.clock import Clock
from lfr_ray.errors import LfrError, SourceError

SILENT_SHARE = 0.8
"""As :data:`SILENT_S`, of a stream that was open: a share of the time after which it counts as stalled."""

DAMAGED_IN_A_ROW = 100
"""A recording is given up after so many unreadable packets in a row."""

# Texts that ffmpeg would draw, and lists that lead to other files: none of them is a recording.
_NO_RECORDINGS = frozenset({"tty", "concat", "hls", "dash", "lavfi", "sdp", "imf"})
# These formats hold no time stamps; ffmpeg makes some up at 25 frames a second.
_INDEXED = frozenset({"mov", "mp4", "avi", "matroska", "webm", "asf"})
# These list their pictures, or say of each cluster when it is; a gap in their time stamps is a gap in the recording.
_NO_CLOCK = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "mpegvideo", "jpeg_pipe", "png_pipe", "image2"})


class VideoFootage:
    """One opened video, from its first picture to its last. Used by one thread at a time.

    ``stopping``, set by anybody, ends the decoding at the next packet; a stream that delivers no picture for
    ``stall_s`` has failed. ``decode`` is ``auto``, ``cpu``, ``cuda`` or ``vaapi``: where a device cannot, the processor
    does, and of one that was named the counts say so.

    Raises:
        SourceError: The recording is missing, empty or no video.
        StreamError: The stream cannot be reached or decoded.
    """

    def __init__(
        self, address: Address, *, clock: Clock, stopping: threading.Event, stall_s: float, decode: str = "auto"
    ) -> None:
        if address.kind == "recording" or Path(address.target).is_fifo():
            check_file(address)
        self.counts = SourceCounts()
        self._address = address
        self._clock = clock
        self._stopping = stopping
        self._stall_s = stall_s
        # One for whoever looks at the pictures, the other for whoever decodes them: two threads.
        self._rgb, self._planes = VideoReformatter(), VideoReformatter()
        self._proved: tuple[str, int, int] | None = None
        self._lag, self._only_keys, self._opened = Lag(), False, False
        hardware, lacking = hardware_for(decode)
        try:
            self._begin(hardware)
            if decode in DEVICE_FILES and hardware and not self._on_device():
                lacking = on_processor(decode, f"it does not decode {self._stream.codec_context.name} of this kind")
        except LfrError as error:
            # A camera that does not answer is not asked twice; one whose card was lost meanwhile is.
            silent = self._address.lasting and not self._opened
            if hardware is None or (silent and not opening_fault(hardware)):
                raise
            self.counts = SourceCounts()
            self._begin(None)
            lacking = on_processor(decode, str(error)) if decode in DEVICE_FILES else ""
        if lacking:
            self.counts.report(lacking)

    def _on_device(self) -> bool:
        """Whether a graphics card decoded the first picture: where it cannot, FFmpeg takes the processor unasked."""
        on_card = self._stream.codec_context.is_hwaccel
        return on_card and all(frame.format.name not in PLANAR for frame in self._first)

    def _begin(self, hardware: HWAccel | None) -> None:
        """Open, and decode the first picture."""
        address = self._address
        self._numbers: PictureNumbers | None = None
        self._began_s = self._seen_s = self._clock.steady_s()
        self._container = open_container(address, self._stall_s, self._clock, hardware)
        self._opened = True
        try:
            self._stream = self._video_stream()
            # One thread is best beside busy detectors, and adds no delay to live streams.
            self._stream.thread_type, self._stream.thread_count = "SLICE", 1
            # A recording can be fetched by HTTP. What comes by RTSP comes in its own time, whatever
            # length some servers claim for it.
            vod = address.scheme in {"http", "https"} and bool(self._container.duration)
            self._lasting = address.lasting and not vod
            self._clocked = not _NO_CLOCK & set(self._container.format.name.split(","))
            if not self._lasting:
                self._read_all()
            self._decoded = self._decode()
            # The first picture proves that this is a video, and knows its size after rotation.
            self._first = [*itertools.islice(self._decoded, 1)]
            if not self._first:
                raise not_video(address, "no picture in it can be decoded")
            self.info = self._describe(self._first[0])
        except BaseException:
            self.close()
            raise

    def pictures(self) -> Iterator[DecodedPicture]:
        """Every picture that can be decoded, not yet converted to RGB."""
        # No picture is kept here while the next one is waited for: it may show somebody's face.
        while self._first:
            yield self._with_time(self._first.pop())
        for frame in self._decoded:
            yield self._with_time(frame)
            del frame
        if not self._lasting and not self._stopping.is_set():
            self._report()

    @property
    def lag_s(self) -> float:
        """How far a live stream is behind itself."""
        return self._lag.behind_s

    def close(self) -> None:
        """Close the file, connection or device."""
        self._container.close()

    def _read_all(self) -> None:
        """All that can be had of a recording: also pictures with gaps, and no sound."""
        # Where the end of a file is missing, sound is missing from which FFmpeg would not go on to the pictures.
        for stream in self._container.streams:
            if stream.index != self._stream.index:
                stream.discard = Discard.all
        # Without this a decoder keeps every picture back whose predecessors are damaged, until the next key frame.
        self._stream.codec_context.flags |= Flags.output_corrupt
        # What an edit list hides counts in the header, but is not to be shown.
        entries = self._stream.index_entries
        hidden = sum(one.is_discard for one in entries) if len(entries) == self._stream.frames else 0
        self.counts.expected = max(0, self._stream.frames - hidden) or None
        coded = self._stream.codec_context
        if coded.codec.canonical_name in {"h264", "hevc"}:
            self._numbers = PictureNumbers(coded.codec.canonical_name, coded.extradata or b"")

    def _report(self) -> None:
        """What was wrong with a recording that was read to its end."""
        decoded, expected, corrupt = self.counts.decoded, self.counts.expected, self.counts.corrupt
        # A decoder may keep a picture or two to itself; of long recordings one in a hundred is not worth a word.
        if expected and expected - decoded > (1 if corrupt else max(1, expected * 0.01)):
            self.counts.report(f"damaged: {decoded} of {expected} pictures could be decoded")
        if corrupt:
            self.counts.report(f"damaged: {corrupt} pictures or packets could not be decoded, or only with gaps")

    def _describe(self, first: VideoFrame) -> SourceInfo:
        turned_aside = _orientation(first) in SWAPS_SIDES
        sides_px = (first.height, first.width) if turned_aside else (first.width, first.height)
        rate = self._stream.average_rate or self._stream.guessed_rate or self._stream.base_rate
        return SourceInfo(
            *sides_px,
            fps=float(rate) if rate else 25.0,
            frames=self.counts.expected,
            live=self._lasting,
            length_s=None if self._lasting or not self._clocked else self._length_s(),
            indexed=bool(_INDEXED & set(self._container.format.name.split(","))),
        )

    def _length_s(self) -> float | None:
        """The pictures' length as declared; sound may go on for longer."""
        if self._stream.duration and self._stream.time_base:
            length_s = float(self._stream.duration * self._stream.time_base)
            # Of an AVI file that is cut off FFmpeg estimates the length; its header knows better.
            counted = self.counts.expected if self._container.format.name == "avi" else None
            rate = self._stream.average_rate
            return max(length_s, float(counted / rate)) if counted and rate else length_s
        with contextlib.suppress(ValueError):
            hours, minutes, seconds = self._stream.metadata.get("DURATION", "").split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        if self._container.duration and len(self._container.streams) == 1:
            return self._container.duration / av.time_base
        return None

    def _video_stream(self) -> VideoStream:
        name = self._container.format.name
        if self._address.kind == "recording" and _NO_RECORDINGS & set(name.split(",")):
            raise not_video(self._address, "text or a list of files")
        for stream in self._container.streams.video:
            if stream.disposition & Disposition.attached_pic:
                continue
            if stream.width * stream.height > MAX_PIXELS:
                raise SourceError(
                    "the video's pictures are too large",
                    got=f"{self._address.shown}: {stream.width}x{stream.height} pixels",
                    allowed=f"up to {MAX_PIXELS // 1_000_000} megapixels",
                    next_step="choose a smaller stream of the camera, or convert the recording",
                )
            return stream
        kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "nothing"
        if self._address.lasting:
            silent = self._clock.steady_s() - self._began_s >= SILENT_S
            raise fault_of(av.error.InvalidDataError(1, ""), self._address, silent=silent)
        raise SourceError(
            "the recording has no video stream",
            got=f"{self._address.shown}: {kinds}",
            allowed="a file with a video stream",
            next_step="check that this is the right file",
        )

    def _decode(self) -> Iterator[VideoFrame]:
        """Pictures in order, until the end of a recording; a lasting stream only ends in an error."""
        self._seen_s = self._clock.steady_s()
        # Sound and subtitles come along: waiting for video alone, nobody would notice that it stalls.
        for packet in self._packets():
            ours = packet is None or packet.stream_index == self._stream.index
            waited_s = self._clock.steady_s() - self._seen_s
            if self._address.lasting and waited_s >= self._stall_s:
                # Also when this very packet ends the silence: it was left over in the parser, and
                # its picture is as old as the silence.
                raise no_picture(self._address, waited_s)
            if ours and packet is not None and self._numbers is not None:
                self._numbers.read(bytes(packet), packet.pts)
            if ours and packet is not None and self._only_keys and not packet.is_keyframe:
                self.counts.undecoded += 1
            for frame in self._pictures_of(packet) if ours else []:
                if self._numbers is not None:
                    missing = self._numbers.missing(frame.pts)
                    self.counts.corrupt += missing
                    if self.counts.expected is not None:
                        self.counts.expected += missing
                self.counts.decoded += 1
                self._measure_lag(frame, packet)
                yield frame
                del frame
                # After the yield: what the reader of the frames takes is not waiting for the camera.
                self._seen_s = self._clock.steady_s()
            if self._stopping.is_set():
                return
        if self._lasting and not self._stopping.is_set():
            raise fault_of(av.error.EOFError(1, ""), self._address)

    def _packets(self) -> Iterator[Packet[Stream] | None]:
        """Packets of all streams, damaged ones counted; None or an empty one comes last and flushes the decoder."""
        damaged = 0
        while damaged <= DAMAGED_IN_A_ROW:
            try:
                for packet in self._container.demux():
                    damaged = 0
                    yield packet
                return
            except av.error.InvalidDataError:
                damaged += 1
                self.counts.corrupt += 1
            except (av.FFmpegError, OSError) as error:
                problem = error
                break
        else:
            problem = av.error.InvalidDataError(1, "")
        if self._lasting:
            waited_s = self._clock.steady_s() - self._seen_s
            if self._address.lasting and self.counts.decoded and waited_s >= SILENT_SHARE * self._stall_s:
                raise no_picture(self._address, waited_s)
            raise fault_of(problem, self._address, silent=waited_s >= SILENT_S)
        self.counts.report(f"ended early: {kind_of(problem)}")
        yield None

    def _pictures_of(self, packet: Packet[Stream] | None) -> list[VideoFrame]:
        try:
            frames = self._stream.decode(packet)
        except EOFError:
            return []
        except (av.FFmpegError, ValueError):
            self.counts.corrupt += 1
            return []
        self.counts.corrupt += sum(1 for frame in frames if frame.is_corrupt)
        return frames

    def _measure_lag(self, frame: VideoFrame, packet: Packet[Stream] | None) -> None:
        """Decode key frames only, while a live stream is behind."""
        if not self._lasting or not self._clocked or frame.time is None:
            return
        self._lag = measure_lag(self._lag, frame.time, self._clock.steady_s())
        if self._lag.keys_since_s is not None:
            self._only_keys, self._stream.codec_context.skip_frame = True, "NONKEY"
        elif packet is not None and packet.is_keyframe:
            # Only here: in the middle of a group the pictures that it refers to are missing.
            self._only_keys, self._stream.codec_context.skip_frame = False, "DEFAULT"

    def _with_time(self, frame: VideoFrame) -> DecodedPicture:
        media_s = None
        if self._clocked and frame.time is not None:
            start = self._stream.start_time
            base = self._stream.time_base
            media_s = frame.time - (float(start * base) if start and base and not self._lasting else 0.0)
        return DecodedPicture(media_s, partial(self._convert, frame))

    def _convert(self, frame: VideoFrame) -> DecodedImage | None:
        """The picture, turned as the container says; None for one that cannot be converted."""
        if frame.width * frame.height > MAX_PIXELS:
            self.counts.corrupt += 1
            return None
        kind = (frame.format.name, frame.width, frame.height)
        try:
            planes = in_planes(frame, self._planes)
            if self._proved != kind:
                VideoReformatter().reformat(planes, format="rgb24", threads=1)
                self._proved = kind
        except (av.FFmpegError, ValueError, OSError):
            self.counts.corrupt += 1
            return None
        return DecodedImage(planes, _orientation(frame), self._rgb)


def _orientation(frame: VideoFrame) -> int:
    """1 to 8 as in EXIF."""
    # Not `frame.side_data`: the frame would keep that, and that the frame, whose picture then stays until Python looks
    # for circles, which may take minutes. (PyAV declares it as something else than it is.)
    data = cast(Iterable[SideData], SideDataContainer(frame))  # type: ignore[call-arg]
    matrix = next((bytes(one) for one in data if one.type == SideDataType.DISPLAYMATRIX), b"")
    return orientation_of(matrix)
