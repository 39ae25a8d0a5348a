"""A face that matches nobody leaves nothing: everything that a run writes is searched for the people in its footage."""

from __future__ import annotations

import base64
import io
import json
import pickle
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lfr_ray.camera.demo_source import FPS, DemoSource
from lfr_ray.config import CameraConfig
from tests.integration.actors.conftest import TOKEN
from tests.integration.end_to_end.traces import FileKeeper, Passersby, Search, passersby, walk
from tests.processes import Command, command, eventually, short_folder

pytestmark = [pytest.mark.ray, pytest.mark.footage, pytest.mark.timeout(900)]

STREET_FRAMES, SCENE_FRAMES = 41, 50  # after 40 the cut would lack a B picture
NOBODY_HERE = ("Alex_Lacamoire", "Salma_Hayek", "Adrien_Brody")
SHARED_MEMORY = Path("/dev/shm")
RAY_ALONE = """
import signal
import ray
from lfr_ray.actors.start_or_join_ray import start_local
start_local()
print(ray.get_runtime_context().gcs_address, flush=True)
signal.sigwait({signal.SIGTERM})
"""
CORE_LIMIT = re.compile(r"^Max core file size\s+(\S+)\s+(\S+)", re.MULTILINE)


def cut(source: Path, target: Path, frames: int) -> Path:
    """The first frames of a recording, as they are."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number == frames or packet.dts is None:
                break
            packet.stream = stream
            part.mux(packet)
    return target


def filmed(scene: str, target: Path, frames: int) -> Path:
    """The first frames of a scene of the demo as a recording."""
    rendered = DemoSource(CameraConfig(name=scene, url=f"demo:{scene}")).pictures()
    with av.open(str(target), "w") as film:
        stream = film.add_stream("mpeg4", rate=round(FPS))
        stream.width, stream.height, stream.bit_rate = 640, 360, 8_000_000
        for _, picture in zip(range(frames), rendered, strict=False):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture.convert())))
        film.mux(stream.encode())
    return target


@dataclass
class Run:
    """What one run left, and what was seen of its processes while it ran."""

    started: Command
    code: int
    known: Passersby
    written: FileKeeper
    on_ray: bool
    limits: dict[str, tuple[str, str]] = field(default_factory=dict)
    gcs: set[str] = field(default_factory=set)
    in_shared_memory: set[Path] = field(default_factory=set)


def look_at(run: Run, commands: list[Command], ended: threading.Event) -> None:
    """Note the core limits of every process, and how Ray's head was configured."""
    while not ended.wait(0.5):
        for pid, line in [process for one in commands for process in one.living().items()]:
            try:
                found = CORE_LIMIT.search(Path(f"/proc/{pid}/limits").read_text())
                if "gcs_server" in line:
                    run.gcs.add(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b"\n").decode())
            except OSError:
                continue
            if found:
                run.limits[line.strip() or str(pid)] = (found[1], found[2])


