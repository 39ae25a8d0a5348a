"""Who was on a closed deployment's list, by nominal id alone, so that somebody who asks can be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import IntegrityError
from lfr_ray.govern.canonical_json import canonical_json


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a past list.

    Attributes:
        group: What a volunteer declared, so that recognition can still be counted by group after the close.
    """

    nominal_id: str
    entry_id: str
    category: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A past list: entries by category, and each entry's ids."""

    categories: Mapping[str, int]
    listed: Sequence[Listed]


def write_listing(data_dir: DataDir, deployment: str, listing: Listing) -> None:
    """Write durably; only the site's own user can read it."""
    content = {"categories": dict(listing.categories), "listed": [asdict(one) for one in listing.listed]}
    write_durable(data_dir.listing(deployment), canonical_json(content) + b"\n", 0o600)


def read_listing(data_dir: DataDir, deployment: str) -> Listing:
    """The listing of a closed deployment.

    Raises:
        NotFoundError: There is none.
        IntegrityError: It is damaged.
    """
    path = data_dir.listing(deployment)
    document = read_json(path, "the listing")
    try:
        return Listing(document["categories"], [Listed(**row) for row in document["listed"]])
    except (KeyError, TypeError):
        raise IntegrityError("the listing is damaged", got=path.name, next_step="restore it from its backup") from None


def find_listed(data_dir: DataDir, nominal_id: str) -> list[dict[str, str]]:
    """Every closed deployment on whose list somebody was, for a subject access request."""
    return [
        {"deployment": path.stem, "entry_id": one.entry_id, "category": one.category}
        for path in data_dir.listings
        for one in read_listing(data_dir, path.stem).listed
        if nominal_id in (one.nominal_id, one.entry_id)
    ]
