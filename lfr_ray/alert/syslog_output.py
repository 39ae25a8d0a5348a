r"""Events to a collector of syslog (RFC 5424), as CEF: over TLS (RFC 5425), TCP (RFC 6587, octets counted) or UDP.

    <133>1 2026-08-22T14:05:00.000Z host lfr_ray - alert_raised - CEF:0|lfr_ray|lfr_ray|0.1|alert_raised|...

Syslog has no acknowledgement. Over TLS and TCP an event counts as sent when the collector's machine has it; over UDP,
when it is on its way.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import ssl
import termios
import time
from collections.abc import Mapping, Sequence

from lfr_ray import __version__
from lfr_ray.alert.event_kinds import KINDS
from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.clock import utc_text
from lfr_ray.outputs_config import SyslogConfig

ANSWER_S = 10.0
LOCAL0 = 16
NOTICE, WARNING = 5, 4
SEVERITIES = {
    "alert_raised": 8,
    "sighting_attached": 5,
    "matching_stopped": 7,
    "breaker_paused": 7,
    "comparisons_refused": 7,
    "pause": 7,
    "events_lost": 7,
}
"""Of CEF, 0 to 10; everything else has 3."""
LABELLED = ("camera", "deployment", "category", "state")
"""What changed, in the fields cs2 to cs5; cs1 is the alert."""


def header_text(text: str) -> str:
    r"""A field of CEF's header.

    >>> print(header_text("a|b\\c"))
    a\|b\\c
    """
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())


def extension_text(text: str) -> str:
    r"""A value of CEF's extension: a line break is written as two letters.

    >>> print(extension_text("a=b|c\\d\ne"))
    a\=b|c\\d\ne
    """
    plain = text.replace("\\", "\\\\").replace("=", "\\=")
    return plain.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def cef(one: Outgoing, site: str) -> str:
    """An event as CEF: no picture, no name."""
    event = one.event
    fields = {"externalId": one.key, "rt": str(int(event.at * 1000)), "deviceExternalId": site}
    labelled = {"alert": event.alert_id, **{name: event.changed.get(name) for name in LABELLED}}
    for number, (label, value) in enumerate(labelled.items(), start=1):
        if value is not None:
            fields |= {f"cs{number}Label": label, f"cs{number}": str(value)}
    if event.reason:
        fields["msg"] = event.reason
    header = ("lfr_ray", "lfr_ray", __version__, event.kind, KINDS[event.kind], str(SEVERITIES.get(event.kind, 3)))
    extension = " ".join(f"{name}={extension_text(value)}" for name, value in fields.items())
    return "|".join(["CEF:0", *map(header_text, header), extension])


def message(one: Outgoing, site: str, host: str) -> bytes:
    """One message of RFC 5424."""
    event = one.event
    level = WARNING if SEVERITIES.get(event.kind, 3) >= 7 else NOTICE
    header = f"<{LOCAL0 * 8 + level}>1 {utc_text(event.at)} {host or '-'} lfr_ray - {event.kind} - "
    return (header + cef(one, site)).encode()


def framed(text: bytes) -> bytes:
    """A message in a stream: its length comes first.

    >>> framed(b"<133>1 -")
    b'8 <133>1 -'
    """
    return b"%d %s" % (len(text), text)


class Collector:
    """One collector of a site's events."""

    names = False

    def __init__(self, config: SyslogConfig, site: str) -> None:
        self.name = config.name
        self.target = f"syslog+{config.transport}://{config.host}:{config.port}"
        self._config, self._site = config, site
        self._host = "".join(letter for letter in socket.gethostname()[:255] if "!" <= letter <= "~")
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect; OSError where nobody is there, or is not trusted."""
        config, address = self._config, (self._config.host, self._config.port)
        if config.transport == "udp":
            found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(found[0], socket.SOCK_DGRAM)
            self._socket.connect(found[4])
        else:
            self._socket = socket.create_connection(address, ANSWER_S)
        if config.transport == "tls":
            context = ssl.create_default_context(cafile=config.ca_file)
            self._socket = context.wrap_socket(self._socket, server_hostname=config.host)

    def send(self, events: Sequence[Outgoing], cameras: Mapping[str, str]) -> None:
        """Send, and wait until the other machine has it; OSError where it has not, or has hung up."""
        if self._socket is None:
            raise ConnectionError("not open")
        texts = [message(one, self._site, self._host) for one in events]
        if self._config.transport == "udp":
            for text in texts:
                self._socket.send(text)
            return
        self._look(self._socket)
        self._socket.sendall(b"".join(map(framed, texts)))
        until_s = time.monotonic() + ANSWER_S
        while _unacknowledged_bytes(self._socket):
            if time.monotonic() > until_s:
                raise TimeoutError("not taken")
            time.sleep(0.005)
        self._look(self._socket)

    def close(self) -> None:
        """Hang up."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    @staticmethod
    def _look(connection: socket.socket) -> None:
        """Whether the collector is still there: what it says itself is passed over."""
        connection.settimeout(0.0)
        try:
            if not connection.recv(4096):
                raise ConnectionResetError("the collector hung up")
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            connection.settimeout(ANSWER_S)


def _unacknowledged_bytes(connection: socket.socket) -> int:
    """What was written and the other machine has not acknowledged."""
    count = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, count)
    return count[0]
