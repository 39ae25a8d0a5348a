"""Where do the error-versus-discard curves put the quality gate, and is it there?"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.record import write_result
from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.config import QualityConfig
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.view_quality import assess
from lfr_ray.enrol.labelled_pictures import most_central
from lfr_ray.enrol.still_faces import detect_stills
from lfr_ray.evaluate.labelled_samples import Bools
from lfr_ray.evaluate.verification import threshold_at
from lfr_ray.models.card_catalogue import card
from lfr_ray.records import Floats, Picture, Quality
from lfr_ray.stats import clopper_pearson

AS_IT_IS = "as it is"
EVERY, MOST_PICTURES = 2, 6
FAR = 1e-3
SIZES_PX = (14, 18, 22, 26, 30, 36, 44, 56)
BLURS_PX = (1.5, 2.0, 3.0, 4.0)
DARKER = (0.04, 0.08, 0.15, 0.25)
BRIGHTER = (2.2, 3.2, 4.5, 7.0)
USUAL_PX = 80.0
MOST_CANVAS_PX = 640
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
SLACK = 0.15
"""A gate in force may lie so far, as a share, on the strict side of the curve's; never on the lax side."""

GATE_TIMES = 2.0
"""A view is worth comparing while faces like it are missed at most so many times as often as good ones."""

GATE_BINS = 20

LEAST_FALL = 0.2
"""A gate must remove at least this share of the misses among those that remain."""

AXES = {
    "min_size_px": ("size", lambda one: one.size_px, 1),
    "min_sharpness": ("blur", lambda one: one.sharpness, 1),
    "min_exposure": ("dark", lambda one: one.exposure, 1),
    "max_exposure": ("bright", lambda one: one.exposure, -1),
    "max_yaw": (AS_IT_IS, lambda one: abs(one.yaw), -1),
    "max_pitch": (AS_IT_IS, lambda one: abs(one.pitch), -1),
    "max_roll_deg": (AS_IT_IS, lambda one: abs(one.roll_deg), -1),
    "min_score": (AS_IT_IS, lambda one: one.detector_score, 1),
}
"""Permission -> the pictures it is judged on beside untouched ones, the measure, and whether more is better."""


@dataclass(frozen=True)
class Seen:
    """One view and how it compared: with its own person's picture, and with everybody else's."""

    kind: str
    quality: Quality
    stability: float
    own: float


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="folder with images.csv: file, identity, attributes")
    chosen = options.parse_args()
    views, threshold = seen(chosen.data)
    missed = np.array([one.own < threshold for one in views])
    kinds = np.array([one.kind for one in views])
    gate = QualityConfig()
    figures: dict[str, Any] = {
        "views": len(views),
        "far": FAR,
        "threshold": threshold,
        "times": GATE_TIMES,
        "gates": {},
    }
    met = True
    for name, (kind, measure, sign) in AXES.items():
        rows = (kinds == kind) | (kinds == AS_IT_IS)
        quality = np.array([sign * measure(one.quality) for one in views], np.float32)[rows]
        at = gate_at(quality, missed[rows])
        limit, in_force = None if at is None else sign * at, float(getattr(gate, name))
        figures["gates"][name] = {
            "by_the_curve": limit, "in_force": in_force, "missed_after_discarding": _curve(quality, missed[rows])
        }  # fmt: skip
        if limit is not None:
            strict = sign * (in_force - limit)
            met &= -0.02 * abs(limit) <= strict <= SLACK * abs(limit)
    passed = np.array([_passes(one.quality, gate) for one in views])
    stable = np.array([one.stability for one in views], np.float32)
    figures["gate_as_a_whole"] = {
        "passed": int(passed.sum()),
        "missed_of_those": float(missed[passed].mean()),
        "missed_of_the_refused": float(missed[~passed].mean()),
    }
    calibration = card("dlib_resnet").calibration
    assert calibration is not None
    figures["stability_behind_the_gate"] = {
        "by_the_curve": gate_at(stable[passed], missed[passed]),
        "in_force": calibration.min_stability,
        "missed_after_discarding": _curve(stable[passed], missed[passed]),
        "missed_after_discarding_by_value_instead": _curve(
            np.array([one.quality.value for one in views], np.float32)[passed], missed[passed]
        ),
    }
    write_result(
        "quality",
        "Where do the error-versus-discard curves put the quality gate, and is it there?",
        figures,
        f"every gate where faces are missed {GATE_TIMES:g} times as often as good ones, at most {SLACK:.0%} stricter",
        bool(met),
    )
    return 0 if met else 1


