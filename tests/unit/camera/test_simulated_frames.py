"""Simulated cameras and models: what is written into a picture is found in it, and nothing of it may ever alert."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from lfr_ray.camera.simulated_frames import SimulatedFootage, SimulatedSource, simulated_footage
from lfr_ray.clock import FakeClock
from lfr_ray.config import AuthorityConfig, CameraConfig, DetectorConfig, QualityConfig, SiteConfig, TrackConfig
from lfr_ray.detect.canvas_size import canvas_for
from lfr_ray.detect.detector_families import load_detector
from lfr_ray.detect.letterbox import fit
from lfr_ray.embed.align import cut_chips
from lfr_ray.embed.embedder_families import load_embedder
from lfr_ray.embed.view_quality import assess
from lfr_ray.errors import AuthorityError, LicenceError, SourceError
from lfr_ray.models.card_catalogue import card
from lfr_ray.models.cards import chip_spec
from lfr_ray.models.simulated_models import DETECTOR, EMBEDDER, read_faces
from lfr_ray.pipeline.simulated_cameras import SimulatedCameras, camera_run
from lfr_ray.records import Faces
from lfr_ray.site.bound_configuration import check_kind
from lfr_ray.track.tracker import FaceTracker

FOOTAGE = SimulatedFootage(people_per_min=120.0)


def source_of(footage: SimulatedFootage, clock: FakeClock) -> SimulatedSource:
    """Its pictures; time passes only while it waits."""
    config = CameraConfig(name="gate", url=footage.url)
    return SimulatedSource(config, lambda by_s: clock.advance(max(0.0, by_s)), clock.steady_s)


def test_the_detector_finds_who_is_in_view_and_each_is_good_enough_to_be_compared() -> None:
    detector = load_detector(card(f"{DETECTOR}0"), device="cpu", streams=2)
    embedder = load_embedder(card(f"{EMBEDDER}0"), device="cpu")
    for one in islice(source_of(FOOTAGE, FakeClock()).pictures(), 100, 300, 20):
        picture = one.convert()
        canvas, placement = fit(picture, *canvas_for(640, 384, DetectorConfig()))
        faces = placement.back(detector.detect(canvas[np.newaxis])[0])
        assert len(faces) == 6
        chips = cut_chips(picture, faces.points, chip_spec(embedder.card))
        for box, points, score, chip in zip(faces.boxes, faces.points, faces.scores, chips, strict=True):
            assert assess(box, points, float(score), chip, QualityConfig()).reason == ""
        vectors = embedder.judged(chips).vectors
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
        assert (vectors @ vectors.T - np.eye(len(vectors))).max() < 0.6


@pytest.mark.parametrize(("decode_ms", "last_s"), [(10.0, 19.8), (300.0, 30.0)])
def test_each_picture_comes_when_it_is_due_or_as_soon_as_it_is_decoded(decode_ms: float, last_s: float) -> None:
    clock, began = FakeClock(), []
    for _ in range(40):
        start_s = clock.steady_s()
        pictures = source_of(SimulatedFootage(fps=5.0, decode_ms=decode_ms, within_s=8.0), clock).pictures()
        media_s, came_s = zip(*[(one.media_s, clock.steady_s()) for one in islice(pictures, 100)], strict=True)
        assert media_s == tuple(index / 5.0 for index in range(100))
        began.append(came_s[0] - start_s)
        assert came_s[-1] - came_s[0] == pytest.approx(last_s, abs=0.35)
    assert 0.0 <= min(began) < 3.0 < 5.0 < max(began) <= 8.3, "they do not keep step"


def test_a_slow_stream_has_the_times_of_a_quick_one_and_each_picture_comes_so_many_times_as_late() -> None:
    clock = FakeClock()
    pictures = source_of(SimulatedFootage(fps=5.0, decode_ms=100.0, slower=16.0), clock).pictures()
    media_s, came_s = zip(*[(one.media_s, clock.steady_s()) for one in islice(pictures, 50)], strict=True)
    assert media_s == tuple(index / 5.0 for index in range(50))
    assert came_s[0] - 1_000.0 == pytest.approx(16 * 0.1), "it is decoded first"
    assert came_s[-1] - 1_000.0 == pytest.approx(16 * 9.8)


def test_every_camera_of_a_slow_process_goes_by_a_slow_clock() -> None:
    def clocks(**fields: float) -> set[float]:
        camera = CameraConfig(name="gate", url=replace(FOOTAGE, cameras=3, **fields).url)  # type: ignore[arg-type]
        run = camera_run(SiteConfig(site="pier", cameras=(camera,)), camera, FakeClock(steady_s=800.0))
        assert isinstance(run, SimulatedCameras)
        return {one._clock.steady_s() for one in (run, *run._others)}

    assert clocks() == {800.0}
    assert clocks(slower=16.0) == {50.0}


def test_people_do_not_come_at_the_same_moment_to_every_camera() -> None:
    footage = SimulatedFootage(people_per_min=20.0, stay_s=1.0)

    def first_s() -> float:
        shown = ((one.media_s, read_faces(one.convert())) for one in source_of(footage, FakeClock()).pictures())
        return next(at_s for at_s, faces in shown if len(faces) == 0)

    assert len({first_s() for _ in range(20)}) > 3


def test_as_many_come_as_is_said_and_a_place_stays_empty_before_somebody_else_comes() -> None:
    footage = SimulatedFootage(people_per_min=60.0, stay_s=3.0, free_s=2.0)
    seen: dict[tuple[float, ...], list[float]] = {}
    for tenth in range(600):
        for box in footage.boxes(tenth / 10):
            seen.setdefault(tuple(box), []).append(tenth / 10)
    passages = sum(1 + int((np.diff(times) > 0.11).sum()) for times in seen.values())
    gaps = [gap for times in seen.values() for gap in np.diff(times) if gap > 0.11]
    assert passages == pytest.approx(60, abs=1)
    assert min(gaps) >= 2.0


@pytest.mark.parametrize("interval_s", [0.1, 2.0])
def test_whoever_comes_next_is_a_track_of_their_own(interval_s: float) -> None:
    footage = SimulatedFootage(people_per_min=3.0, stay_s=20.0, free_s=20.0)
    tracker, tracks = FaceTracker(TrackConfig()), set[int]()
    for at_s in np.arange(0, 200, interval_s):
        boxes = footage.boxes(at_s)
        faces = Faces(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros((len(boxes), 5, 2), np.float32))
        tracks |= tracker.update(faces, at_s).rows.keys()
    assert len(tracks) == 10


def test_an_address_says_all_of_it_and_a_wrong_one_is_refused() -> None:
    assert simulated_footage(FOOTAGE.url) == FOOTAGE
    for wrong in ("simulated:fps=0", "simulated:colour=red", "simulated:people_per_min=9000", "simulated:slower=0"):
        with pytest.raises(SourceError):
            simulated_footage(wrong)


def test_simulated_models_are_refused_in_operation(tmp_path: Path) -> None:
    for model, load in ((DETECTOR, load_detector), (EMBEDDER, load_embedder)):
        with pytest.raises(LicenceError):
            load(card(f"{model}1"), device="cpu", declared_use="operational")
    assert card(f"{EMBEDDER}1").calibration.provisional


@pytest.mark.parametrize("kind", ["live", "trial"])
def test_simulated_cameras_are_refused_where_people_are_compared(kind: str) -> None:
    site = SiteConfig(
        site="pier",
        authority=AuthorityConfig(kind=kind),
        cameras=(CameraConfig(name="gate", url=FOOTAGE.url),),
    )
    with pytest.raises(AuthorityError, match="recordings"):
        check_kind(site)
