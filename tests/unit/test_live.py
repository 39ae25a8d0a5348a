"""What a site says when it is not ready in time."""

from __future__ import annotations

from ray.serve.schema import ApplicationStatusOverview, DeploymentStatusOverview

from lfr_ray.live import _still_missing


def deployment(status: str) -> DeploymentStatusOverview:
    return DeploymentStatusOverview(status=status, status_trigger="UNSPECIFIED", replica_states={}, message="")


def test_it_names_what_is_missing_and_how_long_it_waited() -> None:
    assert _still_missing(None, 150.0) == "Serve knows no application after 150 s"
    parts = {"fleet": deployment("UPDATING"), "detector": deployment("HEALTHY"), "embedder": deployment("UNHEALTHY")}
    whole = ApplicationStatusOverview(status="DEPLOYING", message="", last_deployed_time_s=0.0, deployments=parts)
    assert _still_missing(whole, 150.0) == "DEPLOYING after 150 s: embedder UNHEALTHY, fleet UPDATING"
