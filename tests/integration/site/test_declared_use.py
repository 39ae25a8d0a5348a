"""What a site declares its models are used for, and what their licences say to that."""

from __future__ import annotations

from typing import Any

import pytest

from lfr_ray.actors.launch_actors import detector_deployment, embedder_deployment
from lfr_ray.config import AuthorityConfig, DetectorConfig, EmbedderConfig, SiteConfig
from lfr_ray.errors import LicenceError

RESEARCH_ONLY = {"embedder": EmbedderConfig(model="mobilefacenet_ms1m"), "detector": DetectorConfig(model="scrfd_10g")}


def site(kind: Any, declared_use: Any = "", **sections: Any) -> SiteConfig:
    return SiteConfig(site="pier", authority=AuthorityConfig(kind=kind), declared_use=declared_use, **sections)


@pytest.mark.parametrize(
    ("kind", "declared", "use"),
    [
        ("test", "", "test"),
        ("live", "", "operational"),
        ("retrospective", "", "operational"),
        ("test", "operational", "operational"),
        ("test", "research", "research"),
    ],
)
def test_what_is_not_declared_follows_from_the_kind(kind: str, declared: str, use: str) -> None:
    assert site(kind, declared).use == use


@pytest.mark.parametrize("kind", ["live", "retrospective"])
@pytest.mark.parametrize("declared", ["research", "test"])
def test_whoever_compares_passers_by_declares_operational_use(kind: str, declared: str) -> None:
    with pytest.raises(ValueError, match=f"does not go with a {kind} deployment"):
        site(kind, declared)


@pytest.mark.parametrize("kind", ["live", "retrospective"])
def test_a_licence_that_forbids_the_use_is_said_before_anything_starts(kind: str) -> None:
    for name, deploy in {"embedder": embedder_deployment, "detector": detector_deployment}.items():
        with pytest.raises(LicenceError, match="does not permit operational use") as caught:
            deploy(site(kind, **{name: RESEARCH_ONLY[name]}))
        assert "research" in caught.value.allowed


def test_for_a_test_it_may_be_tried() -> None:
    assert embedder_deployment(site("test", embedder=RESEARCH_ONLY["embedder"])) is not None
