"""Published sites over several nodes: who may talk to whom, what is encrypted, and what a pod may ask Kubernetes."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ray._private.ray_constants import DEFAULT_DASHBOARD_AGENT_LISTEN_PORT
from ray.autoscaler._private.kuberay.node_provider import (
    IN_CLUSTER_CA_CERT_PATH,
    IN_CLUSTER_TOKEN_PATH,
    KUBERAY_KIND_HEAD,
    KUBERAY_LABEL_KEY_KIND,
)

from lfr_ray.actors.cluster_checks import check_network
from lfr_ray.actors.reserved_resources import needed_resources
from lfr_ray.config import SiteConfig
from lfr_ray.govern.trust_file import TRUST_FILE
from lfr_ray.strict_yaml import parse_section

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "cluster" / "rayservice.yaml").read_text(encoding="utf-8")
DOCUMENTS = [one for one in yaml.safe_load_all(TEXT) if one]
(SERVICE,) = (one["spec"] for one in DOCUMENTS if one["kind"] == "RayService")
CLUSTER = SERVICE["rayClusterConfig"]
HEAD, (WORKERS,) = CLUSTER["headGroupSpec"], CLUSTER["workerGroupSpecs"]
POLICIES = {one["metadata"]["name"]: one["spec"] for one in DOCUMENTS if one["kind"] == "NetworkPolicy"}
EXAMPLES = [ipaddress.IPv4Network(one) for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
"""Networks that are nobody's (RFC 5737)."""


