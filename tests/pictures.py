"""Pictures to send."""

from __future__ import annotations

import base64
import io

from PIL import Image, ImageDraw


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    stored = io.BytesIO()
    picture.save(stored, kind, **options)
    return stored.getvalue()


def shape(kind: str = "ellipse", colour: str = "red", size: tuple[int, int] = (240, 180)) -> Image.Image:
    """One filled shape ("ellipse" or "rectangle", as wide as high) on white."""
    picture = Image.new("RGB", size, "white")
    width, height = size
    half = min(size) // 3
    getattr(ImageDraw.Draw(picture), kind)(
        [width // 2 - half, height // 2 - half, width // 2 + half, height // 2 + half], fill=colour
    )
    return picture


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture of blocks in random colours, so that every part of it matters."""
    import numpy as np

    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (max(1, size[1] // 16), max(1, size[0] // 16), 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.NEAREST)


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """The file as a data: URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
