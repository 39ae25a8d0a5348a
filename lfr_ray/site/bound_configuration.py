"""What a site would compare with, field by field: what an authority binds, and what its kind allows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lfr_ray import __version__
from lfr_ray.camera.camera_address import Kind, parse_address, shown_address
from lfr_ray.camera.simulated_frames import PLUGGED
from lfr_ray.config import CameraConfig, SiteConfig
from lfr_ray.errors import AuthorityError, ConfigError
from lfr_ray.govern.canonical_json import canonical_json, sha256_hex
from lfr_ray.govern.country_profile import profile_of
from lfr_ray.models.card_catalogue import card, resolve_embedder
from lfr_ray.site.camera_focus import focus_of, with_focus

BOUND = {"detector", "embedder", "second_embedder", "track", "quality", "evidence", "match", "position"}
"""Sections that an authority binds; besides them the cameras, the model cards, the rules and the software."""
SIZING = {"replicas", "max_batch", "batch_wait_ms", "cpus", "gpus", "streams", "weights"}
"""Where and how fast a model runs changes no result; its weights are compared by the card's hash."""
HASH_DIGITS = 16
LASTING: tuple[Kind, ...] = ("stream", "device")


def effective_configuration(site: SiteConfig) -> dict[str, str]:
    """Hash of every field that decides who alerts, as it was set in the console and otherwise as the site file says.

    Addresses count without their credentials.
    """
    site = with_focus(site)
    tree: dict[str, Any] = site.model_dump(mode="json", include=BOUND)
    embedders = [one for one in (site.embedder, site.second_embedder) if one is not None]
    for name, config in zip(("embedder", "second_embedder"), embedders, strict=False):
        tree[name]["model"] = resolve_embedder(config)
    if site.authority.kind != "retrospective":  # there the recordings are named by their hash
        tree["cameras"] = {one.name: _camera(one) for one in site.cameras}
    cards = [site.detector.model, *(resolve_embedder(one) for one in embedders)]
    tree["cards"] = {one: sha256_hex(canonical_json(card(one).model_dump(mode="json"))) for one in cards}
    tree["webhooks"] = list(site.outputs.webhooks)
    tree["profile"] = profile_of(site.authority).sha256
    tree["software"] = __version__
    return {name: sha256_hex(canonical_json(value))[:HASH_DIGITS] for name, value in _leaves(tree)}


def configuration_in_force(site: SiteConfig) -> Callable[[], dict[str, str]]:
    """The same, worked out anew whenever something else is set in the console."""
    known: dict[str, Any] = {}

    def now() -> dict[str, str]:
        focus = focus_of(site)
        if known.get("focus") != focus:
            known.update(focus=focus, found=effective_configuration(site))
        found: dict[str, str] = known["found"]
        return found

    return now


def _camera(camera: CameraConfig) -> dict[str, Any]:
    said: dict[str, Any] = camera.model_dump(mode="json", exclude={"name"})
    return said | {"url": shown_address(camera.url, PLUGGED)}


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        elif name not in SIZING:
            yield f"{above}{name}", value


def check_kind(site: SiteConfig) -> None:
    """Each kind of deployment has its cameras: live ones for live and trial, recordings for the others.

    Raises:
        AuthorityError: A camera of the site is of another kind.
    """
    kind = site.authority.kind
    lasting = kind in ("live", "trial")
    wrong = [one.name for one in site.cameras if (parse_address(one.url, PLUGGED).kind in LASTING) != lasting]
    if not wrong:
        return
    if lasting:
        raise AuthorityError(
            f"a {kind} deployment compares what cameras see now, and these cameras are recordings",
            got=", ".join(wrong),
            allowed="streams and devices",
            next_step="open a retrospective deployment for recordings, or a test: authority -> kind: test",
        )
    raise AuthorityError(
        f"a {kind} deployment compares recordings, and these cameras are live",
        got=", ".join(wrong),
        allowed="files, folders and demo:",
        next_step="open a trial with volunteers: `lfr deployment open --kind trial`; or have a live one authorised",
    )


def recording_hash(path: Path) -> str:
    """SHA-256 of a recording's bytes; of a folder of pictures, of every file's name and bytes.

    Raises:
        ConfigError: It cannot be read here.
    """
    digest = hashlib.sha256()
    try:
        for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if path.is_dir():
                digest.update(f"{one.relative_to(path)}\0".encode())
            if not one.is_dir():
                with one.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
    except OSError as error:
        raise ConfigError("a recording cannot be read here", got=f"{path.name}: {error.strerror}") from None
    return digest.hexdigest()


class Recordings:
    """What each camera of a retrospective site reads, hashed once; what is touched afterwards is no longer that."""

    def __init__(self, site: SiteConfig) -> None:
        named = site.cameras if site.authority.kind == "retrospective" else ()
        self._paths = {one.name: Path(parse_address(one.url, PLUGGED).target) for one in named}
        self._before = {name: _stamps(path) for name, path in self._paths.items()}
        self._hashed = recordings_of(site)

    def __call__(self, camera: str) -> tuple[str, float | None]:
        """Hash of a camera's recording, and when that begins."""
        known = camera in self._hashed and _stamps(self._paths[camera]) == self._before[camera]
        return self._hashed[camera] if known else ("", None)


def _stamps(path: Path) -> tuple[tuple[int, int], ...]:
    """Which files these are, and when they were touched last: nobody can set that back."""
    try:
        found = [one.stat() for one in [path, *(sorted(path.rglob("*")) if path.is_dir() else ())]]
    except OSError:
        return ()
    return tuple((one.st_ino, one.st_ctime_ns) for one in found)


def recordings_of(site: SiteConfig) -> dict[str, tuple[str, float | None]]:
    """Of each camera of a retrospective site: the hash of its recording, and when that begins, as was stated."""
    if site.authority.kind != "retrospective":
        return {}
    return {
        one.name: (
            recording_hash(Path(parse_address(one.url, PLUGGED).target)),
            None if one.recorded_at_s is None else round(one.recorded_at_s, 3),
        )
        for one in site.cameras
    }
