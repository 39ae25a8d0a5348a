"""Somebody of a role, signed in with a token of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def signed_in(house: Any, open_page: Callable[..., Any], address: str, person: str, role: str, **screen: Any) -> Any:
    page = open_page(f"{house.url}{address}", officer=None, **screen)
    page.fill("#token", house.people.add(person, role, days=1, now_s=time.time()))
    page.click("#sign-in button[type=submit]")
    page.wait_for_selector("#link.live")
    return page
