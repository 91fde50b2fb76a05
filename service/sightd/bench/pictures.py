"""Pictures to send: of random blocks, each of its own, so that no server can answer from a cache."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

BLOCK = 16


def picture(seed: int, width: int, height: int) -> str:
    """A JPEG as a data: URI; the same seed gives the same bytes."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (max(1, height // BLOCK), max(1, width // BLOCK), 3), dtype=np.uint8)
    stored = io.BytesIO()
    Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST).save(stored, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(stored.getvalue()).decode()}"
