"""Cameras of the network: pictures of films in their own time, again and again, to whoever asks by HTTP.

python -m benchmarks.live_stream FOLDER

Each ``NAME.ts`` of the folder is a camera at ``/NAME``. Its address is the one line that is printed.
"""

from __future__ import annotations

import itertools
import sys
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av

CLOCK = 90_000
"""Time stamps a second of MPEG-TS."""


class Camera(BaseHTTPRequestHandler):
    """Sends to one reader until it goes. A reader who is slow keeps it waiting, and gets what was kept from then on."""

    folder = Path()

    def do_GET(self) -> None:
        """The stream."""
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        try:
            self._send()
        except (OSError, av.FFmpegError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def _send(self) -> None:
        with av.open(self.wfile, "w", format="mpegts") as out, av.open(f"{self.folder}{self.path}.ts") as film:
            stream = film.streams.video[0]
            sent, period_s = out.add_stream_from_template(stream), 1 / float(stream.average_rate)
            packets = [(bytes(one), one.is_keyframe) for one in film.demux(stream) if one.size]
            began_s = time.monotonic()
            for number, (data, is_key) in enumerate(itertools.cycle(packets)):
                at_s = number * period_s
                time.sleep(max(0.0, began_s + at_s - time.monotonic()))
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = sent, Fraction(1, CLOCK), is_key
                packet.pts = packet.dts = round(at_s * CLOCK)
                out.mux(packet)


def main() -> None:
    """For ever."""
    Camera.folder = Path(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
