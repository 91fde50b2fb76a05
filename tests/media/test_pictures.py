"""Decoding: the right pixels for every kind of picture file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from sightd.media.pictures import FORMATS, PictureError, decode

from ..pictures import encoded, noise, shape


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """One pixel's RGB."""
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


@pytest.mark.parametrize("kind", [name for name in FORMATS if name != "MPO"])
def test_formats(kind: str) -> None:
    """Every listed format decodes to RGB of its size."""
    picture = decode(encoded(shape("rectangle", "blue"), kind), 10**6)
    assert (picture.mode, picture.size) == ("RGB", (240, 180))
    assert np.abs(np.subtract(pixel(picture, 120, 90), (0, 0, 255))).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    """EXIF orientation is applied: the corner that belongs at the top left is there."""
    upright = Image.new("RGB", (64, 32), "white")
    upright.paste((255, 0, 0), (0, 0, 16, 16))
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    stored = upright if orientation == 1 else upright.transpose(getattr(Image.Transpose, turns[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(encoded(stored, "PNG", exif=exif), 10**6)
    assert picture.size == (64, 32)
    assert pixel(picture, 4, 4) == (255, 0, 0)
    assert pixel(picture, 60, 28) == (255, 255, 255)


def test_transparency_is_white() -> None:
    """What is transparent becomes white, in RGBA, grey with alpha and palettes alike."""
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 10, 20))
    palette = clear.convert("RGB").convert("P")
    index = palette.getpixel((15, 5))
    for data in (encoded(clear), encoded(clear, "WEBP", lossless=True), encoded(palette, "GIF", transparency=index)):
        picture = decode(data, 10**6)
        assert pixel(picture, 15, 5) == (255, 255, 255)
        assert pixel(picture, 5, 5) == (255, 0, 0)
    grey = Image.new("LA", (4, 4), (0, 0))
    assert pixel(decode(encoded(grey), 100), 1, 1) == (255, 255, 255)


def test_sixteen_bit_grey() -> None:
    """16-bit grey keeps its upper bits instead of being cut off."""
    ramp = Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0))
    picture = decode(encoded(ramp), 10**6)
    assert [pixel(picture, x, 0)[0] for x in (0, 64, 128, 255)] == [0, 64, 128, 255]


def test_cmyk_and_bilevel() -> None:
    """CMYK and black-and-white pictures come out in their colours."""
    cmyk = Image.new("RGB", (8, 8), (255, 0, 0)).convert("CMYK")
    assert pixel(decode(encoded(cmyk, "TIFF"), 100), 2, 2) == (255, 0, 0)
    assert pixel(decode(encoded(Image.new("1", (8, 8), 1)), 100), 2, 2) == (255, 255, 255)


def test_first_frame_of_an_animation() -> None:
    """An animated GIF gives its first frame."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(decode(data, 1000), 3, 3) == (255, 0, 0)


def test_size_is_checked_before_decoding() -> None:
    """A picture over the limit is refused by its header, with its size."""
    bomb = encoded(Image.new("1", (30000, 30000)))
    assert len(bomb) < 200_000
    with pytest.raises(PictureError) as caught:
        decode(bomb, 10**7)
    assert (caught.value.fault, caught.value.width, caught.value.height) == ("too_many_pixels", 30000, 30000)


def fault(data: bytes) -> str | None:
    """What is wrong with a file, if anything."""
    try:
        assert decode(data, 10**6).mode == "RGB"
    except PictureError as error:
        return error.fault
    return None


def test_every_cut_of_a_file() -> None:
    """A file cut anywhere is reported as damaged or as no picture; nothing else is raised."""
    for kind in FORMATS:
        data = encoded(noise(1, (64, 48)), "JPEG" if kind == "MPO" else kind)
        for cut in range(0, len(data) - 20, max(1, len(data) // 60)):
            assert fault(data[:cut]) in ("not_a_picture", "broken", None)


def test_files_with_changed_bytes() -> None:
    """A file with bytes changed at random decodes or is reported; nothing else is raised."""
    rng = np.random.default_rng(5)
    for kind in FORMATS:
        data = bytearray(encoded(noise(2, (48, 48)), "JPEG" if kind == "MPO" else kind))
        for _ in range(60):
            changed = bytearray(data)
            for at in rng.integers(0, len(data), 4):
                changed[at] = rng.integers(0, 256)
            assert fault(bytes(changed)) in ("not_a_picture", "broken", "too_many_pixels", None)


def test_a_grey_palette_keeps_its_colours() -> None:
    """A palette without transparency is looked up."""
    palette = shape("ellipse", "red").quantize(8)
    stored = io.BytesIO()
    palette.save(stored, "PNG")
    assert pixel(decode(stored.getvalue(), 10**6), 120, 90) == (255, 0, 0)
