"""A collection's own archive as a folder of labelled pictures."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lfr_ray.enrol import picture_archive
from lfr_ray.enrol.labelled_pictures import read_labelled
from lfr_ray.enrol.picture_archive import unpacked
from lfr_ray.errors import InputError


def packed(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            opened.addfile(member)
    return path


def test_lfw_s_archive_is_read_as_it_is_downloaded(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "lfw.tgz", {"lfw/Ann/Ann_0001.jpg": b"1", "lfw/Ann/Ann_0002.jpg": b"2", "lfw/Bob/Bob_0001.jpg": b"3"}
    )
    with unpacked(path) as folder:
        found = read_labelled(folder)
        assert found.names == ("Ann", "Bob")
        assert [one.stem for one in found.paths] == ["Ann_0001", "Ann_0002", "Bob_0001"]
        assert found.paths[2].read_bytes() == b"3"
    assert not folder.exists()


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path
    assert tmp_path.exists()


def test_links_and_paths_that_climb_out_leave_nothing_outside(tmp_path: Path) -> None:
    files = {"../../out.jpg": b"x", "/etc/out.jpg": b"x", "lfw/../../Eve/out.jpg": b"x", "lfw/Ann/readme.txt": b"x"}
    path = packed(tmp_path / "bad.tgz", files, {"lfw/Ann/link.jpg": "/etc/passwd"})
    with unpacked(path) as folder:
        assert sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*")) == [
            "Eve", "Eve/out.jpg", "etc", "etc/out.jpg"
        ]  # fmt: skip
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bad.tgz"]


def test_a_cut_off_archive_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "lfw.tgz", {"lfw/Ann/Ann_0001.jpg": bytes(range(256)) * 400})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError) as caught, unpacked(path):
        pass
    assert "cannot be read" in caught.value.what
    assert "fetch it again" in caught.value.next_step


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_archive, "MOST_BYTES", 1000)
    path = packed(tmp_path / "big.tgz", {"lfw/Ann/Ann_0001.jpg": bytes(2000)})
    with pytest.raises(InputError, match="more than pictures"), unpacked(path):
        pass
