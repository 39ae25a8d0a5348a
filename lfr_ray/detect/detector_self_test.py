"""A picture of drawn faces, and whether half precision finds the same in it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from lfr_ray.models.device_and_self_test import Network, half_if_same
from lfr_ray.records import Faces, Picture

PICTURE_PX = (640, 384)
"""Width and height: the usual canvas. Half precision counts in steps of four pixels at its right edge, so that a
network that gives places in pixels shows it."""

FACES = ((0.15, 0.5, 40.0), (0.45, 0.4, 34.0), (0.7, 0.6, 30.0), (0.93, 0.8, 24.0))
"""Middle, in shares of the picture, and size in pixels of the drawn faces."""

MOST_SHIFT_PX = 1.0
MOST_SCORE_DIFFERENCE = 0.05

MIN_SCORE = 0.4
"""Detectors see drawings less surely than people."""


def settled(network: Network, find: Callable[[Network, Picture, float], list[Faces]]) -> Network:
    """The network in half precision where it finds the same faces, else the network itself."""

    def same(full: Network, half: Network) -> bool:
        picture, looser = drawn_faces()[np.newaxis], MIN_SCORE - MOST_SCORE_DIFFERENCE
        return same_faces(find(full, picture, MIN_SCORE)[0], find(half, picture, looser)[0])

    return half_if_same(network, same)


def same_faces(full: Faces, half: Faces) -> bool:
    """Every face of the first is among the second: corners and points within a pixel, scores nearly the same.

    False where the first has none: then nothing was compared.
    """
    for box, score, points in zip(full.boxes, full.scores, full.points, strict=True):
        corners = np.abs(half.boxes - box).max(axis=1, initial=0)
        marks = np.abs(half.points - points).max(axis=(1, 2), initial=0)
        scores = np.abs(half.scores - score)
        if not ((corners <= MOST_SHIFT_PX) & (marks <= MOST_SHIFT_PX) & (scores <= MOST_SCORE_DIFFERENCE)).any():
            return False
    return len(full) > 0


def drawn_faces() -> Picture:
    """Four faces before coloured waves, ``uint8 (384, 640, 3)`` RGB, as every program can draw them again."""
    width, height = PICTURE_PX
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = (90 + 40 * np.sin(x / 37), 100 + 30 * np.cos(y / 29), 120 + 20 * np.sin((x + y) / 41))
    picture = np.stack(waves, axis=2)
    for middle_x, middle_y, size in FACES:
        # In units of the face: u to the right, v downwards.
        u, v = (x - middle_x * width) / size, (y - middle_y * height) / size
        picture[((u / 1.6) ** 2 + ((v - 1.9) / 0.8) ** 2 < 1)] = (40, 60, 90)  # shoulders
        picture[(np.abs(u) < 0.35) & (v > 0) & (v < 1.25)] = (165, 120, 100)
        head = (u / 0.75) ** 2 + v**2 < 1
        picture[head] = np.array((205, 160, 135)) - 50 * np.abs(u[head] + 0.2)[:, np.newaxis]
        picture[((u / 0.85) ** 2 + ((v + 0.15) / 1.05) ** 2 < 1) & (v < -0.5)] = (50, 35, 30)
        for eye in (-0.3, 0.3):
            picture[((u - eye) / 0.16) ** 2 + ((v + 0.12) / 0.08) ** 2 < 1] = (235, 235, 235)
            picture[(u - eye) ** 2 + (v + 0.12) ** 2 < 0.07**2] = (40, 25, 20)
            picture[(np.abs(u - eye) < 0.18) & (np.abs(v + 0.3) < 0.035)] = (60, 40, 30)
        picture[(np.abs(u) < 0.06) & (v > -0.05) & (v < 0.25)] = (175, 125, 105)
        picture[(u / 0.14) ** 2 + ((v - 0.24) / 0.05) ** 2 < 1] = (150, 100, 85)
        picture[(u / 0.3) ** 2 + ((v - 0.52) / 0.08) ** 2 < 1] = (160, 60, 65)
    return np.asarray(cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), 1.0), np.uint8)
