"""Resizing and slicing pictures and videos. Runs in a decoder process; no torch.

Pillow's bicubic filter with antialiasing, as in the reference: torch's gives visibly other slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..frames import Prepared
from .geometry import Size, Slicing


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> Prepared:
    """A picture of any mode as the model sees it: the whole [1, height, width, 3], then its slices, if any
    [slices, height, width, 3]."""
    return prepare_frames([picture], numbers)


def prepare_frames(pictures: Sequence[Image.Image], numbers: dict[str, Any]) -> Prepared:
    """The frames of a video, all of one size, as the model sees them: the whole frames, then the slices of the first,
    of the second and so on."""
    slicing = Slicing.of(numbers)
    size = pictures[0].size
    grid = slicing.grid(*size)
    coloured = [picture.convert("RGB") for picture in pictures]
    parts = [np.stack([resized(picture, slicing.whole_size(*size)) for picture in coloured])]
    if grid != (0, 0):
        sheet = slicing.sheet_size(*size, grid)
        parts.append(np.concatenate([cells(resized(picture, sheet), grid) for picture in coloured]))
    return Prepared(parts, grid)


def resized(picture: Image.Image, size: Size) -> NDArray[np.uint8]:
    """The picture in another size, uint8 [height, width, 3]."""
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def cells(sheet: NDArray[np.uint8], grid: Size) -> NDArray[np.uint8]:
    """The cells of a sheet row by row, uint8 [cells, height, width, 3]."""
    columns, rows = grid
    height, width = sheet.shape[0] // rows, sheet.shape[1] // columns
    blocks = sheet.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    return blocks.reshape(rows * columns, height, width, 3)
