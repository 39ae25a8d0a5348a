"""What a site may not say in clear text."""

from __future__ import annotations

import pytest

from lfr_ray.actors.cluster_checks import check_log
from lfr_ray.config import SiteConfig
from lfr_ray.errors import ConfigError


def site(url: str, kind: str = "live", database_url: str = "") -> SiteConfig:
    cameras = [{"name": "pier", "url": url}]
    return SiteConfig.model_validate(
        {"site": "s", "authority": {"kind": kind}, "cameras": cameras, "alert": {"database_url": database_url}}
    )


@pytest.mark.parametrize(
    ("url", "database_url"),
    [
        ("rtsp://guard:hunter22@10.0.0.7/live", ""),
        ("rtsp://10.0.0.7/live", "postgresql://lfr:hunter22@db.example/lfr"),
    ],
)
def test_a_password_in_a_site_file_is_refused_without_being_shown(url: str, database_url: str) -> None:
    with pytest.raises(ConfigError, match="a password stands in the site file") as caught:
        check_log(site(url, database_url=database_url))
    assert "hunter22" not in str(caught.value)


def test_its_place_may_be_named() -> None:
    check_log(site("rtsp://guard:{env:PIER_PASSWORD}@10.0.0.7/live"))
    check_log(
        site("rtsp://guard:{file:/run/secrets/pier}@10.0.0.7/live", database_url="postgresql://lfr:{env:DB}@/lfr")
    )
    check_log(site("rtsp://10.0.0.7/live"))
