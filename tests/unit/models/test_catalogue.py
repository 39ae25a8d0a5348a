"""Cards: the package's own, and those that an operator writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.errors import ConfigError, NotFoundError
from lfr_ray.models.catalogue import card, card_from_yaml, cards

REST = "task: embed, family: f, title: t, licence: l, commercial_use: null, origin: o"
"""What a card must say beside its id."""


def test_ids_are_unique_sorted_and_the_file_names(repository: Path) -> None:
    ids = [known.id for known in cards()]
    assert ids == sorted(set(ids))
    assert {path.stem for path in (repository / "lfr_ray/models/zoo").glob("*.yaml")} == set(ids)


@pytest.mark.parametrize("known", cards(), ids=lambda known: known.id)
def test_every_card_says_what_its_task_needs(known: object) -> None:
    found = card(known.id)  # type: ignore[attr-defined]
    assert found.licence
    assert found.origin
    if found.task == "embed":
        assert found.chip is not None
        assert found.vector_length > 0


def test_the_default_cards_state_hash_size_and_licence() -> None:
    for name in ("centerface", "dlib_resnet"):
        found = card(name)
        assert len(found.sha256) == 64
        assert found.size_bytes > 1_000_000
        assert found.commercial_use is True
        assert "not stated" not in found.training_data


def test_the_dlib_template_is_the_padded_mean_face() -> None:
    chip = card("dlib_resnet").chip
    assert chip is not None
    mean_face = (
        (0.22566, 0.21599),
        (0.754761, 0.21599),
        (0.490127, 0.515625),
        (0.254149, 0.780233),
        (0.726104, 0.780233),
    )
    for found, fractions in zip(chip.template_px, mean_face, strict=True):
        assert found == pytest.approx([(0.25 + fraction) / 1.5 * 150 for fraction in fractions], abs=1e-3)


def test_an_unknown_id_names_those_known() -> None:
    with pytest.raises(NotFoundError) as caught:
        card("nobody")
    assert caught.value.got == "nobody"
    assert "centerface" in caught.value.allowed


def test_a_card_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{{id: mine, {REST}, colour: BGR}}")
    assert card(str(path)) == card_from_yaml(path)
    assert card_from_yaml(path).colour == "BGR"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("id: mine", "task"),
        ("- a list", "valid dictionary"),
        (
            f"{{id: mine, {REST}, sha256: abc}}",
            "sha256",
        ),
        (
            f"{{id: mine, {REST}, colours: RGB}}",
            "colours",
        ),
        (f"{{id: ../mine, {REST}}}", "id"),
    ],
)
def test_a_wrong_card_is_refused_with_the_field(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=part):
        card_from_yaml(path)


def test_a_missing_card_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        card(str(tmp_path / "none.yaml"))
