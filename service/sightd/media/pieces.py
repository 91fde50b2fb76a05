"""How many pieces a picture's file is made of. A few hundred kilobytes of empty ones keep a decoder busy until its
deadline, so they are counted first: chunks of a PNG, segments and scans of a JPEG, strips of a TIFF."""

from __future__ import annotations

import struct

MOST_PIECES = 30_000
"""Chunks, segments or strips. Programs that write pictures make a few thousand at most."""
MOST_SCANS = 20
"""Times that a JPEG of the most pixels may be gone over; smaller ones more often. Programs write ten or so."""
STRIPS, TILES = 273, 324
"""TIFF's numbers of the tags that say where the pieces are."""


def too_many(data: bytes) -> bool:
    """Whether the file has more pieces than any honest one; a file that is cut off has those that are there."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return png_chunks(data) > MOST_PIECES
        if data[:3] == b"\xff\xd8\xff":
            return jpeg_segments(data) > MOST_PIECES
        if data[:2] in (b"II", b"MM"):
            return tiff_strips(data) > MOST_PIECES
    except struct.error:
        return False
    return False


def too_many_scans(data: bytes, pixels: int, max_pixels: int) -> bool:
    """Whether a JPEG of so many pixels has too many scans. Their mark never stands in coded pixels."""
    return data.count(b"\xff\xda") * pixels > MOST_SCANS * max_pixels


def png_chunks(data: bytes) -> int:
    """Chunks, counted no further than too many."""
    count, at = 0, 8
    while at < len(data) and count <= MOST_PIECES:
        at += 12 + struct.unpack_from(">I", data, at)[0]
        count += 1
    return count


def jpeg_segments(data: bytes) -> int:
    """Segments before the first scan, counted no further than too many."""
    count, at = 0, 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda" and count <= MOST_PIECES:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        count += 1
    return count


def tiff_strips(data: bytes) -> int:
    """Strips or tiles of the first picture. Raises struct.error for a file that ends before them."""
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(order + "H", data, 2)[0] == 43:
        start, number, entry = struct.unpack_from(order + "Q", data, 8)[0], "Q", "HHQ8x"
    else:
        start, number, entry = struct.unpack_from(order + "I", data, 4)[0], "H", "HHI4x"
    if start > len(data):
        return 0
    (entries,) = struct.unpack_from(order + number, data, start)
    at, size = start + struct.calcsize(order + number), struct.calcsize(order + entry)
    found = [struct.unpack_from(order + entry, data, at + size * index) for index in range(min(entries, 1 << 16))]
    return max((count for tag, _, count in found if tag in (STRIPS, TILES)), default=0)
