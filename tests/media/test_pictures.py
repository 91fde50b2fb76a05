"""Decoding: the right pixels for every kind of picture file."""

from __future__ import annotations

import functools
import gzip
import io
import struct
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sightd.media.headers import stated_size
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


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG with these packed rows; `colour` is PNG's number of the kind of pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [header, b"IDAT" + zlib.compress(rows), b"IEND"]
    packed = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_sixteen_bit_colour() -> None:
    """Colour and transparency of 16 bits keep their upper bits."""
    assert pixel(decode(png(1, 1, 16, 2, struct.pack(">BHHH", 0, 65535, 32896, 257)), 1), 0, 0) == (255, 128, 1)
    assert pixel(decode(png(1, 1, 16, 6, struct.pack(">BHHHH", 0, 65535, 0, 0, 0)), 1), 0, 0) == (255, 255, 255)
    assert pixel(decode(png(1, 1, 16, 4, struct.pack(">BHH", 0, 257, 65535)), 1), 0, 0) == (1, 1, 1)


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    """The file with its one mention of a size replaced."""
    assert data.count(old) >= 1
    return data.replace(old, new)


@functools.cache
def bombs() -> dict[str, bytes]:
    """Small files of every format that claim to be 16000 x 15999 pixels or more."""
    small = Image.new("RGB", (200, 199), "red")
    le, be = struct.Struct("<HH"), struct.Struct(">II")
    webp = bytearray(encoded(small, "WEBP", lossless=True))
    at = webp.index(b"VP8L") + 9
    webp[at : at + 4] = struct.pack("<I", (15999 | 15998 << 14) | struct.unpack_from("<I", webp, at)[0] & 0xF0000000)
    bmp = encoded(small, "BMP")
    return {
        "PNG": png(50_000, 50_000, 8, 2, bytes(1000)),
        "JPEG": patched(encoded(small, "JPEG"), struct.pack(">HH", 199, 200), struct.pack(">HH", 60_000, 60_000)),
        "GIF": patched(encoded(small, "GIF"), le.pack(200, 199), le.pack(65535, 65535)),
        "BMP": patched(bmp, struct.pack("<ii", 200, 199), struct.pack("<ii", 100_000, 100_000)),
        "WEBP": bytes(webp),
        "TIFF": encoded(Image.new("1", (30_000, 30_000)), "TIFF", compression="group4"),
        "AVIF": patched(encoded(small, "AVIF"), be.pack(200, 199), be.pack(60_000, 60_000)),
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_decompression_bombs(kind: str) -> None:
    """A file that claims to be huge is refused at once and with little memory, in every format."""
    data = bombs()[kind]
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(PictureError) as caught:
            decode(data, 7680 * 4320)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data) + 10**6
    finally:
        tracemalloc.stop()
    assert caught.value.fault == "too_many_pixels"


@pytest.mark.parametrize("how", [{"lossless": True}, {"lossless": False}, {"lossless": False, "exif": Image.Exif()}])
def test_sizes_that_webp_states(how: dict[str, Any]) -> None:
    """Each of WebP's three headers, and AVIF's, are read for what they say, also when they are cut off."""
    picture = Image.new("RGB", (301, 203), "red")
    if "exif" in how:
        how["exif"][0x0112] = 1
    for data in (encoded(picture, "WEBP", **how), encoded(picture, "AVIF")):
        assert stated_size(data) == (301, 203)
        assert stated_size(data[:18]) is None
    assert stated_size(encoded(picture)) is None


@pytest.mark.parametrize("kind", FORMATS)
def test_sizes_are_known_before_decoding(kind: str) -> None:
    """In every format a picture one pixel over the limit is refused with its size, and one at the limit is not."""
    data = encoded(Image.new("RGB", (40, 30)), kind)
    assert decode(data, 1200).size == (40, 30)
    with pytest.raises(PictureError) as caught:
        decode(data, 1199)
    assert (caught.value.fault, caught.value.width, caught.value.height) == ("too_many_pixels", 40, 30)


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (500, 19)])
def test_extreme_shapes(size: tuple[int, int]) -> None:
    """Pictures of one pixel, of one column and of one row decode to what they are."""
    for kind in FORMATS:
        assert decode(encoded(Image.new("RGB", size, "red"), kind), 10**6).size == size


def test_an_animation_of_very_many_frames() -> None:
    """The first of 100 000 frames is decoded; the others are not even looked at."""
    first, second = (encoded(Image.new("P", (16, 16), colour), "GIF") for colour in (1, 2))
    frame = second[second.index(b",") : -1]
    data = first[:-1] + frame * 100_000 + b";"
    began = time.process_time()
    assert decode(data, 1000).size == (16, 16)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SIMPLE  =                    T" + b" " * 3000,
        gzip.compress(bytes(10**6)),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        encoded(Image.new("RGB", (8, 8)), "PPM"),
        encoded(Image.new("RGB", (8, 8)), "ICO"),
        encoded(Image.new("RGB", (8, 8)), "TGA"),
    ],
    ids=["empty", "FITS", "gzip", "EPS", "SVG", "playlist", "JPEG 2000", "PPM", "ICO", "TGA"],
)
def test_formats_that_are_not_decoded(data: bytes) -> None:
    """What is not on the list of formats is no picture, whatever Pillow could make of it."""
    assert fault(data) == "not_a_picture"


