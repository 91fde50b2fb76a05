"""Picture sizes and positions of the Qwen-VL families, as plain arithmetic.

Facts from the Qwen2-VL report (https://arxiv.org/abs/2409.12191): pictures keep their aspect ratio, sides are
multiples of patch x merge, and every token has three rotary positions (time, row, column).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Grid = tuple[int, int, int]
"""Patches of one picture or video: frames (after temporal merging), rows, columns."""


def target_size(height: int, width: int, factor: int, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """The (height, width) a picture is resized to: multiples of `factor`, area within the limits where possible.

    Raises ValueError for a side ratio over 200, as the reference processor does.
    """
    if max(height, width) > 200 * min(height, width):
        raise ValueError("the longer side is more than 200 times the shorter one")
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(factor, math.floor(height / shrink / factor) * factor)
        columns = max(factor, math.floor(width / shrink / factor) * factor)
    elif rows * columns < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows = math.ceil(height * grow / factor) * factor
        columns = math.ceil(width * grow / factor) * factor
    return rows, columns


def grid_positions(grid: Grid, merge: int, start: int, step: float = 1.0) -> NDArray[np.int64]:
    """Rotary positions of one picture's or video's tokens, int64 [3, tokens]; `step` is the time between frames,
    which the reference counts in float32."""
    frames, rows, columns = grid[0], grid[1] // merge, grid[2] // merge
    time = (np.arange(frames, dtype=np.float32) * np.float32(step)).astype(np.int64)
    t, h, w = np.meshgrid(time, np.arange(rows), np.arange(columns), indexing="ij")
    return np.stack([t, h, w]).reshape(3, -1) + start


def rotary_positions(
    length: int, spans: Sequence[tuple[int, Grid, float]], merge: int
) -> tuple[NDArray[np.int64], int]:
    """Rotary positions of a whole prompt of `length` tokens, int64 [3, length], and that of the next token.

    `spans` are (index of first token, grid, time step) in order. Text after a picture goes on at the longer of its
    sides; generated text goes on after the largest position of the prompt (both as transformers does it).
    """
    positions = np.empty((3, length), dtype=np.int64)
    at, following = 0, 0
    for first, grid, step in spans:
        positions[:, at:first] = np.arange(following, following + first - at)
        following += first - at
        block = grid_positions(grid, merge, following, step)
        at = first + block.shape[1]
        positions[:, first:at] = block
        following += max(grid[1], grid[2]) // merge
    positions[:, at:] = np.arange(following, following + length - at)
    return positions, int(positions.max()) + 1
