"""Resizing pictures and videos for the Qwen-VL families. Runs in a decoder process; no torch.

Pillow's bicubic filter with antialiasing, which is what the reference's processor on Pillow uses; torchvision's, which
the other one uses, differs by rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from ..frames import Clip, Prepared
from .geometry import target_size
from .video import Sampling


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> Prepared:
    """A picture of any mode as the model sees it, one part of one frame. Raises ValueError for extreme side ratios."""
    height, width = target_size(
        picture.height, picture.width, numbers["factor"], numbers["min_pixels"], numbers["max_pixels"]
    )
    coloured = picture if picture.mode == "RGB" else picture.convert("RGB")
    return Prepared([np.asarray(coloured.resize((width, height), Image.Resampling.BICUBIC))[None]])


def sampled(clip: Clip, numbers: dict[str, Any]) -> list[int]:
    """Which frames of a video the model sees."""
    return Sampling(**numbers).indices(clip)


def prepare_video(pictures: Iterable[Image.Image], count: int, clip: Clip, numbers: dict[str, Any]) -> Prepared:
    """`count` frames of a video as the model sees them, one part; each is resized as it comes. Raises ValueError for
    extreme side ratios."""
    height, width = Sampling(**numbers).size(count, clip.height, clip.width)
    frames = [np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)) for picture in pictures]
    return Prepared([np.stack(frames)])
