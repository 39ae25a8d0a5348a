"""OpenTelemetry traces of alerts, where a site names a collector. The only file that knows OpenTelemetry.

A trace is made when a match is handed to the desk, out of when each part worked on it: nothing is told of anybody else.
Spans hold times, the site, the part and the camera: no face, no name, no entry, no alert's id.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from lfr_ray.errors import not_installed

REMEMBERED = 1000
"""So many of the newest alerts are remembered until they were delivered."""

RAISED = "alert_raised"
EXPORT_EVERY_MS = 1000


class Traces:
    """The spans of one process, a camera's or the desk's. Without a collector's address it does, and loads, nothing.

    Raises:
        ConfigError: The packages are not installed.
    """

    def __init__(self, address: str, site: str, part: str) -> None:
        self._tracer = _tracer(address, site, part) if address else None
        self._parents: OrderedDict[str, str] = OrderedDict()

    def span(self, name: str, began_at: float, ended_at: float, parent: str = "", **told: str) -> str:
        """Tell of something that was done between two wall times, and nothing personal.

        ``parent`` is what it was part of, as this method returned it; empty: a new trace.

        Returns:
            W3C ``traceparent`` of it; empty where nobody traces.
        """
        if self._tracer is None:
            return ""
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": parent}, context=Context())
        span = self._tracer.start_span(name, context=context, attributes=told, start_time=_ns(began_at))
        span.end(_ns(ended_at))
        found = span.get_span_context()
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-01"

    def recorded(self, alert_id: str, parent: str, began_at: float) -> None:
        """The desk has made an alert durable."""
        if self._tracer is None or not parent:
            return
        self._parents.setdefault(alert_id, self.span("record", began_at, time.time(), parent))
        if len(self._parents) > REMEMBERED:
            self._parents.popitem(last=False)

    def delivered(self, kind: str, alert_id: str | None, began_at: float, way: str, outcome: str) -> None:
        """Somebody was told of a step, or could not be; of new alerts it is told."""
        if kind == RAISED and (parent := self._parents.get(alert_id or "")):
            self.span("deliver", began_at, time.time(), parent, way=way, outcome=outcome)


def _tracer(address: str, site: str, part: str) -> Any:
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    except ImportError:
        without, package = ", or take outputs -> traces out of the site file", "opentelemetry-exporter-otlp-proto-http"
        raise not_installed("traces need packages that are not installed", package, "traces", without) from None
    session = requests.Session()
    session.trust_env = False  # to the collector that the operator named, and by no proxy
    # Resource.create would add what stands in the environment, and the machine's name.
    resource = Resource({"service.namespace": "lfr", "service.name": f"lfr-{part}", "lfr.site": site})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=True)
    exporter = OTLPSpanExporter(endpoint=address, session=session)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
    return provider.get_tracer("lfr_ray")


def _ns(wall_s: float) -> int:
    return int(wall_s * 1e9)
