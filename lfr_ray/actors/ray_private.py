"""All uses of Ray's private names: a new version of Ray may change them, and then only this file changes."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import ray
from ray._private import node, utils, worker
from ray._private.state import state
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_list, _internal_kv_put

from lfr_ray.actors.second_start import second_start

NO_MORE_METHODS = "__ray_actor_class__"
"""An actor's class that has this gets no methods of Ray's own. One of those runs any function that it is sent."""

SPILLING = "automatic_object_spilling_enabled"
"""Whether a cluster writes objects to disk when its memory is full; Ray has no public option for it."""

WITHOUT_SPILLING: Mapping[str, Any] = {"_system_config": {SPILLING: False, "kill_worker_timeout_milliseconds": 1000}}
"""For ``ray.init``: this cluster writes no objects to disk, and a frozen process that is to end has 1 s, not 5."""


def cluster_spills() -> bool:
    """Whether the cluster that we are connected to writes objects to disk."""
    return bool(state.get_system_config().get(SPILLING, True))


def print_no_worker_output() -> None:
    """Ray prints the errors of its own processes on stdout, also those of an orderly end. Stdout belongs to results."""
    worker.print_to_stdstream = _do_nothing


@contextmanager
def own_signals() -> Iterator[None]:
    """Around ``ray.init``: SIGTERM stays what it was. Ray's own handlers, in Python and in C++, abort the process."""
    utils.set_sigterm_handler = _do_nothing
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


@contextmanager
def without_extras(tell: Callable[[str], None]) -> Iterator[None]:
    """Around ``ray.init``: no server of dashboards, autoscaler or copied logs; ``tell`` hears of a second try."""
    before = {name: getattr(node.Node, name) for name in ("start_api_server", "start_monitor", "start_log_monitor")}
    dashboards = utils.get_dashboard_dependency_error
    for name in before:
        setattr(node.Node, name, _do_nothing)
    try:
        # So each node's agent is Ray's smallest: others wait for it, and its metrics, which nobody reads, cost all.
        utils.get_dashboard_dependency_error = lambda: ImportError("not wanted")
        with second_start(node.Node, tell):
            yield
    finally:
        for name, method in before.items():
            setattr(node.Node, name, method)
        utils.get_dashboard_dependency_error = dashboards


async def replica_loaded(replica: Any) -> bool:
    """Whether a replica's own class has been made; asked beside the requests that wait for it."""
    return bool(await replica.was_initialized.remote())


def deploy(config: Any) -> None:
    """Hand a whole Serve configuration (a ``ServeDeploySchema``) to the running Serve, as `serve deploy` does."""
    _serve().deploy_apps(config)


def deploying(application: str) -> bool:
    """Whether Serve is still at it. To ask for the whole status costs asker and controller some 50 ms each time."""
    return bool(_serve().get_serve_status(application).app_status.status == "DEPLOYING")


def http_address() -> tuple[str, int, bool] | None:
    """Where the running Serve answers HTTP, and whether by TLS; None where none runs."""
    if (client := _serve(must_run=False)) is None:
        return None
    options = ray.get(client._controller.get_http_config.remote())
    return str(options.host), int(options.port), bool(options.ssl_keyfile and options.ssl_certfile)


def row_of(actor: Any) -> Mapping[str, Any]:
    """What Ray's table says of an actor: its state, its node, its process."""
    return dict(state.actor_table(actor._actor_id.hex()))


def claimed(name: str, claim: str) -> str:
    """Claim a name for as long as this driver is connected; what another one claimed it for, or empty: it is ours."""
    key = f"lfr/{name}"
    if found := _internal_kv_get(key):
        job, other = json.loads(found)
        if job in _living_drivers():
            return str(other)
    _internal_kv_put(key, json.dumps((ray.get_runtime_context().get_job_id(), claim)), overwrite=True)
    return ""


def claims(prefix: str) -> list[str]:
    """Names of that beginning that were claimed, whether or not their drivers live, without the beginning."""
    return [key.decode().removeprefix(f"lfr/{prefix}") for key in _internal_kv_list(f"lfr/{prefix}")]


def abandoned(prefix: str) -> list[str]:
    """Names of that beginning whose drivers are gone. They are claimed no more."""
    living, keys = _living_drivers(), _internal_kv_list(f"lfr/{prefix}")
    gone = [key for key in keys if json.loads(_internal_kv_get(key) or "[null]")[0] not in living]
    for key in gone:
        _internal_kv_del(key)
    return [key.decode().removeprefix("lfr/") for key in gone]


def noted(name: str, text: str = "") -> str:
    """Note a text under a name in Ray's store, which may outlive its head; what is there now. "-" takes it away."""
    if text:
        _internal_kv_put(f"lfr-noted/{name}", text, overwrite=True)
    return (_internal_kv_get(f"lfr-noted/{name}") or b"-").decode().removeprefix("-")


def _living_drivers() -> set[str]:
    return {one["JobID"] for one in state.job_table() if not one["IsDead"]}


def delete(applications: Sequence[str]) -> None:
    """End applications of the running Serve, all at the same time; returns when Serve has taken that on."""
    ray.get(_serve()._controller.delete_apps.remote(list(applications)))


def forget_serve() -> None:
    """Serve remembers the cluster that this process worked on before, by a number that every cluster begins at 1."""
    import_module("ray.serve.context")._set_global_client(None)


def _serve(*, must_run: bool = True) -> Any:
    """Serve's client. It takes a second to load: the matcher and the desk begin without it."""
    return import_module("ray.serve.context")._get_global_client(raise_if_no_controller_running=must_run)


def _do_nothing(*_: Any, **__: Any) -> None:
    """In place of what Ray would do."""
