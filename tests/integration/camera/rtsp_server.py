"""A small real RTSP server for tests, on GStreamer. Run by the system's Python, where ``gi`` lives.

    /usr/bin/python3 rtsp_server.py --port 0 [--file clip.mp4] [--user name --password secret] [--size 320x240]
        [--certificate camera.pem]

It serves a test pattern (or the file, from its start for every first client) as H.264 at
rtsp://127.0.0.1:PORT/live, prints ``listening PORT`` and runs until it is ended or its standard input
is closed, so that no server outlives its test.
"""

from __future__ import annotations

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PATTERN = (
    "videotestsrc is-live=true pattern={pattern} ! video/x-raw,width={width},height={height},framerate={fps}/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} bitrate=500 "
    "! rtph264pay name=pay0 config-interval=1 pt=96"
)
FILE = "filesrc location={file} ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
# Every three seconds the selector shows the other source: the stream changes its size in the middle.
CHANGING = (
    "input-selector name=which ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} bitrate=500 "
    "! rtph264pay name=pay0 config-interval=-1 pt=96 "
    "videotestsrc is-live=true ! video/x-raw,width={width},height={height},framerate={fps}/1 ! which.sink_0 "
    "videotestsrc is-live=true ! video/x-raw,width={other_width},height={other_height},framerate={fps}/1 ! which.sink_1"
)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--file", default="")
    parser.add_argument("--pattern", default="ball")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--changing", action="store_true", help="double the size after two seconds, and back")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--certificate", default="", help="PEM of certificate and key: it serves rtsps")
    return parser.parse_args()


def launch_line(arguments: argparse.Namespace) -> str:
    width, height = (int(side) for side in arguments.size.split("x"))
    kind = FILE if arguments.file else CHANGING if arguments.changing else PATTERN
    return (
        "( "
        + kind.format(
            width=width,
            height=height,
            other_width=2 * width,
            other_height=2 * height,
            fps=arguments.fps,
            pattern=arguments.pattern,
            file=arguments.file,
        )
        + " )"
    )


def change_size(_factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
    selector = media.get_element().get_by_name("which")
    shown = [0]

    def change() -> bool:
        shown[0] = 1 - shown[0]
        selector.set_property("active-pad", selector.get_static_pad(f"sink_{shown[0]}"))
        return True

    GLib.timeout_add(2_000, change)


def require_password(
    server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str
) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    allow(factory, "viewer")


def allow(factory: GstRtspServer.RTSPMediaFactory, role: str) -> None:
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(role, "media.factory.access", True)
    permissions.add_permission_for_role(role, "media.factory.construct", True)
    factory.set_permissions(permissions)


def main() -> None:
    arguments = read_arguments()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch_line(arguments))
    factory.set_shared(not arguments.file)
    factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
    if arguments.changing:
        factory.connect("media-configure", change_size)
    if arguments.certificate:
        auth = GstRtspServer.RTSPAuth()
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(arguments.certificate))
        server.set_auth(auth)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "anybody")
        auth.set_default_token(token)
        allow(factory, "anybody")
    if arguments.user:
        require_password(server, factory, arguments.user, arguments.password)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    sys.stdout.write(f"listening {server.get_bound_port()}\n")
    sys.stdout.flush()
    loop.run()


main()
