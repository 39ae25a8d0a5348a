"""A site's governance, opened from its folder: rules, keys, ledger and the gate before every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lfr_ray.clock import Clock
from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.errors import NotFoundError
from lfr_ray.govern.alert_events import last_event_id, ledger_event
from lfr_ray.govern.files import read_json
from lfr_ray.govern.gate import AuthorityGate
from lfr_ray.govern.grant import Grant, closing_fault, grant_path, list_grants, load_grant
from lfr_ray.govern.keys import site_key, trusted_keys
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.profile import Profile, load_profile

if TYPE_CHECKING:
    from lfr_ray.alert.service import OnEvent
    from lfr_ray.govern.fingerprints import ScanKey

LEDGER_FILE = "ledger.jsonl"
KEYS_FOLDER = "keys"
DEPLOYMENTS_FOLDER = "deployments"
RECEIPTS_FOLDER = "receipts"
RECORDS_FOLDER = "records"
SCAN_KEY_FILE = "scan.key"
LISTED_SUFFIX = ".listed"
DEFAULT_PROFILE = "uk-police"


def profile_of(authority: AuthorityConfig) -> Profile:
    """The rules that a site names."""
    return load_profile(authority.profile or ("test" if authority.kind == "test" else DEFAULT_PROFILE))


def open_ledger(data_dir: Path, clock: Clock | None = None) -> Ledger:
    """The site's ledger; several processes may have it open.

    Raises:
        IntegrityError: It was truncated or replaced.
        StoreError: It cannot be opened.
    """
    key = site_key(data_dir / KEYS_FOLDER)
    return Ledger(data_dir / LEDGER_FILE, key, trusted_keys(data_dir / KEYS_FOLDER), clock=clock)


def site_scan_key(data_dir: Path) -> ScanKey:
    """The secret under which the site remembers what it destroyed."""
    from lfr_ray.govern.fingerprints import scan_key

    return scan_key(data_dir / KEYS_FOLDER / SCAN_KEY_FILE)


def open_authority_gate(
    site: SiteConfig, ledger: Ledger, *, clock: Clock | None = None, model_sha256: str = ""
) -> AuthorityGate:
    """The gate of a site that names a deployment.

    Args:
        site: Names the deployment, its kind and rules, the cameras and where they stand.
        ledger: Where refusals are recorded and whose health counts.
        clock: Time.
        model_sha256: Hash of the embedder's weights, as they were verified when they were loaded.
    """
    positions = {
        camera.name: (camera.latitude, camera.longitude)
        for camera in site.cameras
        if camera.latitude is not None and camera.longitude is not None
    }
    return AuthorityGate(
        site.data_dir,
        site.authority.deployment,
        profile_of(site.authority),
        ledger,
        clock=clock,
        positions=positions,
        threshold=site.match.threshold,
        model_sha256=model_sha256,
        needed=(site.authority.kind,),
    )


def report_to_ledger(ledger: Ledger) -> OnEvent:
    """What the alert desk calls with every step: it is in the ledger before the desk acknowledges it."""

    def report(kind: str, facts: Mapping[str, Any]) -> None:
        ledger.append(ledger_event(kind, facts))

    return report


def reported_event_id(data_dir: Path) -> int:
    """The last step of the desk that the ledger has; the desk reports the later ones again after a restart."""
    path = data_dir / LEDGER_FILE
    return last_event_id(read_records(path)) if path.exists() else 0


def open_grant(data_dir: Path, deployment: str) -> Grant:
    """A deployment's grant, or the newest open one when no id is given.

    Raises:
        NotFoundError: There is none.
    """
    folder = data_dir / DEPLOYMENTS_FOLDER
    if deployment:
        return load_grant(grant_path(folder, deployment))
    trusted = trusted_keys(data_dir / KEYS_FOLDER)
    for grant in list_grants(folder):
        if not closing_fault(grant, trusted):
            return grant
    raise NotFoundError("no deployment is open", next_step="open one with `lfr deployment open`")


def listed_path(data_dir: Path, deployment: str) -> Path:
    """Where the nominal ids of a deployment's list lie."""
    return data_dir / DEPLOYMENTS_FOLDER / f"{deployment}{LISTED_SUFFIX}"


def find_listed(data_dir: Path, nominal_id: str) -> list[dict[str, str]]:
    """Every closed deployment on whose list somebody was, for a subject access request."""
    found = []
    for path in sorted((data_dir / DEPLOYMENTS_FOLDER).glob(f"*{LISTED_SUFFIX}")):
        for row in read_json(path, "the listing")["listed"]:
            if nominal_id in (row["nominal_id"], row["entry_id"]):
                found.append({"deployment": path.stem, "entry_id": row["entry_id"], "category": row["category"]})
    return found
