"""`lfr evaluate --videos`: the whole chain on recordings of which it is known whom they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.signals import in_order
from lfr_ray.cli.watch import footage_site, run_footage
from lfr_ray.config import AuthorityConfig, DeviceName, MatchConfig
from lfr_ray.errors import InputError
from lfr_ray.govern.trust_file import trust_nobody

TRUTH_FILE = "videos.csv"
NONE_SEEN = {"seen": 0, "compared": 0}
LAYOUT = f"DIR/<recording> and DIR/{TRUTH_FILE} with the columns file, who"


def evaluate_videos(
    folder: Path,
    watchlist: Path | None,
    model: str,
    detector: str,
    device: DeviceName,
    false_alerts: float | None,
    json: str,
) -> dict[str, Any]:
    """True positives by passage, false alerts by the hour and by a thousand passages; the document."""
    from lfr_ray.camera.recording_files import open_recordings
    from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES
    from lfr_ray.evaluate.passages import Recording, passage_figures
    from lfr_ray.match.watchlist_folder import read_watchlist_folder

    if watchlist is None:
        raise InputError("--videos needs a list to compare with", next_step="name a watchlist folder with --watchlist")
    truth = _truth(folder)
    enrolled = read_watchlist_folder(watchlist, PICTURE_SUFFIXES)
    opened = open_recordings([folder / file for file in truth])
    for one in opened.rejected:
        stderr.print(f"[yellow]left out:[/] {one.file}: {one.reason}")
    if not opened.recordings:
        raise InputError("none of the recordings can be used", got=f"{len(opened.rejected)} files", allowed=LAYOUT)
    trust_nobody()
    with in_order() as ending:
        rule = MatchConfig(false_alerts_per_10k_faces=false_alerts)
        site = footage_site(ending.folder, AuthorityConfig(kind="test"), model, detector, device, rule)
        document = run_footage(site, opened, watchlist, "", ending)
        if ending.number:
            raise KeyboardInterrupt  # a part of the recordings says nothing about accuracy
    seen = []
    for one in document["sources"]:
        file, faces = Path(one["url"]).relative_to(folder), document["faces_by_camera"].get(one["name"], NONE_SEEN)
        seen.append(Recording(file.as_posix(), one["name"], one["seconds"], faces["seen"], faces["compared"]))
    # Whoever has no usable picture counts as listed all the same: a failure to enrol is a miss.
    not_compared = {one["entry_id"] for one in document["not_compared"]}
    listed = frozenset(draft.entry.entry_id for draft in enrolled.entries) - not_compared
    result = {
        "model": site.embedder.model,
        "detector": detector,
        "false_alerts_per_10k_faces": false_alerts,
        "watchlist": document["watchlist"] | {"not_compared": sorted(not_compared)},
        "recordings": len(seen),
        **passage_figures(seen, document["alerts"], truth, listed),
        "speed": document["speed"],
    }
    if json:
        write_json(json, result)
    if json != "-":
        _print(result)
    return result


def _truth(folder: Path) -> dict[str, tuple[str, ...]]:
    from lfr_ray.evaluate.passages import read_truth

    path = folder / TRUTH_FILE
    try:
        return read_truth(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{TRUTH_FILE} cannot be read",
            got=f"{path}: {type(error).__name__}",
            allowed=LAYOUT,
            next_step="say in it whom each recording shows",
        ) from None


def _print(result: dict[str, Any]) -> None:
    passages, false = result["passages"], result["false_alerts"]
    table(
        "Listed people who walked past",
        ("recording", "person", "alert"),
        (
            (one["file"], one["person"], "missed" if one["alert_s"] is None else f"after {one['alert_s']:.1f} s")
            for one in passages["each"]
        ),
    )
    rows = [
        ("passages of listed people", f"{passages['found']} of {passages['mated']} found"),
        ("true positive rate", _range(passages["true_positive_rate"], "{:.1%}")),
        ("false alerts", str(false["count"])),
        ("false alerts an hour", _range(false["per_hour"], "{:.2f}")),
        ("false alerts in 1,000 tracks", _range(false["per_1000_tracks"], "{:.2f}")),
        ("tracks", f"{result['tracks']}, of which {result['tracks_compared']} were good enough to compare"),
        ("footage", f"{result['hours'] * 60:.1f} min, {result['recordings']} recordings"),
        ("watchlist", f"{result['watchlist']['entries']} entries, {result['watchlist']['images']} pictures"),
    ]
    table("Whole passages, with 95 % intervals", ("", ""), rows)


def _range(rate: dict[str, float | None], form: str) -> str:
    if rate["value"] is None:
        return "not measured"
    value, low, high = (form.format(rate[name]) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
