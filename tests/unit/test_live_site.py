"""What a site says when it is not ready in time; a desk that does not answer does not end it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from ray.serve import context
from ray.serve.schema import ApplicationStatusOverview, DeploymentStatusOverview

from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError, LfrError, ResourceError, StoreError
from lfr_ray.live_site import LiveSite, _still_missing
from lfr_ray.site_file import read_site_file


def deployment(status: str) -> DeploymentStatusOverview:
    return DeploymentStatusOverview(status=status, status_trigger="UNSPECIFIED", replica_states={}, message="")


def test_it_names_what_is_missing_and_how_long_it_waited() -> None:
    assert _still_missing(None, 150.0) == "Serve knows no application after 150 s"
    parts = {"fleet": deployment("UPDATING"), "detector": deployment("HEALTHY"), "embedder": deployment("UNHEALTHY")}
    whole = ApplicationStatusOverview(status="DEPLOYING", message="", last_deployed_time_s=0.0, deployments=parts)
    assert _still_missing(whole, 150.0) == "DEPLOYING after 150 s: embedder UNHEALTHY, fleet UPDATING"


class WithoutDesk(LiveSite):
    """Whose desk does not answer, or cannot."""

    def __init__(self, error: LfrError) -> None:
        self._error = error

    def _desk(self) -> NoReturn:
        raise self._error


@pytest.mark.parametrize("error", [ResourceError("a process has died"), StoreError("the database is away")], ids=type)
def test_whoever_follows_it_waits_while_desk_or_database_is_away(
    error: LfrError, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_s: list[float] = []
    monkeypatch.setattr("lfr_ray.live_site.time.sleep", waited_s.append)
    assert list(WithoutDesk(error).events(0, 1.0)) == []
    assert waited_s == [1.0]


def test_it_asks_no_serve_of_a_cluster_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: SiteConfig) -> NoReturn:
        raise ConfigError("it goes no further here")

    monkeypatch.setattr("lfr_ray.live_site.access_of", refuse)
    monkeypatch.setattr(context, "_global_client", object())
    monkeypatch.setattr(context, "_global_client_job_id", "01000000")  # of every cluster's first driver
    with pytest.raises(ConfigError):
        LiveSite(read_site_file(Path("serve_configs/local.yaml"))).__enter__()
    assert context._global_client is None
