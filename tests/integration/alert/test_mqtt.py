"""Events to a real broker that goes and comes."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lfr_ray.alert.alert_service import AlertService
from lfr_ray.alert.mqtt_output import Broker
from lfr_ray.alert.open_database import Database
from lfr_ray.outputs_config import MqttConfig
from lfr_ray.records import Sighting
from tests.integration.alert.ways import free_port, running, wait_until
from tests.integration.camera.test_certificates import certify

Make = Callable[..., Sighting]
PASSWORD = "hunter22"


class Mosquitto:
    """A broker with TLS and a password, that keeps nothing but what is retained and one reader's session."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        certificate, key = certify(folder)
        self.certificate, self.port, self.plain_port = certificate, free_port(), free_port()
        passwords, rules = folder / "passwords", folder / "rules"
        passwords.write_text(f"desk:{PASSWORD}\nreader:{PASSWORD}\n")
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
        rules.write_text("user desk\ntopic readwrite lfr/#\ntopic write homeassistant/#\nuser reader\ntopic read #\n")
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"per_listener_settings false\nallow_anonymous false\npassword_file {passwords}\nacl_file {rules}\n"
            f"user root\npersistence true\npersistence_location {folder}/\nautosave_interval 1\n"
            f"listener {self.plain_port} 127.0.0.1\n"
            f"listener {self.port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["mosquitto", "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10.0)
            self._process = None


class Reader:
    """Reads every topic over the plain listener, and comes again when the broker does."""

    def __init__(self, port: int) -> None:
        self.got: list[tuple[str, str, bool]] = []
        self.there = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="reader", protocol=mqtt.MQTTv5, reconnect_on_failure=True
        )
        self._client.username_pw_set("reader", PASSWORD)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self.there.set()
        self._client.on_message = lambda _client, _data, one: self.got.append(
            (one.topic, one.payload.decode(), one.retain)
        )
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 600  # what comes while it is away waits for it, also where the broker was away
        self._client.connect_async("127.0.0.1", port, clean_start=False, properties=kept)
        self._client.loop_start()

    def _connected(self, *_: Any) -> None:
        self._client.subscribe("#", qos=1)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(text) for topic, text, _ in self.got if topic == "lfr/harbour/alerts"]

    def newest(self, topic: str) -> str:
        return next((text for found, text, _ in reversed(self.got) if found == topic), "")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    if shutil.which("mosquitto") is None:
        pytest.skip("no MQTT broker installed (Debian: apt-get install mosquitto)")
    one = Mosquitto(tmp_path)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def reader(broker: Mosquitto) -> Iterator[Reader]:
    one = Reader(broker.plain_port)
    wait_until(one.there.is_set, "the reader")
    yield one
    one.close()


@pytest.fixture
def desk(desk_on: Callable[..., AlertService], tmp_path: Path) -> Iterator[AlertService]:
    database = Database.at(tmp_path / "desk.sqlite")
    yield desk_on(database)
    database.close()


def sink(broker: Mosquitto, tmp_path: Path, **options: Any) -> Broker:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    secured = {
        "name": "control",
        "username": "desk",
        "password": f"file:{tmp_path / 'password'}",
        "ca_file": broker.certificate,
    }
    config = MqttConfig(host="127.0.0.1", port=broker.port, **{**secured, **options})
    return Broker(config, "harbour", ["gate", "quay #2"])


