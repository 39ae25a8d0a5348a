"""What is wrong with a site file reaches Serve as the one error that it does not try again."""

from __future__ import annotations

import pytest
from ray.serve.exceptions import RayServeException

from lfr_ray.app import build, site_application
from lfr_ray.errors import ConfigError

WRONG = {"site": "pier", "cameras": [{"name": "gate", "url": "demo:gate", "fps_max": 5}]}


def test_serve_is_told_in_the_form_that_it_does_not_try_again() -> None:
    with pytest.raises(ConfigError, match="fps_max"):
        site_application(WRONG)
    with pytest.raises(RayServeException, match=r"^ConfigError: .*fps_max"):
        build(WRONG)
