"""Cards: the package's own, and those that an operator writes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lfr_ray.config import EmbedderConfig, SiteConfig
from lfr_ray.errors import ConfigError, NotFoundError
from lfr_ray.models import card_catalogue
from lfr_ray.models.card_catalogue import (
    FALLBACK_EMBEDDER,
    RECOMMENDED_EMBEDDER,
    card,
    card_from_yaml,
    cards,
    choose_embedder,
    resolve_embedder,
    with_embedders,
)
from lfr_ray.models.weight_files import FOLDER_VARIABLE
from lfr_ray.strict_yaml import parse_section

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


@pytest.mark.parametrize(
    ("known", "revision", "digest"),
    [
        ("dlib_resnet", 1, "def905be9cc6"),
        ("mobilefacenet_casia", 1, "45dd3ae54ac2"),
        ("mobilefacenet_ms1m_tflite", 2, "459d3f2c1b82"),
    ],
)
def test_whoever_changes_what_a_network_is_given_counts_its_revision_up(known: str, revision: int, digest: str) -> None:
    """Lists that were enrolled before are refused then; for a file of its own the digest is the reminder."""
    found = card(known)
    given = found.model_dump_json(include={"sha256", "colour", "mean", "scale", "chip"})
    assert (found.revision, hashlib.sha256(given.encode()).hexdigest()[:12]) == (revision, digest)
    assert found.enrolled_as == (known if revision == 1 else f"{known}#{revision}")


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


CONTENT = b"the weights"


@pytest.fixture
def recommended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card of our own as the recommended one, with a small file; where that file belongs."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    place = tmp_path / "mine" / "mine.bin"
    place.parent.mkdir()
    write_card(
        tmp_path, "calibration: {threshold: 0.5, view_threshold: 0.4, list_size: 500, relative: 0.5, data: none}"
    )
    monkeypatch.setattr(card_catalogue, "RECOMMENDED_EMBEDDER", str(tmp_path / "mine.yaml"))
    return place


def write_card(folder: Path, calibration: str = "") -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    text = f"id: mine\nfile: mine.bin\nsha256: {sha256}\n{calibration}\n"
    (folder / "mine.yaml").write_text(text + "\n".join(REST.split(", ")))


def test_auto_is_the_recommended_embedder_where_its_file_is_there_and_right(recommended: Path) -> None:
    recommended.write_bytes(CONTENT)
    assert choose_embedder(EmbedderConfig()) == card_catalogue.EmbedderChoice(card_catalogue.RECOMMENDED_EMBEDDER)
    assert card("auto").id == "mine"
    elsewhere = recommended.rename(recommended.with_name("elsewhere.bin"))
    assert resolve_embedder(EmbedderConfig()) == FALLBACK_EMBEDDER
    assert resolve_embedder(EmbedderConfig(weights=elsewhere)) == card_catalogue.RECOMMENDED_EMBEDDER


def test_auto_is_dlibs_where_the_file_is_missing_or_another(recommended: Path) -> None:
    missing = choose_embedder(EmbedderConfig())
    assert missing.model == FALLBACK_EMBEDDER
    assert "not on this machine: `lfr models pull" in missing.reason
    recommended.write_bytes(CONTENT[:-1])
    altered = choose_embedder(EmbedderConfig())
    assert altered.model == FALLBACK_EMBEDDER
    assert "not the right one" in altered.reason
    assert str(recommended) in str(altered)
    assert card("auto").id == FALLBACK_EMBEDDER


def test_auto_is_dlibs_while_nothing_is_calibrated(recommended: Path, tmp_path: Path) -> None:
    recommended.write_bytes(CONTENT)
    write_card(tmp_path)
    found = choose_embedder(EmbedderConfig())
    assert found.model == FALLBACK_EMBEDDER
    assert "is not calibrated" in str(found)


def test_a_named_embedder_is_taken_at_its_word() -> None:
    assert str(choose_embedder(EmbedderConfig(model="sface_2021dec"))) == "sface_2021dec"


def test_a_site_says_auto_until_it_is_resolved_once(recommended: Path) -> None:
    site = parse_section(SiteConfig, {"site": "pier", "embedder": {"max_batch": 4}}, "site.yaml")
    assert site.embedder.model == "auto"
    assert with_embedders(site).embedder == EmbedderConfig(model=FALLBACK_EMBEDDER, max_batch=4)
    recommended.write_bytes(CONTENT)
    assert with_embedders(site).embedder.model == card_catalogue.RECOMMENDED_EMBEDDER
    assert with_embedders(with_embedders(site)) == with_embedders(site)


def test_two_embedders_that_turn_out_to_be_one_are_refused(recommended: Path) -> None:
    site = parse_section(SiteConfig, {"site": "pier", "second_embedder": {"model": FALLBACK_EMBEDDER}}, "site.yaml")
    with pytest.raises(ConfigError, match="another model"):
        with_embedders(site)
    recommended.write_bytes(CONTENT)
    both = with_embedders(site)
    assert both.second_embedder is not None
    assert (both.embedder.model, both.second_embedder.model) == (card_catalogue.RECOMMENDED_EMBEDDER, FALLBACK_EMBEDDER)


def test_both_defaults_can_alert() -> None:
    """Nothing can alert without a calibration: of either."""
    assert card(FALLBACK_EMBEDDER).calibration is not None
    assert card(RECOMMENDED_EMBEDDER).calibration is not None
    assert len(card(RECOMMENDED_EMBEDDER).probe) == 16


def test_the_page_of_models_has_a_row_for_every_card(repository: Path) -> None:
    page = (repository / "lfr_ray/models/README.md").read_text(encoding="utf-8")
    lines = [line for line in page.partition("## All cards")[2].splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0].strip("`") for row in rows] == [known.id for known in cards()]
    for known, row in zip(cards(), rows, strict=True):
        assert row[1:3] == [known.task, known.licence]
        for stated in (known.package, *known.sources):
            assert stated in row[3]
        assert ("address" in row[3]) == bool(known.url)
        measured = known.calibration is not None and not known.calibration.provisional
        assert row[4] == ("yes" if measured else "-" if known.calibration is None else "provisional")
