"""Where alerts may be sent."""

from __future__ import annotations

import pytest

from lfr_ray.alert.webhook_address import check_url
from lfr_ray.errors import InputError


@pytest.mark.parametrize(
    "url",
    [
        "https://control.example/a",
        "https://10.0.0.5:8443/a?b=c",
        "http://127.0.0.1:9/a",
        "http://localhost/a",
        "http://[::1]:9/",
    ],
)
def test_where_alerts_may_go(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://control.example/a",
        "https://me:hunter22@control.example/a",
        "ftp://control.example/a",
        "control.example",
        "https://",
        "https://control.example:99999/",
        "https://control.example/a#b",
        "https://control.example/a b",
        "https://control.example/\r\nX: y",
        "https://contr\u00f6l.example/",
        "file:///etc/passwd",
        "https://x/" + "a" * 2000,
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
    ],
)
def test_where_alerts_must_not_go(url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_url(url)
    assert "hunter22" not in str(caught.value)