def test_a_broker_that_goes_and_comes_misses_nothing(
    broker: Mosquitto, reader: Reader, desk: AlertService, make_sighting: Make, tmp_path: Path
) -> None:
    with running([sink(broker, tmp_path)], desk, {"gate": "live", "quay #2": "blind"}) as meter:
        wait_until(lambda: reader.newest("lfr/harbour/available") == "online", "online")
        wait_until(lambda: reader.newest("lfr/harbour/quay %232/state") == "blind", "the camera's state")
        first = desk.raise_alert(make_sighting()).alert_id
        wait_until(lambda: len(reader.alerts) == 1, "the first alert")
        broker.stop()
        away = [desk.raise_alert(make_sighting(f"t{one}", match={"entry_id": f"e{one}"})).alert_id for one in range(3)]
        wait_until(lambda: meter.value("output_failing", output="control") == 1, "failing")
        wait_until(lambda: meter.value("output_lag_seconds", output="control") > 0, "a lag")
        broker.start()
        wait_until(lambda: {one["alert_id"] for one in reader.alerts} >= {first, *away}, "what was missed")
        wait_until(lambda: meter.value("output_failing", output="control") == 0, "working again")
        assert meter.value("output_lag_seconds", output="control") == 0
    wait_until(lambda: reader.newest("lfr/harbour/available") == "offline", "the last will")
    keys = list(dict.fromkeys(one["key"] for one in reader.alerts))
    assert [int(one.rpartition("-")[2]) for one in keys] == sorted(int(one.rpartition("-")[2]) for one in keys)
    assert len(keys) == 4
    assert keys[0].startswith(desk.store.database_id())
    told = "\n".join(text for _, text, _ in reader.got)
    for secret in ("Nobody Listed", "entry-1", "jpeg", PASSWORD):
        assert secret not in told


def test_a_new_desk_goes_on_where_the_old_one_was(
    broker: Mosquitto, reader: Reader, desk: AlertService, make_sighting: Make, tmp_path: Path
) -> None:
    told: list[str] = []
    with running([sink(broker, tmp_path)], desk):
        desk.raise_alert(make_sighting())
        wait_until(lambda: len(reader.alerts) == 1, "the first alert")
        wait_until(lambda: desk_is_at(desk, "control", reader.alerts[0]["id"]), "the position")
    second = desk.raise_alert(make_sighting("t2", match={"entry_id": "e2"})).alert_id
    named = desk_on_event(desk, told)
    with running([sink(broker, tmp_path, names=True, home_assistant="homeassistant")], named):
        wait_until(lambda: len(reader.alerts) == 2, "the second alert")
    assert [one["alert_id"] for one in reader.alerts][1] == second
    assert ("name" in reader.alerts[0], reader.alerts[1]["name"]) == (False, "Nobody Listed")
    assert told == ["disclosure"]
    device = json.loads(reader.newest("homeassistant/device/lfr_harbour/config"))
    assert device["availability_topic"] == "lfr/harbour/available"
    assert device["components"]["camera_2"]["state_topic"] == "lfr/harbour/quay %232/state"


def desk_is_at(desk: AlertService, name: str, event_id: int) -> bool:
    from lfr_ray.alert.output_positions import OutputStore

    return OutputStore(desk.store.database).sent_event_id(name) >= event_id


def desk_on_event(desk: AlertService, told: list[str]) -> AlertService:
    """The same desk with a ledger that notes what is disclosed."""
    from lfr_ray.adjudicate.decisions import CaseRules
    from lfr_ray.alert.cooldown import AlertRules
    from lfr_ray.clock import SystemClock

    def note(kind: str, _facts: object) -> None:
        if kind == "disclosure":
            told.append(kind)

    return AlertService(desk.store, AlertRules(), SystemClock(), cases=CaseRules(), on_event=note)


WRONG: dict[str, dict[str, Any]] = {
    "no-trust": {"ca_file": None},
    "nobody": {"username": ""},
    "no-password": {"password": "env:LFR_NO_SUCH_PASSWORD"},
    "forbidden": {"home_assistant": "forbidden"},  # by the broker's rules
}


# paho leaves the socket of a handshake that failed to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_refused_fails_and_delays_nobody_else(
    broker: Mosquitto, reader: Reader, desk: AlertService, make_sighting: Make, tmp_path: Path
) -> None:
    bad = [sink(broker, tmp_path, **{"name": name, **options}) for name, options in WRONG.items()]
    with running([*bad, sink(broker, tmp_path)], desk) as meter:
        wait_until(lambda: all(meter.value("output_failing", output=one) == 1 for one in WRONG), "failing")
        desk.raise_alert(make_sighting())
        wait_until(lambda: len(reader.alerts) == 1, "the alert of the other one")
        assert meter.value("output_failing", output="control") == 0
