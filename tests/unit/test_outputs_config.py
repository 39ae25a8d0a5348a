"""Ways out in a site file."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.errors import ConfigError
from lfr_ray.outputs_config import OutputsConfig
from lfr_ray.strict_yaml import parse_section

MQTT = {"name": "control", "host": "broker.example"}


def outputs(**given: Any) -> OutputsConfig:
    return parse_section(OutputsConfig, given, "site.yaml")


def test_what_is_not_said() -> None:
    (broker,) = outputs(mqtt=[MQTT]).mqtt
    assert (broker.port, broker.tls, broker.names, broker.home_assistant) == (8883, True, False, "")


@pytest.mark.parametrize("password", ["env:LFR_MQTT", "file:/run/secrets/mqtt", ""])
def test_where_a_password_may_stand(password: str) -> None:
    assert outputs(mqtt=[MQTT | {"password": password}]).mqtt[0].password == password


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mqtt": [MQTT | {"password": "hunter22"}]}, "env:NAME or file:/path"),
        ({"mqtt": [MQTT | {"tls": False}]}, "on this machine only"),
        ({"mqtt": [MQTT | {"name": "Control Room"}]}, "small letters"),
        ({"mqtt": [MQTT], "syslog": [MQTT]}, "control stands there twice"),
        ({"syslog": [MQTT | {"transport": "smoke"}]}, "transport"),
        ({"syslog": [MQTT | {"names": True}]}, "not a field that exists"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        outputs(**given)
    assert "hunter22" not in str(caught.value)
