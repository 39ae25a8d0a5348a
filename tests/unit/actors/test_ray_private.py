"""Ray starts, and joins a cluster, only where it is told to."""

from __future__ import annotations

from ray._private import auto_init_hook


def test_ray_starts_only_where_it_is_told_to() -> None:
    """Else a thread of Serve that still asks would start a cluster when a site has ended."""
    assert not auto_init_hook.enable_auto_connect
