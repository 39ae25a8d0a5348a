"""A collector of OpenTelemetry traces: OTLP over HTTP, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """What it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"

    def traces(self) -> dict[bytes, list[tuple[str, Any]]]:
        """By trace: the service and the span of each, in the order in which they began."""
        found: dict[bytes, list[tuple[str, Any]]] = {}
        for body in list(self.bodies):
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = {one.key: one.value.string_value for one in sent.resource.attributes}
                for scope in sent.scope_spans:
                    for span in scope.spans:
                        found.setdefault(span.trace_id, []).append((told["service.name"], span))
        return {key: sorted(spans, key=lambda one: one[1].start_time_unix_nano) for key, spans in found.items()}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that answers until the end of the block."""
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join(5)
