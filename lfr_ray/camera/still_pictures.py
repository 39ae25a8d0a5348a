"""Still pictures: from any file or bytes to RGB pixels, refused before they can do harm."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from lfr_ray.array_checks import check_picture
from lfr_ray.camera.orientation import turned
from lfr_ray.errors import PictureError
from lfr_ray.records import Picture

PICTURE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings, in small letters, of files that are taken for pictures."""

UNREADABLE_SUFFIXES = frozenset({".avif", ".cr2", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nef"})
"""Endings of pictures of other formats, which are named and not passed over."""

MAX_SIDE_PX = 12_000
MAX_PIXELS = 60_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024

_FORMATS = "JPEG, PNG, GIF, BMP, TIFF or WebP"
_REPAIR = "open it in a picture editor, save it again as JPEG and try that file"
_ORIENTATION_TAG = 0x0112

# The readers are named here instead of asking Image.open to guess: Pillow knows formats that start
# other programs (EPS) or hold no portrait, and Image.open compares the size with a limit that is
# global to the process and only warns between one and two times that limit.
_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), GifImagePlugin.GifImageFile),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WebPImagePlugin.WebPImageFile),
    (lambda head: head.startswith((b"II*\x00", b"MM\x00*")), TiffImagePlugin.TiffImageFile),
    (lambda head: head.startswith(b"BM"), BmpImagePlugin.BmpImageFile),
)


def is_picture_name(path: Path) -> bool:
    """The file's ending is that of a picture; hidden files are none.

    >>> is_picture_name(Path("gate.JPG")), is_picture_name(Path("._gate.jpg"))
    (True, False)
    """
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def read_picture(source: str | os.PathLike[str] | bytes, *, name: str = "") -> Picture:
    """One still picture as people see it, turned by its EXIF orientation: ``uint8 (height, width, 3)``, RGB.

    Sixteen bits are scaled to eight, palettes and CMYK converted, transparency laid on white. The
    header is read first, and a picture that is too large is refused before any pixel is decoded.

    ``name`` is what the picture is called in errors; by default the file's name without its folder.

    Raises:
        PictureError: Missing, empty, no picture, damaged, animated or too large.
    """
    called = name or ("picture" if isinstance(source, bytes) else Path(source).name)
    data = source if isinstance(source, bytes) else _read_file(Path(source), called)
    if not data:
        raise PictureError("the picture is empty", got=f"{called}: 0 bytes", allowed=_FORMATS, next_step=_REPAIR)
    # Of damaged metadata Pillow warns; pixels that can be read are read all the same. The filter names
    # Pillow's modules, so that threads which enter and leave here at once cannot hide anything else.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        return _decode(data, called)


def shrunk(picture: Picture, longer_px: int) -> Picture:
    """The picture scaled down so that its longer side is at most ``longer_px``; a smaller one as it is.

    Raises:
        ShapeError: Not ``uint8 (height, width, 3)``.
    """
    check_picture("picture", picture)
    height_px, width_px = picture.shape[:2]
    scale = longer_px / max(height_px, width_px)
    if scale >= 1.0:
        return picture
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    small: Picture = np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
    return small


def encode_jpeg(picture: Picture, quality: int = 90) -> bytes:
    """The picture as a JPEG file of quality 1 to 95, without any metadata.

    Raises:
        ShapeError: Not ``uint8 (height, width, 3)``, RGB.
    """
    check_picture("picture", picture)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=quality)
    return out.getvalue()


def _read_file(path: Path, called: str) -> bytes:
    fault = ""
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise PictureError(
                "the picture file is too large",
                got=f"{called}: {size_bytes:,} bytes",
                allowed=f"up to {MAX_FILE_BYTES:,} bytes",
                next_step="scale the picture down",
            )
        if path.exists() and not path.is_file() and not path.is_dir():
            raise PictureError("the picture is no file", got=called, allowed=_FORMATS, next_step="check the path")
        return path.read_bytes()
    except FileNotFoundError:
        fault = "the picture does not exist"
    except IsADirectoryError:
        fault = "the picture is a folder"
    except OSError as error:
        fault = f"the picture cannot be read ({_kind(error)})"
    raise PictureError(fault, got=called, next_step="check the path and the permissions")


