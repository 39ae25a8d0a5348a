"""Still pictures: every kind of file that a watchlist folder or a camera's folder may hold."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lfr_ray.camera import still_pictures
from lfr_ray.camera.still_pictures import PICTURE_SUFFIXES, encode_jpeg, is_picture_name, read_picture
from lfr_ray.errors import PictureError, ShapeError


def drawing(height_px: int = 48, width_px: int = 64) -> np.ndarray[Any, Any]:
    """A different colour in each quarter, so that a turn or a swapped channel shows."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    half_y, half_x = height_px // 2, width_px // 2
    picture[:half_y, :half_x] = (200, 40, 40)
    picture[:half_y, half_x:] = (40, 200, 40)
    picture[half_y:, :half_x] = (40, 40, 200)
    picture[half_y:, half_x:] = (220, 220, 220)
    return picture


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that claims a size and holds almost nothing: a decompression bomb's first page."""
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_pictures_come_back_exactly(kind: str) -> None:
    picture = read_picture(saved(Image.fromarray(drawing()), kind))
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    np.testing.assert_array_equal(picture, drawing())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_pictures_come_back_nearly(kind: str) -> None:
    picture = read_picture(saved(Image.fromarray(drawing()), kind, quality=95))
    assert abs(picture[8, 8].astype(int) - (200, 40, 40)).max() < 12
    assert abs(picture[8, 56].astype(int) - (40, 200, 40)).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = drawing()
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo(upright)))
    picture = read_picture(saved(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(picture, upright)


def test_a_rotated_jpeg_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(saved(Image.fromarray(np.ascontiguousarray(np.rot90(drawing(), 1))), "JPEG", exif=exif))
    assert picture.shape == (48, 64, 3)
    assert picture[8, 8, 0] > 150
    assert picture[40, 8, 2] > 150


def test_damaged_exif_is_no_reason_to_refuse() -> None:
    good = saved(Image.fromarray(drawing()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xee" * 30)
    assert read_picture(good).shape == (48, 64, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(1, 256).repeat(8, axis=0)
    for kind in ("PNG", "TIFF"):
        picture = read_picture(saved(Image.fromarray(ramp), kind))
        assert picture.shape == (8, 256, 3)
        np.testing.assert_array_equal(picture[0, :, 0], np.arange(256))


def test_dark_sixteen_bit_grey_stays_dark() -> None:
    dark = np.full((8, 8), 200, np.uint16)
    assert read_picture(saved(Image.fromarray(dark), "PNG")).max() == 1


def test_sixteen_bit_colour_is_scaled() -> None:
    row = b"\0" + struct.pack(">6H", 65_535, 32_768, 0, 257 * 100, 257 * 50, 257 * 10)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(read_picture(data)[0], [[255, 128, 0], [100, 50, 10]])


@pytest.mark.parametrize(("values", "white"), [((0.0, 0.5, 1.0), 255), ((0.0, 127.5, 255.0), 255)])
def test_floating_point_grey_is_scaled(values: tuple[float, ...], white: int) -> None:
    picture = read_picture(saved(Image.fromarray(np.array([values], np.float32)), "TIFF"))
    np.testing.assert_array_equal(picture[0, :, 0], [0, 128, white])


def test_not_a_number_is_damage() -> None:
    with pytest.raises(PictureError, match="damaged"):
        read_picture(saved(Image.fromarray(np.array([[np.nan, 1.0]], np.float32)), "TIFF"), name="scan.tif")


OWN_TIFF = pytest.mark.skipif(
    int(PIL.__version__.split(".")[0]) < 13, reason="Pillow 12 cannot read its own TIFF of it"
)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA", "I;16", pytest.param("YCbCr", marks=OWN_TIFF)])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = Image.fromarray(drawing())
    if mode == "I;16":
        converted = Image.fromarray(np.full((48, 64), 30_000, np.uint16))
    else:
        converted = image.convert(mode, palette=Image.Palette.ADAPTIVE, colors=4)
    kind = "TIFF" if mode in {"CMYK", "YCbCr"} else "PNG"
    picture = read_picture(saved(converted, kind))
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    if mode in {"P", "CMYK", "RGBA", "YCbCr"}:
        assert abs(picture[8, 8].astype(int) - (200, 40, 40)).max() < 8


def test_cmyk_jpeg_has_the_right_colours() -> None:
    picture = read_picture(saved(Image.fromarray(drawing()).convert("CMYK"), "JPEG", quality=95))
    assert abs(picture[8, 8].astype(int) - (200, 40, 40)).max() < 16


def test_what_is_transparent_lies_on_white() -> None:
    layered = np.dstack([drawing(), np.full((48, 64), 255, np.uint8)])
    layered[:24, :32, 3] = 0
    layered[:24, 32:, 3] = 128
    picture = read_picture(saved(Image.fromarray(layered), "PNG"))
    np.testing.assert_array_equal(picture[8, 8], (255, 255, 255))
    assert abs(picture[8, 56].astype(int) - (147, 227, 147)).max() <= 1
    np.testing.assert_array_equal(picture[40, 8], (40, 40, 200))


def test_transparency_of_a_palette_is_respected() -> None:
    image = Image.fromarray(drawing()).convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    clear = image.getpixel((4, 4))
    assert isinstance(clear, int)
    picture = read_picture(saved(image, "PNG", transparency=clear))
    np.testing.assert_array_equal(picture[4, 4], (255, 255, 255))
    assert picture[40, 8, 2] > 180


def test_a_still_gif_is_read_and_an_animated_one_refused() -> None:
    first, second = Image.fromarray(drawing()), Image.fromarray(255 - drawing())
    assert read_picture(saved(first, "GIF")).shape == (48, 64, 3)
    moving = saved(first, "GIF", save_all=True, append_images=[second])
    with pytest.raises(PictureError, match=r"several pictures.*clip\.gif.*one still picture"):
        read_picture(moving, name="clip.gif")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_other_files_with_several_pictures_are_refused(kind: str) -> None:
    first, second = Image.fromarray(drawing()), Image.fromarray(255 - drawing())
    with pytest.raises(PictureError, match="several pictures"):
        read_picture(saved(first, kind, save_all=True, append_images=[second]))


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "01.jpg").touch()
    with pytest.raises(PictureError, match=r"empty; got: 01\.jpg: 0 bytes; allowed: .*next: ") as caught:
        read_picture(tmp_path / "01.jpg")
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"hello, this is text\n", "text"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "AVIF or HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\xff\x00\xfe\x80" * 9, "unknown bytes"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, kind: str) -> None:
    with pytest.raises(PictureError, match=rf"not a picture.*face\.jpg: .*{kind}.*JPEG, PNG"):
        read_picture(data, name="face.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_picture_cut_off_anywhere_is_refused_or_read(kind: str) -> None:
    whole = saved(Image.fromarray(np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)), kind)
    refused = 0
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        try:
            read_picture(whole[:length], name="cut")
        except PictureError:
            refused += 1
    assert refused > 20


def test_a_truncated_jpeg_says_so() -> None:
    whole = saved(Image.fromarray(drawing(480, 640)), "JPEG")
    with pytest.raises(PictureError, match=r"damaged or cut off.*truncated"):
        read_picture(whole[: len(whole) // 2], name="01.jpg")


@pytest.mark.parametrize(("width_px", "height_px"), [(20_000, 20_000), (12_001, 10), (10, 20_000), (9_000, 9_000)])
def test_a_bomb_is_refused_by_its_header(width_px: int, height_px: int) -> None:
    with pytest.raises(PictureError, match=rf"too large.*bomb\.png: {width_px}x{height_px}.*12,000.*60 megapixels"):
        read_picture(png_header(width_px, height_px), name="bomb.png")


def test_the_largest_allowed_side_is_read() -> None:
    assert read_picture(saved(Image.new("L", (12_000, 20), 9), "PNG")).shape == (20, 12_000, 3)


def test_a_missing_picture_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"does not exist; got: no\.jpg"):
        read_picture(tmp_path / "no.jpg")
    with pytest.raises(PictureError, match="folder"):
        read_picture(str(tmp_path))


def test_a_huge_file_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(still_pictures.MAX_FILE_BYTES + 1)
    with pytest.raises(PictureError, match="file is too large"):
        read_picture(path)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"]), st.data())
def test_damage_never_raises_anything_else(kind: str, data: st.DataObject) -> None:
    whole = bytearray(saved(Image.fromarray(drawing()), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(12, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = read_picture(bytes(whole), name="x")
    except PictureError:
        return
    assert picture.ndim == 3
    assert picture.shape[2] == 3


def test_jpeg_encoding_round_trips_and_carries_no_metadata() -> None:
    data = encode_jpeg(drawing())
    assert abs(read_picture(data).astype(int) - drawing()).mean() < 6
    assert b"Exif" not in data
    assert len(encode_jpeg(drawing(), quality=40)) < len(data)


def test_jpeg_encoding_checks_the_array() -> None:
    with pytest.raises(ShapeError, match="picture"):
        encode_jpeg(np.zeros((4, 4), np.uint8))


def test_names_of_pictures() -> None:
    assert {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"} == PICTURE_SUFFIXES
    assert is_picture_name(Path("a/b.PNG"))
    assert not is_picture_name(Path("a/.DS.png"))
    assert not is_picture_name(Path("watchlist.csv"))
