"""Every actor and deployment has the methods that its protocol writes out, with the same arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from lfr_ray.actors.actor_protocols import DeskCalls, DetectorCalls, EmbedderCalls, FleetCalls, MatcherCalls
from lfr_ray.actors.camera_actor import CameraActor
from lfr_ray.actors.desk_actor import DeskActor
from lfr_ray.actors.detector_replica import DetectorReplica
from lfr_ray.actors.embedder_replica import EmbedderReplica
from lfr_ray.actors.fleet_replica import FleetReplica
from lfr_ray.actors.footage_protocol import FootageCalls
from lfr_ray.actors.footage_worker import FootageWorker
from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.actors.matcher_replica import MatcherReplica
from lfr_ray.actors.remote_alerts import RemoteAlerts
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, RemoteStages, ReplicaCalls
from lfr_ray.api.alert_and_site_ports import AlertsPort
from lfr_ray.pipeline.stage_protocols import Stages

IMPLEMENTED = [
    (CameraCalls, CameraActor),
    (FootageCalls, FootageWorker),
    (DeskCalls, DeskActor),
    (MatcherCalls, MatcherActor),
    (ReplicaCalls, MatcherReplica),
    (DetectorCalls, DetectorReplica),
    (EmbedderCalls, EmbedderReplica),
    (FleetCalls, FleetReplica),
    (AlertsPort, RemoteAlerts),
    (Stages, RemoteStages),
]


def methods(protocol: type) -> Iterator[str]:
    found = [name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")]
    assert found
    yield from found


def parameters(method: object) -> list[tuple[str, object, object]]:
    """A method's parameters, without the one that Ray adds to classes of which this process has made actors."""
    found = inspect.signature(method).parameters.values()  # type: ignore[arg-type]
    return [(one.name, one.kind, one.default) for one in found if one.name != "_ray_trace_ctx"]


CASES = [(protocol, kind, name) for protocol, kind in IMPLEMENTED for name in methods(protocol)]


@pytest.mark.parametrize(("protocol", "kind", "name"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_a_method_is_there_with_the_same_arguments(protocol: type, kind: type, name: str) -> None:
    promised, written = getattr(protocol, name), getattr(kind, name)
    assert parameters(written) == parameters(promised)
    assert inspect.iscoroutinefunction(written) == inspect.iscoroutinefunction(promised)


@pytest.mark.parametrize(("protocol", "kind"), IMPLEMENTED, ids=lambda one: one.__name__)
def test_nothing_is_passed_on_by_name_or_splatted(protocol: type, kind: type) -> None:
    assert not hasattr(kind, "__getattr__")
    for name in methods(protocol):
        kinds = {one for _, one, _ in parameters(getattr(kind, name))}
        assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