def several_nodes() -> dict[str, str]:
    """Serve's part of every published site over several nodes, as text, by file."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "serve_configs").glob("*.yaml"))}
    return {name: text for name, text in texts.items() if "--address" in text} | {
        "rayservice.yaml": SERVICE["serveConfigV2"]
    }


def application(text: str) -> dict[str, Any]:
    (found,) = yaml.safe_load(text)["applications"]
    return dict(found)


def test_there_are_sites_over_several_nodes() -> None:
    assert {"airshow.yaml", "rayservice.yaml"} <= several_nodes().keys()


@pytest.mark.parametrize("name", several_nodes())
def test_a_site_over_several_nodes_starts_once_it_is_filled_in(name: str) -> None:
    text = several_nodes()[name]
    args = application(text)["args"]
    assert args["encrypted_network"] == "", "only who knows the network may state that"
    (before,) = re.findall(r"((?:^ *# .+\n)+) *encrypted_network:", text, re.MULTILINE)
    assert "FILL IN" in before
    assert "TLS" in before, "the other way"
    filled = args | {"encrypted_network": "the network's team: WireGuard between all nodes"}
    check_network(parse_section(SiteConfig, filled, name))


@pytest.mark.parametrize("name", several_nodes())
def test_a_site_with_an_autoscaler_waits_until_a_new_node_has_its_image(name: str) -> None:
    """Afterwards the application has failed for good: neither Serve nor KubeRay tries again."""
    assert CLUSTER["enableInTreeAutoscaling"] is True
    assert application(several_nodes()[name])["args"]["resources_wait_s"] >= 1800


def test_the_proxy_is_sent_to_the_head_where_http_is() -> None:
    """KubeRay names the head's service by the RayService; its serve service leads to workers too."""
    (metadata,) = (one["metadata"] for one in DOCUMENTS if one["kind"] == "RayService")
    head = f"{metadata['name']}-head-svc.{metadata['namespace']}.svc:8000"
    assert yaml.safe_load(SERVICE["serveConfigV2"])["proxy_location"] == "HeadOnly"
    for name in ("rayservice.yaml", "README.md", "prometheus.yml"):
        assert head in (ROOT / "cluster" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", several_nodes())
def test_a_lost_node_leaves_an_embedder(name: str) -> None:
    found = application(several_nodes()[name])
    scaling = {one["name"]: one["autoscaling_config"] for one in found.get("deployments", ())}
    own = found["args"]["embedder"].get("replicas", 1)
    assert scaling.get("embedder", {"min_replicas": own})["min_replicas"] >= 2


def test_the_first_workers_have_what_the_site_reserves() -> None:
    site = parse_section(SiteConfig, application(SERVICE["serveConfigV2"])["args"], "rayservice.yaml")
    (container,) = WORKERS["template"]["spec"]["containers"]
    limits = container["resources"]["limits"]
    needed = needed_resources(site)
    assert needed["GPU"] <= WORKERS["minReplicas"] * int(limits["nvidia.com/gpu"])
    assert needed["CPU"] <= WORKERS["minReplicas"] * int(limits["cpu"])


def opened(policy: str, direction: str) -> dict[str, set[int]]:
    """Ports of each peer of a policy; none: all."""
    found = {}
    for rule in POLICIES[policy][direction]:
        ((kind, peer),) = rule["from" if direction == "ingress" else "to"][0].items()
        name = peer["cidr"] if kind == "ipBlock" else "=".join(*peer["matchLabels"].items())
        found[name] = {one["port"] for one in rule.get("ports", ())}
    return found


def test_who_may_come_in() -> None:
    assert opened("lfr", "ingress") == {
        "app=lfr": set(),
        "kubernetes.io/metadata.name=kuberay-system": {8265, 8000},
        "lfr.example.org/role=officers": {8000},
        "lfr.example.org/role=monitoring": {8000},
    }
    assert set(POLICIES["lfr"]["policyTypes"]) == {"Ingress", "Egress"}
    for group in (HEAD, WORKERS):
        assert POLICIES["lfr"]["podSelector"]["matchLabels"].items() <= group["template"]["metadata"]["labels"].items()


def test_where_pods_may_go() -> None:
    found = opened("lfr", "egress")
    assert found["app=lfr"] == set()
    assert found["kubernetes.io/metadata.name=kube-system"] == {53}
    redis = int(CLUSTER["gcsFaultToleranceOptions"]["redisAddress"].rpartition(":")[2])
    assert found["lfr.example.org/role=state"] == {5432, redis}
    assert found["198.51.100.0/24"] == {443}, "webhooks, and who keeps the end of the ledger"
    site = parse_section(SiteConfig, application(SERVICE["serveConfigV2"])["args"], "rayservice.yaml")
    (cameras,) = (name for name, ports in found.items() if 554 in ports)
    for one in site.cameras:
        assert ipaddress.ip_address(urlsplit(one.url).hostname or "") in ipaddress.ip_network(cameras)
    assert len(found) == 5


def test_the_head_may_go_to_kubernetes_and_to_the_bucket_as_well() -> None:
    labels = POLICIES["lfr-head"]["podSelector"]["matchLabels"]
    assert labels == {"app": "lfr", KUBERAY_LABEL_KEY_KIND: KUBERAY_KIND_HEAD}
    assert POLICIES["lfr-head"]["policyTypes"] == ["Egress"]
    assert opened("lfr-head", "egress") == {"203.0.113.10/32": {6443, 443}, "203.0.113.128/25": {443}}
    assert re.search(r"203\.0\.113\.128/25.+ # the bucket \(watchlist_store: s3://\)", TEXT)


def test_addresses_are_nobodys() -> None:
    for found in re.findall(r"cidr: ([\d./]+)", TEXT):
        assert any(ipaddress.IPv4Network(found).subnet_of(one) for one in EXAMPLES), found


def test_the_autoscaler_alone_has_the_token_of_kubernetes() -> None:
    options = CLUSTER["autoscalerOptions"]
    assert options["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert options["resources"]["requests"] == options["resources"]["limits"]
    (mount,) = options["volumeMounts"]
    (volume,) = (one for one in HEAD["template"]["spec"]["volumes"] if one["name"] == mount["name"])
    token, authority = volume["projected"]["sources"]
    names = [token["serviceAccountToken"]["path"], *(one["path"] for one in authority["configMap"]["items"])]
    assert [f"{mount['mountPath']}/{name}" for name in names] == [IN_CLUSTER_TOKEN_PATH, IN_CLUSTER_CA_CERT_PATH]
    for group in (HEAD, WORKERS):
        assert group["template"]["spec"]["automountServiceAccountToken"] is False
        for container in group["template"]["spec"]["containers"]:
            assert mount["name"] not in {one["name"] for one in container.get("volumeMounts", ())}
    assert mount["name"] not in {one["name"] for one in WORKERS["template"]["spec"].get("volumes", ())}


def test_a_worker_is_asked_for_its_raylet_and_not_for_http() -> None:
    (container,) = WORKERS["template"]["spec"]["containers"]
    *_, asked = container["readinessProbe"]["exec"]["command"]
    assert f"http://localhost:{DEFAULT_DASHBOARD_AGENT_LISTEN_PORT}/api/local_raylet_healthz" in asked
    assert "8000" not in asked
    assert asked.split()[0] in (ROOT / "cluster" / "Dockerfile").read_text(encoding="utf-8")


def test_a_worker_waits_for_its_head() -> None:
    (container,) = WORKERS["template"]["spec"]["containers"]
    assert {"name": "RAY_gcs_rpc_server_reconnect_timeout_s", "value": "600"} in container["env"]


def test_secrets_are_those_that_the_page_makes() -> None:
    page = (ROOT / "cluster" / "README.md").read_text(encoding="utf-8")
    made = re.compile(r"kubectl (?:--namespace lfr )?create secret generic (\S+) .*?--from-\w+=(\w+)=")
    assert CLUSTER["authOptions"] == {"mode": "token", "secretName": "lfr-ray"}
    redis = CLUSTER["gcsFaultToleranceOptions"]["redisPassword"]["valueFrom"]["secretKeyRef"]
    wanted = {CLUSTER["authOptions"]["secretName"]: "auth_token", redis["name"]: redis["key"]}
    wanted |= dict(re.findall(r"# - \{name: LFR_SITE_PASSPHRASE, .+\{name: ([\w-]+), key: (\w+)\}", TEXT))
    assert dict(made.findall(TEXT)) == dict(made.findall(page)) == wanted


def test_what_must_be_filled_in_is_ready_but_for_its_comment_signs() -> None:
    """The trust folder, the passphrase and credentials, which the file as it stands does not have."""
    (text,) = (one for one in TEXT.split("\n---\n") if "kind: RayService" in one)
    filled = re.sub(r"^( +)# (?=- \{|- name: trust|  +\S)", r"\1", text, flags=re.MULTILINE)
    pod = yaml.safe_load(filled)["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
    (head,) = pod["containers"]
    assert {"LFR_SITE_PASSPHRASE", "LFR_DB", "AWS_SECRET_ACCESS_KEY"} <= {one["name"] for one in head["env"]}
    (mount,) = (one for one in head["volumeMounts"] if one["mountPath"] == str(TRUST_FILE.parent))
    (volume,) = (one for one in pod["volumes"] if one["name"] == mount["name"])
    assert mount["readOnly"] is True
    assert TRUST_FILE.name in {one["path"] for one in volume["secret"]["items"]}
