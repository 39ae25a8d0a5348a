"""The public record as one HTML page that needs nothing else: no script, no font, no other host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from lfr_ray.report.record_charts import Bar, Dot, bars, one_in, rarities, shares

WORDS: Mapping[str, str] = {
    "arrest": "arrest",
    "other_disposal": "other disposal",
    "identity_confirmed": "identity confirmed",
    "stopped": "stopped, then let go",
    "not_stopped": "not stopped",
    "false_alert_confirmed": "false alert, confirmed",
    "false_alert_unconfirmed": "false alert, unconfirmed",
    "no_outcome": "no outcome recorded",
    "perceived_ethnicity": "Ethnicity",
    "perceived_sex": "Sex",
    "perceived_age_band": "Age",
    "engage": "engage",
    "possible_match": "possible, nobody approached",
    "not_a_match": "not a match",
    "undecided": "undecided",
    "protective-security": "protective security operation",
    "crime-hotspot": "crime hotspot",
    "intelligence-located": "intelligence places a sought person there",
}
TONES = {"arrest": "good", "other_disposal": "good", "identity_confirmed": "good"}


def record_page(document: Mapping[str, Any]) -> str:
    """The page of a signed record."""
    record = document["record"]
    title = f"Live facial recognition: public record of {record['deployment']}"
    style = (resources.files("lfr_ray.report") / "record.css").read_text(encoding="utf-8")
    body = "".join(
        [
            _head(record),
            _figures(record),
            _wrong(record),
            _became(record),
            _missed(record),
            _cameras(record),
            _people(record),
            _watchlist(record),
            _authority(record),
            _deletion(record),
            _incidents(record),
            _method(document),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )


def _head(record: Mapping[str, Any]) -> str:
    place, time = record["place"], record["time"]
    where = f"{place['name']} \u00b7 {_word(place['case'])}" if place else f"{record['authority']['kind']} deployment"
    when = f"{_moment(time['starts_at'])} to {_moment(time['ends_at'])}"
    return (
        f'<header><p class="kicker">Live facial recognition \u00b7 public record</p><h1>{escape(where)}</h1>'
        f'<p class="lead">{escape(record["authority"]["why"])}</p>'
        f'<p class="meta">{escape(record["site"])} \u00b7 deployment {escape(record["deployment"])} \u00b7 '
        f"{escape(when)} \u00b7 published {escape(_moment(record['published_at']))}</p></header>"
    )


def _figures(record: Mapping[str, Any]) -> str:
    totals = record["totals"]
    false_alerts = totals["false_alerts_confirmed"] + totals["false_alerts_unconfirmed"]
    deleted = record["deletion"]
    found = [
        ("faces seen", _number(totals["faces_seen"]), "each compared in passing, then forgotten"),
        ("alerts", _number(totals["alerts"]), one_in(record["rates"]["alerts_per_face"]) + " faces"),
        ("true alerts", _number(totals["true_alerts"]), "identity confirmed or action followed"),
        ("false alerts", _number(false_alerts), f"{totals['false_alerts_confirmed']} confirmed"),
        ("arrests", _number(totals["arrests"]), f"{_number(totals['engagements'])} people engaged"),
        (
            "watchlist",
            "destroyed" if deleted else "kept",
            f"searched again: {sum(part['found_by_search_after'] for part in deleted['parts'])} found"
            if deleted
            else "the deployment is not closed",
        ),
    ]
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><p>{escape(note)}</p></div>"
        for name, value, note in found
    )
    return f'<dl class="figures">{cells}</dl>'


def _wrong(record: Mapping[str, Any]) -> str:
    rates, threshold = record["rates"], record["threshold"]
    ceiling = threshold["breaker_ceiling"]
    rows = [
        Dot("confirmed false alerts", rates["false_alerts_per_face"], "bad"),
        Dot("with unconfirmed ones", rates["false_alerts_per_face_with_unconfirmed"], "bad"),
        Dot("all alerts", rates["alerts_per_face"]),
    ]
    chart = rarities("False alerts for each face seen", rows, ceiling, f"ceiling 1 in {1 / ceiling:,.0f}")
    share = rates["false_share_of_alerts"]
    words = "Nobody was alerted."
    if share["value"] is not None:
        words = (
            f"Of {_number(share['of'])} alerts {_number(share['count'])} were false, confirmed or not "
            f"({_interval(share)})."
        )
    expected = threshold["expected_false_alerts_per_face"]
    if expected:
        words += f" The threshold was set for at most 1 false alert in {_number(round(1 / expected))} faces."
    if threshold["reason"]:
        words += f" Reason for accepting more than the target: {threshold['reason']}"
    return _section("How often was it wrong?", f"<p>{escape(words)}</p>{chart}{WHISKERS}")


WHISKERS = '<p class="note">Dots are what was counted; lines are 95 % intervals (exact).</p>'


def _became(record: Mapping[str, Any]) -> str:
    outcomes, decisions = record["outcomes"], record["decisions"]
    rows = [
        Bar(_word(name), count, _number(count), "bad" if name.startswith("false") else TONES.get(name, "plain"))
        for name, count in outcomes.items()
    ]
    split = ", ".join(f"{_word(name)}: {_number(count)}" for name, count in decisions["split"].items())
    median = decisions["median_seconds"]
    total = record["totals"]["alerts"]
    words = f"{_number(total - decisions['split']['undecided'])} of {_number(total)} alerts were decided by a person. "
    words += f"{split[:1].upper()}{split[1:]}."
    if median is not None:
        words += f" The median decision took {median:g} seconds."
    stops = record["stops"]
    if stops["median_minutes"] is not None:
        words += (
            f" A stop lasted {stops['median_minutes']:g} minutes in the median, {stops['longest_minutes']:g} at most."
        )
    return _section("What became of the alerts?", f"<p>{escape(words)}</p>{bars('Outcomes of alerts', rows)}")


def _missed(record: Mapping[str, Any]) -> str:
    blue = record["blue_list"]
    if blue is None:
        return _section(
            "Was anybody missed?", "<p>No volunteers walked past, so true recognition was not measured here.</p>"
        )
    rows = [Dot("all walks", blue["overall"], "good")]
    for table, prefix in (("by_camera", "camera"), ("by_group", "declared"), ("by_cover", "face")):
        rows += [Dot(f"{prefix}: {name}", one) for name, one in blue[table].items()]
    alarms = [one["group"] for one in blue["disparities"] if one["alarming"]]
    words = (
        "Volunteers who had agreed were on the list and walked past the cameras. This is how often they were "
        "recognised; they are in no other figure on this page."
    )
    verdict = (
        f"The rates differ between groups more than chance explains: {', '.join(alarms)}."
        if alarms
        else "No difference between declared groups beyond chance was found; wide intervals say little either way."
    )
    chart = shares("True recognition rate of volunteers", rows)
    return _section("Was anybody missed?", f"<p>{escape(words)} {escape(verdict)}</p>{chart}{WHISKERS}")


def _cameras(record: Mapping[str, Any]) -> str:
    rows = [Dot(name, one["failure_to_acquire"]) for name, one in record["cameras"].items()]
    if not rows:
        return _section("What the cameras could not see", "<p>No camera counted anything.</p>")
    lines = [
        (
            name,
            _number(one["faces_seen"]),
            _number(one["faces_compared"]),
            _hours(one["watched_s"]),
            _hours(one["blind_s"]),
            _latency(one["capture_to_alert_ms"]),
        )
        for name, one in record["cameras"].items()
    ]
    head = ("camera", "faces seen", "compared", "watched", "blind", "alert after (p50 / p95)")
    chart = shares("Share of faces seen that could not be compared", rows)
    words = "Share of faces that were seen but too small, turned, covered or blurred to be compared, by camera."
    return _section("What the cameras could not see", f"<p>{words}</p>{chart}{_table(head, lines)}")


def _people(record: Mapping[str, Any]) -> str:
    parts = []
    for name, table in record["perceived"].items():
        rows = [
            Bar(
                group.replace("_", " "),
                one["alerts"]["count"],
                "withheld" if one["alerts"]["count"] is None else _number(one["alerts"]["count"]),
            )
            for group, one in table.items()
        ]
        if rows:
            parts.append(f"<h3>{_word(name)}</h3>{bars(f'Alerts by perceived {_word(name).lower()}', rows)}")
    intro = (
        "As officers perceived the people who were alerted on, recorded afterwards; the system infers nothing of the "
        "kind about anybody. Small cells are withheld."
    )
    return _section("Who was alerted on?", f"<p>{intro}</p>{''.join(parts) or '<p>Nothing was recorded.</p>'}")


def _watchlist(record: Mapping[str, Any]) -> str:
    listed = record["watchlist"]
    rows = [
        Bar(
            name.replace("-", " "),
            cell["count"],
            "withheld" if cell["count"] is None else _number(cell["count"]),
        )
        for name, cell in listed["categories"]["rows"].items()
    ]
    words = f"{_number(listed['entries'])} people, {_number(listed['images'])} pictures."
    return _section("Who was looked for?", f"<p>{words}</p>{bars('Watchlist by category', rows) if rows else ''}")


def _authority(record: Mapping[str, Any]) -> str:
    authority, threshold = record["authority"], record["threshold"]
    pairs = [
        ("purpose", authority["purpose"]),
        ("legal basis", authority["legal_basis"]),
        (
            "authorised by",
            authority["authorising_rank"] + (", urgent: " + authority["urgent_reason"] if authority["urgent"] else ""),
        ),
        ("categories", ", ".join(authority["who"])),
        (
            "place",
            f"{record['place']['rationale']} (radius {record['place']['radius_m']:g} m)" if record["place"] else "none",
        ),
        ("documents", "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in authority["documents"].items())),
        ("rules", f"{record['rules']['profile']} {record['rules']['version']}"),
        ("model", authority["model"] or "any"),
        ("threshold", "the model card's" if threshold["similarity"] is None else f"{threshold['similarity']:g}"),
        ("watchlist hash", record["watchlist"]["sha256"] or "not bound"),
    ]
    return _section("Under which authority?", _pairs(pairs))


def _deletion(record: Mapping[str, Any]) -> str:
    deletion = record["deletion"]
    if deletion is None:
        return _section("What was deleted?", "<p>The deployment is not closed yet: nothing is destroyed so far.</p>")
    lines = [
        (
            part["what"],
            ", ".join(f"{_number(count)} {name}" for name, count in part["counts"].items()),
            f"{_number(part['found_by_search_before'])} of {_number(part['items'])}",
            _number(part["found_by_search_after"]),
        )
        for part in deletion["parts"]
    ]
    words = (
        f"By rule, whoever matches nobody is forgotten within {record['rules']['unmatched_forgotten_s']:g} s. "
        "The list was destroyed at "
        f"{_moment(deletion['finished_at'])}, and {_number(deletion['searched_files'])} files "
        f"({deletion['searched_bytes'] / 1e6:,.0f} MB) were searched byte by byte before and after."
    )
    if deletion["held_alerts"]:
        words += f" Alerts that are held with a recorded reason: {deletion['held_alerts']}."
    notes = "".join(f"<li>{escape(note)}</li>" for note in deletion["notes"])
    head = ("what", "destroyed", "found before", "found after")
    return _section(
        "What was deleted?", f"<p>{escape(words)}</p>{_table(head, lines)}{f'<ul>{notes}</ul>' if notes else ''}"
    )


def _incidents(record: Mapping[str, Any]) -> str:
    incidents = record["incidents"]
    lines = [(_moment(one["at"]), one["kind"], one["what"]) for one in incidents["list"]]
    words = f"Comparisons were refused {_number(incidents['refused_comparisons'])} times for want of authority."
    table = _table(("when", "kind", "what"), lines) if lines else "<p>No stop, pause or incident.</p>"
    return _section("Stops and incidents", f"<p>{words}</p>{table}")


def _method(document: Mapping[str, Any]) -> str:
    record = document["record"]
    pairs = [(name.replace("_", " "), text) for name, text in record["method"].items()]
    pairs += [(name, text) for name, text in record["versions"].items()]
    seal = [
        ("record's SHA-256", document["sha256"]),
        ("signing key", document["public_key"]),
        ("signature", document["signature"]["value"]),
        ("signed at", document["signature"]["at"]),
        ("ledger", record["ledger_head"] or "none"),
    ]
    check = (
        "Every figure here is in the JSON file of this record with its count and its base, so that anybody can compute "
        "it again. The signature covers that file."
    )
    return _section("How to read and check this", f"{_pairs(pairs)}<p>{check}</p>{_pairs(seal, 'seal')}")


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inner}</section>"


def _pairs(pairs: Iterable[tuple[str, str]], kind: str = "pairs") -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(text))}</dd></div>" for name, text in pairs)
    return f'<dl class="{kind}">{rows}</dl>'


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'


def _word(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def _number(value: int | None) -> str:
    return "withheld" if value is None else f"{value:,}".replace(",", "\u202f")


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _latency(found: Mapping[str, float]) -> str:
    if not found:
        return "no alert"
    return f"{found.get('p50', 0):.0f} / {found.get('p95', 0):.0f} ms"


def _interval(rate: Mapping[str, Any]) -> str:
    return f"{100 * rate['value']:.1f} %, 95 % interval {100 * rate['low']:.1f} to {100 * rate['high']:.1f} %"