def gate_at(quality: Floats, missed: Bools) -> float | None:
    """Where a gate belongs on one quality measure, by the curve and not by hand.

    Views are taken in order of the measure, in groups of equal size. From the lowest group upwards all are refused that
    are missed more than :data:`GATE_TIMES` as often as the better half of all views, and not by chance (95 %); the
    first group that is not ends it. Where discarding them leaves the curve nearly level, the measure is not worth a
    gate.

    Args:
        quality: ``float32 (n,)``, higher is better.
        missed: ``bool (n,)``, whether the view was missed at the threshold of single views.

    Returns:
        The least value that passes; None where even the lowest group passes, the curve does not fall by
        :data:`LEAST_FALL`, or there is no view.

    >>> quality = np.arange(2000, dtype=np.float32)
    >>> gate_at(quality, (quality < 400) & (quality % 2 == 0) | (quality % 50 == 0))
    400.0
    """
    order = np.argsort(quality, kind="stable")
    groups = [group for group in np.array_split(order, GATE_BINS) if len(group)]
    base = float(missed[order[len(order) // 2 :]].mean()) if len(order) else 0.0
    worse = 0
    while worse < len(groups) and _is_worse(missed[groups[worse]], base):
        worse += 1
    if worse == 0 or worse == len(groups):
        return None
    if float(missed[np.concatenate(groups[worse:])].mean()) > (1 - LEAST_FALL) * float(missed.mean()):
        return None
    return float(quality[groups[worse]].min())


def _is_worse(missed: Bools, base: float) -> bool:
    found = clopper_pearson(int(missed.sum()), len(missed))
    return float(missed.mean()) > GATE_TIMES * base and found.low is not None and found.low > base


def seen(data: Path) -> tuple[list[Seen], float]:
    """Views of every second person, one picture of each degraded in steps; and the threshold of single views."""
    detector = load_detector(card("centerface"), device="cpu")
    embedder = load_embedder(card("dlib_resnet"), device="cpu", mirror=False)
    found: list[tuple[str, Quality, float, Any, str]] = []
    entries, owners = [], []
    for identity, files in _people(data):
        subjects = [one for path in files if (one := _subject(read_picture(path), detector)) is not None]
        if not subjects:
            continue
        _, _, vectors = _embedded([("", *subjects[0])], embedder)
        entries.append(vectors[0])
        owners.append(identity)
        shown = [
            (kind, picture, face)
            for number, one in enumerate(subjects[1:])
            for kind, picture, points in _degraded(*one, only_as_it_is=number > 0)
            if (face := _again(picture, points, detector)) is not None
        ]
        if shown:
            judged, stability, vectors = _embedded(shown, embedder)
            for (kind, _, _), quality, stable, vector in zip(shown, judged, stability, vectors, strict=True):
                found.append((kind, quality, float(stable), vector, identity))
    similarity = np.stack([vector for *_, vector, _ in found]) @ np.stack(entries).T
    own = np.array([identity for *_, identity in found])[:, None] == np.array(owners)[None, :]
    good = np.array([kind == AS_IT_IS for kind, *_ in found])
    wrong = np.sort(similarity[good][~own[good]])[::-1]
    views = [
        Seen(kind, quality, stable, float(row[mine].max()))
        for (kind, quality, stable, _, _), row, mine in zip(found, similarity, own, strict=True)
    ]
    return views, float(threshold_at(wrong, len(wrong), FAR))


def _people(data: Path) -> Iterator[tuple[str, list[Path]]]:
    """Every second person's uncovered pictures, some of them."""
    files: dict[str, list[Path]] = {}
    with (data / "images.csv").open(encoding="utf-8") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["file"]):
            if "mask:" not in row["attributes"]:
                files.setdefault(row["identity"], []).append(data / row["file"])
    for identity in sorted(files)[::EVERY]:
        yield identity, files[identity][:MOST_PICTURES]


def _embedded(shown: list[tuple[str, Picture, Any]], embedder: Any) -> tuple[list[Quality], Any, Any]:
    """Quality, stability and vector of every view."""
    chips = np.stack([cut_chips(picture, points[None], embedder.card.chip)[0] for _, picture, (_, points, _) in shown])
    judged = [
        assess(box, points, score, chip, QualityConfig())
        for (_, _, (box, points, score)), chip in zip(shown, chips, strict=True)
    ]
    plain, mirrored = embedder.embed(chips), embedder.embed(np.ascontiguousarray(chips[:, :, ::-1]))
    both = plain + mirrored
    return judged, (plain * mirrored).sum(axis=1), both / np.linalg.norm(both, axis=1, keepdims=True)


def _subject(picture: Picture, detector: Any) -> Any:
    """The picture, and its most central face."""
    (faces,) = detect_stills([picture], detector)
    if not len(faces):
        return None
    row = most_central(faces, picture.shape[1], picture.shape[0])
    return picture, (faces.boxes[row], faces.points[row], float(faces.scores[row]))


def _degraded(picture: Picture, face: Any, *, only_as_it_is: bool) -> Iterator[tuple[str, Picture, Any]]:
    """The picture as it is, smaller, blurred, darker and brighter, with the face's points."""
    box, points, _ = face
    size_px = float(np.sqrt(np.prod(box[2:] - box[:2])))
    random = np.random.default_rng(0)
    for target in () if only_as_it_is else SIZES_PX:
        if target < size_px:
            yield "size", *_scaled(picture, points, target / size_px)
    if size_px > USUAL_PX:
        picture, points = _scaled(picture, points, USUAL_PX / size_px)
    yield AS_IT_IS, picture, points
    if only_as_it_is:
        return
    for sigma in BLURS_PX:
        yield "blur", np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8), points
    for gain in DARKER:
        noisy = picture * np.float32(gain) + random.normal(0, 2.5, picture.shape)
        yield "dark", np.clip(noisy, 0, 255).astype(np.uint8), points
    for gain in BRIGHTER:
        yield "bright", np.clip(picture * np.float32(gain), 0, 255).astype(np.uint8), points


def _scaled(picture: Picture, points: Any, share: float) -> tuple[Picture, Any]:
    height, width = (max(8, round(side * share)) for side in picture.shape[:2])
    smaller = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return smaller, points * np.array([width / picture.shape[1], height / picture.shape[0]], np.float32)


def _again(picture: Picture, points: Any, detector: Any) -> Any:
    """The same face, found anew: small and blurred faces have worse points, too."""
    side_px = min(MOST_CANVAS_PX, max(64, -(-max(picture.shape[:2]) // 32) * 32))
    canvas, mapping = fit(np.ascontiguousarray(picture), side_px, side_px)
    faces = mapping.back(detector.detect(canvas[None])[0])
    if not len(faces):
        return None
    off = np.linalg.norm(faces.points.mean(axis=1) - points.mean(axis=0), axis=1)
    row = int(off.argmin())
    if off[row] > np.linalg.norm(points[1] - points[0]):
        return None
    return faces.boxes[row], faces.points[row], float(faces.scores[row])


def _passes(quality: Quality, gate: QualityConfig) -> bool:
    return (
        quality.size_px >= gate.min_size_px
        and quality.sharpness >= gate.min_sharpness
        and gate.min_exposure <= quality.exposure <= gate.max_exposure
        and abs(quality.yaw) <= gate.max_yaw
        and abs(quality.pitch) <= gate.max_pitch
        and abs(quality.roll_deg) <= gate.max_roll_deg
        and quality.detector_score >= gate.min_score
    )


def _curve(quality: Any, missed: Any) -> dict[str, float]:
    """Miss rate of what remains when the worst are discarded."""
    order = np.argsort(quality, kind="stable")
    return {f"{share:.0%}": float(missed[order[int(share * len(order)) :]].mean()) for share in SHARES}


if __name__ == "__main__":
    sys.exit(main())
