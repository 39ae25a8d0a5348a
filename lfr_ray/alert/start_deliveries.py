"""Every way out of the durable desk but the event stream: webhooks, and the outputs of the site file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.mqtt_output import Broker
from lfr_ray.alert.output_delivery import Outputs, Sink
from lfr_ray.alert.syslog_output import Collector
from lfr_ray.alert.webhook_delivery import Deliverer
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.clock import Clock
from lfr_ray.config import SiteConfig
from lfr_ray.metrics import Meter
from lfr_ray.tracing import Traces


class WaysOut:
    """What takes events out of a site, until cancelled: webhooks, the site file's outputs, and `further`."""

    def __init__(
        self,
        site: SiteConfig,
        alerts: AlertService,
        webhooks: WebhookStore,
        clock: Clock,
        meter: Meter,
        traces: Traces,
        further: Sequence[Sink] = (),
    ) -> None:
        cameras = [one.name for one in site.cameras]
        brokers: list[Sink] = [Broker(one, site.site, cameras) for one in site.outputs.mqtt]
        collectors: list[Sink] = [Collector(one, site.site) for one in site.outputs.syslog]
        self._deliverer = Deliverer(webhooks, alerts, clock, meter=meter, traces=traces)
        self._outputs = Outputs([*brokers, *collectors, *further], alerts, clock, meter, traces)

    async def run(self) -> None:
        """Deliver until cancelled."""
        await asyncio.gather(self._deliverer.run(), self._outputs.run())

    def hear(self, cameras: Mapping[str, str]) -> None:
        """How every camera is: its state by name."""
        self._outputs.hear(cameras)
