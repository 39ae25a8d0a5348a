"""Whole passages: who walked past, who was found, and how often somebody else was taken for a listed person.

Truth is a table of recordings with the people whom each shows. What is counted:

* a **mated passage**: a recording and a listed person whom it shows. Found, if that person was alerted there.
* a **false alert**: an alert for a person whom the recording does not show.

Rates of passages have exact binomial intervals (Clopper-Pearson), rates by time exact Poisson ones (Garwood 1936).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lfr_ray.errors import InputError
from lfr_ray.stats import clopper_pearson, poisson_rate

COLUMNS = ("file", "who")
NOBODY = "unknown"
"""In the column ``who``: somebody whom nobody knows."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording as it was watched by the camera that was named after it; faces are tracks."""

    file: str
    camera: str
    seconds: float
    faces_seen: int
    faces_compared: int


def read_truth(text: str) -> dict[str, tuple[str, ...]]:
    r"""Whom each recording shows.

    The text is CSV with the columns ``file`` and ``who`` (entry ids joined with ``|``); other columns are not looked
    at.

    Raises:
        InputError: A column is missing, or a file is named twice or not at all.

    >>> read_truth("file,who\na.mp4,e1|unknown\nb.mp4,unknown\n")
    {'a.mp4': ('e1',), 'b.mp4': ()}
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise InputError(
            "the table of recordings lacks a column",
            got=f"columns {', '.join(rows.fieldnames or ()) or 'none'}",
            allowed=f"columns {', '.join(COLUMNS)}",
            next_step=f"add {', '.join(missing)}: entry ids joined with |, or {NOBODY}",
        )
    truth: dict[str, tuple[str, ...]] = {}
    for row in rows:
        file = (row["file"] or "").strip()
        if not file or file in truth:
            raise InputError(
                "the table of recordings names a file twice or not at all",
                got=f"line {rows.line_num}: {file or 'nothing'}",
                allowed="one line a recording",
            )
        people = (one.strip() for one in (row["who"] or "").split("|"))
        truth[file] = tuple(one for one in people if one and one != NOBODY)
    if not truth:
        raise InputError("the table of recordings is empty", allowed="one line a recording")
    return truth


def passage_figures(
    recordings: Sequence[Recording],
    alerts: Sequence[Mapping[str, Any]],
    truth: Mapping[str, tuple[str, ...]],
    enrolled: frozenset[str],
) -> dict[str, Any]:
    """Compare what was alerted with what is true: the figures as JSON holds them.

    Alerts have ``camera``, ``entry_id``, ``time_s``, ``similarity`` and ``threshold``; ``enrolled`` are the entry ids
    on the list, ``not_enrolled`` the people of the truth who are not on it.
    """
    file_of = {one.camera: one.file for one in recordings}
    first: dict[tuple[str, str], float] = {}
    wrong = []
    for alert in alerts:
        file, person = file_of[alert["camera"]], alert["entry_id"]
        if person in truth.get(file, ()):
            first[file, person] = min(alert["time_s"], first.get((file, person), float("inf")))
        else:
            wrong.append(alert)
    shown = [(one.file, person) for one in recordings for person in truth.get(one.file, ())]
    mated = [one for one in shown if one[1] in enrolled]
    found = sum(one in first for one in mated)
    tracks, compared = sum(one.faces_seen for one in recordings), sum(one.faces_compared for one in recordings)
    hours = sum(one.seconds for one in recordings) / 3600
    return {
        "passages": {
            "mated": len(mated),
            "found": found,
            "true_positive_rate": clopper_pearson(found, len(mated)).document(),
            "each": [{"file": file, "person": person, "alert_s": first.get((file, person))} for file, person in mated],
        },
        "false_alerts": {
            "count": len(wrong),
            "per_hour": poisson_rate(len(wrong), hours).document(),
            "per_1000_tracks": clopper_pearson(min(len(wrong), tracks), tracks).times(1000).document(),
            "per_1000_compared": clopper_pearson(min(len(wrong), compared), compared).times(1000).document(),
            "each": [
                {name: alert[name] for name in ("camera", "entry_id", "time_s", "similarity", "threshold")}
                for alert in wrong
            ],
        },
        "hours": round(hours, 4),
        "tracks": tracks,
        "tracks_compared": compared,
        "failure_to_acquire": clopper_pearson(tracks - compared, tracks).document(),
        "not_enrolled": sorted({person for _, person in shown} - enrolled),
    }
