"""What decodes: by default whatever is there, by name only what is there, and it is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.camera import hardware_decoding
from lfr_ray.camera.hardware_decoding import hardware_for


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A build that knows both kinds, and a machine with neither device."""
    monkeypatch.setattr(hardware_decoding, "hwdevices_available", lambda: ["cuda", "vaapi"])
    monkeypatch.setattr(hardware_decoding.av, "__version__", "18.1.0")
    monkeypatch.setattr(
        hardware_decoding, "DEVICE_FILES", {"cuda": str(tmp_path / "cuda"), "vaapi": str(tmp_path / "vaapi")}
    )


@pytest.mark.usefixtures("has")
def test_without_a_device_the_processor_decodes() -> None:
    assert hardware_for("auto") == (None, "")
    assert hardware_for("cpu") == (None, "")


@pytest.mark.usefixtures("has")
@pytest.mark.parametrize("wanted", ["cuda", "vaapi"])
def test_a_device_that_is_not_there(wanted: str, tmp_path: Path) -> None:
    accelerator, why = hardware_for(wanted)
    assert accelerator is None
    assert why.startswith(f"decode: {wanted} is not possible (this machine has no {tmp_path / wanted})")
    assert why.endswith("the processor decodes; allowed here: auto, cpu")


@pytest.mark.usefixtures("has")
def test_a_device_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vaapi").touch()
    monkeypatch.setattr(hardware_decoding, "_fault", lambda _kind: "")
    for wanted in ("auto", "vaapi"):
        accelerator, why = hardware_for(wanted)
        assert accelerator is not None
        assert not why
    assert hardware_for("cpu") == (None, "")


def test_a_device_that_this_build_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_decoding, "hwdevices_available", lambda: ["qsv"])
    assert hardware_for("auto") == (None, "")
    assert "PyAV was built for ['qsv'] only" in hardware_for("vaapi")[1]


@pytest.mark.usefixtures("has")
def test_an_older_library_loses_what_belongs_to_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cuda").touch()
    monkeypatch.setattr(hardware_decoding, "_fault", lambda _kind: "")
    assert hardware_for("cuda")[0] is not None
    monkeypatch.setattr(hardware_decoding.av, "__version__", "17.1.0")
    assert hardware_for("auto") == (None, "")
    accelerator, why = hardware_for("cuda")
    assert accelerator is None
    assert "PyAV 17.1.0 is too old; it needs 18.1" in why


@pytest.mark.usefixtures("has")
def test_a_device_that_cannot_be_opened_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cuda").touch()
    tried: list[str] = []

    class Closed:
        def __init__(self, kind: str, **_: object) -> None:
            tried.append(kind)

        def create(self, _codec: object) -> None:
            raise PermissionError

    monkeypatch.setattr(hardware_decoding, "HWAccel", Closed)
    hardware_decoding._fault.cache_clear()
    try:
        for _ in range(3):
            assert "it cannot be opened: PermissionError" in hardware_for("cuda")[1]
        assert tried == ["cuda"]
    finally:
        hardware_decoding._fault.cache_clear()