def _decode(data: bytes, called: str) -> Picture:
    image = _open(data, called)
    _check_size(image.size, called)
    _check_single(image, called)
    orientation = _orientation(image)
    try:
        image.load()
        return turned(_rgb(image), orientation)
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise almost anything on damaged data
        fault = _kind(error)
    raise PictureError(
        "the picture is damaged or cut off", got=f"{called}: {fault}", allowed=_FORMATS, next_step=_REPAIR
    )


def _open(data: bytes, called: str) -> ImageFile.ImageFile:
    """Read the header only."""
    head = data[:16]
    for accepts, reader in _READERS:
        if not accepts(head):
            continue
        try:
            return reader(io.BytesIO(data))
        except Exception as error:  # noqa: BLE001 - as above, and header bytes may be anything
            fault = _kind(error)
        raise PictureError(
            "the picture's header is damaged", got=f"{called}: {fault}", allowed=_FORMATS, next_step=_REPAIR
        )
    raise PictureError(
        "the file is not a picture that can be read",
        got=f"{called}: {_looks_like(data)}",
        allowed=_FORMATS,
        next_step="save the picture as JPEG or PNG",
    )


def _looks_like(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        kind = data[8:12].decode("ascii", "replace").strip()
        return "an AVIF or HEIC picture" if kind in {"heic", "heix", "mif1", "msf1", "avif", "hevc"} else "a video"
    if data.startswith(b"%!PS"):
        return "PostScript"
    if data.startswith(b"%PDF"):
        return "PDF"
    try:
        data[:512].decode("utf-8")
    except UnicodeDecodeError:
        return "unknown bytes"
    return "text"


def _check_size(size: tuple[int, int], called: str) -> None:
    width_px, height_px = size
    if 0 < width_px <= MAX_SIDE_PX and 0 < height_px <= MAX_SIDE_PX and width_px * height_px <= MAX_PIXELS:
        return
    raise PictureError(
        "the picture is too large",
        got=f"{called}: {width_px}x{height_px} pixels",
        allowed=f"up to {MAX_SIDE_PX:,} pixels a side and {MAX_PIXELS // 1_000_000} megapixels",
        next_step="scale it down; a face needs no more than a few hundred pixels",
    )


def _check_single(image: ImageFile.ImageFile, called: str) -> None:
    try:
        several = bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - a damaged second picture: the first one is what counts
        several = False
    if several:
        raise PictureError(
            "the file holds several pictures",
            got=f"{called}: an animation or a multi-page file",
            allowed="one still picture a file",
            next_step="save the one picture that is meant",
        )


def _orientation(image: ImageFile.ImageFile) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF is no reason to refuse good pixels
        return 1


def _rgb(image: Image.Image) -> Picture:
    if image.mode.startswith(("I", "F")):
        grey = _eight_bits(np.asarray(image).astype(np.float64), image.mode)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        paper.alpha_composite(layered)
        image = paper
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _eight_bits(grey: npt.NDArray[np.float64], mode: str) -> npt.NDArray[np.uint8]:
    """Scale grey values to 0..255.

    Sixteen bits are known by their mode. Of 32-bit integers and floating point nobody says where
    white is, so the largest value tells: a fraction, 8 bits, 16 bits, or itself.
    """
    if not bool(np.isfinite(grey).all()):
        raise ValueError("values that are not numbers")
    largest = float(grey.max())
    if mode.startswith("I;16"):
        white = 65_535.0
    elif mode == "F" and 0.0 < largest <= 1.0:
        white = 1.0
    elif largest <= 255.0:
        white = 255.0
    else:
        white = max(65_535.0, largest)
    return np.clip(np.rint(grey * (255.0 / white)), 0, 255).astype(np.uint8)


def _kind(error: BaseException) -> str:
    """What went wrong in Pillow's words, without paths and never long."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {text}"[:120] if text else type(error).__name__
