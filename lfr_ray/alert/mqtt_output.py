"""Events to a broker of MQTT 5, small ones: no picture, and a name only where the operator says so.

lfr/SITE/available           online or, as the last will, offline; retained
lfr/SITE/alerts              every event, JSON; QoS 1
lfr/SITE/CAMERA/state        live, blind, ...; retained
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from lfr_ray import __version__
from lfr_ray.alert.event_kinds import CHOSEN_KINDS
from lfr_ray.alert.json_document import to_json
from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.durable_files import secret
from lfr_ray.outputs_config import MqttConfig

ANSWER_S = 10.0
KEEPALIVE_S = 20
ONLINE, OFFLINE = "online", "offline"
EVENT = "{{ {'event_type': value_json.kind, 'alert_id': value_json.alert_id, 'id': value_json.key} | tojson }}"
"""What Home Assistant makes of an event; it needs ``event_type``."""


def level(name: str) -> str:
    """A name as one level of a topic.

    >>> level("gate"), level("gate #2 +1")
    ('gate', 'gate %232 %2B1')
    """
    return name.translate({ord("%"): "%25", ord("+"): "%2B", ord("#"): "%23"})


def payload(one: Outgoing) -> str:
    """An event as JSON: the document of the event stream, its key, and the name where it may be told."""
    named = {"name": one.name} if one.name else {}
    return json.dumps({**to_json(one.event), "key": one.key, **named}, ensure_ascii=False, separators=(",", ":"))


def discovery(site: str, cameras: Sequence[str]) -> dict[str, Any]:
    """Home Assistant's description of a site as one device: its events, and of each camera whether it sees."""
    root = f"lfr/{level(site)}"
    alerts = {
        "platform": "event",
        "name": "Alerts",
        "unique_id": f"lfr_{site}_alerts",
        "state_topic": f"{root}/alerts",
        "event_types": list(CHOSEN_KINDS),
        "value_template": EVENT,
    }
    sees = {
        f"camera_{number}": {
            "platform": "binary_sensor",
            "name": name,
            "unique_id": f"lfr_{site}_camera_{name}",
            "device_class": "connectivity",
            "state_topic": f"{root}/{level(name)}/state",
            "value_template": "{{ 'ON' if value == 'live' else 'OFF' }}",
        }
        for number, name in enumerate(cameras, start=1)
    }
    return {
        "device": {"identifiers": [f"lfr_{site}"], "name": f"lfr {site}", "sw_version": __version__},
        "origin": {"name": "lfr_ray", "sw_version": __version__},
        "availability_topic": f"{root}/available",
        "qos": 1,
        "components": {"alerts": alerts, **sees},
    }


class Broker:
    """One broker. A connection that is lost is not mended here: it is opened anew, with nothing left in it."""

    def __init__(self, config: MqttConfig, site: str, cameras: Sequence[str]) -> None:
        self.name, self.names = config.name, config.names
        self.target = f"{'mqtts' if config.tls else 'mqtt'}://{config.host}:{config.port}"
        self._config, self._site, self._cameras = config, site, cameras
        self._root = f"lfr/{level(site)}"
        self._told: dict[str, str] = {}
        self._client: mqtt.Client | None = None
        self._fault = ""

    def open(self) -> None:
        """Connect, and say that the site is there. OSError: no broker, or it refuses. ConfigError: no password."""
        config = self._config
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"lfr-{self._site}-{config.name}",
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        answered = threading.Event()
        self._fault = ""

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            self._fault = str(reason) if reason.is_failure else ""
            answered.set()

        def on_publish(_client: Any, _data: Any, _number: int, reason: ReasonCode, _properties: Any) -> None:
            self._fault = str(reason) if reason.is_failure else self._fault

        client.on_connect, client.on_publish = on_connect, on_publish
        client.will_set(f"{self._root}/available", OFFLINE, qos=1, retain=True)
        if config.username:
            client.username_pw_set(config.username, secret(config.password) if config.password else None)
        if config.tls:
            client.tls_set_context(ssl.create_default_context(cafile=config.ca_file))
        client.connect_timeout = ANSWER_S
        self._client, self._told = client, {}
        client.connect(config.host, config.port, keepalive=KEEPALIVE_S, clean_start=True)
        client.loop_start()
        if not answered.wait(ANSWER_S) or self._fault:
            raise ConnectionError(self._fault or "no answer")
        retained = {f"{self._root}/available": ONLINE}
        if config.home_assistant:
            device = re.sub(r"[^A-Za-z0-9_-]", "_", f"lfr_{self._site}")
            document = json.dumps(discovery(self._site, self._cameras))
            retained[f"{config.home_assistant}/device/{device}/config"] = document
        self._arrive([client.publish(topic, text, qos=1, retain=True) for topic, text in retained.items()])

    def send(self, events: Sequence[Outgoing], cameras: Mapping[str, str]) -> None:
        """Publish, and wait until the broker has acknowledged all of it; OSError where it has not."""
        if self._client is None or not self._client.is_connected():
            raise ConnectionError("the connection is lost")
        sent = [
            self._client.publish(f"{self._root}/alerts", payload(one), qos=1, properties=_properties(one))
            for one in events
        ]
        changed = {name: state for name, state in cameras.items() if self._told.get(name) != state}
        sent += [
            self._client.publish(f"{self._root}/{level(name)}/state", state, qos=1, retain=True)
            for name, state in changed.items()
        ]
        self._arrive(sent)
        self._told |= changed

    def close(self) -> None:
        """Leave; the broker then says that the site is offline."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
                client.loop_stop()

    def _arrive(self, sent: Sequence[mqtt.MQTTMessageInfo]) -> None:
        until_s = time.monotonic() + ANSWER_S
        for one in sent:
            while not one.is_published():
                if self._client is None or not self._client.is_connected() or time.monotonic() > until_s:
                    raise ConnectionError("not acknowledged")
                one.wait_for_publish(0.2)
        if self._fault:
            raise ConnectionError(self._fault)


def _properties(one: Outgoing) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    properties.UserProperty = ("id", one.key)
    return properties
