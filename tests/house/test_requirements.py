"""R1 to R24, which police practice and law ask for: each has a file that enforces it and a test that fails without it.

The table in ``lfr_ray/govern/README.md`` is made from what stands here; to make it anew, print ``table()``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "lfr_ray" / "govern" / "README.md"

GOVERN, SITE = "integration/govern", "integration/site"

# id: the requirement, the file below lfr_ray that enforces it, the test file below tests, the test
REQUIREMENTS: dict[str, tuple[str, str, str, str]] = {
    "R1": (
        "No deployment without a signed authority: why, where, who, when, by whom, with which list and documents",
        "govern/authority_in_force.py",
        f"{GOVERN}/test_gate.py",
        "test_an_authority_that_is_altered_on_disk_counts_for_nothing",
    ),
    "R2": (
        "A place of a permitted case; outside it or its hours nothing is compared, also where the site moves",
        "govern/authority.py",
        f"{SITE}/test_gpsd.py",
        "test_a_van_that_drives_away_stops_matching",
    ),
    "R3": (
        "A closed list of categories; none of the police in tests and trials",
        "govern/country_profile.py",
        f"{GOVERN}/test_trial.py",
        "test_police_categories_exist_in_neither",
    ),
    "R4": (
        "Of each entry: basis, source, date and quality of the picture, action, expiry",
        "match/watchlist_folder.py",
        "unit/match/test_watchlist_folder.py",
        "test_a_wrong_row_is_rejected_and_the_rest_goes_on",
    ),
    "R5": (
        "The list frozen by hash and approved: signed by a second person not long ago; its size has a limit",
        "govern/authority_in_force.py",
        f"{GOVERN}/test_cli.py",
        "test_who_authorises_may_not_have_approved",
    ),
    "R6": (
        "List and templates destroyed at the end, with a signed receipt",
        "site/close_deployment.py",
        f"{GOVERN}/test_closing_by_clock.py",
        "test_what_nobody_closes_is_closed_by_the_clock",
    ),
    "R7": (
        "A face that matches nobody leaves no trace",
        "pipeline/tracklets.py",
        "integration/end_to_end/test_no_trace.py",
        "test_nothing_of_them_is_in_any_file_that_was_written",
    ),
    "R8": (
        "An alert goes after use, within a day, unless it is held with a reason",
        "govern/retention_rules.py",
        f"{GOVERN}/test_closing_by_clock.py",
        "test_alerts_go_when_their_time_is_over",
    ),
    "R9": (
        "Recording is no part of this; the files of a separate recorder have their longest time",
        "site/close_deployment.py",
        f"{SITE}/test_schedule.py",
        "test_what_a_separate_recorder_wrote_goes_when_its_time_is_over",
    ),
    "R10": (
        "A threshold's floor in expected false alerts, computed; more than the target needs a published reason",
        "govern/authority.py",
        f"{GOVERN}/test_cli.py",
        "test_bad_input_opens_nothing",
    ),
    "R11": (
        "Too many confirmed false alerts pause matching",
        "govern/circuit_breaker.py",
        f"{GOVERN}/test_breaker.py",
        "test_it_pauses_every_node_and_says_so",
    ),
    "R12": (
        "A person decides; nobody is stopped without a decision to engage",
        "adjudicate/decisions.py",
        "unit/adjudicate/test_decisions.py",
        "test_nobody_is_stopped_without_a_decision_to_engage",
    ),
    "R13": (
        "Two people where the rules say so, the second blind to the first",
        "adjudicate/decisions.py",
        "unit/adjudicate/test_decisions.py",
        "test_the_second_verifier_is_another_officer_and_blind",
    ),
    "R14": (
        "Relatives and close runners-up are a caution",
        "alert/cooldown.py",
        f"{SITE}/test_cautions.py",
        "test_a_sibling_on_the_list_is_a_caution",
    ),
    "R15": (
        "What came of an alert, and what the officer perceived, after the event",
        "adjudicate/outcome_checks.py",
        "unit/adjudicate/test_decisions.py",
        "test_what_was_perceived_is_optional_and_only_after_the_event",
    ),
    "R16": (
        "An append-only, hash-chained log without faces and names, that cannot quietly vanish",
        "govern/ledger.py",
        f"{GOVERN}/test_ledger.py",
        "test_any_damage_is_detected",
    ),
    "R17": (
        "A past listing can be answered",
        "govern/past_watchlists.py",
        f"{GOVERN}/test_closing.py",
        "test_who_was_listed_can_still_be_answered",
    ),
    "R18": (
        "A public record with every figure and its parts",
        "govern/public_record.py",
        "unit/govern/test_public_record.py",
        "test_anybody_can_compute_every_rate_again",
    ),
    "R19": (
        "Another model, calibration or version needs another authority",
        "site/bound_configuration.py",
        f"{SITE}/test_configuration.py",
        "test_software_and_calibration_count",
    ),
    "R20": (
        "Who was seen and could not be compared is counted, by reason",
        "govern/face_counters.py",
        f"{SITE}/test_not_compared.py",
        "test_they_are_published_by_reason",
    ),
    "R21": (
        "Only who is trained decides: the certificate says until when",
        "govern/signing_keys.py",
        f"{SITE}/test_adjudicators.py",
        "test_training_counts_until_its_day",
    ),
    "R22": (
        "The whole configuration is signed; a field that differs stops matching and is named, also one of the console",
        "site/bound_configuration.py",
        f"{SITE}/test_configuration.py",
        "test_a_field_that_differs_stops_matching_and_is_named",
    ),
    "R23": (
        "No inference about passers-by",
        "records/alert.py",
        f"{GOVERN}/test_forbidden.py",
        "test_no_model_infers_anything_but_where_a_face_is_and_whose_it_may_be",
    ),
    "R24": (
        "One stop, at once, whatever is under way; it stands until somebody lifts it and is recorded",
        "govern/emergency_stop.py",
        f"{GOVERN}/test_stop_first.py",
        "test_a_stop_waits_for_no_comparison_and_counts_for_the_one_under_way",
    ),
}


def table() -> str:
    """The table as the page has it."""
    rows = [
        f"| {name} | {what} | `{enforced}` | `{file}`: `{test}` |"
        for name, (what, enforced, file, test) in REQUIREMENTS.items()
    ]
    return "\n".join(
        ("| | requirement | enforced by (`lfr_ray/`) | fails without it (`tests/`) |", "|---|---|---|---|", *rows)
    )


def test_all_of_them_are_there() -> None:
    assert list(REQUIREMENTS) == [f"R{number}" for number in range(1, 25)]


def test_the_page_has_the_table() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_what_enforces_it_and_what_shows_it_exist(name: str) -> None:
    _, enforced, file, test = REQUIREMENTS[name]
    assert (ROOT / "lfr_ray" / enforced).is_file()
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