@pytest.fixture(scope="module", params=["in this process", "on Ray"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Run]:
    """Two recordings in which nobody is listed, watched with every file of the run in one folder."""
    on_ray = request.param == "on Ray"
    inputs = tmp_path_factory.mktemp("inputs")
    footage = [
        cut(shared_data / "videos" / "street_crowd_1080p.mp4", inputs / "street.mp4", STREET_FRAMES),
        filmed("pier", inputs / "pier.mp4", SCENE_FRAMES),
    ]
    for name in NOBODY_HERE:
        shutil.copytree(shared_data / "images" / name, inputs / "people" / name)
    known = passersby(footage)
    with short_folder() as folder:
        places = {name: folder / "written" / name for name in ("home", "temporary", "ray")}
        for place in places.values():
            place.mkdir(parents=True)
        environment = {
            "HOME": str(places["home"]),
            "XDG_CACHE_HOME": str(places["home"] / "cache"),
            "XDG_CONFIG_HOME": str(places["home"] / "config"),
            "TMPDIR": str(places["temporary"]),
            "RAY_TMPDIR": str(places["ray"]),
            **TOKEN,
        }
        words = ["lfr", "watch", *footage, "--watchlist", inputs / "people", "--json", "-"]
        before = set(walk([SHARED_MEMORY]))
        ended = threading.Event()
        console = folder / "written" / "console"
        with FileKeeper(folder / "written", folder / "kept") as written, ExitStack() as commands:
            nodes = []
            if on_ray:
                nodes = [commands.enter_context(command(console, "python", "-c", RAY_ALONE, environment=environment))]
                words += ["--address", eventually(lambda: nodes[0].stdout.strip(), 120, lambda: nodes[0].stderr)]
            started = commands.enter_context(command(console, *words, environment=environment, cwd=inputs))
            ran = Run(started, -1, known, written, on_ray)
            watcher = threading.Thread(target=look_at, args=(ran, [*nodes, started], ended))
            watcher.start()
            try:
                ran.code = started.wait()
                assert started.left() == {}
            finally:
                ended.set()
                watcher.join()
        ran.in_shared_memory = set(walk([SHARED_MEMORY])) - before
        yield ran


def test_people_were_seen_and_compared_and_nobody_was_alerted(run: Run) -> None:
    assert run.code == 0, run.started.stderr
    document = json.loads(run.started.stdout)
    assert document["alerts"] == []
    assert {source["name"] for source in document["sources"]} == {"street", "pier"}
    assert document["faces_compared"] >= 5
    assert document["watchlist"]["entries"] == len(NOBODY_HERE)
    assert len(run.known.chips) >= 50


def test_nothing_of_them_is_in_any_file_that_was_written(run: Run) -> None:
    search = Search(run.known)
    found, looked_at = {}, []
    for name, data in run.written.files():
        looked_at.append(str(name))
        # The list itself holds pictures of the people on it, until the run removes it.
        listed = re.search(r"lfr-command-[^/]*/data/watchlist/", str(name)) is not None
        if kinds := search.found(data, pictures=not listed):
            found[str(name)] = kinds
    assert found == {}
    for part in (*(["ray/"] if run.on_ray else []), "temporary/", "console/", "/watchlist/", "desk.sqlite"):
        assert any(part in name for name in looked_at), f"nothing of {part} was seen: {looked_at}"


def test_nothing_of_them_is_left_in_shared_memory(run: Run) -> None:
    search = Search(run.known)
    left = {str(path): search.found(path.read_bytes()) for path in run.in_shared_memory if path.exists()}
    assert {name: kinds for name, kinds in left.items() if kinds} == {}


def test_the_list_and_the_desk_are_gone_afterwards(run: Run) -> None:
    there = [str(path) for path in walk([run.written.watched / "temporary"])]
    assert [name for name in there if "lfr-command" in name] == []


def test_the_search_finds_what_is_planted(run: Run) -> None:
    search = Search(run.known)
    chip, frame, vector = run.known.chips[0], run.known.frames[0], run.known.embeddings[0]
    jpeg, png = io.BytesIO(), io.BytesIO()
    Image.fromarray(chip).save(jpeg, "JPEG")
    Image.fromarray(chip).save(png, "PNG")
    log = b"2026-01-01 12:00:00 INFO worker started\n" * 99
    planted = {
        "picture": [
            log + jpeg.getvalue(),
            b"x" + log + png.getvalue() + log,
            log + base64.b64encode(jpeg.getvalue()),
        ],
        "pixels": [
            log + chip.tobytes(),
            b"xyz" + log + frame.tobytes() + log,
            log + np.ascontiguousarray(frame[:, 200:]).tobytes(),
            pickle.dumps({"views": [chip]}),
        ],
        "vector": [
            log + vector.tobytes(),
            b"x" + log + vector.tobytes(),
            pickle.dumps({"probe": (1, vector + np.float32(5e-6))}),
        ],
    }
    for kind, contents in planted.items():
        for number, content in enumerate(contents):
            assert kind in search.found(content), (kind, number)
    assert search.found(log) == []


def test_the_search_finds_the_pictures_of_the_list_while_it_was_there(run: Run) -> None:
    search = Search(run.known)
    assert any("picture" in search.found(data) for name, data in run.written.files() if "/watchlist/" in str(name))


def test_no_process_could_dump_its_memory(run: Run) -> None:
    if run.on_ray:
        workers = {line: limit for line, limit in run.limits.items() if line.startswith("ray::")}
        assert any("FootageWorker" in line for line in workers), sorted(run.limits)
    assert run.limits
    assert {line: limit for line, limit in run.limits.items() if not set(limit) <= {"0", "1"}} == {}


def test_ray_could_not_spill(run: Run) -> None:
    if not run.on_ray:
        assert run.gcs == set(), "no Ray is started"
        return
    (configuration,) = {found[1] for line in run.gcs if (found := re.search(r"--config_list=(\S+)", line))}
    assert json.loads(base64.b64decode(configuration))["automatic_object_spilling_enabled"] is False
    spilled = [str(name) for name, _ in run.written.files() if "spill" in str(name).lower()]
    assert spilled == []
