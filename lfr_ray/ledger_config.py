"""The part of a site file about the audit ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lfr_ray.strict_yaml import Section, form

Anchor = Annotated[
    str, Field(pattern=form(r"^(/|https?://|syslog:$)", "an anchor is an absolute path, syslog: or https://"))
]


class TimeStampConfig(Section):
    """An authority that signs, by RFC 3161, what it is shown and when."""

    url: str = Field(
        pattern=form(r"^https?://", "an authority's address begins with https://"),
        description="Takes a POST of a time-stamp query, without a password.",
    )
    certificates: Path = Field(description="A PEM file with the authority's root, and what lies between it and stamps.")


class LedgerConfig(Section):
    """Where the audit ledger's end is written down besides the data folder."""

    anchors: tuple[Anchor, ...] = Field(
        default=(),
        description="Each a file elsewhere, an https:// address that takes a POST and gives what it took to a GET (the "
        "ledger is compared with both at the start), or syslog:. A live or retrospective deployment needs one.",
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="SQLAlchemy URL of a database that gets every record before it is acknowledged, and the files that "
        "belong to it; a head with an empty data_dir goes on from there. Its password is named: {env:NAME}.",
    )
    time_stamps: TimeStampConfig | None = Field(
        default=None,
        description="Whoever stamps the ledger's end, by RFC 3161; the stamps go into the anchors as well.",
    )
