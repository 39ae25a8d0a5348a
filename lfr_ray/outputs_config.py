"""Ways out that a site file names: brokers of MQTT and syslog collectors. Secrets stand elsewhere, and are named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lfr_ray.strict_yaml import Section, form

NAME = form(
    r"^[a-z0-9][a-z0-9_-]{0,31}$",
    "an output's name has 1 to 32 small letters, digits and signs _ -, and begins with a letter or digit",
)
REFERENCE = form(
    r"^$|^env:[A-Za-z_][A-Za-z0-9_]*$|^file:/.+$", "must be env:NAME or file:/path, where the secret stands"
)
TARGET = form(
    r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(/[^\s?#]*)?$",
    "https://HOST or https://HOST/PATH",
)
ORIGIN = form(r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)$", "https://HOST")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class OutputConfig(Section):
    """What every way out has."""

    SHOWN_BY: ClassVar[str] = "name"

    name: str = Field(pattern=NAME, description="Unique; its position is kept under it, and metrics bear it.")
    host: str = Field(min_length=1, max_length=255, pattern=r"^\S+$", description="Name or address of the receiver.")
    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) that are trusted for TLS; default: the machine's."
    )


class MqttConfig(OutputConfig):
    """A broker of MQTT 5."""

    port: int = Field(default=8883, ge=1, le=65535, description="Of the broker; 1883 is usual without TLS.")
    tls: bool = Field(default=True, description="false: in the clear, for a broker on this machine only.")
    username: str = Field(default="", max_length=128, description="Empty: nobody signs in.")
    password: str = Field(default="", pattern=REFERENCE, description="Where it stands: env:NAME or file:/path.")
    names: bool = Field(
        default=False, description="Tell the name on the list too; each alert is then a disclosure in the ledger."
    )
    home_assistant: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_/-]{0,64}$",
        description="Prefix of Home Assistant's discovery topics, mostly homeassistant; empty: no discovery.",
    )

    @model_validator(mode="after")
    def _not_in_the_clear(self) -> MqttConfig:
        if not self.tls and self.host not in LOOPBACK:
            raise ValueError("tls: false is for a broker on this machine only")
        return self


class SyslogConfig(OutputConfig):
    """A collector of syslog, to which each event goes as CEF. It never learns a name."""

    port: int = Field(default=6514, ge=1, le=65535, description="Of the collector; 514 is usual without TLS.")
    transport: Literal["tls", "tcp", "udp"] = Field(
        default="tls", description="tcp and udp are in the clear; what udp loses is lost."
    )


class PushConfig(Section):
    """Push services of browsers, which wake a handset. They learn that there is an alert, and its id is encrypted."""

    contact: str = Field(
        pattern=form(r"^(mailto:[^\s@]+@[^\s@]+|https://[^\s]+)$", "is mailto:ADDRESS or https://..."),
        description="Whom a push service asks about this site: mailto:ADDRESS or https://...",
    )
    services: tuple[Annotated[str, Field(pattern=ORIGIN)], ...] = Field(
        min_length=1,
        description="Each https://HOST: https://fcm.googleapis.com, https://updates.push.services.mozilla.com, "
        "https://web.push.apple.com. Nothing is sent elsewhere.",
    )


class OutputsConfig(Section):
    """Where events go besides the event stream and webhooks."""

    webhooks: tuple[Annotated[str, Field(pattern=TARGET)], ...] = Field(
        default=(),
        description="Where webhooks may be made to: https://HOST, or https://HOST/PATH and all below it. An authority "
        "binds it. Empty: anywhere in a test, otherwise nowhere.",
    )
    mqtt: tuple[MqttConfig, ...] = Field(default=(), description="Brokers.")
    syslog: tuple[SyslogConfig, ...] = Field(default=(), description="Collectors.")
    push: PushConfig | None = Field(default=None, description="Push services; default: none, and nobody is woken.")
    traces: str = Field(
        default="",
        pattern=form(r"^$|^https?://[^\s@]+$", "is http(s)://HOST:PORT/v1/traces, without credentials"),
        description="Where OpenTelemetry traces of alerts go (OTLP over HTTP): http://collector:4318/v1/traces; "
        "empty: nowhere.",
    )

    @model_validator(mode="after")
    def _unique_names(self) -> OutputsConfig:
        names = [one.name for one in (*self.mqtt, *self.syslog)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the names of outputs must be unique: {', '.join(twice)} stands there twice")
        return self
