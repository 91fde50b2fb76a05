"""Videos to send, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import numpy as np
from PIL import Image

from .pictures import shape

COLOURS = ("red", "lime", "blue", "yellow", "magenta", "cyan", "black", "white")
RGB = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255), (0, 0, 0), (255, 255, 255))


def video(
    pictures: Sequence[Image.Image],
    rate: int = 4,
    codec: str = "mpeg4",
    container: str = "mp4",
    *,
    rotation: int = 0,
    live: bool = False,
    **options: str,
) -> bytes:
    """The pictures, all of one size, as a video file; `options` are the encoder's. `rotation` marks the video as to be
    turned so many degrees counterclockwise when it is shown; a `live` one (WebM, MKV) has no index and no duration."""
    stored = io.BytesIO()
    with av.open(stored, "w", format=container, options={"live": "1"} if live else {}) as file:
        stream = file.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.thread_count = 1
        if rotation:
            stream.set_display_rotation(rotation)
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture))))
        file.mux(stream.encode())
    return stored.getvalue()


def plain(count: int, size: tuple[int, int] = (96, 64)) -> list[Image.Image]:
    """So many frames, each of one colour, in turns."""
    return [Image.new("RGB", size, COLOURS[number % len(COLOURS)]) for number in range(count)]


def colour_number(picture: Image.Image) -> int:
    """Which of the colours a frame has, most of all."""
    mean = np.asarray(picture, np.float32).reshape(-1, 3).mean(0)
    return int(np.abs(np.array(RGB, np.float32) - mean).sum(1).argmin())


def circles(count: int = 8, colour: str = "red", size: tuple[int, int] = (160, 120), **how: str) -> bytes:
    """A video of a circle on white."""
    return video([shape("ellipse", colour, size)] * count, **how)
