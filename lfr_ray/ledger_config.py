"""The part of a site file about the audit ledger."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lfr_ray.section import Section, form

ANCHOR_PATTERN = form(r"^(/|https?://|syslog:$)", "an anchor is an absolute path, syslog: or https://")


class LedgerConfig(Section):
    """Where the audit ledger's end is written down besides the data folder."""

    anchors: tuple[Annotated[str, Field(pattern=ANCHOR_PATTERN)], ...] = Field(
        default=(), description="Each a file elsewhere (compared with at the start), syslog:, or https:// for a POST."
    )
