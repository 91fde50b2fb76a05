"""Pictures for a processor that prepares them itself: as they are, up to a limit. Runs in a decoder process; no
torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ..frames import Prepared


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> Prepared:
    """The picture in one part of one frame, made smaller where it has more than `most_pixels`."""
    most = numbers["most_pixels"]
    if picture.width * picture.height > most:
        share = (most / (picture.width * picture.height)) ** 0.5
        size = max(1, int(picture.width * share)), max(1, int(picture.height * share))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return Prepared([np.asarray(picture)[None]])
