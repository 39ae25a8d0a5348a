"""Checks of arrays where they enter: one wording, the shape written once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lfr_ray.errors import ShapeError


def check_array(
    name: str, value: npt.NDArray[Any], shape: tuple[int | str, ...], dtype: npt.DTypeLike, *, finite: bool = False
) -> None:
    """Refuse an array that is not what the code below expects.

    Args:
        name: What the array is called in the message.
        value: The array.
        shape: Sizes; a string is a free axis and its name in the message.
        dtype: The exact dtype.
        finite: Also refuse NaN and infinity.

    Raises:
        ShapeError: Not an array of that shape and dtype, or not finite.

    >>> check_array("boxes", np.zeros((3, 4), np.float32), ("N", 4), np.float32)
    >>> check_array("boxes", np.zeros((3, 5), np.float32), ("N", 4), np.float32)
    Traceback (most recent call last):
    ...
    lfr_ray.errors.ShapeError: boxes has the wrong shape; got: (3, 5) float32; allowed: (N, 4) float32
    """
    fits = isinstance(value, np.ndarray) and len(value.shape) == len(shape) and all(map(_fits, shape, value.shape))
    if fits and value.dtype == dtype and not (finite and not np.isfinite(value).all()):
        return  # the words below take longer than the checks
    allowed = f"({', '.join(str(side) for side in shape)}) {np.dtype(dtype).name}"
    if not isinstance(value, np.ndarray):
        raise ShapeError(f"{name} is not an array", got=type(value).__name__, allowed=allowed)
    got = f"{value.shape} {value.dtype.name}"
    if not fits:
        raise ShapeError(f"{name} has the wrong shape", got=got, allowed=allowed)
    if value.dtype != dtype:
        raise ShapeError(f"{name} has the wrong dtype", got=got, allowed=allowed)
    bad = int((~np.isfinite(value)).sum())
    raise ShapeError(f"{name} has values that are not finite", got=f"{bad} of {value.size}", allowed="numbers")


def _fits(want: int | str, have: int) -> bool:
    return want == have or isinstance(want, str)


def check_picture(name: str, value: npt.NDArray[Any]) -> None:
    """Refuse anything but a ``uint8 (height, width, 3)`` picture.

    Raises:
        ShapeError: It is something else.
    """
    check_array(name, value, ("height", "width", 3), np.uint8)
