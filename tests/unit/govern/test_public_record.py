"""The public record: complete, signed, and computable again by anybody from its JSON alone."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from scipy.stats import binomtest

from lfr_ray.adjudicate.decision_vocabulary import MONITORING_FIELDS
from lfr_ray.govern.alert_ledger_events import AlertFact
from lfr_ray.govern.blue_list import Walk, measure
from lfr_ray.govern.destruction_receipt import DestroyedPart, Receipt, sign_receipt
from lfr_ray.govern.face_counters import CameraCounters
from lfr_ray.govern.public_record import RecordFacts, build_record, record_fault, sign_record
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.govern.write_public_record import record_csv
from lfr_ray.report.html_page import record_page

START_S = 1_787_904_000.0


def seen(alert_id: str, entry_id: str, camera: str, captured_at: float) -> AlertFact:
    """An alert for a volunteer."""
    return AlertFact(alert_id, entry_id, "blue-list", camera, "d1", captured_at, captured_at)


def alert(number: int, outcome: str = "", **fields: Any) -> AlertFact:
    fields.setdefault("category", "wanted-by-court")
    fields.setdefault("decision", "engage" if outcome not in ("", "not_stopped") else "")
    return AlertFact(
        alert_id=f"a{number}",
        entry_id=f"e{number}",
        camera="pier",
        deployment="airshow-1",
        captured_at=START_S,
        raised_at=START_S + 1,
        outcome=outcome,
        **fields,
    )


def alerts() -> list[AlertFact]:
    made = [alert(number, "arrest", offence_class="theft", minutes=9.0) for number in range(12)]
    made += [alert(20, "arrest", offence_class="bigamy", minutes=4.0, perceived_ethnicity="black")]
    made += [alert(30 + number, "stopped", minutes=3.0, perceived_ethnicity="white") for number in range(8)]
    made += [alert(40, "false_alert", confirmed=True, perceived_ethnicity="asian", decided_after_s=12.0)]
    made += [alert(41, "false_alert", confirmed=False, perceived_ethnicity="asian")]
    made += [alert(50 + number, "not_stopped") for number in range(3)]
    made += [alert(60)]
    made += [alert(70 + number, "identity_confirmed", category="blue-list") for number in range(6)]
    return made


def make(office: Any, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    site = SigningKey.create()
    office.trusted[site.id] = site.described("site", role="site")
    walks = [Walk(f"v{number}", "pier", 0.0, 9.0, "AB"[number % 2]) for number in range(30)]
    receipt = Receipt(
        deployment="airshow-1",
        authority_sha256="",
        watchlist_sha256="",
        by="insp-7",
        reason="over",
        begun_at=START_S,
        finished_at=START_S + 9,
        parts=(
            DestroyedPart(
                label="watchlist", counts={"entries": 500}, items=1000, found_before=1000, fingerprints_sha256="c" * 64
            ),
        ),
        held=0,
        scanned_files=7,
        scanned_bytes=10**7,
        ledger_head=f"3:{'d' * 64}",
    )
    facts: dict[str, Any] = {
        "site": "van <1> & co",
        "grant": office.grant(why="warrants & <b>missing</b> people"),
        "published_at": START_S + 86400,
        "cameras": {
            "pier": CameraCounters(
                1000, 30000, 24000, 3600.0, 60.0, {"small": 9}, {"p50": 400.0, "p95": 800.0}, frames_dropped=4711
            )
        },
        "alerts": alerts(),
        "categories": {"wanted-by-court": 480, "missing-or-at-risk": 20},
        "images": 510,
        "incidents": [(START_S + 60, "stop", "matching was stopped")],
        "disclosures": {"https://control.example": 3},
        "refusals": 4,
        "blue": measure(walks, [seen(f"b{number}", f"v{number}", "pier", 5.0) for number in range(22)]),
        "receipt": sign_receipt(receipt, site, START_S + 9),
        "ended_at": START_S + 9,
        "ledger_head": f"9:{'e' * 64}",
        "versions": {"software": "1"},
        "groups": MONITORING_FIELDS,
    }
    record = build_record(RecordFacts(**(facts | changes)), office.profile)
    return record, sign_record(record, site, START_S + 86400)


def rates(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"count", "of", "low", "high"} <= value.keys():
            yield value
        for inner in value.values():
            yield from rates(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rates(inner)


def test_anybody_can_compute_every_rate_again(office: Any) -> None:
    """From the published text alone, with a routine that is not ours."""
    published = json.loads(json.dumps(make(office)[1]))
    found = list(rates(published["record"]))
    assert len(found) > 12
    for one in found:
        if not one["of"]:
            assert one["value"] is None
            continue
        assert one["value"] == one["count"] / one["of"]
        interval = binomtest(one["count"], one["of"]).proportion_ci(one["confidence"], "exact")
        assert math.isclose(one["low"], interval.low, rel_tol=1e-5, abs_tol=1e-11)
        assert math.isclose(one["high"], interval.high, rel_tol=1e-5, abs_tol=1e-11)


def test_the_totals_and_the_rates_say_the_same(office: Any) -> None:
    record, _ = make(office)
    totals, shown = record["totals"], record["rates"]
    assert totals == {
        "faces_seen": 30000,
        "alerts": 27,
        "true_alerts": 13,
        "false_alerts_confirmed": 1,
        "false_alerts_unconfirmed": 1,
        "engagements": 22,
        "arrests": 13,
        "other_disposals": 0,
        "no_action": 4,
    }
    assert shown["false_alerts_per_face"]["count"] == 1
    assert shown["false_alerts_per_face"]["of"] == 30000
    assert shown["false_share_of_alerts"]["of"] == 27
    assert shown["true_recognition"]["count"] == 22
    assert sum(record["outcomes"].values()) == sum(record["decisions"]["split"].values()) == 27
    assert record["decisions"]["median_seconds"] == 12.0
    assert record["cameras"]["pier"]["failure_to_acquire"]["count"] == 6000
    assert record["cameras"]["pier"]["frames_dropped"] == 4711


def test_the_blue_list_is_in_no_police_figure(office: Any) -> None:
    record, _ = make(office)
    alone, _ = make(office, alerts=[one for one in alerts() if not one.blue])
    assert record["blue_list"]["alerts"] == 6
    for part in ("totals", "outcomes", "decisions", "perceived"):
        assert record[part] == alone[part]


def test_small_cells_of_people_are_withheld_and_totals_are_not(office: Any) -> None:
    record, _ = make(office)
    assert record["offence_classes"]["rows"] == {"withheld": {"count": None, "suppressed": True}}
    groups = record["perceived"]["perceived_ethnicity"]
    assert set(groups) == set(MONITORING_FIELDS["perceived_ethnicity"]), "a row that is there says nothing"
    assert groups["black"]["alerts"] == groups["mixed"]["alerts"] == {"count": None, "suppressed": True}
    assert record["totals"]["false_alerts_confirmed"] == 1
    assert "bigamy" not in json.dumps(record)
    for cell in cells(record["perceived"]):
        assert cell is None or cell >= 5


def cells(value: Any) -> Iterator[int | None]:
    if isinstance(value, dict):
        if "count" in value:
            yield value["count"]
        for inner in value.values():
            yield from cells(inner)


def test_nobody_is_named(office: Any) -> None:
    text = json.dumps(make(office)[1])
    for officer in ("supt-1", "insp-7", '"v1"', '"a1"', '"e1"'):
        assert officer not in text


def test_the_signature_covers_every_figure(office: Any) -> None:
    _, document = make(office)
    assert record_fault(document, office.trusted) == ""
    published = json.loads(json.dumps(document))
    assert record_fault(published, office.trusted) == ""
    published["record"]["totals"]["false_alerts_confirmed"] = 0
    assert "altered" in record_fault(published, office.trusted)


def test_a_deployment_without_anything_still_has_its_record(office: Any) -> None:
    record, document = make(
        office, alerts=[], cameras={}, categories={}, incidents=[], blue=None, receipt=None, ended_at=None, groups={}
    )
    assert record["rates"]["false_alerts_per_face"]["value"] is None
    assert record["deletion"] is None
    assert record["blue_list"] is None
    assert "not closed yet" in record_page(document)
    assert record_csv(document)


def test_the_csv_has_every_figure(office: Any) -> None:
    record, document = make(office)
    lines = {line["field"]: line for line in csv.DictReader(io.StringIO(record_csv(document)))}
    assert lines["totals.alerts"]["value"] == "27"
    one = record["rates"]["false_alerts_per_face"]
    assert float(lines["rates.false_alerts_per_face"]["value"]) == one["value"]
    assert float(lines["rates.false_alerts_per_face"]["high"]) == one["high"]
    assert lines["perceived.perceived_ethnicity.black.alerts"]["value"] == "withheld"
    assert lines["signature"]["value"].lstrip("'") == document["signature"]["value"]


def test_a_spreadsheet_runs_nothing(office: Any) -> None:
    _, document = make(office, site="=cmd|' /C calc'!A0")
    lines = {line["field"]: line for line in csv.DictReader(io.StringIO(record_csv(document)))}
    assert lines["site"]["value"].startswith("'=")
    plus = document | {"signature": {"value": "+1+cmd"}, "public_key": "+2"}
    lines = {line["field"]: line for line in csv.DictReader(io.StringIO(record_csv(plus)))}
    assert (lines["signature"]["value"], lines["public_key"]["value"]) == ("'+1+cmd", "'+2")


class Page(HTMLParser):
    """Collects what a page would fetch or run, and whether its tags close."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [f"{tag} {name}" for name, _ in attributes if name in ("src", "href") or name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(office: Any) -> None:
    _, document = make(office)
    text = record_page(document)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert not {"script", "link", "img", "iframe", "b"} & set(page.tags)
    assert page.tags.count("svg") >= 6
    assert "url(" not in text
    assert "@import" not in text
    assert "warrants &amp; &lt;b&gt;missing&lt;/b&gt; people" in text
    assert document["signature"]["value"] in text


@pytest.mark.parametrize("kind", ["test", "retrospective"])
def test_other_kinds_have_a_page_too(office: Any, kind: str) -> None:
    changes: dict[str, Any] = {"kind": kind, "where": None}
    if kind == "retrospective":
        changes |= {"footage_from": 1.0, "footage_to": 2.0}
    _, document = make(office, grant=office.grant(**changes))
    assert f"{kind} deployment" in record_page(document)
