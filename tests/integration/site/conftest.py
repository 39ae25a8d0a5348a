"""Sites on a real disk, as the tests of govern have them."""

from tests.integration.govern.conftest import site, station

__all__ = ["site", "station"]
