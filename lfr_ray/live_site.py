"""A live site: deployed, watched until it is ready, asked, and ended without a process left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
from ray import serve
from ray.serve import RunTarget
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview, DeploymentStatus, ServeDeploySchema

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_names import FLEET, Names, alive
from lfr_ray.actors.actor_protocols import DeskCalls, FleetCalls, MatcherCalls
from lfr_ray.actors.health_watch import SiteWatch
from lfr_ray.actors.http_ingress import access_of
from lfr_ray.actors.launch_actors import desk_actor, matcher_actor
from lfr_ray.actors.ray_private import delete, deploy, deploying, forget_serve, http_address
from lfr_ray.actors.remote_alerts import every_alert
from lfr_ray.actors.reserved_resources import wait_for_resources
from lfr_ray.actors.start_or_join_ray import quieten
from lfr_ray.alert.json_document import to_json
from lfr_ray.app import site_application
from lfr_ray.errors import ConfigError, NotFoundError, ResourceError, StoreError
from lfr_ray.health import SiteHealth
from lfr_ray.records import EVERYTHING
from lfr_ray.site_file import SiteFile

if TYPE_CHECKING:
    # Loading them loads decoders and torch, which only the processes behind need.
    from lfr_ray.metrics import Snapshot
    from lfr_ray.models.device_and_self_test import SelfTest

READY_MARGIN_S = 120.0
"""Beyond the wait for resources: loading models and importing a watchlist on a slow machine."""

STOP_S = 5.0
"""So long an end in order is waited for; it takes less."""

POLL_S = 0.25
TELL_S = 5.0


class LiveSite:
    """One site on the Ray that is connected; use as a context manager, or :func:`~lfr_ray.site_start_stop.live_site`.

    With ``on_cluster`` Ray goes on without it. ``tell`` hears every few seconds of a start what is not there yet.
    """

    def __init__(
        self, file: SiteFile, *, on_cluster: bool = False, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._file, self._tell = file, tell
        self._on_cluster = on_cluster
        self._fleet: Handle[FleetCalls] | None = None
        self._runs = False
        self._watch: SiteWatch | None = None

    def __enter__(self) -> LiveSite:
        site, file = self._file.site, self._file
        quieten()  # Serve set the level of its log when it was loaded
        forget_serve()
        try:
            if not self._on_cluster:
                access_of(site)
                wait_for_resources(site, 0.0)  # nobody adds nodes to this machine
            self._deploy()
            self._runs = True
            self._watch = SiteWatch(site, file.application).start()
            self._fleet = Handle(serve.get_deployment_handle(FLEET, app_name=file.application))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._watch is not None:
            self._watch.stop()
        if self._on_cluster:
            if self._runs:
                delete([self._file.application])
                until_s = time.monotonic() + STOP_S  # it ends without us as well
                while serve_status(self._file.application) is not None and time.monotonic() < until_s:
                    time.sleep(POLL_S)
        elif self._fleet is not None:
            # Serve's own end would take seconds more for what Ray's end does at once.
            with suppress(TimeoutError, ResourceError, ray.exceptions.RayError):
                self._fleet.ask(FleetCalls.stop).wait(STOP_S)

    def http_address(self) -> tuple[str, int]:
        """Host and port of HTTP: a Serve that ran before keeps its own, whatever the file says."""
        return (http_address() or (self._file.host, self._file.port))[:2]

    def self_tests(self) -> list[SelfTest]:
        """What the models measured when they started."""
        assert self._fleet is not None
        return self._fleet.ask(FleetCalls.self_tests).wait()

    def import_notes(self) -> list[str]:
        """What people should look at of the watchlist folder that was imported at the start."""
        assert self._fleet is not None
        return self._fleet.ask(FleetCalls.import_notes).wait()

    def configuration(self) -> str:
        """Digest of the site's fields that are in force, without credentials."""
        matcher = alive(Names.of(self._file.site).find_matcher(), "the matcher")
        return matcher.ask(MatcherCalls.deployments).wait().deployments[0].configuration

    def health(self) -> SiteHealth:
        """How the site and each of its cameras is."""
        assert self._watch is not None
        return self._watch.health()

    def snapshots(self) -> list[Snapshot]:
        """Counters of every process."""
        assert self._fleet is not None
        return self._fleet.ask(FleetCalls.snapshots).wait()

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert, oldest first."""
        return [to_json(one) for one in every_alert(self._desk())]

    def alert(self, alert_id: str) -> dict[str, Any] | None:
        """One alert as it stands now; None where it is destroyed."""
        try:
            return to_json(self._desk().ask(DeskCalls.get, alert_id, EVERYTHING).wait())
        except NotFoundError:
            return None

    def events(self, after: int, wait_s: float) -> Iterator[dict[str, Any]]:
        """Steps of the desk after an id, waiting up to ``wait_s`` for the first."""
        try:
            yield from map(to_json, self._desk().ask(DeskCalls.events_after, after, wait_s).wait())
        except (ResourceError, StoreError):
            # The desk is being started anew, or its database is away. Its steps are numbered, so nothing is missed.
            time.sleep(wait_s)

    def _desk(self) -> Handle[DeskCalls]:
        return alive(Names.of(self._file.site).find_desk(), "the alert desk")

    def _deploy(self) -> None:
        """Hand the file to Serve, and wait until it runs.

        Raises:
            ConfigError: Serve refuses the file, or the application cannot be started as it is configured; what ran
                before goes on.
            ResourceError: It is not ready in time.
        """
        before = serve_status(self._file.application)
        self._runs = before is None
        try:
            config = ServeDeploySchema.model_validate(self._file.document)
        except ValueError as error:
            raise ConfigError(
                "Serve refuses the site file", got=str(error), next_step="see Ray Serve's manual"
            ) from None
        serve.start(
            proxy_location=config.proxy_location,
            http_options=config.http_options.model_dump(),
            logging_config=config.logging_config,  # also that of the process which builds the application
        )
        [application] = config.applications
        if self._on_cluster or application.deployments or application.runtime_env:
            deploy(config)
        else:  # Serve would start a process to build it, which loads all that is loaded here
            app, log = site_application(application.args), config.logging_config
            desk_actor(self._file.site)  # both load while Serve starts the others; the fleet finds them
            matcher_actor(self._file.site)
            target = RunTarget(app, application.name, application.route_prefix, log)
            serve.run_many([target], wait_for_applications_running=False)
        limit_s = self._file.site.resources_wait_s + READY_MARGIN_S
        began_s = told_s = time.monotonic()
        until_s = began_s + limit_s
        while True:
            while deploying(self._file.application) and time.monotonic() <= min(until_s, told_s + TELL_S):
                time.sleep(POLL_S)
            application = serve_status(self._file.application)
            if application is not None and application.status == "RUNNING":
                return
            if application is not None and application.status == "DEPLOY_FAILED":
                said = [application.message, *(one.message for one in application.deployments.values())]
                goes_on = "" if before is None else "what ran there before goes on as it was"
                raise ConfigError("the site cannot be started", got=_last_words(said), next_step=goes_on)
            if time.monotonic() > until_s:
                raise ResourceError(
                    "the site is not ready",
                    got=_still_missing(application, limit_s),
                    allowed=f"{limit_s:g} s: resources_wait_s of the site ({self._file.site.resources_wait_s:g} s) and "
                    f"{READY_MARGIN_S:g} s for models and watchlist",
                    next_step="free processors or memory for what is missing, or raise resources_wait_s",
                )
            if time.monotonic() > told_s + TELL_S:
                told_s = time.monotonic()
                self._tell(_still_missing(application, told_s - began_s))
            time.sleep(POLL_S)


def serve_status(application: str) -> ApplicationStatusOverview | None:
    """What Serve says of an application, or None where it knows none."""
    try:
        return serve.status().applications.get(application)
    except RayServeException:  # no Serve at all
        return None


def _still_missing(application: Any, waited_s: float) -> str:
    """What is not there yet. It is said here, because the Ray that knows it ends with this command."""
    if application is None:
        return f"Serve knows no application after {waited_s:.0f} s"
    late = [
        f"{name} {DeploymentStatus(one.status).value}"
        for name, one in application.deployments.items()
        if one.status != "HEALTHY"
    ]
    return f"{ApplicationStatus(application.status).value} after {waited_s:.0f} s" + (
        f": {', '.join(sorted(late))}" if late else ""
    )


def _last_words(messages: Sequence[str]) -> str:
    """The error itself out of Serve's messages, which hold tracebacks."""
    lines = [line.strip() for message in messages for line in message.splitlines() if line.strip()]
    ours = [line.partition("lfr_ray.errors.")[2] for line in lines if "lfr_ray.errors." in line and ": " in line]
    others = [line for line in lines if "Error: " in line]
    return next(iter([*ours[-1:], *others[-1:], *lines[:1]]), "no message")
