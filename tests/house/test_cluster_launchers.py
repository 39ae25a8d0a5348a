"""What Ray's own launcher would do with the files of cluster/, command by command, on machines that are not there."""

from __future__ import annotations

import fnmatch
import itertools
import json
import math
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.command_runner import SSHCommandRunner
from ray.autoscaler._private.updater import NodeUpdater
from ray.autoscaler._private.util import prepare_config, with_envs
from ray.autoscaler.node_provider import NodeProvider

from lfr_ray.actors.reserved_resources import needed_resources
from lfr_ray.config import SiteConfig
from lfr_ray.strict_yaml import load_yaml, parse_section

CLUSTER = Path(__file__).resolve().parents[2] / "cluster"
DOCKERFILE = (CLUSTER / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2].replace("\\\n", "")
"""The image itself: its last stage, an instruction a line."""

LOCK = (CLUSTER.parent / "requirements.lock").read_text(encoding="utf-8")
AWS = yaml.safe_load((CLUSTER / "launcher-aws.yaml").read_text(encoding="utf-8"))
MACHINES = yaml.safe_load((CLUSTER / "launcher-machines.yaml").read_text(encoding="utf-8"))
WAIT = "RAY_gcs_rpc_server_reconnect_timeout_s=600"
FORCED = re.compile(r"PYTHONWARNINGS=ignore && \((.*)\)$", re.DOTALL)
"""How Ray's launcher wraps a command for a login shell."""


def image_environment() -> dict[str, str]:
    (block,) = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    return dict(word.split("=", 1) for word in shlex.split(block))


def image_user() -> dict[str, str]:
    """Number, group and home of the user that the image makes."""
    made = re.findall(r"useradd --uid (\d+)(?: --gid (\d+))? .*--home-dir (\S+)", DOCKERFILE)
    ((number, group, home),) = made
    return {"number": number, "group": group or number, "home": home}


class Ssh:
    """Takes the place of ssh and rsync: notes where each command would run, and answers as a machine that is new."""

    DEVNULL = subprocess.DEVNULL

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def check_call(self, words: list[str], **_: object) -> int:
        self._note(words)
        return 0

    def check_output(self, words: list[str]) -> bytes:
        place, said = self._note(words)
        assert place == "host"
        if ".Config.Env" in said:
            return json.dumps([f"{name}={value}" for name, value in image_environment().items()]).encode()
        return image_environment().get("HOME", image_user()["home"]).encode() if "printenv HOME" in said else b""

    def _note(self, words: list[str]) -> tuple[str, str]:
        if words[0] == "rsync":
            self.done.append(("copy", " ".join(words[-2:])))
        else:
            said, place = shlex.split(words[-1])[0], "host"
            while found := FORCED.search(said):
                said = found[1]
                if said.startswith("docker exec -it"):
                    said, place = shlex.split(shlex.split(said)[-1])[-1], "container"
            self.done.append((place, said))
        return self.done[-1]


class Cloud(NodeProvider):
    """What the launcher asks of a cloud: one machine, which has just come up."""

    def internal_ip(self, node_id: str) -> str:
        return "192.0.2.10"

    def node_tags(self, node_id: str) -> dict[str, str]:
        return {}

    def set_node_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        pass

    def is_terminated(self, node_id: str) -> bool:
        return False


