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
from lfr_ray.stats import Interval, clopper_pearson, poisson_rate

COLUMNS = ("file", "who")
NOBODY = "unknown"
"""In the column ``who``: somebody whom nobody knows."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording as it was watched.

    Attributes:
        file: Its name, as the truth has it.
        camera: The camera that was named after it.
        seconds: Its length.
        faces_seen: Tracks.
        faces_compared: Tracks that were good enough to compare.
    """

    file: str
    camera: str
    seconds: float
    faces_seen: int
    faces_compared: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A listed person in a recording that shows them; ``after_s`` is when the alert came, None where none did."""

    file: str
    person: str
    after_s: float | None


@dataclass(frozen=True, slots=True)
class PassageFigures:
    """What the footage says of the whole chain.

    Attributes:
        passages: Every mated passage.
        false_alerts: Alerts as they were raised, for people who are not shown.
        found: Share of mated passages found.
        false_per_hour: False alerts in an hour of footage.
        false_per_1000_tracks: False alerts in a thousand tracks.
        false_per_1000_compared: False alerts in a thousand tracks compared.
        hours: Of footage.
        faces_seen: Tracks.
        faces_compared: Tracks compared.
        not_enrolled: People of the truth who are not on the list.
    """

    passages: tuple[Passage, ...]
    false_alerts: tuple[Mapping[str, Any], ...]
    found: Interval
    false_per_hour: Interval
    false_per_1000_tracks: Interval
    false_per_1000_compared: Interval
    hours: float
    faces_seen: int
    faces_compared: int
    not_enrolled: tuple[str, ...]


def read_truth(text: str) -> dict[str, tuple[str, ...]]:
    r"""Whom each recording shows.

    Args:
        text: CSV with the columns ``file`` and ``who`` (entry ids joined with ``|``); other columns are not looked at.

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
) -> PassageFigures:
    """Compare what was alerted with what is true.

    Args:
        recordings: Those that were watched.
        alerts: With ``camera``, ``entry_id`` and ``time_s``.
        truth: From :func:`read_truth`.
        enrolled: Entry ids on the list.
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
    passages = tuple(
        Passage(one.file, person, first.get((one.file, person)))
        for one in recordings
        for person in truth.get(one.file, ())
        if person in enrolled
    )
    tracks, compared = sum(one.faces_seen for one in recordings), sum(one.faces_compared for one in recordings)
    hours = sum(one.seconds for one in recordings) / 3600
    everybody = {person for one in recordings for person in truth.get(one.file, ())}
    return PassageFigures(
        passages,
        tuple(wrong),
        clopper_pearson(sum(one.after_s is not None for one in passages), len(passages)),
        poisson_rate(len(wrong), hours),
        clopper_pearson(min(len(wrong), tracks), tracks).times(1000),
        clopper_pearson(min(len(wrong), compared), compared).times(1000),
        hours,
        tracks,
        compared,
        tuple(sorted(everybody - enrolled)),
    )


def passage_document(figures: PassageFigures) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "passages": {
            "mated": len(figures.passages),
            "found": sum(one.after_s is not None for one in figures.passages),
            "true_positive_rate": figures.found.document(),
            "each": [{"file": one.file, "person": one.person, "alert_s": one.after_s} for one in figures.passages],
        },
        "false_alerts": {
            "count": len(figures.false_alerts),
            "per_hour": figures.false_per_hour.document(),
            "per_1000_tracks": figures.false_per_1000_tracks.document(),
            "per_1000_compared": figures.false_per_1000_compared.document(),
            "each": [
                {name: alert[name] for name in ("camera", "entry_id", "time_s", "similarity", "threshold")}
                for alert in figures.false_alerts
            ],
        },
        "hours": round(figures.hours, 4),
        "tracks": figures.faces_seen,
        "tracks_compared": figures.faces_compared,
        "failure_to_acquire": clopper_pearson(
            figures.faces_seen - figures.faces_compared, figures.faces_seen
        ).document(),
        "not_enrolled": list(figures.not_enrolled),
    }
