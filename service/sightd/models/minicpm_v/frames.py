"""Resizing and slicing pictures and videos. Runs in a decoder process; no torch.

Pillow's bicubic filter with antialiasing, as in the reference: torch's gives visibly other slices.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..frames import Clip, Prepared
from .geometry import Size, Slicing


def prepare(picture: Image.Image, numbers: dict[str, Any]) -> Prepared:
    """A picture of any mode as the model sees it: the whole [1, height, width, 3], then its slices, if any
    [slices, height, width, 3]."""
    return prepared([picture], picture.size, numbers)


def sampled(clip: Clip, numbers: dict[str, Any]) -> list[int]:
    """Which frames of a video the model sees: one for each interval, and of those, when they are too many, the ones in
    the middles of as many equal shares as there may be."""
    step = max(1, round(clip.rate / numbers["fps"]))
    every, most = range(0, clip.frames, step), numbers["max_frames"]
    if len(every) <= most:
        return list(every)
    share = len(every) / most
    return [every[int(number * share + share / 2)] for number in range(most)]


def prepare_video(pictures: Iterable[Image.Image], count: int, clip: Clip, numbers: dict[str, Any]) -> Prepared:
    """The frames of a video as the model sees them; each is resized as it comes."""
    return prepared(pictures, (clip.width, clip.height), numbers)


def prepared(pictures: Iterable[Image.Image], size: Size, numbers: dict[str, Any]) -> Prepared:
    """Pictures of one size (width, height): the whole ones, then the slices of the first, of the second and so on."""
    slicing = Slicing.of(numbers)
    grid = slicing.grid(*size)
    whole: list[NDArray[np.uint8]] = []
    slices: list[NDArray[np.uint8]] = []
    for picture in pictures:
        coloured = picture.convert("RGB")
        whole.append(resized(coloured, slicing.whole_size(*size)))
        if grid != (0, 0):
            slices.append(cells(resized(coloured, slicing.sheet_size(*size, grid)), grid))
    return Prepared([np.stack(whole), *([np.concatenate(slices)] if slices else [])], grid)


def resized(picture: Image.Image, size: Size) -> NDArray[np.uint8]:
    """The picture in another size, uint8 [height, width, 3]."""
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def cells(sheet: NDArray[np.uint8], grid: Size) -> NDArray[np.uint8]:
    """The cells of a sheet row by row, uint8 [cells, height, width, 3]."""
    columns, rows = grid
    height, width = sheet.shape[0] // rows, sheet.shape[1] // columns
    blocks = sheet.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    return blocks.reshape(rows * columns, height, width, 3)
