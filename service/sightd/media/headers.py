"""The size that a WebP or AVIF file states. Their libraries take memory for all of a picture before they tell its size,
so that a bomb would look like a damaged file."""

from __future__ import annotations

import struct

WEBP_SIZES = {b"VP8X": (24, 0xFFFFFF, 24, 1), b"VP8L": (21, 0x3FFF, 14, 1), b"VP8 ": (26, 0x3FFF, 16, 0)}
"""By the kind of the first chunk: where the numbers stand, their bits, by how many they are apart, what is added."""


def stated_size(data: bytes) -> tuple[int, int] | None:
    """A picture's (width, height) in pixels, or None when it is of another format or has none."""
    try:
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return webp_size(data)
        if data[4:8] == b"ftyp" and (at := data.find(b"ispe", 0, 1 << 16)) > 0:
            width, height = struct.unpack_from(">II", data, at + 8)
            return width, height
    except struct.error:
        return None
    return None


def webp_size(data: bytes) -> tuple[int, int] | None:
    """A WebP file's (width, height) in pixels. Raises struct.error when it ends before them."""
    if (where := WEBP_SIZES.get(data[12:16])) is None:
        return None
    at, mask, apart, added = where
    numbers = int.from_bytes(struct.unpack_from("6s", data, at)[0], "little")
    return (numbers & mask) + added, (numbers >> apart & mask) + added
