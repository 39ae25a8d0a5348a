"""What do views of the visible half gain for covered faces, at the same false accept rate?"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import write_result
from benchmarks.training.occluders import Painter, sunglasses
from benchmarks.training.train_occlusion import held_out, shown
from lfr_ray.config import MatchConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.embed.covered_regions import mean_view, paint_over
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.occlusion import Occlusion
from lfr_ray.enrol.labelled_pictures import embed_labelled, read_labelled
from lfr_ray.evaluate.all_pairs import compare_across, compare_all
from lfr_ray.evaluate.covered_faces import of_region, uncovered
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.verification import threshold_at
from lfr_ray.match.decide_match import fuse
from lfr_ray.match.score_norm import ScoreNormaliser
from lfr_ray.match.threshold import thresholds_for
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import LOWER, REGIONS, UPPER, Floats

FARS = (1e-2, 1e-3, 1e-4)
LEAST_GAIN = 1.3
AT_FAR = 1e-3
MOST_WRONG = 0.02
REPEATS = 50
LIST_SIZES = (30, 100, 500)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="folder with images/ and images.csv: file, identity, attributes")
    options.add_argument("--model", default="dlib_resnet")
    chosen = options.parse_args()
    embedder = load_embedder(card(chosen.model), device="cpu")
    labelled = read_labelled(chosen.data / "images")
    samples = embed_labelled(labelled, load_detector(card("centerface"), device="cpu"), embedder, regions=REGIONS)
    with (chosen.data / "images.csv").open(encoding="utf-8") as file:
        attributes = {row["file"]: row["attributes"] for row in csv.DictReader(file)}
    told = [attributes[path.relative_to(chosen.data).as_posix()] for path in labelled.paths]
    masked = np.array(["mask:" in one for one in told]) & samples.acquired
    figures: dict[str, Any] = {"judged": judged(samples, masked, told), "us_per_face": _us_per_face(chosen.model)}
    figures["real_masks_lower_half"] = masks(samples, masked)
    figures["drawn_sunglasses_upper_half"] = glasses(chosen.data, embedder, samples)
    figures["passages_of_masked_people"] = {
        f"list_of_{size}": passages(samples, masked, size, chosen.model) for size in LIST_SIZES
    }
    gains = {
        name: _tar(figures[name]["views_that_match"]) / _tar(figures[name]["as_they_are"])
        for name in ("real_masks_lower_half", "drawn_sunglasses_upper_half")
    }
    figures["gain_at_far_0.001"] = gains
    wrong = figures["judged"]["uncovered_people_not_trained_on"]
    met = gains["real_masks_lower_half"] >= LEAST_GAIN and min(gains.values()) >= 1
    met &= max(wrong["called_lower"], wrong["called_upper"]) <= MOST_WRONG
    write_result(
        f"covered_{chosen.model}",
        "What do views of the visible half gain for covered faces, at the same false accept rate?",
        figures,
        f"at FAR {AT_FAR:g} at least {LEAST_GAIN:g} times the true accepts with real masks, no loss with sunglasses; "
        f"at most {MOST_WRONG:.0%} of uncovered faces judged covered",
        bool(met),
    )
    return 0 if met else 1


def judged(samples: Samples, masked: Any, told: list[str]) -> dict[str, Any]:
    """What the estimator says of real masks that it never saw, and of uncovered people whom it never saw."""
    seen = np.array([str(one) for one in samples.seen])
    names = np.array(samples.names)[samples.identity]
    others = held_out([name for name, one in zip(names, told, strict=True) if not one.startswith("mfr2")])
    strangers = np.isin(names, list(others)) | np.array(["nomask" in one for one in told])
    strangers &= ~masked & samples.acquired
    return {
        "real_masks": {"pictures": int(masked.sum()), "called_lower": float((seen[masked] == LOWER).mean())},
        "uncovered_people_not_trained_on": {
            "pictures": int(strangers.sum()),
            "called_lower": float((seen[strangers] == LOWER).mean()),
            "called_upper": float((seen[strangers] == UPPER).mean()),
        },
    }


def masks(samples: Samples, masked: Any) -> dict[str, Any]:
    """Every masked picture against every uncovered one, at the thresholds that uncovered faces set."""
    opened = samples.acquired & ~masked
    found: dict[str, Any] = {"pictures": int(masked.sum()), "people": len(np.unique(samples.identity[masked]))}
    kinds = {"as_they_are": uncovered(samples), "views_that_match": of_region(samples, LOWER)}
    for name, kind in kinds.items():
        vectors = samples.vectors if name == "as_they_are" else samples.covered[LOWER]
        rows = (vectors[masked], samples.identity[masked], vectors[opened], samples.identity[opened])
        found[name] = _rates(kind, *rows, samples.size)
    return found


def passages(samples: Samples, masked: Any, size: int, model: str) -> dict[str, Any]:
    """All masked pictures of each person fused into a passage, against a list with one uncovered picture of everybody.

    The thresholds are those that the matcher takes from the card for one false alert in 10,000 faces.
    """
    calibration = card(model).calibration
    assert calibration is not None
    people = np.unique(samples.identity[masked])
    opened = np.flatnonzero(samples.acquired & ~masked)
    whose, first = np.unique(samples.identity[opened], return_index=True)
    order = np.argsort(~np.isin(whose, people), kind="stable")[:size]
    entries, listed = opened[first][order], whose[order]
    people = people[np.isin(people, listed)]
    found: dict[str, Any] = {"passages": len(people)}
    asked = MatchConfig(false_alerts_per_10k_faces=1.0)
    ways = (("as_they_are", samples.vectors, ""), ("views_that_match", samples.covered[LOWER], LOWER))
    for name, vectors, covered in ways:
        rows = [masked & (samples.identity == person) for person in people]
        probes = np.stack([fuse(vectors[row], samples.quality[row]) for row in rows])
        similarity = probes @ vectors[entries].T
        rule = calibration.covered[covered].score_norm if covered else calibration.score_norm
        similarity = ScoreNormaliser(vectors[entries], rule).normalised(similarity)
        threshold = thresholds_for(calibration, asked, len(entries), covered=covered).fused
        own = people[:, None] == listed[None, :]
        right, wrong = similarity[own], np.where(own, -1, similarity).max(axis=1)
        found[name] = {
            "threshold": threshold,
            "found": int(((right >= threshold) & (right > wrong)).sum()),
            "wrong_entry_alerts": int(((wrong >= threshold) & (wrong > right)).sum()),
            "right_entry_nearest": int((right > wrong).sum()),
        }
    return found


def glasses(data: Path, embedder: Any, samples: Samples) -> dict[str, Any]:
    """Pictures with sunglasses drawn over them against all others as they are."""
    pictures = [one for one in shown(data, embedder.card.id) if not one.attributes.startswith("mfr2")]
    names = {name: row for row, name in enumerate(samples.names)}
    chips = np.stack([one.chip for one in pictures])
    identity = np.array([names[one.identity] for one in pictures], np.int64)
    spec = embedder.card.chip
    painter = Painter(np.random.default_rng(7), chips)
    worn = np.stack([sunglasses(painter, chip, spec) for chip in chips])
    called = [seen == (UPPER,) for seen in Occlusion(spec).covered(worn)]
    plain, hidden = _embedded(embedder, chips), _embedded(embedder, worn)
    views = {
        "as_they_are": (hidden, plain),
        "views_that_match": (
            mean_view(hidden, _embedded(embedder, paint_over(worn, UPPER, spec))),
            mean_view(plain, _embedded(embedder, paint_over(chips, UPPER, spec))),
        ),
    }
    found: dict[str, Any] = {"pictures": len(chips), "called_upper": float(np.mean(called))}
    for name, (probes, entries) in views.items():
        # A picture is not compared with itself: the pairs of one picture are left out with those of its own half.
        half = np.arange(len(chips)) % 2 == 0
        found[name] = _own_rates(probes[half], identity[half], entries[~half], identity[~half], samples.size)
    return found


def _tar(figures: dict[str, Any]) -> float:
    return float(figures[f"{AT_FAR:g}"]["tar"])


def _rates(kind: Samples, probes: Floats, owner: Any, entries: Floats, whose: Any, people: int) -> dict[str, Any]:
    """At thresholds of uncovered faces: what is accepted rightly, and wrongly."""
    set_by, pairs = compare_all(kind), compare_across(probes, owner, entries, whose, people)
    found = {"genuine": len(pairs.genuine), "impostor": pairs.impostor_count}
    for far in FARS:
        threshold = threshold_at(set_by.impostor, set_by.impostor_count, far)
        wrong = float((pairs.impostor >= threshold).sum() / pairs.impostor_count)
        found[f"{far:g}"] = {"tar": float((pairs.genuine >= threshold).mean()), "observed_far": wrong}
    return found


def _own_rates(probes: Floats, owner: Any, entries: Floats, whose: Any, people: int) -> dict[str, Any]:
    """At thresholds of these same pairs."""
    pairs = compare_across(probes, owner, entries, whose, people)
    found: dict[str, Any] = {"genuine": len(pairs.genuine), "impostor": pairs.impostor_count}
    for far in FARS:
        threshold = threshold_at(pairs.impostor, pairs.impostor_count, far)
        found[f"{far:g}"] = {"tar": float((pairs.genuine >= threshold).mean())}
    return found


def _embedded(embedder: Any, chips: Any) -> Floats:
    return np.concatenate([embedder.embed(chips[start : start + 32]) for start in range(0, len(chips), 32)])


def _us_per_face(model: str) -> float:
    spec = card(model).chip
    assert spec is not None
    occlusion = Occlusion(spec)
    chip = np.random.default_rng(0).integers(0, 256, (spec.height_px, spec.width_px, 3), np.uint8)
    times = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        occlusion.kind(chip)
        times.append(time.perf_counter() - began_s)
    return round(float(np.median(times)) * 1e6, 1)


if __name__ == "__main__":
    sys.exit(main())