def test_a_palette_with_partial_transparency() -> None:
    """A palette whose colours have an alpha each (tRNS) is mixed with white."""
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    picture = decode(encoded(palette, transparency=bytes([128, 0])), 100)
    assert pixel(picture, 0, 0) == (255, 127, 127)
    assert pixel(picture, 1, 0) == (255, 255, 255)


def test_a_transparent_colour() -> None:
    """The one transparent colour of an RGB or grey PNG (tRNS) becomes white, other colours stay."""
    colours = Image.new("RGB", (2, 1), (0, 0, 255))
    colours.putpixel((1, 0), (255, 0, 0))
    picture = decode(encoded(colours, transparency=(0, 0, 255)), 100)
    assert (pixel(picture, 0, 0), pixel(picture, 1, 0)) == ((255, 255, 255), (255, 0, 0))
    grey = decode(encoded(Image.new("L", (2, 1), 7), transparency=7), 100)
    assert pixel(grey, 0, 0) == (255, 255, 255)


def test_inverted_cmyk() -> None:
    """A CMYK JPEG as Adobe's programs write it comes out in its colours."""
    stored = encoded(Image.new("RGB", (16, 16), (0, 128, 0)).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(np.subtract(pixel(decode(stored, 1000), 8, 8), (0, 128, 0))).max() < 12


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_deep_grey(kind: str) -> None:
    """Deep grey is scaled by its range, in bands, and what is no number is black."""
    rows = np.linspace(0, 65535, 3000).astype(np.uint16)[:, None].repeat(700, 1)
    picture = decode(encoded(Image.fromarray(rows), kind), 10**7)
    assert [pixel(picture, 5, y)[0] for y in (0, 1500, 2999)] == [0, 128, 255]
    if kind == "TIFF":
        floats = np.array([[np.nan, -1, 0, 100, 255]], np.float32)
        assert np.asarray(decode(encoded(Image.fromarray(floats), kind), 10))[0, :, 0].tolist() == [0, 0, 0, 100, 255]


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


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiff(strips: int, order: str, big: bool) -> bytes:
    """The head of a TIFF of one row, in so many strips; a big one has numbers of eight bytes."""
    tags = [(256, 4, 1, 16), (257, 4, 1, 1), (273, 4, strips, 500), (279, 4, strips, 500)]
    head = {"<": b"II", ">": b"MM"}[order]
    if big:
        head += struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(tags))
        entries = [struct.pack(order + "HHQQ", *tag) for tag in tags]
    else:
        head += struct.pack(order + "HIH", 42, 8, len(tags))
        entries = [struct.pack(order + "HHII", *tag) for tag in tags]
    return head + b"".join(entries) + bytes(1000)


@functools.cache
def many_pieces() -> dict[str, bytes]:
    """Files of very many small pieces."""
    small, jpeg = encoded(Image.new("RGB", (8, 8))), encoded(noise(1, (64, 64)), "JPEG")
    progressive = encoded(noise(1, (2000, 2000)), "JPEG", progressive=True, quality=5)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    return {
        "PNG texts": small[:33] + chunk(b"tEXt", b"a\0b") * 40_000 + small[33:],
        "PNG empty data": small[:33] + chunk(b"IDAT") * 40_000 + small[33:],
        "JPEG comments": jpeg[:2] + b"\xff\xfe\0\2" * 40_000 + jpeg[2:],
        "JPEG scans": progressive[:-2] + last_scan * 500 + b"\xff\xd9",
    } | {f"TIFF {order}{big}": tiff(2_000_000, order, big) for order in "<>" for big in (False, True)}


@pytest.mark.parametrize("name", many_pieces())
def test_files_of_very_many_pieces(name: str) -> None:
    """A file of so many pieces that a decoder would need its whole time for them is refused before they are read."""
    with pytest.raises(PictureError) as caught:
        decode(many_pieces()[name], 7680 * 4320)
    assert caught.value.fault == "too_many_pieces"


def test_files_of_many_pieces() -> None:
    """What programs write is far from the limits: a PNG of small chunks, a progressive JPEG, a strip for each row."""
    rows = noise(3, (64, 4000))
    for data in (
        encoded(rows, "JPEG", progressive=True),
        encoded(rows, "TIFF", compression="tiff_lzw", tiffinfo={278: 1}),
    ):
        assert decode(data, 64 * 4000).size == (64, 4000)
    small = encoded(rows)
    pieces = b"".join(chunk(b"tEXt", b"a\0b") for _ in range(5000))
    assert decode(small[:33] + pieces + small[33:], 10**6).size == (64, 4000)
