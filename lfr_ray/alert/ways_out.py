"""Every way out of the durable desk but the event stream: webhooks, and the outputs of the site file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from lfr_ray.alert.mqtt import Broker
from lfr_ray.alert.outputs import Outputs, Sink
from lfr_ray.alert.service import AlertService
from lfr_ray.alert.syslog import Collector
from lfr_ray.alert.webhook_store import WebhookStore
from lfr_ray.alert.webhooks import Deliverer
from lfr_ray.clock import Clock
from lfr_ray.config import SiteConfig
from lfr_ray.metrics import Meter
from lfr_ray.tracing import Traces


class WaysOut:
    """What takes events out of a site, until cancelled.

    Args:
        site: Names its outputs and cameras.
        alerts: What happened.
        webhooks: Who subscribed.
        clock: Time.
        meter: Where deliveries are counted.
        traces: Where those of alerts are told.
    """

    def __init__(
        self, site: SiteConfig, alerts: AlertService, webhooks: WebhookStore, clock: Clock, meter: Meter, traces: Traces
    ) -> None:
        cameras = [one.name for one in site.cameras]
        brokers: list[Sink] = [Broker(one, site.site, cameras) for one in site.outputs.mqtt]
        collectors: list[Sink] = [Collector(one, site.site) for one in site.outputs.syslog]
        database_id = alerts.store.database_id()
        self._deliverer = Deliverer(
            webhooks, alerts.completed, alerts, clock, database_id=database_id, meter=meter, traces=traces
        )
        self._outputs = Outputs([*brokers, *collectors], alerts, clock, meter, traces)

    async def run(self) -> None:
        """Deliver until cancelled."""
        await asyncio.gather(self._deliverer.run(), self._outputs.run())

    def hear(self, cameras: Mapping[str, str]) -> None:
        """How every camera is: its state by name."""
        self._outputs.hear(cameras)
