"""Resizing pictures for the Qwen-VL families. Runs in a decoder process; no torch.

Pillow's bicubic filter with antialiasing, which is what the reference's slow processor uses; torchvision's, which the
fast one uses, differs by rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ..frames import Prepared
from .geometry import target_size


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> Prepared:
    """The picture as the model sees it, one part of one frame. Raises ValueError for extreme side ratios."""
    height, width = target_size(
        picture.height, picture.width, numbers["factor"], numbers["min_pixels"], numbers["max_pixels"]
    )
    return Prepared([np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))[None]])
