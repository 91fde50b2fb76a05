"""Decoding one picture. Runs in a decoder process, never in the HTTP front.

The rules: EXIF orientation is applied, transparency is flattened on white, 16-bit grey keeps its upper bits, animated
files give their first frame.
"""

from __future__ import annotations

import contextlib
import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image, ImageOps, UnidentifiedImageError

from .headers import stated_size
from .pieces import too_many, too_many_scans

Image.init()
# A decoder has one job and one core.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
FORMATS: list[str] = [name for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF") if name in Image.OPEN]
"""What is decoded, as far as this build of Pillow can. JPEG includes the MPO that many cameras write."""
BAND = 1 << 20
"""Values that are scaled at once, so that a large picture needs little memory beside its own."""

Fault = Literal["not_a_picture", "broken", "too_many_pixels", "too_narrow", "too_much_memory", "too_many_pieces"]


class PictureError(Exception):
    """The picture cannot be used. `width` and `height` are what its header says, where it could be read."""

    def __init__(self, fault: Fault, width: int = 0, height: int = 0) -> None:
        super().__init__(fault)
        self.fault: Fault = fault
        self.width = width
        self.height = height


def opened(data: bytes, max_pixels: int) -> Image.Image:
    """The picture with its header read and nothing decoded. Raises PictureError, also for a header of too large a
    picture."""
    Image.MAX_IMAGE_PIXELS = None
    check_pixels(stated_size(data) or (0, 0), max_pixels)
    if too_many(data):
        raise PictureError("too_many_pieces")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise PictureError("broken" if begins_like_a_picture(data) else "not_a_picture") from None
    except MemoryError:
        raise PictureError("too_much_memory") from None
    except Exception as error:
        # Decoders raise whatever they like on crafted bytes; to the client all of it means the same.
        raise PictureError("broken") from error
    check_pixels(picture.size, max_pixels)
    if picture.format in ("JPEG", "MPO") and too_many_scans(data, picture.width * picture.height, max_pixels):
        raise PictureError("too_many_pieces", picture.width, picture.height)
    return picture


def check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Raises PictureError for a size of more pixels."""
    if size[0] * size[1] > max_pixels:
        raise PictureError("too_many_pixels", *size)


def decode(data: bytes, max_pixels: int) -> Image.Image:
    """The picture as RGB, upright. Raises PictureError; the size is checked before a pixel is decoded."""
    picture = opened(data, max_pixels)
    try:
        picture.load()
        return flatten(ImageOps.exif_transpose(picture))
    except MemoryError:
        raise PictureError("too_much_memory", picture.width, picture.height) from None
    except Exception as error:
        raise PictureError("broken", picture.width, picture.height) from error


def begins_like_a_picture(data: bytes) -> bool:
    """Whether the first bytes are those of one of the formats."""
    accepts = [accept for name in FORMATS if (accept := Image.OPEN[name][1]) is not None]
    return any(accept(data[:16]) for accept in accepts)


def flatten(picture: Image.Image) -> Image.Image:
    """RGB of any mode; what is transparent becomes white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return eight_bits(picture).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def eight_bits(picture: Image.Image) -> Image.Image:
    """Grey of more than eight bits scaled to eight; what is within eight already stays."""
    values = np.asarray(picture)
    top = 65535 if picture.mode.startswith("I;16") or values.max(initial=0) > 255 else 255
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, BAND // max(1, values.shape[1]))
    for first in range(0, len(values), rows):
        grey[first : first + rows] = scaled(values[first : first + rows], top)
    return Image.fromarray(grey)


def scaled(values: NDArray[np.generic], top: int) -> NDArray[np.uint8]:
    """The values from 0 to `top` as 0 to 255; what is outside is cut off, what is no number is black."""
    shares = np.nan_to_num(values.astype(np.float64) / top * 255, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(shares, 0, 255).round().astype(np.uint8)


def rehearse() -> None:
    """Decode a small picture of every format: what Pillow imports late must be there before files are out of reach."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in FORMATS:
        stored = io.BytesIO()
        with contextlib.suppress(KeyError):
            Image.new("RGB", (16, 16)).save(stored, name, exif=exif)
            decode(stored.getvalue(), 256)
