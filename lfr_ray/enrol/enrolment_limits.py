"""How good and how large a face must be to be enrolled, and what is said where it is not."""

from __future__ import annotations

from lfr_ray.config import QualityConfig

ENROLMENT_QUALITY = QualityConfig(
    min_size_px=32.0,
    min_sharpness=3.0,
    min_exposure=15.0,
    max_exposure=245.0,
    max_yaw=0.6,
    max_pitch=0.9,
    min_score=0.5,
)
"""Least quality for enrolment. It is laxer than for passers-by: of many people there is no second picture."""


def too_poor(reason: str, size_px: float) -> str:
    """Why a picture is refused, in words."""
    if reason == "too_small":
        least_px = ENROLMENT_QUALITY.min_size_px
        return f"the face is too small: {size_px:.0f} px, at least {least_px:.0f} px are needed"
    return f"the face is below the enrolment floor: {reason.replace('_', ' ')}"
