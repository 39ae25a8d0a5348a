from __future__ import annotations

import json

import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.evaluation_document import evaluation_document
from lfr_ray.evaluate.evaluation_figures import evaluate
from lfr_ray.evaluate.figures_by_group import read_groups


@pytest.fixture(scope="module")
def evaluation(make_samples):
    samples = make_samples(
        [5] * 30 + [2] * 40, noise=1.1, failed={0: "no_face", 7: "unreadable"}, gate={9: "blurred", 30: "too_small"}
    )
    rows = "".join(f"{name},{'left' if number % 2 else 'right'}\n" for number, name in enumerate(samples.names))
    steps: list[str] = []
    result = evaluate(
        samples,
        "model_x",
        "finder_y",
        groups=read_groups("identity,side\n" + rows, samples.names),
        progress=steps.append,
    )
    assert len(steps) >= 3
    return result


@pytest.fixture(scope="module")
def document(evaluation):
    return json.loads(json.dumps(evaluation_document(evaluation), allow_nan=False))


def test_the_promised_fields_come_first_and_in_order(document):
    assert list(document)[:6] == [
        "model",
        "identities",
        "images",
        "failure_to_acquire",
        "verification",
        "identification",
    ]
    assert (document["model"], document["identities"], document["images"]) == ("model_x", 70, 230)
    assert list(document["failure_to_acquire"])[:2] == ["count", "of"]
    assert (document["failure_to_acquire"]["count"], document["failure_to_acquire"]["of"]) == (2, 230)
    assert document["failure_to_acquire"]["reasons"] == {"no_face": 1, "unreadable": 1}
    assert list(document["verification"])[:3] == ["genuine", "impostor", "tar_at_far"]
    assert list(document["verification"]["tar_at_far"]) == ["0.01", "0.001", "0.0001"]
    assert list(document["identification"])[:4] == [
        "enrolled",
        "mated_searches",
        "non_mated_searches",
        "tpir_at_fpir",
    ]
    assert list(document["identification"]["tpir_at_fpir"]) == ["0.1", "0.01", "0.001"]


def test_counts_follow_from_the_pictures(document):
    # 30 people with 5 pictures, 40 with 2; every other one of the 70 is enrolled.
    assert document["identification"]["enrolled"] == 35
    assert document["identification"]["mated_searches"] == 15 * 4 + 20
    assert document["identification"]["non_mated_searches"] == 15 * 5 + 20 * 2
    # Two of the pictures gave no vector: identity 0 has four left, identity 1 has four left.
    assert document["verification"]["genuine"] == 2 * 6 + 28 * 10 + 40
    assert document["verification"]["impostor"] == 228 * 227 // 2 - document["verification"]["genuine"]


def test_every_figure_has_an_interval(document):
    figures = [
        document["failure_to_acquire"],
        document["identification"]["rank_one"],
        *document["verification"]["tar_at_far"].values(),
        *document["identification"]["tpir_at_fpir"].values(),
    ]
    for figure in figures:
        assert figure["low"] <= figure["value"] <= figure["high"]


def test_the_gate_is_measured_beside(document):
    gate = document["quality_gate"]
    assert gate["would_refuse"] == {"blurred": 1, "too_small": 1}
    assert gate["with_gate"]["failure_to_acquire"]["count"] == 4


def test_the_rest_is_there(document):
    assert document["several_views"]["views"] == 3
    assert set(document["several_views"]["tar_at_far"]) == {"first", "mean", "plain_mean", "max", "vote"}
    assert set(document["groups"]["side"]["groups"]) == {"left", "right"}
    assert document["false_match_tail"]["comparisons"] == document["verification"]["impostor"]
    assert document["error_versus_discard"]["share"][0] == 0.0
    assert document["verification"]["det"][0]["fmr"] <= document["verification"]["det"][-1]["fmr"]


def test_no_name_in_the_document(document):
    assert "person_" not in json.dumps(document)


def test_small_evaluations_leave_out_what_they_cannot_tell(make_samples):
    document = evaluation_document(evaluate(make_samples([2, 2]), "m", "d"))
    assert document["several_views"] is None
    assert document["false_match_tail"] is None
    assert document["quality_gate"]["with_gate"] is None
    assert document["verification"]["tar_at_far"]["0.0001"]["resolved"] is False


def test_too_little_is_refused(make_samples):
    with pytest.raises(InputError, match="several identities"):
        evaluate(make_samples([4]), "m", "d")
