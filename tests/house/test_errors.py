"""The error tree: it crosses processes whole, and the drawing at its head is true."""

from __future__ import annotations

import inspect
import pickle

import pytest

from lfr_ray import errors
from lfr_ray.errors import LfrError

FIELDS = {"got": "12", "allowed": "1 to 10", "next_step": "correct it"}


def classes() -> list[type[LfrError]]:
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LfrError)]
    return sorted(found, key=lambda kind: kind.__name__)


def drawn_parents() -> dict[str, str]:
    """Class name -> parent's name, as the drawing's indentation says."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        mark = line.find("+-- ")
        if mark < 0:
            if line.startswith("LfrError"):
                above = ["LfrError"]
            continue
        depth = mark // 4 + 1
        name = line[mark + 4 :].split()[0]
        parents[name] = above[depth - 1]
        above = [*above[:depth], name]
    return parents


def real_parent(kind: type[LfrError]) -> str:
    return next(base.__name__ for base in kind.__mro__[1:] if issubclass(base, LfrError))


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_with_its_fields(kind: type[LfrError]) -> None:
    before = kind("it did not work", **FIELDS)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind
    assert str(after) == str(before) == "it did not work; got: 12; allowed: 1 to 10; next: correct it"
    assert (after.what, after.got, after.allowed, after.next_step) == ("it did not work", *FIELDS.values())


def test_the_drawing_names_every_class_below_its_parent() -> None:
    drawn = drawn_parents()
    real = {kind.__name__: real_parent(kind) for kind in classes() if kind is not LfrError}
    assert drawn == real


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_exit_codes_and_statuses_follow_the_tree(kind: type[LfrError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, errors.InputError) else 1)
    assert 400 <= kind.http_status < 600
    assert (kind.http_status < 500) == issubclass(kind, errors.InputError | errors.RefusedError)


def test_empty_fields_are_left_out() -> None:
    assert str(errors.StoreError("the disk is full")) == "the disk is full"
    assert str(errors.StoreError("the disk is full", got=None)) == "the disk is full"
