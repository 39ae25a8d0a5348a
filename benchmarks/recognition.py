"""How well does a model recognise labelled people, against the same model compared plainly?"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import write_result
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.enrol.labelled_pictures import embed_labelled, matcher_normaliser, normaliser_of, read_labelled
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.calibrate_thresholds import CalibrationReport, calibrate
from lfr_ray.evaluate.covered_faces import AS_THEY_ARE, VIEWS
from lfr_ray.evaluate.evaluation_figures import Evaluation, evaluate
from lfr_ray.evaluate.false_match_tail import HeldOut
from lfr_ray.evaluate.verification import OperatingPoint, tar_at_far
from lfr_ray.match.threshold import threshold_for
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import Detector
from lfr_ray.records import REGIONS, Faces, Picture

FARS = (1e-2, 1e-3, 1e-4, 1e-5)
LIST_SIZE, ALERTS = 500, 1.0


class Remembering:
    """A detector that finds the same faces in the same pictures without looking twice."""

    def __init__(self, detector: Detector) -> None:
        self.card = detector.card
        self._detector = detector
        self._known: dict[bytes, list[Faces]] = {}

    def detect(self, pictures: Picture) -> list[Faces]:
        """Faces of every picture of a batch."""
        key = hashlib.sha256(pictures.tobytes()).digest() + str(pictures.shape).encode()
        if key not in self._known:
            self._known[key] = self._detector.detect(pictures)
        return self._known[key]


@dataclass(frozen=True)
class Found:
    """Ours, the plain pipeline (one view, not mirrored, not normalised, faces as they are), and the calibration."""

    evaluation: Evaluation
    plain: Evaluation
    ours_tar: list[OperatingPoint]
    plain_tar: list[OperatingPoint]
    calibration: CalibrationReport

    def rows(self) -> dict[str, tuple[float, float]]:
        """Ours and the plain pipeline's, for everything that both measure."""
        pairs = [(f"tar_at_far_{one.target:g}", one, other) for one, other in self._zip(self.ours_tar, self.plain_tar)]
        ours, plain = self.evaluation.all_pictures.identification, self.plain.all_pictures.identification
        pairs += [(f"tpir_at_fpir_{one.target:g}", one, other) for one, other in self._zip(ours, plain)]
        for covered in self.evaluation.covered:
            by_way = dict(covered.rows)
            alike = self._zip(by_way[VIEWS], by_way[AS_THEY_ARE])
            pairs += [(f"{covered.region}_covered_tar_at_far_{one.target:g}", one, other) for one, other in alike]
        return {name: (one.rate.value or 0.0, other.rate.value or 0.0) for name, one, other in pairs if one.resolved}

    @staticmethod
    def _zip(
        ours: Sequence[OperatingPoint], plain: Sequence[OperatingPoint]
    ) -> list[tuple[OperatingPoint, OperatingPoint]]:
        return list(zip(ours, plain, strict=True))


def measure(folder: Path, model: str, detector_id: str, device: str, weights: Path | None) -> Found:
    embedder_card = card(model)
    detector = Remembering(load_detector(card(detector_id), device=device))
    labelled = read_labelled(folder)
    ours = load_embedder(embedder_card, device=device, weights=weights)
    samples = embed_labelled(labelled, detector, ours, regions=REGIONS)
    single = load_embedder(embedder_card, device=device, weights=weights, mirror=False)
    plain = embed_labelled(labelled, detector, single)
    rules = {} if embedder_card.calibration is None else embedder_card.calibration.score_norms
    return Found(
        evaluate(
            samples,
            model,
            detector_id,
            normaliser=matcher_normaliser(embedder_card),
            calibration=embedder_card.calibration,
        ),
        evaluate(plain, model, detector_id),
        tar_at_far(compare_all(samples), FARS),
        tar_at_far(compare_all(plain), FARS),
        calibrate(
            samples,
            model,
            threshold_for,
            normaliser_of=normaliser_of,
            score_norms=rules,
            list_size=LIST_SIZE,
            alerts_per_10k=ALERTS,
        ),
    )


