"""The blue list: volunteers who walk by on purpose, so that the misses can be counted too.

Nobody is sorted into a group by this software: a group is what a volunteer declared. Their alerts
are marked and stay out of every figure about the police list.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfr_ray.clock import parse_utc
from lfr_ray.errors import ConfigError
from lfr_ray.govern.alert_ledger_events import AlertFact
from lfr_ray.stats import Rate, difference_p, rate

COLUMNS = ("entry_id", "camera", "from", "to")
LATE_S = 10.0
"""An alert may come so much later than the walk, when somebody lingers in view."""
EVEN = 0.05
"""Below this probability a difference between groups is reported as one."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A volunteer passed a camera.

    Attributes:
        group: What the volunteer declared of themselves; empty when nothing.
        covered: The face was partly covered, as the volunteer's card says.
    """

    entry_id: str
    camera: str
    from_at: float
    to_at: float
    group: str = ""
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Disparity:
    """One group against everybody else."""

    group: str
    p: float
    alarming: bool


@dataclass(frozen=True, slots=True)
class BlueReport:
    """True recognition, measured live.

    Attributes:
        overall: Walks with their alert, of all walks.
        stray: Alerts for a volunteer who did not walk there then: somebody else was taken for them.
    """

    overall: Rate
    by_camera: Mapping[str, Rate]
    by_group: Mapping[str, Rate]
    by_cover: Mapping[str, Rate]
    disparities: tuple[Disparity, ...]
    stray: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "overall": self.overall.document(),
            "by_camera": {name: one.document() for name, one in self.by_camera.items()},
            "by_group": {name: one.document() for name, one in self.by_group.items()},
            "by_cover": {name: one.document() for name, one in self.by_cover.items()},
            "disparities": [
                {"group": one.group, "p": one.p, "method": "Fisher exact", "alarming": one.alarming}
                for one in self.disparities
            ],
            "stray_alerts": len(self.stray),
        }


def measure(walks: Sequence[Walk], alerts: Iterable[AlertFact]) -> BlueReport:
    """Recognition rates from walks and the volunteers' alerts.

    A walk is recognised when an alert for that volunteer at that camera was captured between its
    beginning and :data:`LATE_S` after its end. One alert serves one walk.
    """
    waiting: dict[tuple[str, str], list[AlertFact]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda one: one.captured_at):
        waiting[alert.entry_id, alert.camera].append(alert)
    hit: dict[int, bool] = {}
    for number in sorted(range(len(walks)), key=lambda place: walks[place].to_at):
        walk = walks[number]
        mine = waiting[walk.entry_id, walk.camera]
        found = next((one for one in mine if walk.from_at <= one.captured_at <= walk.to_at + LATE_S), None)
        if found is not None:
            mine.remove(found)
        hit[number] = found is not None
    # More alerts than one in a walk are the same walk again, not a stray one.
    stray = [one for left in waiting.values() for one in left if not _walked(one, walks)]
    by_group = _rates((walk.group, hit[number]) for number, walk in enumerate(walks) if walk.group)
    return BlueReport(
        overall=rate(sum(hit.values()), len(walks)),
        by_camera=_rates((walk.camera, hit[number]) for number, walk in enumerate(walks)),
        by_group=by_group,
        by_cover=_rates(
            ("partly covered" if walk.covered else "uncovered", hit[number]) for number, walk in enumerate(walks)
        ),
        disparities=_disparities(by_group),
        stray=tuple(sorted(one.alert_id for one in stray)),
    )


def _walked(alert: AlertFact, walks: Sequence[Walk]) -> bool:
    return any(
        walk.entry_id == alert.entry_id
        and walk.camera == alert.camera
        and walk.from_at <= alert.captured_at <= walk.to_at + LATE_S
        for walk in walks
    )


def _rates(pairs: Iterable[tuple[str, bool]]) -> dict[str, Rate]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, hit in pairs:
        counts[name][0] += hit
        counts[name][1] += 1
    return {name: rate(hits, of) for name, (hits, of) in sorted(counts.items())}


def _disparities(by_group: Mapping[str, Rate]) -> tuple[Disparity, ...]:
    """Each group against the others together; with several groups the bar is lowered to each one's share."""
    if len(by_group) < 2:
        return ()
    total = sum(one.count for one in by_group.values()), sum(one.of for one in by_group.values())
    found = []
    for group, one in by_group.items():
        p = difference_p(one.count, one.of, total[0] - one.count, total[1] - one.of)
        found.append(Disparity(group, p, p < EVEN / len(by_group)))
    return tuple(found)


def read_walks(path: Path, groups: Mapping[str, str]) -> list[Walk]:
    """Read the register of walks, a CSV with the columns of :data:`COLUMNS` and optionally ``covered``.

    Times are ISO 8601; ``groups`` are declared groups by entry id.

    Raises:
        ConfigError: A column is missing, or a line is wrong; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise ConfigError(
                    "the register of walks lacks columns",
                    got=", ".join(sorted(missing)),
                    allowed=", ".join((*COLUMNS, "covered")),
                )
            return [_walk(row, reader.line_num, groups) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            "the register of walks cannot be read", got=f"{path.name}: {type(error).__name__}", allowed="a UTF-8 CSV"
        ) from None


def _walk(row: Mapping[str, str | None], line: int, groups: Mapping[str, str]) -> Walk:
    try:
        entry_id, camera = (row["entry_id"] or "").strip(), (row["camera"] or "").strip()
        from_at, to_at = parse_utc(row["from"] or ""), parse_utc(row["to"] or "")
    except ValueError:
        raise ConfigError("a walk's time is wrong", got=f"line {line}", allowed="ISO 8601 in from and to") from None
    if not entry_id or not camera or to_at < from_at:
        raise ConfigError("a walk is wrong", got=f"line {line}", allowed="an entry id, a camera, and from before to")
    covered = (row.get("covered") or "").strip().lower() in ("1", "yes", "true")
    return Walk(entry_id, camera, from_at, to_at, groups.get(entry_id, ""), covered)