def set_up(role: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Everything that the launcher would do on a new machine in the cloud: where, and what."""
    monkeypatch.setattr(SSHCommandRunner, "_ensure_ssh_control_path", lambda self: None)  # a folder outside the test's
    config = prepare_config(AWS)
    mounts = {}
    for there, here in config["file_mounts"].items():
        (folder / Path(here).name).write_text("0123456789abcdef", encoding="utf-8")
        mounts[there] = str(folder / Path(here).name)
    ssh = Ssh()
    NodeUpdater(
        node_id=role,
        provider_config=config["provider"],
        provider=Cloud({}, config["cluster_name"]),
        auth_config=config["auth"],
        cluster_name=config["cluster_name"],
        file_mounts=mounts,
        initialization_commands=config["initialization_commands"],
        setup_commands=config[f"{role}_setup_commands"],
        ray_start_commands=with_envs(config[f"{role}_start_ray_commands"], {"RAY_HEAD_IP": "192.0.2.10"}),
        runtime_hash="1",
        file_mounts_contents_hash="1",
        is_head_node=role == "head",
        process_runner=ssh,
        docker_config=config["docker"],
    ).do_update()
    return ssh.done


@pytest.mark.parametrize("role", ["head", "worker"])
def test_the_token_comes_into_the_container_and_belongs_to_its_user(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = image_user()
    assert image_environment().get("HOME") == user["home"], "Ray takes another home where the image names none"
    done = set_up(role, tmp_path, monkeypatch)
    (started,) = (one for one in done if one[1].startswith("docker run "))
    words = shlex.split(started[1])
    volumes = [value.split(":") for word, value in itertools.pairwise(words) if word in ("-v", "--volume")]
    mounts = {inside: outside for outside, inside in volumes}
    assert mounts.pop(user["home"]) == "/srv/lfr"
    assert [one for one in mounts if one.startswith(f"{user['home']}/")] == [], "docker makes folders there, as root"

    copied = [index for index, (place, _) in enumerate(done) if place == "copy"]
    on_host = {said: index for index, (place, said) in enumerate(done) if place == "host"}
    (owned,) = (said for said in on_host if said.startswith("sudo install -d -m 0700"))
    assert shlex.split(owned)[-5:] == ["-o", user["number"], "-g", user["group"], "/srv/lfr"]
    (readable,) = (said for said in on_host if "chgrp" in said)
    grouped = re.fullmatch(r"sudo chgrp -R (\d+) (\S+); sudo chmod -R u=rwX,g=rX,o= (\S+)", " ".join(readable.split()))
    assert grouped
    assert (grouped[1], grouped[2]) == (user["group"], grouped[3])
    for place in mounts.values():
        assert fnmatch.fnmatch(os.path.normpath(place), f"{grouped[2]}/*"), "the image's user cannot read it"
    assert max(copied) < on_host[owned], "the copies are there before"
    assert on_host[readable] < done.index(started)

    install, _, start = (said for place, said in done[done.index(started) :] if place == "container")
    assert install.split() == ["install", "-D", "-m", "600", "/run/lfr/auth_token", f"{user['home']}/.ray/auth_token"]
    assert "/run/lfr/auth_token" in mounts
    ours = start.partition("prlimit --pid $$ --core=1:1;")[2]  # the launcher exports this person's own choice before
    assert ours.startswith(" RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 ")
    if role == "head":
        assert '--redis-password="$(cat /run/lfr/redis_secret)"' in start
        assert "/run/lfr/redis_secret" in mounts


def test_the_image_has_what_the_launcher_calls_in_it() -> None:
    (installed,) = re.findall(r"apt-get install --yes --no-install-recommends (.+?) &&", DOCKERFILE)
    assert {"rsync", "openssh-client", "tmux"} <= set(installed.split())


def test_machines_in_the_cloud_have_an_image_that_somebody_chose() -> None:
    """Ray's own has Ubuntu 18.04, and no driver for the CUDA that is locked."""
    text = (CLUSTER / "launcher-aws.yaml").read_text(encoding="utf-8")
    nodes = AWS["available_node_types"]
    assert {one["node_config"]["ImageId"] for one in nodes.values()} == {"ami-FILL_IN"}
    (cuda,) = re.findall(r"^nvidia-cuda-runtime==(\d+)\.\S+ ; python_full_version >= '3.11'", LOCK, re.MULTILINE)
    assert f"driver 580 or newer (the image has CUDA {cuda})" in text
    assert cuda == "13", "another CUDA needs another driver: see NVIDIA's notes on its minor versions"


def test_the_cloud_may_have_as_many_nodes_as_the_large_event_needs() -> None:
    """Cameras and first replicas take whole nodes; other detectors come to new ones, as many as a GPU holds."""
    (application,) = load_yaml(CLUSTER.parent / "serve_configs" / "airshow.yaml")["applications"]
    site = parse_section(SiteConfig, application["args"], "airshow.yaml")
    scaling = {one["name"]: one["autoscaling_config"] for one in application["deployments"]}
    gpu = AWS["available_node_types"]["gpu"]
    first = math.ceil(needed_resources(site)["CPU"] / gpu["resources"]["CPU"])
    later = scaling["detector"]["max_replicas"] - scaling["detector"]["min_replicas"]
    assert min(gpu["max_workers"], AWS["max_workers"]) >= first + math.ceil(later / (1 // site.detector.gpus))


def test_a_login_shell_of_the_image_finds_ray() -> None:
    (line,) = re.findall(r"echo '([^']+)' > /etc/profile\.d/\w+\.sh", DOCKERFILE)
    words = ["bash", "-c", f'{line}; echo "$PATH"; prlimit --pid $$ --core --noheadings --output SOFT,HARD']
    shown = subprocess.run(words, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True).stdout
    ours = image_environment()["PATH"].partition(":")[0]
    assert shown.split() == [f"{ours}:/usr/bin:/bin", "1", "1"], "at 1 no collector of crashes gets the memory either"


def test_the_image_holds_what_clouds_and_databases_need() -> None:
    wanted = {"boto3", "botocore", "psycopg", "psycopg-binary", "requests"}
    assert wanted <= set(re.findall(r"^([\w-]+)==", LOCK, re.MULTILINE))


def starting(launcher: Mapping[str, Any], role: str) -> str:
    (command,) = [one for one in launcher[f"{role}_start_ray_commands"] if "ray start" in one]
    return str(command)


@pytest.mark.parametrize("launcher", [AWS, MACHINES], ids=["aws", "machines"])
def test_a_lost_head_can_come_back_to_its_workers(launcher: Mapping[str, Any]) -> None:
    head, worker = starting(launcher, "head"), starting(launcher, "worker")
    assert re.search(r" RAY_REDIS_ADDRESS=\S+:6379 \S*ray start ", head)
    assert re.search(r' --redis-password="\$\(cat [~/]\S+\)" ', head), "from a file: not in this one"
    assert re.search(rf" {WAIT} \S*ray start ", worker)
    assert "REDIS" not in worker
    assert shlex.split(head[head.index("ray start") :]).count("--num-cpus=0") == 1


@pytest.mark.parametrize("role", ["head", "worker"])
def test_machines_encrypt_what_they_send(role: str, tmp_path: Path) -> None:
    command = starting(MACHINES, role)
    (file,) = re.findall(r" \. ~/lfr_ray/(cluster/\S+);", command)
    assert command.index(file) < command.index("ray start")
    script = CLUSTER.parent / file
    shown = subprocess.run(
        ["sh", "-c", f". {script}; env"], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout
    found = dict(line.split("=", 1) for line in shown.splitlines())
    made = (CLUSTER / "make-tls.sh").read_text(encoding="utf-8")
    assert (found["RAY_USE_TLS"], found["RAY_AUTH_MODE"]) == ("1", "token"), "what a site over several nodes asks for"
    for name in ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"):
        assert Path(found[name]).parent == tmp_path / "tls"
        assert f"{name}=.../{Path(found[name]).name}" in made
    assert "tls" in MACHINES["rsync_exclude"], "one node's key is no other's"
