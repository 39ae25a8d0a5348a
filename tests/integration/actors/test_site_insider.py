"""Somebody who has the cluster's token joins it beside a running site, finds its actors by name, and asks them."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import ray

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import Names
from lfr_ray.actors.actor_protocols import DeskCalls, MatcherCalls
from lfr_ray.actors.remote_matcher_and_models import CameraCalls, RemoteStages
from lfr_ray.errors import RefusedError
from tests.integration.actors.conftest import SOON_S, Site
from tests.processes import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


def methods(protocol: type) -> list[Any]:
    return [one for name, one in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")]


CALLS = [
    *(("matcher", one) for one in methods(MatcherCalls)),
    *(("desk", one) for one in methods(DeskCalls)),
    *(("camera", one) for one in methods(CameraCalls)),
]


@pytest.fixture(autouse=True)
def _everybody_works(site: Site) -> None:
    site.both_alerts()


def handles(site: Site, capability: str) -> dict[str, Handle[Any]]:
    names = Names(site.file.site.site, capability)
    found = {"matcher": names.find_matcher(), "desk": names.find_desk(), "camera": names.find_camera("gate")}
    return {name: one for name, one in found.items() if one is not None}


@pytest.mark.parametrize("capability", ["", "0" * 64], ids=["none", "wrong"])
@pytest.mark.parametrize(("process", "method"), CALLS, ids=lambda one: getattr(one, "__name__", one))
def test_no_method_of_any_actor_answers_a_stranger(site: Site, process: str, method: Any, capability: str) -> None:
    with pytest.raises(RefusedError, match="without the site's capability"):
        handles(site, capability)[process].ask(method).wait(60)


@pytest.mark.parametrize("method", ["_open", "_record", "_record_removals", "__ray_call__"])
def test_nothing_private_is_there_either(site: Site, method: str) -> None:
    for process in handles(site, ""):
        remote = handles(site, "")[process].remote
        assert not hasattr(remote, method), process
        # Past Ray's own handle, which asks only for what it knows.
        with pytest.raises(Exception, match=method):
            ray.get(remote._actor_method_call(method, args=[lambda self: vars(self)]), timeout=60)
    site.matched_again()


def test_a_camera_sends_no_faces_to_a_stranger_s_models(site: Site) -> None:
    @ray.remote
    class Listener:
        def __init__(self) -> None:
            self.heard = 0

        def detect(self, canvas: Any) -> None:
            self.heard += 1

        def count(self) -> int:
            return self.heard

    listener = Listener.remote()
    mine: Handle[Any] = Handle(listener)
    with pytest.raises(RefusedError):
        handles(site, "")["camera"].ask(CameraCalls.renew, RemoteStages(mine, mine, mine, mine)).wait(60)
    site.matched_again()
    assert ray.get(listener.count.remote()) == 0
    ray.kill(listener)


def test_it_is_on_record(site: Site) -> None:
    calls = (MatcherCalls.match, DeskCalls.list, CameraCalls.preview)
    for one, method in zip(handles(site, "").values(), calls, strict=True):
        with pytest.raises(RefusedError):
            one.ask(method).wait(60)

    def recorded() -> set[str]:
        rows = site.get("v1/audit/records?kind=refusal&text=capability&limit=100").json()["records"]
        return {row["reason"].partition(":")[0] for row in rows}

    wanted = {"matcher", "desk", "camera gate"}
    eventually(lambda: recorded() >= wanted, SOON_S, lambda: f"recorded: {recorded()}")


def test_the_secret_is_nowhere_in_what_ray_keeps(site: Site) -> None:
    """The arguments of actors and deployments lie in the control store and in Serve's memory."""
    secret = site.names.capability.encode()
    assert len(secret) == 64
    for pid in site.started.living():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file, open(f"/proc/{pid}/environ", "rb") as environ:
                assert secret not in file.read() + environ.read()
        except OSError:  # gone meanwhile
            continue
    logs = [path for path in site.ray_folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert logs
    assert [path for path in logs if secret in path.read_bytes()] == []
