"""Every error this project raises on purpose.

LfrError                       says what, got, allowed, next step; survives pickling
+-- InputError                 the caller's input is wrong (exit code 2, HTTP 422)
|   +-- ConfigError            a site file, option or argument (also a ValueError)
|   +-- SourceError            a camera address or a recorded file
|   +-- PictureError           a still picture
|   +-- WatchlistError         a watchlist folder, table or entry
|   +-- ShapeError             an array of the wrong shape, dtype or range (also a ValueError)
|   +-- NotFoundError          an alert, entry, camera or deployment that does not exist (HTTP 404)
|   +-- ConflictError          it clashes with what is already recorded (HTTP 409)
+-- RefusedError               authority, profile or licence does not allow it (exit code 1, HTTP 403)
|   +-- AuthorityError         no authority in force for this comparison
|   +-- LicenceError           a model's licence does not permit the declared use
|   +-- AlertRefusedError      the desk's ruling on a sighting: it must not become an alert
+-- FailureError               we could not do it (exit code 1, HTTP 500 or 503)
    +-- ModelError             a weight file that is missing, altered or of another kind
    +-- StoreError             the watchlist, desk or ledger storage
    +-- IntegrityError         something recorded was changed, removed or cannot be verified
    +-- ResourceError          the cluster or machine lacks what the configuration asks for
    +-- StreamError            a camera stream that cannot be reached or decoded
"""

from __future__ import annotations

from typing import Any


class LfrError(Exception):
    """Base of the tree: four fields, one sentence.

    Args:
        what: What went wrong, without a full stop.
        got: What was received, or empty. Never a credential, a person's name or pixel data.
        allowed: What would have been accepted, or empty.
        next_step: What the reader should do now, or empty.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, what: str, *, got: Any = "", allowed: str = "", next_step: str = "") -> None:
        # Every field goes to args, so that the default pickling rebuilds the error on another node.
        self.what = what
        self.got = "" if got is None else str(got)
        self.allowed = allowed
        self.next_step = next_step
        super().__init__(what)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, self.got, self.allowed, self.next_step)

    def __str__(self) -> str:
        more = {"got": self.got, "allowed": self.allowed, "next": self.next_step}
        return "; ".join([self.what, *(f"{name}: {text}" for name, text in more.items() if text)])


def _rebuild(kind: type[LfrError], what: str, got: str, allowed: str, next_step: str) -> LfrError:
    return kind(what, got=got, allowed=allowed, next_step=next_step)


class InputError(LfrError):
    """The caller's input is wrong."""

    exit_code = 2
    http_status = 422


class ConfigError(InputError, ValueError):
    """A site file, option or argument is wrong."""


def not_installed(what: str, package: str, extra: str, otherwise: str = "") -> ConfigError:
    """A package of one of this project's extras is missing; ``otherwise`` says what to do without it."""
    return ConfigError(what, got=f"no {package}", next_step=f"pip install 'lfr-ray[{extra}]'{otherwise}")


class SourceError(InputError):
    """A camera address or a recorded file is wrong."""


class PictureError(InputError):
    """A still picture cannot be used."""


class WatchlistError(InputError):
    """A watchlist folder, table or entry is wrong."""


class ShapeError(InputError, ValueError):
    """An array has the wrong shape, dtype or range."""


class NotFoundError(InputError):
    """The thing asked for does not exist."""

    http_status = 404


class ConflictError(InputError):
    """The request clashes with what is already recorded."""

    http_status = 409


class RefusedError(LfrError):
    """Authority, profile or licence does not allow it."""

    http_status = 403


class AuthorityError(RefusedError):
    """No authority in force allows this comparison."""


class LicenceError(RefusedError):
    """A model's licence does not permit the declared use."""


class AlertRefusedError(RefusedError):
    """The desk has ruled that a sighting must not become an alert: whoever sent it forgets it."""


class FailureError(LfrError):
    """We could not do it, though the request was right."""


class ModelError(FailureError):
    """A weight file is missing, altered or of another kind, or a model's output is unusable."""


class StoreError(FailureError):
    """The watchlist, desk or ledger storage failed."""

    http_status = 503


class IntegrityError(FailureError):
    """Something recorded was changed, removed or cannot be verified."""


class ResourceError(FailureError):
    """The cluster or machine lacks what the configuration asks for."""

    http_status = 503


class StreamError(FailureError):
    """A camera stream cannot be reached or decoded."""

    http_status = 503
