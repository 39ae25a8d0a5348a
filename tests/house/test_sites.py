"""Each file of serve_configs is a complete site, and a configuration that Ray Serve accepts."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from lfr_ray.config import SiteConfig
from lfr_ray.strict_yaml import load_yaml, parse_section

ROOT = Path(__file__).resolve().parents[2]
CREDENTIAL = re.compile(r"://[^/@:]*:(?!PASSWORD@)[^/@]+@")
RAYSERVICE = ROOT / "cluster" / "rayservice.yaml"
SITES = sorted((ROOT / "serve_configs").glob("*.yaml"))


def test_there_are_sites() -> None:
    assert "local" in {path.stem for path in SITES}


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_is_valid_for_ray_and_for_us(path: Path) -> None:
    document = load_yaml(path)
    schema = ServeDeploySchema.model_validate(document)
    (application,) = schema.applications
    site = parse_section(SiteConfig, application.args, path.name)
    assert site.cameras, "a site without a camera shows nothing"
    module, _, builder = application.import_path.partition(":")
    assert callable(getattr(importlib.import_module(module), builder))


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_listens_on_loopback_or_behind_a_stated_proxy(path: Path) -> None:
    document = load_yaml(path)
    host = document.get("http_options", {}).get("host", "127.0.0.1")
    proxy = document["applications"][0]["args"].get("api", {}).get("public_url", "")
    assert host in {"127.0.0.1", "localhost", "::1"} or proxy


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_full_models_make_serve_ask_for_all_replicas(path: Path) -> None:
    """Cameras hold so many requests when a model is full; over the target they must ask for the largest number."""
    document = load_yaml(path)["applications"][0]
    site = parse_section(SiteConfig, document["args"], path.name)
    waiting = sum(site.frames_in_flight_of(one, detectors_full=True) for one in site.cameras)
    for one in document.get("deployments", []):
        scaling = one["autoscaling_config"]
        most = waiting if one["name"] == "detector" else len(site.cameras)
        assert most / scaling["target_ongoing_requests"] >= scaling["max_replicas"], one["name"]


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_waits_for_as_many_replicas_as_serve_begins_with(path: Path) -> None:
    (application,) = load_yaml(path)["applications"]
    site = parse_section(SiteConfig, application["args"], path.name)
    for one in application.get("deployments", []):
        assert one["autoscaling_config"]["min_replicas"] == getattr(site, one["name"]).replicas, one["name"]
        assert "max_ongoing_requests" not in one, "a replica is chosen by the code's own number"


@pytest.mark.parametrize("path", [*SITES, RAYSERVICE], ids=lambda path: path.stem)
def test_a_live_site_knows_where_it_is(path: Path) -> None:
    documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]
    (text,) = [one["spec"]["serveConfigV2"] for one in documents if one.get("kind") == "RayService"] or [""]
    args = (yaml.safe_load(text) or documents[0])["applications"][0]["args"]
    site = parse_section(SiteConfig, args, path.name)
    placed = [one.latitude is not None or bool(site.position.gpsd) for one in site.cameras]
    assert all(placed) or site.authority.kind == "test"


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_holds_no_credential(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    addresses = [getattr(event, "value", None) or "" for event in yaml.parse(text)]
    assert [one for one in addresses if CREDENTIAL.search(one)] == []


def test_the_pattern_finds_a_credential() -> None:
    assert CREDENTIAL.search("rtsp://guard:hunter2@10.0.0.7/stream")
    assert not CREDENTIAL.search("rtsp://guard:PASSWORD@10.0.0.7/stream")
