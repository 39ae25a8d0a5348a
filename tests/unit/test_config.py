"""A site file is checked whole before anything starts, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from lfr_ray.config import AlertConfig, CameraConfig, DetectorConfig, EvidenceConfig, SiteConfig
from lfr_ray.errors import ConfigError
from lfr_ray.strict_yaml import Section, load_yaml, parse_section

SECRET = "hunter2"
URL = f"rtsp://guard:{SECRET}@10.0.0.7/stream"


def site(**changes: Any) -> dict[str, Any]:
    return {"site": "pier", "cameras": [{"name": "gate", "url": URL}], **changes}


def fault(data: Any, kind: type[BaseModel] = SiteConfig) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_section(kind, data, "site.yaml")
    return caught.value


def sections(kind: type[BaseModel] = SiteConfig) -> dict[str, type[BaseModel]]:
    """Every section of the tree by its path."""
    found: dict[str, type[BaseModel]] = {kind.__name__: kind}
    for name, field in kind.model_fields.items():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found.update({f"{name}.{path}": one for path, one in sections(inner).items()})
    return found


def test_the_smallest_site_is_a_name() -> None:
    parsed = parse_section(SiteConfig, {"site": "pier"}, "site.yaml")
    assert parsed.site == "pier"
    assert parsed.cameras == ()
    assert parsed.detector == DetectorConfig()


def test_an_unknown_key_names_its_path_and_the_keys_that_exist() -> None:
    error = fault(site(quality={"min_sizepx": 40}))
    assert "quality -> min_sizepx" in error.got
    assert "min_size_px" in error.allowed
    assert "detector" not in error.allowed
    assert error.exit_code == 2


@pytest.mark.parametrize("old", SiteConfig.RENAMED_KEYS)
def test_a_key_of_an_older_version_is_refused_with_its_new_name(old: str) -> None:
    *sections, key = old.split(" -> ")
    data: dict[str, Any] = {key: None}
    for section in reversed(sections):
        data = {section: data}
    error = fault(site(**data))
    assert old in error.got
    assert SiteConfig.RENAMED_KEYS[old].rpartition(" -> ")[2] in error.allowed
    assert error.next_step == f"rename {old} to {SiteConfig.RENAMED_KEYS[old]}"


def test_a_key_that_was_removed_is_refused_with_the_reason() -> None:
    error = fault(site(attack={"threshold": 0.5}))
    assert "attack" in error.got
    assert error.next_step.startswith("take attack out: presentation attack detection was removed")


def test_an_unknown_key_in_a_list_names_the_row() -> None:
    error = fault(site(cameras=[{"name": "a", "url": "a.mp4"}, {"name": "b", "url": "b.mp4", "ulr": "c"}]))
    assert error.got == "camera 2 (b) -> ulr: is not a field that exists here (did you mean url?)"
    assert "url" in error.allowed


def test_every_fault_is_named_at_once() -> None:
    error = fault(site(detector={"min_score": 2}, evidence={"min_views": 0}, colour="red"))
    for path in ("detector -> min_score", "evidence -> min_views", "colour"):
        assert path in error.got


@pytest.mark.parametrize("data", [None, [], "pier", 3, {"site": "../pier"}, {"site": ""}, {"site": "a b"}, {}])
def test_what_is_no_site_is_refused(data: Any) -> None:
    assert fault(data).what == "site.yaml is not valid"


@pytest.mark.parametrize("path", sections().items(), ids=lambda item: item[0])
def test_every_section_is_closed_and_frozen(path: tuple[str, type[BaseModel]]) -> None:
    kind = path[1]
    assert issubclass(kind, Section)
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["frozen"] is True


@pytest.mark.parametrize("path", sections().items(), ids=lambda item: item[0])
def test_every_field_is_described(path: tuple[str, type[BaseModel]]) -> None:
    for name, field in path[1].model_fields.items():
        is_section = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        assert is_section or (field.description or "").strip(), f"{path[0]}.{name}"


def test_values_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse_section(SiteConfig, site(), "site.yaml").site = "quay"  # type: ignore[misc]


def test_credentials_are_not_in_the_repr() -> None:
    parsed = parse_section(SiteConfig, site(alert={"database_url": f"postgresql://desk:{SECRET}@db/lfr"}), "site.yaml")
    assert SECRET not in repr(parsed)
    assert SECRET not in str(parsed)
    assert SECRET not in repr(parsed.cameras[0])
    assert SECRET not in repr(AlertConfig(database_url=f"postgresql://desk:{SECRET}@db/lfr"))
    assert parsed.cameras[0].url == URL


@pytest.mark.parametrize(
    "data",
    [
        site(cameras=[{"name": "gate", "url": URL, "pace": URL}]),
        site(cameras=[{"name": URL, "url": URL}]),
        site(cameras=[{"name": "gate", "url": [URL]}]),
        site(cameras=[{"name": "gate", "url": URL, "max_fps": URL}]),
        site(cameras=[{"name": "gate", "url": URL}, {"name": "gate", "url": URL}]),
        site(cameras={"gate": URL}),
        site(alert={"database_url": [URL]}),
        site(detector={"width_px": URL}),
        site(site=URL),
        site(cameras=URL),
    ],
)
def test_credentials_are_never_echoed(data: Any) -> None:
    error = fault(data)
    assert SECRET not in str(error)
    assert SECRET not in repr(error.__context__ and error.__cause__)
    assert error.__suppress_context__, "the validation error underneath holds the input"


def test_camera_names_are_unique() -> None:
    error = fault(site(cameras=[{"name": "gate", "url": "a.mp4"}, {"name": "gate", "url": "b.mp4"}]))
    assert error.got == "cameras 1 and 2 (gate): the name must be unique"


@pytest.mark.parametrize(
    ("name", "shown"), [("a/b", "a/b"), ("..\\b", "..\\\\b"), ("a\nb", "a\\nb"), ("x" * 129, "x" * 64 + "...")]
)
def test_bad_camera_names_are_told_in_words_and_counted_from_1(name: str, shown: str) -> None:
    error = fault(site(cameras=[{"name": "good", "url": "a.mp4"}, {"name": name, "url": "b.mp4"}]))
    assert error.got.startswith(f"camera 2 ({shown}) -> name: a name may not contain / or \\ or line breaks")
    assert "^" not in error.got, "no regular expression"


def test_a_camera_without_a_name_is_known_by_its_place() -> None:
    assert fault(site(cameras=[{"name": "", "url": "a.mp4"}])).got.startswith("camera 1 -> name: ")
    assert fault(site(cameras=[{"url": "a.mp4"}])).got == "camera 1 -> name: is missing"
    assert fault(site(cameras=["gate"])).got.startswith("camera 1: ")


def test_a_pattern_without_words_shows_no_regular_expression() -> None:
    class Hash(Section):
        sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    assert fault({"sha256": "x"}, Hash).got == "sha256: is not of the form that is allowed"


@pytest.mark.parametrize("given_one", [{"latitude": 51.0}, {"longitude": 0.1}])
def test_a_position_has_two_coordinates(given_one: dict[str, float]) -> None:
    error = fault({"name": "gate", "url": "a.mp4", **given_one}, CameraConfig)
    assert "latitude and longitude must be given together" in error.got
    both = {"name": "gate", "url": "a.mp4", "latitude": 51.0, "longitude": 0.1}
    assert parse_section(CameraConfig, both, "camera").latitude == 51.0


@pytest.mark.parametrize(("width_px", "height_px", "good"), [(640, 384, True), (641, 384, False), (640, 370, False)])
def test_the_detectors_canvas_is_a_multiple_of_32(width_px: int, height_px: int, good: bool) -> None:
    data = {"width_px": width_px, "height_px": height_px}
    if good:
        assert parse_section(DetectorConfig, data, "detector").width_px == width_px
    else:
        assert f"{width_px}x{height_px}" in fault(data, DetectorConfig).got


@given(views=st.integers(1, 64), agreeing=st.integers(1, 64), most=st.integers(1, 64))
def test_evidence_is_possible_or_refused(views: int, agreeing: int, most: int) -> None:
    data = {"min_views": views, "min_agreeing": agreeing, "max_views": most}
    if max(views, agreeing) <= most:
        assert parse_section(EvidenceConfig, data, "evidence").max_views == most
    else:
        assert "max_views" in fault(data, EvidenceConfig).got


def test_a_file_of_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("site: pier\ncameras: []\n", encoding="utf-8")
    assert load_yaml(path) == {"site": "pier", "cameras": []}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist") as caught:
        load_yaml(tmp_path / "none.yaml")
    assert "none.yaml" in caught.value.got


@pytest.mark.parametrize(
    "content", [b"site: [pier\ncameras: {", b"site: 'pier\n", b"a: !!python/object/apply:os.system ['true']"]
)
def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert "line" in caught.value.got


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01\x02", b"\x80abc"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load_yaml(path)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path)


def test_a_yaml_error_shows_no_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"cameras:\n  - url: {URL}\n - bad: [\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_two_models_are_two() -> None:
    same = {"embedder": {"model": "dlib_resnet"}, "second_embedder": {"model": "dlib_resnet"}}
    with pytest.raises(ConfigError, match="another model than that of embedder"):
        parse_section(SiteConfig, {"site": "pier", **same}, "site.yaml")
    both = parse_section(SiteConfig, {"site": "pier", "second_embedder": {"model": "sface_2021dec"}}, "site.yaml")
    assert both.second_embedder is not None


def test_a_demo_officer_is_for_test_sites_without_sign_in() -> None:
    test = {"site": "demo", "authority": {"kind": "test"}, "api": {"demo_officer": "demo-officer"}}
    assert SiteConfig.model_validate(test).api.demo_officer == "demo-officer"
    for change in ({"authority": {"kind": "live"}}, {"api": {"demo_officer": "demo-officer", "oidc": ISSUER}}):
        with pytest.raises(ValueError, match="demo_officer"):
            SiteConfig.model_validate(test | change)


ISSUER = {"issuer": "https://id.example.org", "client_id": "lfr", "roles": {"lfr-officers": "officer"}}


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "http://id.example.org"}, {"client_secret": "hunter22"}, {"roles": {"lfr-officers": "chief"}}],
)
def test_an_issuer_is_reached_by_tls_and_its_secret_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_section(SiteConfig, {"site": "pier", "api": {"oidc": {**ISSUER, **wrong}}}, "site.yaml")
    assert "hunter22" not in str(caught.value)
    assert SiteConfig.model_validate({"site": "pier", "api": {"oidc": ISSUER}}).api.oidc is not None


def test_a_shared_token_is_refused_with_what_there_is_instead() -> None:
    with pytest.raises(ConfigError, match="lfr people add"):
        parse_section(SiteConfig, {"site": "pier", "api": {"token_env": "TOKEN"}}, "site.yaml")


@pytest.mark.parametrize(
    ("site", "camera", "most", "when_full"),
    [
        ({}, {}, 2, 1),
        ({}, {"priority": 3}, 6, 3),
        ({}, {"pace": "full"}, 4, 4),
        ({"frames_in_flight": 5}, {"priority": 2}, 10, 10),
    ],
)
def test_requests_that_a_camera_holds(site: dict[str, Any], camera: dict[str, Any], most: int, when_full: int) -> None:
    one = CameraConfig(name="pier", url="rtsp://192.0.2.7/a", **camera)
    whole = SiteConfig(site="pier", **site)
    assert (whole.frames_in_flight_of(one), whole.frames_in_flight_of(one, detectors_full=True)) == (most, when_full)
