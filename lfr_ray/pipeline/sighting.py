"""A possible match on its way to the alert desk: the evidence, and a key that makes repeating harmless."""

from __future__ import annotations

import hashlib

from lfr_ray.camera.redact import scene_jpeg
from lfr_ray.camera.stills import encode_jpeg
from lfr_ray.pipeline.tracklets import Portrait
from lfr_ray.records import Answer, Faces, Frame, Match, Sighting, View


def sighting_of(
    frame: Frame, faces: Faces, view: View, answer: Answer, match: Match, portrait: Portrait, model: str, run_id: str
) -> Sighting:
    """What the desk is given.

    Args:
        frame: Where the deciding view was seen.
        faces: Everybody in that frame; all but the subject are made unrecognisable.
        view: The deciding view.
        answer: The matcher's.
        match: What it says.
        portrait: The tracklet's best view.
        model: Card id of the embedder.
        run_id: Differs between two runs of the same camera, so that their alerts' keys differ.
    """
    others = faces.boxes[(faces.boxes != view.box).any(axis=1)]
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
        quality=portrait.quality,
        face_jpeg=encode_jpeg(portrait.crop),
        scene_jpeg=scene_jpeg(frame.pixels, view.box, others),
        watchlist_jpeg=answer.watchlist_jpeg,
    )
