"""Where cameras look, as it was set in the console: a file a camera, which counts more than the site file."""

from __future__ import annotations

from lfr_ray.clock import Clock
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import NotFoundError
from lfr_ray.focus_config import CameraFocus
from lfr_ray.strict_yaml import parse_section


def focus_of(site: SiteConfig) -> dict[str, CameraFocus]:
    """Of each camera that was set in the console: where it looks.

    Raises:
        IntegrityError: A file is damaged. StoreError: It cannot be read.
    """
    files = {one.name: DataDir(site.data_dir).camera_focus(one.name) for one in site.cameras}
    return {
        name: parse_section(CameraFocus, read_json(file, "where a camera looks"), file.name)
        for name, file in files.items()
        if file.exists()
    }


def with_focus(site: SiteConfig) -> SiteConfig:
    """The site, its cameras as they were set in the console."""
    found = focus_of(site)
    cameras = tuple(one.model_copy(update=dict(found[one.name])) if one.name in found else one for one in site.cameras)
    return site.model_copy(update={"cameras": cameras})


def set_focus(
    site: SiteConfig, camera: str, focus: CameraFocus, *, by: str, reason: str, clock: Clock | None = None
) -> None:
    """Set where a camera looks; it is in the ledger before it counts.

    Raises:
        NotFoundError: No such camera. StoreError: It cannot be written.
    """
    from lfr_ray.govern.ledger import open_ledger  # each camera loads this file when it starts, and records nothing
    from lfr_ray.govern.ledger_event import Event, recordable

    if camera not in {one.name for one in site.cameras}:
        raise NotFoundError("no such camera", got=camera)
    data_dir = DataDir(site.data_dir)
    regions = [" ".join(f"{share:.4g}" for share in one) for one in focus.regions]
    facts = {"regions": regions, "min_face_px": focus.min_face_px}
    with open_ledger(data_dir, site.ledger.database_url, clock) as ledger:
        what, deployment = "camera set", site.authority.deployment
        ledger.append(Event("alteration", what, deployment, by, camera, recordable(reason), facts))
    file = data_dir.camera_focus(camera)
    write_durable(file, focus.model_dump_json().encode(), mode=0o600)
