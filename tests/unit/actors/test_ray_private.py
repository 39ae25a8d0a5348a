"""A process may start one site after another, each on a cluster of its own: nothing of the first is remembered."""

from __future__ import annotations

import pytest
from ray._private import auto_init_hook
from ray.serve import context

from lfr_ray.actors.ray_private import forget_serve


def test_serve_forgets_the_cluster_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_global_client", object())
    monkeypatch.setattr(context, "_global_client_job_id", "01000000")  # of every cluster's first driver
    forget_serve()
    assert context._global_client is None


def test_ray_starts_only_where_it_is_told_to() -> None:
    """Else a thread of Serve that still asks would start a cluster when a site has ended."""
    assert not auto_init_hook.enable_auto_connect
