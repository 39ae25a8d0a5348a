"""What an officer needs beside an alert: what they recorded themselves, and how rare such a likeness is."""

from __future__ import annotations

import math

from fastapi import APIRouter, Request
from pydantic import Field
from pydantic.dataclasses import dataclass

from lfr_ray.api.alert_routes import AlertId, account, alerts_of
from lfr_ray.api.auth import DECIDING, LOOKING, looking_person, needs, reader_of
from lfr_ray.match.threshold import scale_of, single_scale
from lfr_ray.models.card_calibration import OBSERVED
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import CLOSED, Alert, ShownRecord

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

MOST_FACES = 1_000_000
"""No fit says more than that a stranger is so rarely as near."""


@dataclass(frozen=True, config=CLOSED)
class OwnRecords:
    """What the asking officer recorded of an alert, oldest first."""

    records: tuple[ShownRecord, ...]


@dataclass(frozen=True, config=CLOSED)
class Likelihood:
    """How often somebody who is not on the list is as near to anybody of it."""

    once_in_faces: int | None = Field(
        description="One stranger among so many, at most a million; null where the model's card cannot tell."
    )
    beyond_measured: bool = Field(
        default=False, description="By the fit's continuation: rarer than the card's own comparisons could show."
    )


@router.get("/{alert_id}/own", dependencies=needs(*DECIDING))
async def own(request: Request, alert_id: AlertId) -> OwnRecords:
    """What the asking officer recorded of an alert; nothing of anybody else's."""
    officer = looking_person(request)
    return OwnRecords(await alerts_of(request).own_records(alert_id, officer))


@router.get("/{alert_id}/likelihood", dependencies=needs(*LOOKING))
async def likelihood(request: Request, alert_id: AlertId) -> Likelihood:
    """How often a stranger is as near as this alert's similarity, at the size of its list, by the model's card."""
    await account(request, "likelihood", alert_id)
    return likelihood_of(await alerts_of(request).get(alert_id, reader_of(request)))


def likelihood_of(alert: Alert) -> Likelihood:
    """The same, of an alert."""
    calibration, size = card(alert.model).calibration, alert.list_size
    if calibration is None or not alert.figures_given:
        return Likelihood(None)
    single = alert.views_compared == 1
    scale = single_scale(calibration, size) if single else scale_of(calibration, size, covered=alert.covered)
    if scale.tail is None:
        return Likelihood(None)
    rate = min(scale.tail.rate_at(alert.similarity), 0.999999)
    share = -math.expm1(math.log1p(-rate) * scale.counted_size)
    return Likelihood(max(1, round(1 / max(share, 1 / MOST_FACES))), rate * scale.tail.comparisons < OBSERVED)
