"""The account of a running site: its record so far, hour by hour, and its ledger."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from lfr_ray.clock import parse_utc
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import NotFoundError
from lfr_ray.govern.country_profile import profile_of
from lfr_ray.govern.face_counters import COUNTED
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.public_record import RecordFacts, build_record
from lfr_ray.govern.signed_authority import load_grant
from lfr_ray.site.open_site import SiteStorage
from lfr_ray.site.public_record_facts import collect_facts

HOUR_S = 3600


def record_so_far(
    storage: SiteStorage, site: SiteConfig, now_s: float
) -> tuple[dict[str, Any], list[tuple[float, int, int]]]:
    """The public record as it would be now, and of each hour its beginning, faces seen and alerts.

    Raises:
        NotFoundError: The site serves no deployment, or one that was never opened.
    """
    deployment = site.authority.deployment
    if not deployment:
        raise NotFoundError(
            "a test without a deployment has no record",
            next_step="open one with `lfr deployment open`, and name it in the site file",
        )
    grant = load_grant(storage.data_dir, deployment)
    facts = collect_facts(storage, site.site, grant, published_at=now_s)
    return build_record(facts, profile_of(site.authority)), _hours(facts, read_records(storage.data_dir), deployment)


def ledger_records(
    data_dir: DataDir, kind: str = "", text: str = "", since: float = 0.0, before: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """The newest records that are looked for, newest first; what is empty does not filter.

    ``text`` is part of what happened, who acted, about what, or why, in any case; ``since`` is wall time, ``before``
    the number of a later record.
    """
    found: deque[dict[str, Any]] = deque(maxlen=limit)
    for record in read_records(data_dir):
        if before and record["n"] >= before:
            break
        told = " ".join(str(record[name]) for name in ("what", "actor", "subject", "reason", "deployment"))
        late = not since or parse_utc(record["at"]) >= since
        if kind in ("", record["kind"]) and late and text.lower() in told.lower():
            found.append(record)
    return list(reversed(found))


def _hours(facts: RecordFacts, records: Iterable[Mapping[str, Any]], deployment: str) -> list[tuple[float, int, int]]:
    faces: Counter[int] = Counter()
    for record in records:
        if record["what"] == COUNTED and record["deployment"] == deployment:
            faces[int(parse_utc(record["at"]) // HOUR_S)] += int(record["facts"].get("faces_seen", 0))
    alerts = Counter(int(alert.raised_at // HOUR_S) for alert in facts.alerts if not alert.blue)
    known = sorted({*faces, *alerts})
    span = range(known[0], known[-1] + 1) if known else ()
    return [(float(hour * HOUR_S), faces[hour], alerts[hour]) for hour in span]
