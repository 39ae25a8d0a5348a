"""Fetching: resumed, verified, and never believed before the hash is right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from lfr_ray.errors import ConfigError, ModelError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.download_weights import pull

CONTENT = bytes(range(256)) * 400
Answer = Callable[[httpx.Request], httpx.Response]


def described(**fields: object) -> ModelCard:
    card = ModelCard(
        id="far",
        task="embed",
        family="none",
        title="Far away",
        licence="MIT",
        commercial_use=True,
        origin="this test",
        file="far.bin",
        url="https://models.example/far.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
    )
    return card.model_copy(update=fields)


class Server:
    """Answers as a file server does, and remembers what it was asked for."""

    def __init__(self, content: bytes = CONTENT, *, ranges: bool = True, stops_after: int | None = None) -> None:
        self.content = content
        self.ranges = ranges
        self.stops_after = stops_after
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        wanted = request.headers.get("Range", "")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start >= len(self.content) > 0:
            return httpx.Response(416)
        body = self.content[start:]
        headers = {"Content-Length": str(len(body))}
        return httpx.Response(206 if start else 200, headers=headers, stream=Breaking(body, self.stops_after))


class Breaking(httpx.SyncByteStream):
    """A body that breaks off, when it is told to."""

    def __init__(self, body: bytes, stops_after: int | None) -> None:
        self.body = body
        self.stops_after = stops_after

    def __iter__(self):
        for start in range(0, len(self.body), 10_000):
            if self.stops_after is not None and start >= self.stops_after:
                raise httpx.ReadError("the line broke")
            yield self.body[start : start + 10_000]


def fetch(server: Answer, folder: Path, card: ModelCard | None = None) -> tuple[Path, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    with httpx.Client(transport=httpx.MockTransport(server)) as client:
        path = pull(card or described(), folder, client, lambda have, total: told.append((have, total)))
    return path, told


def test_a_file_comes_whole_with_progress(tmp_path: Path) -> None:
    path, told = fetch(Server(), tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [have for have, _ in told] == sorted(have for have, _ in told)
    assert [entry.name for entry in path.parent.iterdir()] == ["far.bin"]


def test_a_file_that_is_there_is_not_fetched_again_but_verified(tmp_path: Path) -> None:
    server = Server()
    fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert len(server.asked) == 1
    (tmp_path / "far.bin").write_bytes(b"altered")
    with pytest.raises(ModelError, match="not the one"):
        fetch(server, tmp_path)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_line_is_resumed(tmp_path: Path, ranges: bool) -> None:
    with pytest.raises(ModelError, match="goes on where it stopped") as caught:
        fetch(Server(stops_after=50_000), tmp_path)
    assert caught.value.got == "ReadError from models.example"
    assert (tmp_path / "far.bin.part").read_bytes() == CONTENT[:50_000]
    assert not (tmp_path / "far.bin").exists()
    server = Server(ranges=ranges)
    path, told = fetch(server, tmp_path)
    assert server.asked == ["bytes=50000-"]
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_part_that_is_complete_is_only_verified(tmp_path: Path) -> None:
    (tmp_path / "far.bin.part").write_bytes(CONTENT)
    server = Server()
    assert fetch(server, tmp_path)[0].read_bytes() == CONTENT
    assert server.asked == []


def test_a_part_that_is_too_long_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "far.bin.part").write_bytes(CONTENT + b"more")
    server = Server()
    assert fetch(server, tmp_path, described(size_bytes=0))[0].read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT) + 4}-", ""]


def test_another_file_is_deleted_and_named(tmp_path: Path) -> None:
    wrong = CONTENT[:-1] + b"!"
    with pytest.raises(ModelError) as caught:
        fetch(Server(wrong), tmp_path)
    assert hashlib.sha256(wrong).hexdigest() in caught.value.got
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    server = Server(CONTENT * 50)
    with pytest.raises(ModelError, match="larger file"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_server_that_says_no(tmp_path: Path, status: int) -> None:
    with pytest.raises(ModelError, match=f"HTTP {status} from models.example"):
        fetch(lambda request: httpx.Response(status), tmp_path)


def test_no_network(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host")

    with pytest.raises(ModelError, match="ConnectError from models") as caught:
        fetch(refuse, tmp_path)
    assert caught.value.next_step == "run `lfr models pull far` again"


def test_an_interrupt_in_the_middle_leaves_what_the_next_pull_goes_on_with(tmp_path: Path) -> None:
    def interrupted(have: int, total: int) -> None:
        raise KeyboardInterrupt

    server = Server()
    with httpx.Client(transport=httpx.MockTransport(server)) as client, pytest.raises(KeyboardInterrupt):
        pull(described(), tmp_path, client, interrupted)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    assert fetch(Server(), tmp_path)[0].read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="could not be written"):
        fetch(Server(), tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"url": ""}, "no address"),
        ({"sha256": ""}, "no hash"),
        ({"url": "http://models.example/far.bin"}, "insecure"),
        ({"url": "file:///etc/passwd"}, "insecure"),
    ],
)
def test_cards_from_which_nothing_is_fetched(tmp_path: Path, fields: dict[str, str], part: str) -> None:
    server = Server()
    with pytest.raises(ConfigError, match=part):
        fetch(server, tmp_path, described(**fields))
    assert server.asked == []


def test_a_file_name_from_a_card_stays_in_its_folder(tmp_path: Path) -> None:
    path, _ = fetch(Server(), tmp_path / "in", described(file="../../out.bin"))
    assert path == tmp_path / "in" / "out.bin"
