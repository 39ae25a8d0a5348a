from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from lfr_ray.errors import InputError
from lfr_ray.evaluate.calibrate_thresholds import VIEW_RATE, calibrate, card_calibration, card_text
from lfr_ray.evaluate.calibration_document import calibration_document
from lfr_ray.match.threshold import threshold_for
from lfr_ray.models.card_calibration import Calibration, ScoreNorm
from lfr_ray.models.card_catalogue import card_from_yaml
from lfr_ray.models.cards import ModelCard

SCORE_NORM = ScoreNorm(weight=0.3, share=0.05, least=3, min_entries=20)
CARD = ModelCard(
    id="made",
    task="embed",
    family="dlib_resnet",
    title="t",
    licence="MIT",
    commercial_use=True,
    origin="o",
    calibration=Calibration(
        threshold=0.9,
        view_threshold=0.8,
        list_size=10,
        relative=0.85,
        data="before",
        score_norm=SCORE_NORM,
    ),
)


def shifted(entries: np.ndarray):
    """A normaliser that takes a constant off: fused thresholds must follow it."""
    return lambda similarities: (similarities - np.float32(0.1)).astype(np.float32)


@pytest.fixture(scope="module")
def found(make_samples):
    steps: list[str] = []
    report = calibrate(
        make_samples([4] * 160, noise=0.8, length=24),
        "made",
        threshold_for,
        normaliser_of=lambda rule: shifted,
        score_norms={"": SCORE_NORM},
        list_size=300,
        repeats=2,
        progress=steps.append,
    )
    assert len(steps) == 8
    return report


def test_thresholds_stand_for_every_list_and_rate(found):
    rows = {(row.list_size, round(row.alerts_per_10k, 3)): row for row in found.thresholds}
    assert (300, 1.0) in rows
    assert rows[(100, 1.0)].threshold.similarity < rows[(10_000, 1.0)].threshold.similarity
    assert rows[(500, 0.1)].threshold.similarity > rows[(500, 10.0)].threshold.similarity
    for row in found.thresholds:
        assert row.rate.low <= row.rate.value <= row.rate.high
        assert 0 <= row.found <= 1
        assert row.found == pytest.approx(row.found_fitted, abs=0.2)


def test_the_decisive_kind_is_what_the_matcher_compares(found):
    assert found.decisive is found.fused
    assert found.fused.pairs.genuine.mean() == pytest.approx(found.fused_plain.pairs.genuine.mean() - 0.1, abs=1e-5)
    assert found.fused.tail.fit.start == pytest.approx(found.fused_plain.tail.fit.start - 0.1, abs=0.02)


def test_the_card_s_section(found):
    section = card_calibration(found, CARD.calibration, threshold_for, list_size=300)
    assert section.threshold == pytest.approx(threshold_for(found.fused.tail.fit, 300, 1.0).similarity, abs=1e-4)
    single = found.single.pairs
    assert (single.impostor >= section.view_threshold).sum() <= VIEW_RATE * single.impostor_count + 1
    assert section.relative > section.view_threshold
    assert section.score_norm == SCORE_NORM
    plain = threshold_for(found.fused_plain.tail.fit, section.short_list_size, 1.0).similarity
    assert section.short_list_threshold == pytest.approx(plain, abs=1e-4)
    assert section.tail == found.single.tail.fit
    assert section.fused_tail == found.fused.tail.fit
    assert section.fused_genuine.identities == 160
    assert "640 pictures of 160 people" in section.data


def test_covered_faces_are_fitted_as_they_are_compared(make_samples):
    samples = make_samples([4] * 160, noise=0.8, length=24)
    samples = replace(samples, covered={"lower": samples.vectors}, seen=("",) * len(samples.identity))
    report = calibrate(
        samples,
        "made",
        threshold_for,
        normaliser_of=lambda rule: shifted,
        score_norms={"": SCORE_NORM, "lower": SCORE_NORM},
        repeats=2,
    )
    lower = card_calibration(report, None, threshold_for).covered["lower"]
    assert lower.tail == report.fused.tail.fit, "normalised"
    assert lower.short_tail == report.fused_plain.tail.fit, "as it is"
    assert lower.short_list_threshold > lower.threshold - 0.1
    assert lower.score_norm == SCORE_NORM


def test_the_written_card_is_read_back_the_same(found, tmp_path):
    section = card_calibration(found, CARD.calibration, threshold_for)
    path = tmp_path / "made.yaml"
    path.write_text(card_text(CARD, section), encoding="utf-8")
    assert card_from_yaml(path) == CARD.model_copy(update={"calibration": section})
    assert next(iter(yaml.safe_load(path.read_text()))) == "id"


def test_the_document_holds_it_all(found):
    document = json.loads(
        json.dumps(
            calibration_document(found, card_calibration(found, CARD.calibration, threshold_for)), allow_nan=False
        )
    )
    assert document["decisive"] == "fused"
    assert set(document["kinds"]) == {"single", "fused", "fused_plain"}
    assert len(document["thresholds"]) == 8 * 4
    assert document["held_out"][0]["ratio"]["median"] > 0
    assert [row["predicted"] for row in document["held_out_fused"]] == [0.01, 0.003], "what half of 160 people can show"
    assert document["list_of_pairs"] is None
    assert document["probability"]["brier"] <= document["probability"]["brier_constant"]
    assert "person_" not in json.dumps(document)


def test_without_several_pictures_a_person_single_comparisons_decide(make_samples):
    report = calibrate(
        make_samples([2] * 120, noise=0.8, length=24),
        "made",
        threshold_for,
        normaliser_of=lambda rule: shifted,
        score_norms={"": SCORE_NORM},
        repeats=2,
    )
    assert report.fused is None
    assert report.decisive is report.single
    section = card_calibration(report, CARD.calibration, threshold_for)
    assert section.score_norm is None, "single pictures are fitted as they are"
    assert section.fused_tail is None
    assert section.short_list_threshold is None


def test_too_few_people_are_refused(make_samples):
    with pytest.raises(InputError):
        calibrate(make_samples([2] * 10), "made", threshold_for)
