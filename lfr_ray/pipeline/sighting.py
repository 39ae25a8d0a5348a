"""A sighting: a possible match with its evidence, and a key that makes repeating it harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from lfr_ray.camera.redact_faces import SCENE_WIDTH_PX, scene_jpeg
from lfr_ray.camera.still_pictures import encode_jpeg
from lfr_ray.models.shrink_pictures import halved_to
from lfr_ray.pipeline.checks_before_alert import PossibleMatch
from lfr_ray.pipeline.tracklets import BestView
from lfr_ray.records import Answer, Floats, Sighting


def sighting_of(
    possible: PossibleMatch, others: Floats, best: Sequence[BestView], answer: Answer, *, model: str, run_id: str
) -> Sighting:
    """What the alert desk is given of a possible match.

    ``others`` are boxes ``float32 (N, 4)`` of everybody else in the view's frame and those around it, ``best`` the
    tracklet's best views, the best first. ``model`` is the embedder's card id; ``run_id`` differs between two runs of
    the same camera, so that their alerts' keys differ.
    """
    frame, view, match = possible.frame, possible.view, possible.match
    scene, scale = halved_to(frame.image, SCENE_WIDTH_PX)
    identity = "\n".join((answer.deployment, frame.camera, run_id, str(view.track), match.entry_id))
    return Sighting(
        key=hashlib.sha256(identity.encode()).hexdigest()[:32],
        camera=frame.camera,
        track=view.track,
        captured_s=view.captured_s,
        captured_at=view.captured_at,
        match=match,
        model=model,
        deployment=answer.deployment,
        box=tuple(round(float(side), 1) for side in view.box),  # type: ignore[arg-type]
        quality=best[0].quality,
        face_jpeg=encode_jpeg(best[0].crop),
        scene_jpeg=scene_jpeg(scene, view.box * np.float32(scale), others * np.float32(scale)),
        watchlist_jpeg=answer.watchlist_jpeg,
        enrolled_jpegs=answer.enrolled_jpegs,
        view_jpegs=tuple(encode_jpeg(one.crop) for one in best[1:]),
        run=run_id,
    )
