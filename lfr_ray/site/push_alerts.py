"""New alerts to the handsets of those who are signed in, through the push services of the site file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.people.tokens_and_sessions import People
from lfr_ray.people.web_push import TTL_S, message, push_key

ANSWER_S = 10.0
GONE = (404, 410)
RAISED = "alert_raised"


class PushService:
    """A push service, https://HOST, as an output of the desk: who subscribed there is told of each new alert's id."""

    names = False

    def __init__(self, origin: str, site: SiteConfig, clock: Clock) -> None:
        self.name, self.target = f"push:{origin.partition('//')[2]}", origin
        self._site, self._clock = site, clock
        self._people = People(DataDir(site.data_dir))
        self._client: httpx.Client | None = None

    def open(self) -> None:
        """Make ready; the service is reached with the first message."""
        self._client = httpx.Client(timeout=ANSWER_S, trust_env=False, follow_redirects=False)

    def send(self, events: Sequence[Outgoing], cameras: Mapping[str, str]) -> None:
        """Every handset's message is with the service, or the service says that there is no such handset any more.

        Raises:
            httpx.HTTPError: The service is away, or asks to be left alone for now.
        """
        assert self._client is not None
        assert self._site.outputs.push is not None
        now_s = self._clock.wall_s()
        raised = [one.event for one in events if one.event.kind == RAISED and one.event.at > now_s - TTL_S]
        new = [one.alert_id for one in raised if one.alert_id]
        if not new:
            return
        key, contact = push_key(DataDir(self._site.data_dir)), self._site.outputs.push.contact
        for held in self._people.handsets(now_s):
            handset = held.handset
            if handset is None or not handset.endpoint.startswith(f"{self.target}/"):
                continue
            for alert_id in new:
                body, headers = message(handset, alert_id, key, contact, now_s)
                answer = self._client.post(handset.endpoint, content=body, headers=headers)
                if answer.status_code in GONE:
                    self._people.set_handset(held.sha256, None)
                    break
                if answer.status_code == 429 or answer.status_code >= 500:
                    answer.raise_for_status()

    def close(self) -> None:
        """Leave."""
        if self._client is not None:
            self._client.close()


def handsets(site: SiteConfig, clock: Clock | None = None) -> list[PushService]:
    """The push services of the site file."""
    services = site.outputs.push.services if site.outputs.push else ()
    return [PushService(one, site, clock or SystemClock()) for one in services]
