"""What is measured of one view of a face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be said of one view of a face before it is compared.

    Attributes:
        size_px: Square root of the box's area.
        sharpness: Variance of the Laplacian of the aligned chip's grey values (0..255 scale).
        exposure: Mean grey value of the chip, 0..255.
        yaw: 0 is frontal, 1 is full profile (a share of a right angle); sign is positive when the subject looks to the
            right of the picture. From the five points.
        pitch: Relative height of the nose between eyes and mouth, 0 when level, -1 up, 1 down.
        roll_deg: Tilt of the line between the eyes.
        detector_score: 0..1.
        value: One number, 0..1, by which views are ranked and weighted.
        reason: Empty when the view may be compared, otherwise why it may not (a closed list:
            ``embed.view_quality.REASONS``).
    """

    size_px: float
    sharpness: float
    exposure: float
    yaw: float
    pitch: float
    roll_deg: float
    detector_score: float
    value: float
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """The view passed the quality check."""
        return not self.reason
