"""What is published, and how topics are written."""

from __future__ import annotations

import json

import pytest

from lfr_ray.alert.event_kinds import CHOSEN_KINDS
from lfr_ray.alert.mqtt_output import discovery, level, payload
from lfr_ray.alert.output_delivery import Outgoing
from lfr_ray.records import FeedEvent

EVENT = FeedEvent(4, "alert_raised", 0.0, "a1", "", {"camera": "gate"})


def test_a_name_only_where_it_is_given() -> None:
    assert "name" not in json.loads(payload(Outgoing(EVENT, "d1-4")))
    told = json.loads(payload(Outgoing(EVENT, "d1-4", "Nobody Listed")))
    assert (told["key"], told["name"], told["kind"]) == ("d1-4", "Nobody Listed", "alert_raised")


@pytest.mark.parametrize("name", ["gate", "a+b", "#", "100% +#", "Zürich West"])
def test_a_camera_is_one_level_without_wildcards(name: str) -> None:
    assert not set(level(name)) & set("+#/")


def test_levels_of_two_cameras_never_meet() -> None:
    assert len({level(one) for one in ("a+b", "a%2Bb", "a%252Bb", "a#b")}) == 4


def test_home_assistant_learns_of_every_event_and_camera() -> None:
    found = discovery("harbour", ["gate", "quay #2"])
    assert found["components"]["alerts"]["event_types"] == list(CHOSEN_KINDS)
    assert found["components"]["camera_2"]["state_topic"] == "lfr/harbour/quay %232/state"
    ids = [one["unique_id"] for one in found["components"].values()]
    assert len(set(ids)) == 3
