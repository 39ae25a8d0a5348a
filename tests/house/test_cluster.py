"""The files of cluster/ fit the Ray that is locked, keep its promises, and hold no credential."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start
from ray.serve.schema import ServeDeploySchema

from lfr_ray import __version__
from lfr_ray.config import SiteConfig
from lfr_ray.core_dumps_and_spilling_off import OVERFLOW_FOLDER, OVERFLOW_SWITCH
from lfr_ray.metrics import COUNTERS, GAUGES, TIMINGS
from lfr_ray.strict_yaml import parse_section
from lfr_ray.telemetry_off import SWITCHES

CLUSTER = Path(__file__).resolve().parents[2] / "cluster"
LAUNCHERS = sorted(CLUSTER.glob("launcher-*.yaml"))
KNOWN_OPTIONS = {option for parameter in start.params for option in parameter.opts}
SYSTEM_CONFIG = {
    "automatic_object_spilling_enabled": False,
    "kill_worker_timeout_milliseconds": 1000,
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 700,
    "health_check_failure_threshold": 3,
}
"""No object on disk; what is frozen ends within 1 s, and a node that does not answer is given up after about 3 s."""
METRICS = {f"lfr_{name}" for name in (*COUNTERS, *GAUGES, *TIMINGS)}
SECRET = re.compile(
    r"(?i)(AKIA[0-9A-Z]{16}|aws_secret\w*\s*[:=]|password\s*[:=]\s*(?!\{valueFrom:|\"\$\()\S|-----BEGIN|://[^/\s@:]+:(?!\{(?:env|file):)[^/\s@]+@)"
)


def ray_start_options(command: str) -> dict[str, str]:
    """Options of the `ray start` inside a shell command; a flag has the value ''."""
    words = shlex.split(command[command.index("ray start") :])[2:]
    return dict((word if "=" in word else f"{word}=").split("=", 1) for word in words)


def documents(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((CLUSTER / name).read_text(encoding="utf-8")) if one]


def kind(name: str) -> dict[str, Any]:
    return next(one for one in documents("rayservice.yaml") if one["kind"] == name)


@pytest.fixture(scope="module")
def locked_ray() -> str:
    text = (CLUSTER.parent / "requirements.lock").read_text(encoding="utf-8")
    (found,) = re.findall(r"^ray==(\S+)", text, flags=re.MULTILINE)
    return str(found)


def test_there_are_launchers() -> None:
    assert len(LAUNCHERS) >= 2


@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_a_launcher_fits_rays_own_schema(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    validate_config(prepare_config(document))


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_a_launcher_starts_ray_as_promised(path: Path, role: str) -> None:
    commands = yaml.safe_load(path.read_text(encoding="utf-8"))[f"{role}_start_ray_commands"]
    (command,) = [one for one in commands if "ray start" in one]
    options = ray_start_options(command)
    assert set(options) - KNOWN_OPTIONS == set()
    assert "--disable-usage-stats" in options
    assert options["--object-spilling-directory"] == str(OVERFLOW_FOLDER)
    sourced = re.findall(r" \. ~/lfr_ray/(\S+);", command)
    environment = [(CLUSTER.parent / one).read_text(encoding="utf-8") for one in sourced]
    for setting in ("RAY_AUTH_MODE=token", "RAY_USAGE_STATS_ENABLED=0"):
        assert setting in "".join([*environment, command])
    assert command.startswith("prlimit --pid $$ --core=1:1;"), "a raylet's memory holds frames"
    if role == "head":
        assert json.loads(options["--system-config"]) == SYSTEM_CONFIG
        assert options["--dashboard-host"] == "127.0.0.1"


@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_a_launcher_brings_the_token_to_every_node(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    (there,) = (there for there, here in document["file_mounts"].items() if here == "~/.ray/auth_token")
    ours = "~/.ray/auth_token"
    own = {there: f"chmod 600 {ours}"} if there == ours else {there: f"install -D -m 600 {there} {ours}"}
    assert own[there] in document["setup_commands"]


def test_the_service_holds_a_whole_site() -> None:
    spec = kind("RayService")["spec"]
    (application,) = ServeDeploySchema.model_validate(yaml.safe_load(spec["serveConfigV2"])).applications
    site = parse_section(SiteConfig, application.args, "rayservice.yaml")
    assert site.cameras
    assert site.authority.kind == "live"
    assert site.api.public_url, "the service listens beyond loopback, so TLS ends at a proxy that it states"


def containers() -> dict[str, dict[str, Any]]:
    cluster = kind("RayService")["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return {one["name"]: one for group in groups for one in group["template"]["spec"]["containers"]}


def test_the_service_starts_ray_as_promised(locked_ray: str) -> None:
    spec = kind("RayService")["spec"]
    cluster = spec["rayClusterConfig"]
    head = cluster["headGroupSpec"]["rayStartParams"]
    # KubeRay writes --key=value into a shell command as it stands.
    options = ray_start_options("ray start " + " ".join(f"--{name}={value}" for name, value in head.items()))
    assert set(options) - KNOWN_OPTIONS == set()
    assert json.loads(options["--system-config"]) == SYSTEM_CONFIG
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert group["rayStartParams"]["object-spilling-directory"] == str(OVERFLOW_FOLDER)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    assert cluster["rayVersion"] == locked_ray
    assert cluster["authOptions"]["mode"] == "token"
    assert spec["upgradeStrategy"]["type"] == "None", "two clusters would be two alert desks"


def test_pods_run_with_no_more_rights_than_they_need() -> None:
    cluster = kind("RayService")["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert group["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
        assert group["template"]["spec"]["automountServiceAccountToken"] is False
        context = group["template"]["spec"]["securityContext"]
        assert "fsGroup" not in context or context["fsGroupChangePolicy"] == "OnRootMismatch", "keys stay private"
    for one in containers().values():
        assert one["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert one["resources"]["requests"] == one["resources"]["limits"]


def test_images_bear_this_version() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in CLUSTER.iterdir() if path.is_file())
    assert set(re.findall(r"lfr-ray:([\w.]+)", written)) == {__version__}


def test_images_are_named_by_digest() -> None:
    dockerfile = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"debian@${DEBIAN}"}
    assert "ARG DEBIAN\n" in dockerfile, "there is no default, and a tag is no digest: docker refuses both"
    written = "\n".join(path.read_text(encoding="utf-8") for path in CLUSTER.glob("*.yaml"))
    images = re.findall(r"^\s*image: (\S+)", written, re.MULTILINE)
    assert images
    assert all("@sha256:" in one for one in images)


def test_the_image_sets_every_switch() -> None:
    text = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    block = text.partition("\nENV ")[2].partition("\n\n")[0]
    values = dict(re.findall(r"(\w+)=(\S+)", block))
    expected = {**SWITCHES, OVERFLOW_SWITCH: str(OVERFLOW_FOLDER), "RAY_AUTH_MODE": "token"}
    assert {name: values.get(name) for name in expected} == expected


def test_the_image_runs_as_nobody_special_from_the_lock() -> None:
    text = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)$", text, flags=re.MULTILINE) == ["lfr"]
    for library in ("libgl1", "libglib2.0-0"):
        assert library in text
    copied = {word for line in re.findall(r"^COPY (?!--)(.+)$", text, flags=re.MULTILINE) for word in line.split()[:-1]}
    kept = set(re.findall(r"^!(\S+)$", (CLUSTER.parent / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == kept, ".dockerignore lets through exactly what is copied"


def test_the_unit_keeps_memory_off_the_disc() -> None:
    text = (CLUSTER / "lfr.service").read_text(encoding="utf-8")
    for line in ("LimitCORE=1", "MemorySwapMax=0", "NoNewPrivileges=yes", "Environment=RAY_AUTH_MODE=token"):
        assert f"\n{line}\n" in text
    assert "TemporaryFileSystem=/tmp" in text


def test_the_units_user_has_a_home_before_models_are_fetched_into_it() -> None:
    text = (CLUSTER / "lfr.service").read_text(encoding="utf-8")
    (home,) = re.findall(r"^Environment=HOME=(\S+)$", text, re.MULTILINE)
    made = f"install --directory --mode=700 --owner=lfr --group=lfr {home}\n"
    assert text.index("useradd") < text.index(made) < text.index("runuser")


def test_the_token_is_closed_where_it_is_made() -> None:
    page = (CLUSTER / "README.md").read_text(encoding="utf-8")
    assert "ray get-auth-token --generate && chmod 600 ~/.ray/auth_token" in page


@pytest.mark.parametrize("path", [one for one in CLUSTER.iterdir() if one.is_file()], ids=lambda path: path.name)
def test_no_file_holds_a_credential(path: Path) -> None:
    assert SECRET.search(path.read_text(encoding="utf-8")) is None


def named_metrics(text: str) -> set[str]:
    """Every metric of ours in queries, without a histogram's suffix."""
    found = set(re.findall(r"\blfr_[a-z_]+\b", text)) - {"lfr_ray", "lfr_api_token"}
    return {name if name in METRICS else re.sub(r"_(sum|count|bucket)$", "", name) for name in found}


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    board = json.loads((CLUSTER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    queries = "\n".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    assert named_metrics(queries) == METRICS
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["title"] and panel["targets"] for panel in board["panels"])


def test_alarms_ask_for_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((CLUSTER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    assert named_metrics("\n".join(rule["expr"] for rule in group["rules"])) <= METRICS
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in group["rules"])


def test_every_metric_is_counted_somewhere(sources: list[Path]) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.name != "metrics.py")
    silent = [name for name in (*COUNTERS, *GAUGES, *TIMINGS) if f'"{name}"' not in code]
    assert silent == [], "a metric that never moves says nothing"


def test_prometheus_reads_our_address() -> None:
    jobs = yaml.safe_load((CLUSTER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    ours = next(job for job in jobs if job["job_name"] == "lfr")
    assert ours["metrics_path"] == "/metrics"
    assert ours["static_configs"][0]["targets"] == ["127.0.0.1:8000"]


SCHEMAS = CLUSTER.parents[1] / "shared" / "schemas"


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="KubeRay's published schemas are not beside the repository")
def test_the_service_fits_kuberays_published_schema() -> None:
    definition = yaml.safe_load(gzip.decompress((SCHEMAS / "ray.io_rayservices.yaml.gz").read_bytes()))
    (schema,) = [one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"] if one["name"] == "v1"]
    service = kind("RayService")
    jsonschema.validate(service, schema)
    assert _unknown(service["spec"], schema["properties"]["spec"], "spec") == [], (
        "fields that the server would drop without a word"
    )


def _unknown(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    """Fields that a schema does not name, by path."""
    if isinstance(value, list):
        return [path for one in value for path in _unknown(one, schema.get("items", {}), at)]
    known = schema.get("properties", {})
    if not isinstance(value, dict) or not known:
        return []
    inside = [path for name in value if name in known for path in _unknown(value[name], known[name], f"{at}.{name}")]
    return [f"{at}.{name}" for name in value if name not in known] + inside


def test_the_head_runs_neither_cameras_nor_models() -> None:
    cluster = kind("RayService")["spec"]["rayClusterConfig"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["gcsFaultToleranceOptions"]["redisAddress"]
    aws = yaml.safe_load((CLUSTER / "launcher-aws.yaml").read_text(encoding="utf-8"))
    (start_head,) = [one for one in aws["head_start_ray_commands"] if "ray start" in one]
    assert ray_start_options(start_head)["--num-cpus"] == "0"
    assert aws["available_node_types"]["head"]["resources"]["CPU"] == 0
