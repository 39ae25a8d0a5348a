"""Where a camera looks is set beside the site file, on record, and what was signed for another holds no more."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.config import SiteConfig
from lfr_ray.errors import NotFoundError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.govern.authority_gate import HEALTH_EVERY_S
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.site.bound_configuration import effective_configuration
from lfr_ray.site.camera_focus import set_focus, with_focus
from lfr_ray.site.open_site import open_permission
from lfr_ray.strict_yaml import parse_section
from tests.integration.govern.scene import Scene

CAMERA = {"name": "van", "url": "rtsp://10.0.0.7/van", "latitude": 51.789, "longitude": 1.153, "min_face_px": 50}


def test_what_is_set_ends_an_authority_that_was_signed_for_another_until_it_is_set_back(
    site: Any, trust_tree: Any
) -> None:
    fields = {"site": "clacton", "authority": {"kind": "live", "deployment": "airshow-1"}, "cameras": [CAMERA]}
    config = parse_section(SiteConfig, fields | {"data_dir": site.data_dir}, "site")
    scene = Scene(site, trust_tree)
    scene.open(scene.authority(configuration=effective_configuration(config)))
    gate = open_permission(config, scene.ledger, site.clock)

    def asked() -> str:
        site.clock.advance(1.1 * HEALTH_EVERY_S)
        return gate.refusal("van", site.clock.wall_s(), "a" * 64, "dlib_resnet")

    assert asked() == ""
    seen = CameraFocus(regions=((0.1, 0.2, 0.5, 0.5),), min_face_px=80)
    set_focus(config, "van", seen, by="insp-7", reason="poster", clock=site.clock)
    assert "not the authorised one: cameras.van.min_face_px, cameras.van.regions;" in asked()
    (camera,) = with_focus(config).cameras
    assert (camera.url, camera.min_face_px) == (CAMERA["url"], 80)
    anew = scene.authority(configuration=effective_configuration(config))
    assert anew.configuration != effective_configuration(config.model_copy(update={"cameras": ()}))
    set_focus(config, "van", CameraFocus(min_face_px=50), by="insp-7", reason="poster gone", clock=site.clock)
    assert asked() == ""
    told = [one for one in read_records(site.files) if one["kind"] == "alteration"]
    assert [(one["what"], one["actor"], one["subject"], one["reason"]) for one in told] == [
        ("camera set", "insp-7", "van", "poster"),
        ("camera set", "insp-7", "van", "poster gone"),
    ]
    assert told[0]["facts"] == {"regions": ["0.1 0.2 0.5 0.5"], "min_face_px": 80}
    with pytest.raises(NotFoundError):
        set_focus(config, "other", CameraFocus(), by="insp-7", reason="none")
