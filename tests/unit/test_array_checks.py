"""Arrays are checked where they enter, in one wording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lfr_ray.array_checks import check_array, check_picture
from lfr_ray.errors import ShapeError


def fault(value: Any, shape: tuple[int | str, ...], dtype: Any, *, finite: bool = False) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        check_array("boxes", value, shape, dtype, finite=finite)
    return caught.value


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_named_axis_may_have_any_length(count: int) -> None:
    check_array("boxes", np.zeros((count, 4), np.float32), ("N", 4), np.float32)


@pytest.mark.parametrize("shape", [(4,), (3, 5), (3, 4, 1), ()])
def test_another_shape_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    error = fault(np.zeros(shape, np.float32), ("N", 4), np.float32)
    assert error.what == "boxes has the wrong shape"
    assert error.got == f"{shape} float32"
    assert error.allowed == "(N, 4) float32"


def test_another_dtype_is_refused() -> None:
    assert "wrong dtype" in fault(np.zeros((3, 4), np.float64), ("N", 4), np.float32).what


@pytest.mark.parametrize("value", [None, [[1, 2, 3, 4]], "boxes", memoryview(b"1234")])
def test_what_is_no_array_is_refused_by_its_type(value: Any) -> None:
    error = fault(value, ("N", 4), np.float32)
    assert error.got == type(value).__name__


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_counted_not_shown(bad: float) -> None:
    value = np.zeros((3, 4), np.float32)
    check_array("boxes", value, ("N", 4), np.float32, finite=True)
    value[1, 2] = bad
    assert fault(value, ("N", 4), np.float32, finite=True).got == "1 of 12"
    check_array("boxes", value, ("N", 4), np.float32)


@pytest.mark.parametrize(
    "value", [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3), np.float32)]
)
def test_a_picture_is_rgb_of_bytes(value: Any) -> None:
    check_picture("scene", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ShapeError, match="scene"):
        check_picture("scene", value)


def test_an_error_shows_no_value_of_the_array() -> None:
    assert "237" not in str(fault(np.full((2, 3), 237, np.uint8), ("N", 4), np.uint8))
