"""Who was seen and could not be compared: from a camera's counts to the public record."""

from __future__ import annotations

from lfr_ray.config import AuthorityConfig, SiteConfig
from lfr_ray.govern.face_counters import counters_of
from lfr_ray.govern.public_record import build_record
from lfr_ray.govern.signed_authority import load_grant
from lfr_ray.metrics import Meter
from lfr_ray.site.public_record_facts import collect_facts
from lfr_ray.site.timed_tasks import Schedule
from tests.integration.govern.station import Station


def test_they_are_published_by_reason(station: Station) -> None:
    meter = Meter()
    meter.count("faces_seen_total", 10, camera="pier")
    meter.count("faces_compared_total", 6, camera="pier")
    meter.count("views_rejected_total", 7, camera="pier", reason="blurred")
    meter.count("views_rejected_total", 2, camera="pier", reason="turned")
    authority = AuthorityConfig(kind="test", deployment="d1")
    site = SiteConfig(site="pier", data_dir=station.site.data_dir, authority=authority)
    schedule = Schedule(site, station.storage, station.clock)
    schedule.count({"pier": counters_of(meter.snapshot(), "pier", 60.0, 0.0)})
    grant = load_grant(station.site.files, "d1")
    facts = collect_facts(station.storage, "pier", grant, published_at=station.clock.wall_s())
    (camera,) = build_record(facts, station.profile)["cameras"].values()
    assert (camera["faces_seen"], camera["faces_compared"]) == (10, 6)
    assert camera["rejected_views"] == {"blurred": 7, "turned": 2}
    failure = camera["failure_to_acquire"]
    assert (failure["count"], failure["of"]) == (4, 10)