def figures(found: Found, data: str) -> dict[str, Any]:
    whole, calibration = found.evaluation, found.calibration
    row = next(one for one in calibration.thresholds if (one.list_size, one.alerts_per_10k) == (LIST_SIZE, ALERTS))
    return {
        "data": data,
        "identities": whole.identities,
        "images": whole.images,
        "failures_to_acquire": whole.all_pictures.failures,
        "ours_against_plain": {name: list(row) for name, row in found.rows().items()},
        "tar_at_far": points(found.ours_tar),
        "tar_at_far_plain": points(found.plain_tar),
        "tpir_at_fpir": points(whole.all_pictures.identification),
        "tpir_at_fpir_plain": None if whole.not_normalised is None else points(whole.not_normalised),
        "rank_one": whole.rank_one.document(),
        "three_views_tar_at_far": None
        if whole.fusion is None
        else {rule: points(found) for rule, found in whole.fusion.rows},
        "two_enrolled_tar_at_far": None
        if whole.several_enrolled is None
        else {rule: points(found) for rule, found in whole.several_enrolled.rows},
        "quality_gate_refuses": dict(whole.quality_faults),
        "discarding_a_tenth_by_quality_removes_misses": None if whole.discard is None else whole.discard.gain,
        "false_match_tail": calibration.decisive.tail.fit.model_dump(),
        "threshold_500_entries_1_false_alert_in_10k": {
            "similarity": row.threshold.similarity,
            "right_people_found": row.found,
            "extrapolated": row.threshold.extrapolated,
        },
        "predicted_against_observed_on_other_people": held_out(calibration.held_out),
        "predicted_against_observed_fused_on_other_people": held_out(calibration.fused_held_out),
        "card_expected_and_counted_on_the_same_people": {
            f"{one.kind}_{one.rate:g}": [one.expected, one.counted] for one in whole.card_check
        },
        "probability_brier": calibration.reliability.brier,
        "probability_brier_of_a_constant": calibration.reliability.brier_constant,
        "symmetric_norm_gain": {f"{one.far:g}": [one.difference, one.sd] for one in calibration.gains},
        "covered_tar_at_far": {
            one.region: {"pictures": one.pictures, **{name: points(row) for name, row in one.rows}}
            for one in whole.covered
        },
    }


def held_out(rows: Sequence[HeldOut]) -> dict[str, Any]:
    return {
        f"{one.rate:g}": {"ratio": one.ratio, "p10": one.low, "p90": one.high, "within_factor_two": one.within}
        for one in rows
    }


def points(measured: Any) -> dict[str, Any]:
    return {
        f"{one.target:g}": {**one.rate.document(), "threshold": one.threshold, "resolved": one.resolved}
        for one in measured
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="DIR/<identity>/<image>")
    options.add_argument("--data", required=True, help="what the pictures are, in words, for the result")
    options.add_argument("--model", default="dlib_resnet")
    options.add_argument("--detector", default="centerface")
    options.add_argument("--weights", type=Path, help="a file instead of the one that the card finds")
    options.add_argument("--device", default="auto")
    chosen = options.parse_args()
    found = measure(chosen.folder, chosen.model, chosen.detector, chosen.device, chosen.weights)
    better = all(ours >= plain for ours, plain in found.rows().values())
    held = [one for one in (*found.calibration.held_out, *found.calibration.fused_held_out) if one.rate >= 1e-4]
    met = better and bool(held) and all(0.5 <= one.ratio <= 2 for one in held)
    write_result(
        f"recognition_{chosen.model}",
        f"How well does {chosen.model} recognise labelled people, against the same model compared plainly?",
        figures(found, chosen.data),
        "no row worse than the plain pipeline's; false match rates predicted within a factor of two on other people",
        met,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
