"""Resizing pictures for the Qwen-VL families. Runs in a decoder process; no torch.

Pillow's bicubic filter with antialiasing, which is what the reference's slow processor uses; torchvision's, which the
fast one uses, differs by rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .geometry import target_size


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> NDArray[np.uint8]:
    """The picture as the model sees it: uint8 RGB [1, height, width, 3]. Raises ValueError for extreme side ratios."""
    height, width = target_size(
        picture.height, picture.width, numbers["factor"], numbers["min_pixels"], numbers["max_pixels"]
    )
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))[None]
