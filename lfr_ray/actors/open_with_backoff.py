"""What an actor opens when it is asked first, and again with back-off where that failed: none dies of a database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from lfr_ray.clock import backoff_s
from lfr_ray.errors import LfrError, ResourceError

FIRST_S, LONGEST_S = 0.5, 10.0
OpenedT = TypeVar("OpenedT")


class Opening(Generic[OpenedT]):
    """Opens something once, and remembers why it could not.

    Args:
        what: Its name for people.
        make: Opens it.
    """

    def __init__(self, what: str, make: Callable[[], OpenedT]) -> None:
        self._what = what
        self._make = make
        self.opened: OpenedT | None = None
        self._error: Exception | None = None
        self._failures, self._due_s = 0, 0.0

    @property
    def fault(self) -> str:
        """Why it is not open; empty when it is."""
        if self.opened is not None:
            return ""
        if self._error is None:
            return f"{self._what} is being opened"
        # The text of somebody else's error may quote data.
        return str(self._error) if isinstance(self._error, LfrError) else type(self._error).__name__

    def get(self) -> OpenedT:
        """It, opened if need be.

        Raises:
            Exception: It cannot be opened, or could not a moment ago; mostly an error of ours.
        """
        if self.opened is None:
            if self._error is not None and time.monotonic() < self._due_s:
                raise self._error
            try:
                self.opened = self._make()
            except Exception as error:
                self._error, self._failures = error, self._failures + 1
                self._due_s = time.monotonic() + backoff_s(self._failures, first_s=FIRST_S, longest_s=LONGEST_S)
                raise
            self._error, self._failures = None, 0
        return self.opened

    def now(self) -> OpenedT:
        """It, where it is open.

        Raises:
            ResourceError: It is not, and why.
        """
        if self.opened is None:
            raise ResourceError(
                f"{self._what} is not open", got=self.fault, next_step="it is tried again; try again as well"
            )
        return self.opened

    def drop(self) -> None:
        """Open it anew with the next question."""
        self.opened = None
